"""Notes that are told while the memory's server is away: kept in the home, and delivered once, in order, whatever happens meanwhile."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import psycopg
import pytest

from iai_daemon.clock import Stopwatch
from iai_daemon.errors import NotKept, StoreAway
from iai_daemon.memory.delivering import deliver
from iai_daemon.memory.drafts import from_object
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft, Record
from iai_daemon.memory.spool import Note, Spool, count, is_empty, new_note
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.fakes import LASTING
from tests.journeys.real import call, call_json, until
from tests.mcp_server.users import Server as Agent
from tests.postgres import Server, a_database, running

NOON = 1_795_262_400_000
AWAY = StoreAway(place="postgresql://me@host/memory", cause="it is gone")
ENGINES = ["sqlite", "postgresql"]
# Nothing that is answered at once takes longer, on a machine with much to do.
AT_ONCE = 2.0


def telling(content: str, at: int = NOON) -> Note:
    return new_note(Draft(content=content), at)


@pytest.fixture
def spool(home: Home) -> Spool:
    return Spool(home)


def waiting(spool: Spool) -> list[str]:
    return [each.note.draft.content for each in spool.waiting()]


# The spool alone.


def test_notes_wait_in_the_order_in_which_they_were_told_as_they_were_told(home: Home, spool: Spool) -> None:
    assert is_empty(home)
    whole = from_object(
        {
            "content": "The API is at :8081 — “really”.",
            "kind": "fact",
            "subject": "API",
            "attribute": "port",
            "scope": "/srv/shop",
            "tags": ["a", "b"],
            "source": "README",
            "session": "s",
            "expires_at": "2027-01-01T00:00:00Z",
            "client": "c",
            "origin": "tool",
        }
    )
    notes = [new_note(whole, NOON + 1), telling("told before it by the clock"), telling("and one more")]
    for note in notes:
        spool.keep(note, AWAY)
    assert [each.note for each in spool.waiting()] == notes
    assert (is_empty(home), count(home)) == (False, 3)
    assert {path.stat().st_mode & 0o777 for path in home.spool.glob("*.json")} == {0o600}
    assert home.spool.stat().st_mode & 0o777 == 0o700


def test_a_full_spool_takes_no_more_and_says_so(home: Home) -> None:
    spool = Spool(home, most_notes=2)
    spool.keep(telling("one"), AWAY)
    spool.keep(telling("two"), AWAY)
    with pytest.raises(NotKept) as refused:
        spool.keep(telling("three"), AWAY)
    assert "holds 2 notes that wait, and takes no more" in str(refused.value)
    assert "it is gone" in str(refused.value)
    with pytest.raises(NotKept, match="bytes"):
        Spool(home, most_bytes=500).keep(telling("x" * 500), AWAY)
    assert waiting(spool) == ["one", "two"]


def test_where_nothing_can_be_kept_that_is_said_with_why_the_server_is_away(home: Home, spool: Spool) -> None:
    home.spool.write_text("in the way")
    with pytest.raises(NotKept) as refused:
        spool.keep(telling("one"), AWAY)
    assert "no directory" in str(refused.value)
    assert "it is gone" in str(refused.value)


BAD = {
    "half": b'{"format": 1, "draft": {"content": "ha',
    "empty": b"",
    "no text": b"\xff\xfe",
    "a list": b"[]",
    "another format": b'{"format": 2, "draft": {"content": "x", "scope": "global"}}',
    "no content": b'{"format": 1, "draft": {"scope": "global"}}',
    "no draft": b'{"format": 1}',
    "an unknown field": b'{"format": 1, "draft": {"content": "x", "scope": "global", "colour": "red"}}',
    "a number for a text": b'{"format": 1, "draft": {"content": "x", "scope": "global", "kind": 1}}',
    "a time that is none": b'{"format": 1, "draft": {"content": "x", "scope": "global", "created_at": 1e300}}',
    "a character that is none": b'{"format": 1, "draft": {"content": "a\\u0000", "scope": "global"}}',
    "half a character": b'{"format": 1, "draft": {"content": "\\ud800", "scope": "global"}}',
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_what_is_no_note_is_set_aside_and_in_nobodys_way(home: Home, spool: Spool, data: bytes) -> None:
    spool.keep(telling("one"), AWAY)
    bad = home.spool / f"{0:010}-{'0' * 32}.json"
    bad.write_bytes(data)
    assert waiting(spool) == ["one"]
    assert (home.spool / "set-aside" / bad.name).read_bytes() == data
    bad.write_bytes(data)
    assert waiting(spool) == ["one"]
    assert [path.read_bytes() for path in (home.spool / "set-aside").iterdir()] == [data, data]


def test_what_others_put_there_is_set_aside_when_notes_are_delivered(
    home: Home, spool: Spool, stores: Stores
) -> None:
    spool.keep(telling("one"), AWAY)
    (home.spool / "letter.txt").write_text("not a note")
    (home.spool / ".0000000009-unfinished.json.123.tmp").write_text("half a no")
    (home.spool / f"{7:010}-{'1' * 32}.json").mkdir()
    assert deliver(stores, home) == 1
    assert {each.name for each in (home.spool / "set-aside").iterdir()} == {
        ".0000000009-unfinished.json.123.tmp",
        f"{7:010}-{'1' * 32}.json",
        "letter.txt",
    }


# Delivering, on both engines.


@pytest.fixture(params=ENGINES)
def stores(home: Home, request: pytest.FixtureRequest) -> Iterator[Stores]:
    if request.param == "postgresql":
        settle_at(home, request.getfixturevalue("new_database")())
    with closing(open_stores(home)) as stores:
        yield stores


def settle_at(home: Home, address: str) -> None:
    home.config.write_text(f'[memory]\nstore = "{address}"\n')
    home.config.chmod(0o600)


def kept(stores: Stores) -> list[str]:
    return [each.content for each in stores.memory.export()]


def test_what_waits_is_delivered_once_in_order_as_of_when_it_was_told(
    home: Home, spool: Spool, stores: Stores
) -> None:
    for number in range(5):
        spool.keep(telling(f"note {number}", NOON + number), AWAY)
    assert deliver(stores, home, within=60) == 5
    assert deliver(stores, home, within=60) == 0
    assert [(each.content, each.created_at, each.valid_from) for each in stores.memory.export()] == [
        (f"note {number}", NOON + number, NOON + number) for number in range(5)
    ]
    assert is_empty(home)


def test_a_note_that_is_delivered_again_is_there_once(home: Home, spool: Spool, stores: Stores) -> None:
    note = telling("one")
    first = stores.deliveries.add(note.name, note.draft, NOON)
    again = stores.deliveries.add(note.name, note.draft, NOON + 1000)
    assert again == first
    spool.keep(note, AWAY)
    assert deliver(stores, home) == 1
    assert kept(stores) == ["one"]


def test_a_note_that_was_purged_since_is_not_brought_back(home: Home, spool: Spool, stores: Stores) -> None:
    note = telling("one")
    record: Record = stores.deliveries.add(note.name, note.draft, NOON)
    stores.purge.purge(stores.purge.marks([record.id]), NOON)
    spool.keep(note, AWAY)
    assert deliver(stores, home) == 1
    assert (kept(stores), is_empty(home)) == ([], True)


def test_delivering_ends_after_its_time_and_goes_on_with_what_is_left(
    home: Home, spool: Spool, stores: Stores
) -> None:
    for number in range(3):
        spool.keep(telling(f"note {number}"), AWAY)
    assert [deliver(stores, home, within=0) for _ in range(4)] == [1, 1, 1, 0]
    assert kept(stores) == ["note 0", "note 1", "note 2"]


def test_names_are_let_go_of_after_a_month(stores: Stores) -> None:
    old = telling("old")
    stores.deliveries.add(old.name, old.draft, NOON)
    a_month_later = NOON + 31 * 24 * 3600 * 1000
    for number in range(99):
        note = telling(f"note {number}")
        stores.deliveries.add(note.name, note.draft, a_month_later)
    row = stores.database.execute("SELECT COUNT(*) AS n, MIN(at) AS first FROM delivered").fetchone()
    assert (row["n"], row["first"]) == (99, a_month_later)


def test_while_another_process_delivers_nobody_else_does(home: Home, spool: Spool, stores: Stores) -> None:
    spool.keep(telling("one"), AWAY)
    script = """
