"""One whole session of each real client with a scripted model: it remembers, searches, ends, and the daemon knows the while."""

from __future__ import annotations

from iai_daemon.paths import Home
from tests.journeys.real import RunningDaemon, call_json
from tests.real_clients.homes import Client
from tests.real_clients.model import LAST_WORDS, in_turn, scripted_model
from tests.real_clients.servers import memory
from tests.real_clients.watching import watch

FACT = "The staging API answers on port 8081."

CONFIG = """
[presence]
settle_after = "60s"
[lifecycle]
tick = "2s"
idle_after = "2s"
absent_for = "100ms"
[consolidation]
enabled = false
"""


def test_a_session_remembers_and_searches_and_its_day_ends_with_it(client: Client, home: Home) -> None:
    client.add(memory(home))
    script = in_turn(
        (client.tool.format("remember"), {"content": FACT}),
        (client.tool.format("search_memory"), {"query": "staging port"}),
    )
    daemon = RunningDaemon(home, CONFIG)
    try:
        daemon.wait_state("BEDTIME")
        with scripted_model(script) as address:
            seen = watch(daemon, client.work(address, "Remember where staging is."))
        assert (seen.exit_status, LAST_WORDS in seen.said) == (0, True), seen.said
        assert seen.clients == [client.works_as], "one wrapper, which the daemon knows by its client"
        assert [bool(each) for each in seen.sessions] == [client.tells_session]
        daemon.wait_state("BEDTIME")
        day = [(each["to"], each["rule"]) for each in call_json(home, "history")["transitions"]]
        assert day[-3:] == [("WAKE", "active"), ("IDLE", "nobody"), ("BEDTIME", "absent")]
    finally:
        daemon.stop()
    (found,) = call_json(home, "memory", "search", "staging port")["results"]
    assert (found["content"], found["client"], found["origin"]) == (FACT, client.works_as, "agent")
