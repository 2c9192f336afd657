"""One agenda, several daemons: each occurrence is one's alone, whatever becomes of daemons, clocks and the server."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import psycopg
import pytest

from iai_daemon.agenda.planning import first, following
from iai_daemon.agenda.recall import CatchUp, Occurrence, Overlap, Planned, Policy, Recall, State, Status
from iai_daemon.agenda.schedule.triggers import Trigger, made_every
from iai_daemon.agenda.slot import SlotState
from iai_daemon.agenda.store.opening import OpenedAgenda
from iai_daemon.agenda.store.recalls import Decisions, Defer, Due, Filter, Outcome, Viewer
from iai_daemon.clock import Stopwatch, pause
from iai_daemon.errors import IaiError, RecallOver, SessionTaken, StoreBusy
from iai_daemon.storage.postgres.server import DEADLINE
from iai_daemon.units import format_stamp
from tests.agenda.hosts import LEASE, TICK, Host, live, share
from tests.agenda.plans import draft
from tests.fakes import LONG
from tests.faults.seeds import luck
from tests.neighbours.there import hosts as neighbours
from tests.neighbours.there import until, wrapper
from tests.stores.recalls import DONE, RUN
from tests.stores.slots import active, listed, waking
from tests.stores.test_agenda_model import expected

MANY = 10_000 if LONG else 1_000
ALL = Viewer("root", administrator=True)

MakeHost = Callable[..., Host]


@pytest.fixture
def address(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture
def make_host(address: str, tmp_path: Path) -> MakeHost:
    """Makes a host that shares the agenda of the test."""
    made: list[Host] = []

    def make(**options: object) -> Host:
        made.append(Host(tmp_path / f"host-{len(made)}", address, **options))  # type: ignore[arg-type]
        return made[-1]

    return make


@pytest.fixture
def kept(make_host: MakeHost) -> Iterator[OpenedAgenda]:
    """The agenda, as somebody at its command line has it."""
    with closing(make_host().open()) as opened:
        yield opened


def at(moment: int) -> Trigger:
    return Trigger("at", format_stamp(moment / 1000), "UTC", moment - 1)


def add(kept: OpenedAgenda, session: str = "s", *, in_ms: int = 0, **changes: object) -> Recall:
    """A recall that is due then, by the server's clock."""
    now = kept.store.clock(0)
    moment = now + in_ms
    return kept.store.add(draft(session, at(moment), **changes), Planned(moment, moment), now)


def occurrences(kept: OpenedAgenda, recall: Recall) -> list[Occurrence]:
    return list(kept.store.history(recall.id, 100))


def is_over(kept: OpenedAgenda, recall: Recall) -> Callable[[], bool]:
    return lambda: occurrences(kept, recall)[-1].settled_at is not None


def woken(*hosts: Host) -> list[str]:
    return [session for host in hosts for session in host.agents.woken]


# Daemons in processes of their own.


class Process:
    """A daemon that may be killed and stopped; see `hosts`."""

    def __init__(self, folder: Path, address: str, *options: str) -> None:
        argv = [sys.executable, "-m", "tests.agenda.hosts", str(folder), address, *options]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        assert self._process.stdout.readline() == "ready\n"

    def go(self) -> None:
        assert self._process.stdin
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def is_stopped(self) -> bool:
        state = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(") ")[2][0]
        return state == "T"

    def wait(self) -> list[str]:
        """What it has said at its end."""
        said, _ = self._process.communicate(timeout=300)
        return said.splitlines()

    @property
    def is_killed(self) -> bool:
        return self._process.wait(60) == -signal.SIGKILL

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


@pytest.fixture
def start(address: str, tmp_path: Path) -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def one(*options: str) -> Process:
        started.append(Process(tmp_path / f"process-{len(started)}", address, *options))
        return started[-1]

    yield one
    for process in started:
        process.end()