import sys
from pathlib import Path
from iai_daemon.memory.spool import Spool
from iai_daemon.paths import Home
with Spool(Home(Path(sys.argv[1]))).delivering() as ours:
    print(ours, flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script, str(home.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        assert deliver(stores, home) == 0
        other.kill()
        other.communicate()
    assert deliver(stores, home) == 1


# Real memory servers, and a real PostgreSQL.


@pytest.fixture(scope="module")
def breakable() -> Iterator[Server]:
    with running(fsync="on", synchronous_commit="on") as server:
        yield server


@pytest.fixture
def postgres(breakable: Server, home: Home) -> Iterator[Server]:
    """It may be frozen, stopped and crashed; the home's memory is in a database there."""
    LASTING.add(breakable.pid)
    with a_database(breakable.dsn("postgres"), "memory") as address:
        settle_at(home, address)
        open_stores(home).close()
        yield breakable
        breakable.thaw()
    LASTING.add(breakable.pid)


@pytest.fixture
def agents(home: Home) -> Iterator[Callable[[], Agent]]:
    with ExitStack() as leaving:

        def come() -> Agent:
            agent = Agent(home)
            leaving.callback(agent.leave)
            return agent

        yield come


def in_the_memory(home: Home) -> list[str]:
    with closing(open_stores(home)) as stores:
        return kept(stores)


def found(agent: Agent, query: str) -> set[str] | None:
    """What a search finds; None where the memory is away."""
    try:
        return {each["content"] for each in agent.call("search_memory", query=query)["results"]}
    except RuntimeError as error:
        if not re.fullmatch(r"The memory's server .* cannot be used now .*", str(error)):
            raise
        return None


@pytest.mark.parametrize("how", ["freeze", "stop", "crash"])
def test_what_is_told_while_the_server_is_away_waits_and_is_found_when_it_is_back(
    how: str, home: Home, postgres: Server, agents: Callable[[], Agent]
) -> None:
    agent = agents()
    assert agent.call("remember", content="Told before.")["id"] == 1
    getattr(postgres, how)()
    answers = [agent.call("remember", content=f"Told meanwhile, {number}.") for number in range(3)]
    for answer in answers:
        assert "id" not in answer
        assert re.fullmatch(r"[0-9a-f]{32}", answer["waits_as"])
        assert "Kept here, and delivered when the memory is back" in answer["said"]
        assert "cannot be used now" in answer["said"]
    assert found(agent, "told") is None
    if how == "freeze":
        postgres.thaw()
    else:
        postgres.start()
    everything = {"Told before.", *(f"Told meanwhile, {number}." for number in range(3))}
    until(lambda: found(agent, "told") == everything, 40)
    records = in_the_memory(home)
    assert records == ["Told before.", *(f"Told meanwhile, {number}." for number in range(3))]
    assert is_empty(home)


def test_a_frozen_server_costs_an_agent_one_deadline_and_then_nothing(
    postgres: Server, agents: Callable[[], Agent]
) -> None:
    agent = agents()
    agent.call("remember", content="Told before.")
    postgres.freeze()
    watch = Stopwatch()
    assert found(agent, "told") is None
    assert watch.seconds() < 5 + AT_ONCE
    calls: list[tuple[str, dict[str, object]]] = [
        ("search_memory", {"query": "x"}),
        ("memory_history", {"subject": "x"}),
        ("forget", {"id": 1}),
    ]
    for tool, arguments in calls:
        watch = Stopwatch()
        with pytest.raises(RuntimeError, match="cannot be used now"):
            agent.call(tool, **arguments)
        assert watch.seconds() < AT_ONCE
    watch = Stopwatch()
    assert "waits_as" in agent.call("remember", content="Told meanwhile.")
    assert watch.seconds() < AT_ONCE


def test_a_memory_server_starts_and_tells_its_tools_while_the_server_is_away(
    postgres: Server, home: Home, agents: Callable[[], Agent]
) -> None:
    postgres.freeze()
    agent = agents()
    assert {"remember", "search_memory"} <= {each["name"] for each in agent.ask("tools/list", {})["tools"]}
    # The server is asked now and not before: this is what waits for it.
    watch = Stopwatch()
    assert "waits_as" in agent.call("remember", content="Told meanwhile.")
    assert watch.seconds() > 4
    with pytest.raises(RuntimeError, match="cannot be used now"):
        agent.call("list_recalls")
    postgres.thaw()
    until(lambda: found(agent, "told") == {"Told meanwhile."}, 40)
    assert agent.call("list_recalls")["recalls"] == []


def test_secrets_are_taken_out_before_a_note_waits(
    postgres: Server, home: Home, agents: Callable[[], Agent]
) -> None:
    agent = agents()
    postgres.stop()
    answer = agent.call("remember", content="The password is hunter2-Zx81qK for staging.", subject="staging")
    assert answer["redacted"]
    assert "hunter2" not in json.dumps(answer)
    assert not [path for path in home.spool.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]
    postgres.start()


def test_a_bad_note_is_refused_and_not_kept_for_later(
    postgres: Server, home: Home, agents: Callable[[], Agent]
) -> None:
    agent = agents()
    postgres.stop()
    with pytest.raises(RuntimeError, match="content is missing"):
        agent.call("remember", content=" ")
    assert is_empty(home)
    postgres.start()


def test_a_note_whose_outcome_is_not_known_is_there_once(
    postgres: Server, home: Home, agents: Callable[[], Agent]
) -> None:
    agent = agents()
    agent.call("remember", content="Told before.")
    with psycopg.connect(home_address(home)) as connection:
        # The answer to the insertion of its name never comes; the server goes on with what it was told.
        connection.execute("LOCK TABLE iai.delivered IN ACCESS EXCLUSIVE MODE")
        answer = agent.call("remember", content="Told with an unknown outcome.")
    assert "waits_as" in answer
    until(lambda: found(agent, "told") == {"Told before.", "Told with an unknown outcome."}, 40)
    assert in_the_memory(home) == ["Told before.", "Told with an unknown outcome."]


def home_address(home: Home) -> str:
    (address,) = re.findall(r'"(postgresql://.*)"', home.config.read_text())
    return str(address)


def test_what_was_committed_without_an_answer_is_not_added_again(postgres: Server, home: Home) -> None:
    """The commit is done, and its answer is lost: as if the network had gone in that moment."""
    note = telling("Told once.")
    with closing(open_stores(home)) as stores:
        stores.deliveries.add(note.name, note.draft, NOON)
    Spool(home).keep(note, AWAY)
    with closing(open_stores(home)) as stores:
        assert deliver(stores, home) == 1
    assert in_the_memory(home) == ["Told once."]


def test_several_memory_servers_deliver_side_by_side_and_nothing_is_doubled_or_out_of_order(
    postgres: Server, home: Home, agents: Callable[[], Agent]
) -> None:
    postgres.stop()
    crowd = [agents() for _ in range(3)]

    def tell(name: int, begin: int, end: int) -> None:
        for number in range(begin, end):
            crowd[name].call("remember", content=f"agent {name} note {number:02}")

    together(lambda name: tell(name, 0, 8), len(crowd))
    assert count(home) == 24
    postgres.start()
    # The pause of each is over at another moment: some deliver while others still keep.
    together(lambda name: tell(name, 8, 16), len(crowd))

    def delivered() -> bool:
        crowd[0].call("daemon_status")
        return found(crowd[0], "agent") is not None and is_empty(home)

    until(delivered, 60)
    records = in_the_memory(home)
    assert len(records) == 48
    for name in range(len(crowd)):
        own = [each for each in records if each.startswith(f"agent {name} ")]
        assert own == [f"agent {name} note {number:02}" for number in range(16)]


def together(work: Callable[[int], None], times: int) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_memory_servers_that_are_killed_lose_no_note_that_they_said_is_kept(
    postgres: Server, home: Home
) -> None:
    postgres.stop()
    told: list[str] = []
    for turn in range(3):
        agent = Agent(home)
        killed = threading.Timer(0.1 * turn, agent._process.kill)
        try:
            for number in range(1000):
                if number == 2:
                    killed.start()
                content = f"turn {turn} note {number}"
                agent.call("remember", content=content)
                told.append(content)
        except (RuntimeError, BrokenPipeError):
            pass
        killed.join()
        agent._process.wait()
        for pipe in (agent._process.stdin, agent._process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()
    postgres.start()
    with closing(open_stores(home)) as stores:
        deliver(stores, home, within=60)
        records = kept(stores)
    assert len(told) >= 6
    assert [each for each in records if each in set(told)] == told
    assert len(records) == len(set(records)) <= len(told) + 3


def test_commands_keep_notes_for_later_and_deliver_them(postgres: Server, home: Home) -> None:
    postgres.stop()
    added = call(home, "memory", "add", "Told by hand, first.")
    assert (added.returncode, added.stderr) == (0, "")
    assert added.stdout.startswith("kept here as ")
    answer = call_json(home, "memory", "add", "Told by hand, second.")
    assert answer["id"] is None
    assert answer["waits_as"]
    searched = call(home, "memory", "search", "told")
    assert searched.returncode == 78
    assert "cannot be used now" in searched.stderr
    postgres.start()
    results = call_json(home, "memory", "search", "told by hand")["results"]
    assert {each["content"] for each in results} == {"Told by hand, first.", "Told by hand, second."}
    assert call_json(home, "memory", "add", "Told by hand, third.")["id"] == 3


def test_with_a_file_for_a_memory_nothing_of_postgresql_is_loaded_and_nothing_is_spooled(home: Home) -> None:
    script = """
import sys
from iai_daemon.mcp_server import server
from iai_daemon.mcp_server.opened import Opened
from iai_daemon.config import load
from iai_daemon.paths import Home
from pathlib import Path
home = Home(Path(sys.argv[1]))
with Opened(home, load(home).memory) as stores:
    stores.memory.memories()
    stores.close()
print([name for name in sys.modules if "psycopg" in name])
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(home.root)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
    assert not home.spool.exists()


def test_calls_at_once_wait_for_a_frozen_server_once_and_their_notes_stay_in_order(
    postgres: Server, home: Home, agents: Callable[[], Agent]
) -> None:
    agent = agents()
    postgres.freeze()
    watch = Stopwatch()
    for number in range(1, 6):
        told = {"name": "remember", "arguments": {"content": f"note {number}"}}
        agent._send({"id": 100 + number, "method": "tools/call", "params": told})
    assert agent._process.stdout is not None
    answers = [json.loads(agent._process.stdout.readline()) for _ in range(5)]
    # Two waits would be ten seconds.
    assert watch.seconds() < 9
    assert all("waits_as" in each["result"]["structuredContent"] for each in answers)
    postgres.thaw()
    assert waiting(Spool(home)) == [f"note {number}" for number in range(1, 6)]


def test_a_note_of_a_whole_path_survives_a_home_with_any_name(tmp_path: Path) -> None:
    home = Home(tmp_path / "höme with space")
    home.create()
    spool = Spool(home)
    spool.keep(telling("one"), AWAY)
    assert waiting(spool) == ["one"]
