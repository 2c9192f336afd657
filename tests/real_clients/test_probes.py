"""Each real client is told of our server by its own command, looks whether it answers, and the daemon sees it meanwhile."""

from __future__ import annotations

import psutil
import pytest

from iai_daemon.paths import Home
from tests.journeys.real import RunningDaemon, call_json, until
from tests.real_clients.homes import Client, Codex, Gemini
from tests.real_clients.model import in_turn, scripted_model
from tests.real_clients.servers import memory
from tests.real_clients.watching import follow, watch

# A probe may take long on a busy machine, and must not settle for that.
CONFIG = """
[presence]
settle_after = "60s"
[lifecycle]
tick = "2s"
absent_for = "100ms"
[consolidation]
enabled = false
"""


def test_a_client_that_looks_whether_the_server_answers_is_seen_and_wakes_nobody(
    client: Client, home: Home
) -> None:
    client.add(memory(home))
    daemon = RunningDaemon(home, CONFIG)
    try:
        daemon.wait_state("BEDTIME")
        asleep = call_json(home, "history")["transitions"]
        with scripted_model(in_turn()) as address:
            seen = watch(daemon, client.probe(address))
        assert client.has_seen_it_answer(seen.said), seen.said
        assert seen.clients == [client.probes_as]
        assert [each["status"] for each in seen.presence if each["client"] == client.probes_as] == ["FRESH"]
        assert call_json(home, "history")["transitions"] == asleep
    finally:
        daemon.stop()


@pytest.mark.parametrize("client", [Codex], indirect=True, ids=["codex"])
def test_a_client_that_kills_its_servers_while_they_start_leaves_nobody_behind(
    client: Codex, home: Home
) -> None:
    """Codex does not wait for servers, and when it ends it kills those that have not answered yet."""
    client.waits_for_servers = False
    client.add(memory(home))
    daemon = RunningDaemon(home, CONFIG)
    try:
        with scripted_model(in_turn()) as address:
            seen = follow(home, client.probe(address))
        assert client.has_seen_it_answer(seen.said), seen.said
        assert len(seen.beats) <= 1, "each server is started once"
        # The server hears of it once it has started.
        until(lambda: not any(map(psutil.pid_exists, seen.pids)))
        until(lambda: daemon.status()["presence"]["fresh"] == 0)
    finally:
        daemon.stop()


@pytest.mark.parametrize("client", [Codex, Gemini], indirect=True, ids=["codex", "gemini"])
def test_a_list_alone_starts_no_server(client: Client, home: Home) -> None:
    """Codex only reads its file; Gemini starts nothing in a folder that its user has not called trusted."""
    client.add(memory(home))
    seen = follow(home, client.start("mcp", "list", GEMINI_CLI_TRUST_WORKSPACE=""))
    assert "memory" in seen.said
    assert not client.has_seen_it_answer(seen.said), seen.said
    assert not seen.beats