def eventually(holds: Callable[[], bool], seconds: float = 20.0) -> bool:
    watch = Stopwatch()
    while not holds() and watch.seconds() < seconds:
        pause(0.02)
    return holds()


# Sharing.


def plan_many(address: str) -> None:
    """So many recalls of as many sessions, all due."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SET search_path TO iai")
        connection.execute(
            "INSERT INTO sessions (id, registered_at) SELECT 's' || n, 1 FROM generate_series(1, %s) AS n",
            (MANY,),
        )
        connection.execute(
            """
            INSERT INTO recalls (
                session_id, agent, message, call_type, kind, expression, zone, anchor, owner, made_by, comment,
                overlap, jitter, retries, backoff, status, created_at, updated_at, catch_up
            )
            SELECT 's' || n, 'a', 'Look.', 'once', 'at', '2026-01-01T00:00:00Z', 'UTC', 1, 'me', 'user', '',
                'skip', 0, 0, 0, 'pending', 1, 1, 'all'
            FROM generate_series(1, %s) AS n
            """,
            (MANY,),
        )
        connection.execute(
            """
            INSERT INTO occurrences (recall, scheduled_for, state, next_try_at, seen_at)
            SELECT id, extract(epoch FROM now()) * 1000, 'planned', extract(epoch FROM now()) * 1000,
                extract(epoch FROM now()) * 1000
            FROM recalls
            """
        )
        connection.execute("ANALYZE")


def test_of_many_that_are_due_at_once_none_is_woken_twice_and_four_daemons_share_them(
    kept: OpenedAgenda,
    address: str,
    start: Callable[..., Process],
    record_property: Callable[[str, str], None],
) -> None:
    plan_many(address)
    processes = [start("--tick=3") for _ in range(4)]
    watch = Stopwatch()
    for process in processes:
        process.go()
    said = [process.wait() for process in processes]
    shares = [len(each) for each in said]
    record_property("seconds for so many", f"{watch.seconds():.1f} for {MANY}: {shares}")
    sessions = Counter(line for each in said for line in each)
    assert set(sessions) == {f"woken s{number}" for number in range(1, MANY + 1)}
    assert max(sessions.values()) == 1
    assert min(shares) > MANY / 16, "nobody is left without"
    assert Counter(each.state for each in kept.store.history(None, 2 * MANY)) == {State.DONE: MANY}
    assert {len(kept.store.runs(each.id)) for each in kept.store.history(None, 50)} == {1}


def test_clocks_that_differ_by_minutes_make_nothing_early_and_take_nobodys_lease(
    make_host: MakeHost, kept: OpenedAgenda
) -> None:
    hosts = [make_host(ahead=ahead, seconds=3 * LEASE) for ahead in (-300.0, 300.0, 4000.0)]
    recall = add(kept, in_ms=700)
    assert share(is_over(kept, recall), *hosts)
    (done,) = occurrences(kept, recall)
    assert (done.state, done.attempts) == (State.DONE, 1)
    assert woken(*hosts) == ["s"]
    assert done.started_at is not None
    assert 0 <= done.started_at - done.scheduled_for < 2000, "by the server's clock"


def test_a_session_that_is_at_work_elsewhere_is_not_woken_here(
    make_host: MakeHost, kept: OpenedAgenda
) -> None:
    one, other = make_host(seconds=60.0, tick=20.0), make_host()
    running = add(kept)
    assert share_until_woken(one)
    second = add(kept)
    assert share(lambda: bool(kept.store.deferrals(occurrences(kept, second)[0].id)), other)
    (put_off,) = kept.store.deferrals(occurrences(kept, second)[0].id)
    assert put_off.reason == f"its session is busy with recall {running.id}"
    assert woken(other) == []


def share_until_woken(host: Host) -> bool:
    """It wakes an agent and is gone, as after a loss of power: its agent is at work as far as the store knows."""

    async def life() -> bool:
        held = await live(lambda: bool(host.agents.woken), host)
        host.agenda._runs._ended = lambda _run, _ended: None
        await host.agenda.close()
        return held

    return asyncio.run(life())


def test_a_recall_that_is_at_work_elsewhere_is_skipped_where_its_policy_says_so(
    make_host: MakeHost, kept: OpenedAgenda
) -> None:
    one, other = make_host(seconds=60.0, tick=20.0), make_host()
    now = kept.store.clock(0)
    policy = Policy(overlap=Overlap.SKIP, catch_up=CatchUp.ALL)
    every = draft("s", made_every(1, "UTC", now - 500), policy=policy)
    recall = kept.store.add(every, first(every, now), now)
    assert share_until_woken(one)
    assert share(lambda: State.SKIPPED in {each.state for each in occurrences(kept, recall)}, other)
    skipped = next(each for each in occurrences(kept, recall) if each.state is State.SKIPPED)
    assert skipped.reason == "the run before it was still under way"
    assert woken(other) == []


def test_an_agent_that_is_not_known_here_is_left_for_whoever_knows_it(
    make_host: MakeHost, kept: OpenedAgenda
) -> None:
    stranger, friend = make_host(knows=("b",)), make_host()
    recall = add(kept, in_ms=-120_000)
    share(lambda: bool(list(stranger.agenda.degraded())), stranger)
    (told,) = stranger.agenda.degraded()
    assert told["why"].startswith("no daemon here knows agent a")
    (waiting,) = occurrences(kept, recall)
    assert (waiting.state, waiting.seen_at, waiting.deferrals) == (State.PLANNED, None, 0)
    assert kept.store.recall(recall.id).status is Status.PENDING
    assert share(is_over(kept, recall), friend)
    assert (woken(stranger), woken(friend)) == ([], ["s"])


def test_nobody_asks_again_and_again_for_what_is_in_others_hands(
    make_host: MakeHost, kept: OpenedAgenda
) -> None:
    host = make_host()
    recall = add(kept)
    host.agenda.look(host.clock.now())
    rests = []
    with kept.store.deciding(kept.store.clock(0), 5) as decisions:
        assert [each.recall.id for each in decisions.due] == [recall.id]
        now = host.clock.now()
        for _ in range(8):
            host.agenda.act({}, {}, now)
            rests.append(round(host.agenda.next_at - now.awake, 3))
            now = type(now)(now.wall, host.agenda.next_at, now.boot)
    assert rests == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0]
    other = make_host()
    assert share(is_over(kept, recall), other)
    assert woken(other) == ["s"], "what they have let go of"
    host.agenda._ledger.close()


# Daemons that are gone, for good or for a while.


def test_what_was_claimed_by_a_daemon_that_died_is_done_by_another(
    make_host: MakeHost, kept: OpenedAgenda, start: Callable[..., Process]
) -> None:
    recall = add(kept)
    dead = start(f"--halt-before-beginning={signal.SIGKILL:d}")
    dead.go()
    assert dead.is_killed
    assert occurrences(kept, recall)[0].state is State.CLAIMED
    host = make_host()
    assert share(is_over(kept, recall), host)
    assert ("occurrence left behind", State.CLAIMED) in [
        (event, fields.get("state")) for event, fields in host.said.lines
    ]
    assert (woken(host), occurrences(kept, recall)[0].state) == (["s"], State.DONE)


def test_what_ran_when_its_daemon_died_has_failed_and_is_not_repeated_anywhere(
    make_host: MakeHost, kept: OpenedAgenda, start: Callable[..., Process]
) -> None:
    recall = add(kept, policy=Policy(retries=5))
    dead = start(f"--halt-when-woken={signal.SIGKILL:d}")
    dead.go()
    assert dead.is_killed
    assert occurrences(kept, recall)[0].state is State.RUNNING
    hosts = [make_host(), make_host()]
    assert share(is_over(kept, recall), *hosts, and_then=3 * LEASE)
    (lost,) = occurrences(kept, recall)
    assert (lost.state, woken(*hosts)) == (State.FAILED, [])
    assert lost.reason is not None
    assert lost.reason.startswith("the daemon that ran it was not heard of any more")


def test_who_was_stopped_after_its_claim_and_comes_back_does_not_wake_what_another_has_woken(
    make_host: MakeHost, kept: OpenedAgenda, start: Callable[..., Process]
) -> None:
    recall = add(kept)
    stopped = start(f"--halt-before-beginning={signal.SIGSTOP:d}")
    stopped.go()
    assert eventually(stopped.is_stopped)
    host = make_host()
    assert share(is_over(kept, recall), host)
    stopped.send(signal.SIGCONT)
    assert stopped.wait() == [], "it has woken nothing"
    assert woken(host) == ["s"]
    assert [each.state for each in occurrences(kept, recall)] == [State.DONE]


def test_who_was_stopped_at_work_and_comes_back_ends_its_agent_and_settles_nothing(
    make_host: MakeHost, kept: OpenedAgenda, start: Callable[..., Process]
) -> None:
    recall = add(kept)
    stopped = start("--seconds=60", "--until-told", f"--halt-when-woken={signal.SIGSTOP:d}")
    stopped.go()
    assert eventually(stopped.is_stopped)
    host = make_host()
    assert share(is_over(kept, recall), host)
    assert woken(host) == []
    lost = occurrences(kept, recall)
    stopped.send(signal.SIGCONT)
    share(lambda: False, make_host(), seconds=4 * LEASE)
    said = stopped.wait()
    assert said == [
        "woken s",
        "given up: this daemon was not heard of for too long, and another one has given it up",
    ]
    assert occurrences(kept, recall) == lost
    assert lost[0].state is State.FAILED


# The server.


def test_what_ends_while_the_server_is_away_is_written_when_it_is_back(tmp_path: Path) -> None:
    postgres = pytest.importorskip("tests.postgres", reason="psycopg is not installed")
    with postgres.running(synchronous_commit="on", fsync="on") as server:
        host = Host(tmp_path / "host", server.dsn("postgres"), seconds=1.0)
        with closing(host.open()) as kept:
            recall = add(kept)

        async def life() -> Iterable[dict[str, str]]:
            assert await live(lambda: bool(host.agents.woken), host)
            server.crash()
            watch = Stopwatch()
            assert await live(lambda: not host.agenda.working, host), "its agent ends meanwhile"
            assert watch.seconds() < 3.0, "nobody waits for the server"
            degraded = list(host.agenda.degraded())
            server.start()
            assert await live(lambda: not list(host.agenda.degraded()), host)
            await host.agenda.close()
            return degraded

        (told,) = asyncio.run(life())
        assert told["what"] == "agenda"
        with closing(host.open()) as kept:
            (done,) = occurrences(kept, recall)
        assert (done.state, done.attempts, woken(host)) == (State.DONE, 1, ["s"])


def test_a_server_that_hangs_keeps_nobody_waiting_for_longer_than_its_deadline(tmp_path: Path) -> None:
    postgres = pytest.importorskip("tests.postgres", reason="psycopg is not installed")
    with postgres.running() as server:
        host = Host(tmp_path / "host", server.dsn("postgres"))
        with closing(host.open()) as kept:
            recall = add(kept, in_ms=1)
        host.agenda.look(host.clock.now())
        server.freeze()
        waits = []
        for _ in range(4):
            watch = Stopwatch()
            now = host.clock.now()
            host.agenda.look(now)
            host.agenda.act({}, {}, now)
            waits.append(watch.seconds())
        server.thaw()
        assert max(waits) < DEADLINE + 2.0
        assert sorted(waits)[1] < 0.1, "it is not tried again at once"
        assert share(lambda: bool(host.agents.woken), host)
        with closing(host.open()) as kept:
            assert len(kept.store.runs(occurrences(kept, recall)[0].id)) == 1


def test_other_settings_may_name_another_store_while_agents_are_at_work(
    make_host: MakeHost, new_database: Callable[[], str], tmp_path: Path
) -> None:
    host, elsewhere = make_host(seconds=1.0), Host(tmp_path / "elsewhere", new_database())
    with closing(host.open()) as before, closing(elsewhere.open()) as after:
        add(before)
        ours = add(after, "t")
        (occurrence,) = occurrences(after, ours)
        now = after.store.clock(0)
        assert after.store.claim(occurrence.id, "somebody", now + 60_000, None, now)
        assert after.store.begin(occurrence.id, "somebody", RUN, now) == 1

        async def life() -> None:
            assert await live(lambda: bool(host.agents.woken), host)
            await host.agenda.reload(elsewhere.settings)
            assert await live(lambda: not host.agenda.working, host)
            await live(lambda: False, host, seconds=LEASE)
            await host.agenda.close()

        asyncio.run(life())
        assert occurrences(after, ours)[0].state is State.RUNNING, "that of somebody else goes on"


# The store below them.


def test_whatever_several_do_at_once_in_the_same_sessions_every_recall_stands_as_it_should(
    make_host: MakeHost, kept: OpenedAgenda
) -> None:
    host, trouble = make_host(), []

    def work(holder: str) -> None:
        chance = luck(holder)
        with closing(host.open()) as mine:
            for _ in range(150):
                try:
                    one_step(mine, holder, chance)
                except (SessionTaken, RecallOver, StoreBusy):
                    continue
                except (IaiError, psycopg.Error) as error:
                    trouble.append(error)

    threads = [Thread(target=work, args=(name,)) for name in ("ann", "bob", "cid", "dan")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not trouble
    recalls = kept.store.recalls(ALL, Filter(limit=10_000))
    assert len(recalls) > 20
    pending = Counter(each.session_id for each in recalls if each.status is Status.PENDING)
    assert set(pending.values()) <= {1}
    assert {each.session_id for each in recalls if each.status is Status.WAITING} <= set(pending)
    for recall in recalls:
        found = kept.store.history(recall.id, 1000)
        assert recall.status in expected(recall, list(found)) | {Status.CANCELLED}
        for each in found:
            assert len(kept.store.runs(each.id)) == each.attempts + (each.state is State.RUNNING)
            assert len(kept.store.deferrals(each.id)) == each.deferrals


def one_step(mine: OpenedAgenda, holder: str, chance: random.Random) -> None:  # noqa: C901 -- small ones, side by side
    """Something that daemons and people do."""
    store, now = mine.store, mine.store.clock(0)

    def add_one() -> None:
        wanted = draft(chance.choice("xyz"), made_every(1, "UTC", now - 900))
        store.add(wanted, first(wanted, now - 1000), now)

    def claim() -> None:
        for due in store.due(now, 3):
            if store.claim(due.occurrence.id, holder, now + 5000, following(due.recall, now), now):
                store.begin(due.occurrence.id, holder, RUN, now)

    def end() -> None:
        for _, run in store.under_way():
            store.end(run.id, DONE, now)

    def cancel() -> None:
        for recall in store.recalls(ALL, Filter(live=True, limit=1)):
            store.cancel(recall.id, "enough", now)

    def close() -> None:
        for session in list(store.sessions())[:1]:
            store.close_session(session.id, now)

    def decide() -> None:
        with store.deciding(now, 3) as decisions:
            for due in decisions.due:
                decide_on(decisions, due, holder, chance.randrange(3), now)

    chance.choice(
        [
            *(add_one, add_one, claim, claim, decide, decide, end, cancel, close),
            lambda: store.see(now, now - 1000),
            lambda: store.recover(holder, "lost", now, alone=False),
        ]
    )()


def decide_on(decisions: Decisions, due: Due, holder: str, what: int, now: int) -> None:
    if what == 0:
        decisions.claim(due, holder, 50, following(due.recall, now))
    elif what == 1:
        decisions.cancel(due, "enough")
    else:
        decisions.change(Defer(due.occurrence.id, now + 1, "busy"))


def test_what_the_backend_is_told_by_one_daemon_is_told_by_no_other(kept: OpenedAgenda) -> None:
    slots, now = kept.slots, kept.store.clock(0)
    active(slots, "a", now)
    slots.pause("a", None, now)
    one, two = slots.outbox(5)
    assert slots.take_news("ann", 60.0) == slots.news("ann") == one
    assert slots.news("bob") is None, "nor what comes after it"
    assert slots.take_news("bob", 60.0) is None
    slots.undelivered(one.id, "away")
    again = slots.take_news("ann", 0.0)
    assert again is not None
    assert again.key == one.key
    assert eventually(lambda: slots.news("bob") is not None), "whoever took it is not heard of any more"
    told = slots.take_news("bob", 60.0)
    assert told is not None
    assert (told.id, told.status) == (one.id, SlotState.IN_PROGRESS)
    slots.delivered(one.id, now)
    assert slots.take_news("ann", 60.0) == two


def test_a_recall_waits_while_somebody_is_at_work_in_its_session_on_another_host(
    make_host: MakeHost, kept: OpenedAgenda, tmp_path: Path, address: str
) -> None:
    theirs, resembling = "0123456789-theirs", "0123456789-another"
    waits, runs = (add(kept, session) for session in (theirs, resembling))
    host = make_host(defer_when_busy=2 * TICK)

    async def run() -> None:
        async with neighbours(tmp_path, address, "mill", "quern") as (mill, quern):
            host.people = quern.presence
            mill.tell(wrapper("a", session=theirs, in_flight=1))
            await until(lambda: quern.seen() == {"a"})
            assert await live(lambda: is_over(kept, runs)() and len(put_off(kept, waits)) > 1, host)
            assert woken(host) == [resembling]
            (why,) = set(put_off(kept, waits))
            assert why.startswith("its session is at work in editor on ")
            assert why.endswith(":mill")
            mill.tell()
            assert await live(is_over(kept, waits), host)
            assert woken(host) == [resembling, theirs]
        await host.agenda.close()

    asyncio.run(run())


def put_off(kept: OpenedAgenda, recall: Recall) -> list[str]:
    """Why it was, each time."""
    (occurrence,) = occurrences(kept, recall)
    return [each.reason for each in kept.store.deferrals(occurrence.id)]


def test_of_daemons_that_see_the_same_slot_one_fires_it(make_host: MakeHost, kept: OpenedAgenda) -> None:
    now, fired = kept.store.clock(0), []
    for number in range(20):
        kept.slots.take(listed(f"slot-{number}"), now)
    hosts = [make_host() for _ in range(3)]

    def fire_all(host: Host) -> None:
        with closing(host.open()) as mine:
            for number in range(20):
                slot = f"slot-{number}"
                wanted = waking(slot, now=now)
                if mine.slots.fire(slot, wanted, first(wanted, now), now) is not None:
                    fired.append(slot)

    threads = [Thread(target=fire_all, args=(host,)) for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(fired) == sorted(f"slot-{number}" for number in range(20))
    assert len(kept.slots.outbox(100)) == 20


def test_what_an_agent_writes_may_hold_anything(kept: OpenedAgenda) -> None:
    recall = add(kept)
    (occurrence,) = occurrences(kept, recall)
    now = kept.store.clock(0)
    assert kept.store.claim(occurrence.id, "me", now + 1000, None, now)
    run = kept.store.begin(occurrence.id, "me", RUN, now)
    assert run is not None
    assert kept.store.end(run, Outcome(State.DONE, 0, "a\0b"), now)
    assert [each.output for each in kept.store.runs(occurrence.id)] == ["a\N{REPLACEMENT CHARACTER}b"]
