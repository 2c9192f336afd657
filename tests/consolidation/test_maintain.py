"""The pass that looks after the store itself: once a day, when nobody uses it, and only when something has changed."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import structlog

from iai_daemon.__main__ import main
from iai_daemon.clock import Stopwatch
from iai_daemon.config import Lifecycle, Settings
from iai_daemon.consolidation import passes
from iai_daemon.consolidation.night import Job, Night
from iai_daemon.consolidation.passes.maintain import Maintain
from iai_daemon.consolidation.report import PassReport, Report
from iai_daemon.lifecycle.decide import Allowed, Standing
from iai_daemon.lifecycle.states import State
from iai_daemon.memory.nights import NightStore
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.store import Query
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from iai_daemon.shift import Shift
from iai_daemon.storage.sqlite_database import SqliteDatabase
from tests.consolidation.evening import NOW, NOWHERE, a_day, export, night, remember, work_in_a_process
from tests.fakes import LONG, NOON, FakeClock
from tests.faults.seeds import luck

DAY = 86_400.0
ONLY = [Maintain()]
NEVER_HALTED = lambda: True  # noqa: E731


def maintained(report: Report) -> PassReport:
    """What is told of the pass in the first round."""
    return next(each for each in report.passes if each.name == "maintain")


def make_room(home: Home, megabytes: int) -> None:
    """Fill the store and empty it again, so that so much of its file is free."""
    with closing(sqlite3.connect(home.memory, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE filler (data BLOB)")
        connection.execute("BEGIN")
        for _ in range(megabytes):
            connection.execute("INSERT INTO filler VALUES (randomblob(1000000))")
        connection.execute("COMMIT")
        connection.execute("DROP TABLE filler")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def assert_sound(home: Home) -> None:
    with closing(sqlite3.connect(home.memory)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_it_says_what_it_did_and_changes_nothing_that_anybody_stored(stores: Stores, home: Home) -> None:
    a_day(stores, 60)
    night(stores)
    before = export(stores)
    remember(stores, "one more")
    log = home.memory.with_name("memory.db-wal")
    full = log.stat().st_size
    report = night(stores, chosen=ONLY, clock=FakeClock(NOON + 2 * DAY))
    told = maintained(report)
    assert (report.outcome, told.status, told.changed) == ("completed", "done", 0)
    assert told.said == (
        "index of words merged; statistics renewed; found sound before and after; log emptied"
    )
    assert export(stores).startswith(before)
    assert not stores.nights.journal(night=report.id)
    assert log.stat().st_size < full, "it holds what was written since"
    with closing(sqlite3.connect(home.memory)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM sqlite_stat1").fetchone()[0] > 0


def test_once_a_day_is_enough_and_only_when_something_has_changed(stores: Stores) -> None:
    time = FakeClock()
    assert night(stores, chosen=ONLY, clock=time).outcome == "nothing_to_do"
    remember(stores, "one")
    assert night(stores, chosen=ONLY, clock=time).outcome == "completed"
    remember(stores, "two")
    time.advance(DAY - 1)
    assert night(stores, chosen=ONLY, clock=time).outcome == "nothing_to_do"
    assert night(stores, chosen=ONLY, clock=time, asked=True).outcome == "nothing_to_do"
    time.advance(1)
    assert night(stores, chosen=ONLY, clock=time).outcome == "completed"
    time.advance(10 * DAY)
    assert night(stores, chosen=ONLY, clock=time).outcome == "nothing_to_do"


def test_in_a_night_that_others_cause_it_does_not_come_earlier(stores: Stores) -> None:
    remember(stores, "one")
    assert maintained(night(stores)).said
    remember(stores, "two")
    again = maintained(night(stores))
    assert (again.said, again.examined, again.status) == ("", 0, "done")


def test_a_night_makes_no_work_for_it(stores: Stores) -> None:
    """What nights change and store is no reason to look after the store: the next day is as quiet as the night left it."""
    a_day(stores, 60)
    time = FakeClock()
    night(stores, clock=time)
    time.advance(2 * DAY)
    assert night(stores, clock=time).outcome == "nothing_to_do"


def test_a_clock_that_was_set_back_does_not_keep_it_away(stores: Stores) -> None:
    remember(stores, "one")
    night(stores, chosen=ONLY, clock=FakeClock(NOON + 300 * DAY))
    remember(stores, "two")
    assert night(stores, chosen=ONLY).outcome == "completed"


def test_a_store_in_which_nothing_is_due_is_asked_with_one_query_and_not_touched(
    stores: Stores, home: Home
) -> None:
    remember(stores, "one")
    night(stores)
    remember(stores, "two")
    passes_but_it = [
        each for each in passes.chosen(Settings(), NOWHERE, alone=True) if each.name != "maintain"
    ]
    night(stores, chosen=passes_but_it)
    said: list[str] = []
    with closing(sqlite3.connect(home.memory, isolation_level=None)) as watching:
        version = watching.execute("PRAGMA data_version").fetchone()
        _connection(stores).set_trace_callback(said.append)
        assert night(stores, clock=FakeClock(NOON + 3600)).outcome == "nothing_to_do"
        assert len(said) == 1
        assert watching.execute("PRAGMA data_version").fetchone() == version


def test_it_needs_the_store_alone(stores: Stores) -> None:
    assert "maintain" not in {each.name for each in passes.chosen(Settings(), NOWHERE, alone=False)}
    assert passes.chosen(Settings(), NOWHERE, alone=True)[-1].name == "maintain", (
        "it looks after what the others leave"
    )


def test_what_only_it_would_do_starts_no_night_as_long_as_somebody_is_there(home: Home) -> None:
    """Or a nap would start again and again, and find nothing that it may do."""

    async def evening() -> None:
        clock = FakeClock()
        with closing(open_stores(home)) as stores:
            remember(stores, "one")
            others = passes.chosen(Settings(), NOWHERE, alone=False)
            night(stores, chosen=others)
        settings = Settings(lifecycle=Lifecycle(idle_after=0.1))
        shift = Shift(home, settings, clock, lambda: None, structlog.get_logger())
        try:
            shift.look(clock.now())
            clock.advance(60 * 3600)
            shift.look(clock.now())
            for state in (State.IDLE, State.BEDTIME):
                standing = Standing(state, since=clock.awake - 10_000, last_active=clock.awake - 10_000)
                shift.act(Allowed.SHARED, standing, clock.now())
                assert shift.describe()["running"] is False
            assert not shift.overdue(clock.now()).now
            shift.act(Allowed.ALL, standing, clock.now())
            assert shift.describe()["running"] is True
        finally:
            await shift.close()

    asyncio.run(evening())


def test_empty_pages_are_given_back_when_that_pays(stores: Stores, home: Home) -> None:
    a_day(stores, 30)
    make_room(home, 5)
    full = home.memory.stat().st_size
    before = export(stores)
    told = maintained(night(stores))
    assert "MB given back" in told.said
    assert home.memory.stat().st_size < full - 4_500_000
    assert len(export(stores).splitlines()) == len(before.splitlines())
    assert_sound(home)


def test_a_few_empty_pages_are_left_for_what_comes(stores: Stores, home: Home) -> None:
    a_day(stores, 30)
    make_room(home, 3)
    assert "given back" not in maintained(night(stores)).said
    assert home.memory.stat().st_size > 3_000_000


@pytest.mark.parametrize(
    "share", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, *((n / 100 for n in range(100)) if LONG else ())]
)
def test_it_stops_wherever_it_is_told_to_and_begins_anew_the_next_time(
    stores: Stores, home: Home, share: float
) -> None:
    """Also in the middle of a statement that goes through the whole store."""
    a_day(stores, 3000)
    make_room(home, 10)
    asked = _Asked(2**31)
    assert stores.nights.maintain(0, asked)
    make_room(home, 10)
    told = _Asked(int(asked.times * share))
    assert stores.nights.maintain(NOW, told) is None
    assert told.since is not None
    assert told.since.seconds() < 0.5
    assert stores.nights.maintained_at() == 0
    assert_sound(home)
    assert "found sound" in maintained(night(stores, chosen=ONLY)).said
    assert home.memory.stat().st_size < 10_000_000, (
        "the empty pages were given back the first time or the second"
    )


class _Asked:
    """Answers so many questions whether to go on with yes, and every other one with no."""

    def __init__(self, yes: int) -> None:
        self._yes = yes
        self.times = 0
        self.since: Stopwatch | None = None

    def __call__(self) -> bool:
        self.times += 1
        if self.times > self._yes and self.since is None:
            self.since = Stopwatch()
        return self.since is None


def test_a_user_who_comes_back_waits_no_second_for_it(stores: Stores, home: Home) -> None:
    """A real worker, asked at moments spread over its work."""
    with closing(sqlite3.connect(home.memory, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        for _ in range(60 if LONG else 30):
            connection.execute("INSERT INTO facts VALUES (hex(randomblob(20)), hex(randomblob(500000)))")
        connection.execute("COMMIT")
    moments = luck("maintain")
    ended = []
    for number in range(60 if LONG else 5):
        remember(stores, f"note {number}")
        make_room(home, 60 if LONG else 30)
        stores.nights.hinder("maintain", None)
        _forget_the_last_time(home)
        ended.append(asyncio.run(_asked_after(home, number and moments.uniform(0.0, 0.3))))
        assert_sound(home)
    assert all(seconds < 1.0 for _, seconds in ended), ended
    assert "yielded" in {outcome for outcome, _ in ended} <= {"yielded", "completed", "killed"}


def _forget_the_last_time(home: Home) -> None:
    with closing(sqlite3.connect(home.memory)) as connection, connection:
        connection.execute("DELETE FROM facts WHERE name = 'maintained_at'")


async def _asked_after(home: Home, seconds: float) -> tuple[str, float]:
    """How a night of this pass ended that was asked to yield so long after the pass began, and how long that took."""
    loop = asyncio.get_running_loop()
    running = Night(Job(home.root, "night", "absent", alone=True, passes=["maintain"]), 1.0)

    def heard(event: object) -> None:
        if isinstance(event, dict) and event["event"] == "pass":
            loop.call_later(seconds, running.request_yield, "WAKE")

    report = await running.run(heard)
    return "killed" if report is None else str(report["outcome"]), running.yield_seconds or 0.0


def test_a_damaged_store_is_told_with_the_backup_that_mends_it(stores: Stores, home: Home) -> None:
    a_day(stores, 3000)
    night(
        stores,
        prepare=lambda: stores.nights.back_up(home.backups / "memory-20261121T120000Z.db", NEVER_HALTED),
    )
    stores.close()
    _overwrite_pages(home.memory)
    with closing(open_stores(home)) as again:
        remember(again, "one more")
        before = home.memory.read_bytes()[8192:]
        report = night(again, chosen=ONLY, clock=FakeClock(NOON + 2 * DAY))
        assert report.outcome == "failed"
        assert report.reason is not None
        assert "is damaged" in report.reason
        assert "`iai-daemon store restore memory-20261121T120000Z.db`" in report.reason
        assert again.nights.maintained_at() == NOW, "it is looked at again the next night"
        assert home.memory.read_bytes()[8192:] == before


def _overwrite_pages(path: Path) -> None:
    """Pages that hold vectors, which neither opening the store nor a night's other work looks at."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'vectors'").fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xa5" * 4096)


def test_an_index_of_words_that_does_not_fit_the_memories_is_made_anew(stores: Stores) -> None:
    record = remember(stores, "the wombat digs")
    _connection(stores).execute(
        "INSERT INTO words (words, rowid, content) VALUES ('delete', ?, 'the wombat digs')", (record.id,)
    )
    assert not stores.memory.search(Query("wombat"), NOW)
    assert "made anew" in maintained(night(stores, chosen=ONLY)).said
    assert [hit.record.id for hit in stores.memory.search(Query("wombat"), NOW)] == [record.id]


def test_what_it_did_stands_in_the_report_for_people(
    stores: Stores, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    remember(stores, "one")
    night(stores)
    assert main(["--home", str(home.root), "nights", "show", "1"]) == 0
    (told,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("  maintain"))
    assert told.endswith("found sound before and after; log emptied")


def test_a_worker_that_has_the_store_alone_looks_after_it_and_others_do_not(
    stores: Stores, home: Home
) -> None:
    remember(stores, "one")
    shared = work_in_a_process(home, passes=["expire", "maintain"])
    assert shared is not None
    assert "maintain" not in {each["name"] for each in shared["passes"]}
    alone = work_in_a_process(home, alone=True, passes=["expire", "maintain"])
    assert alone is not None
    assert [each["said"] != "" for each in alone["passes"]] == [False, True]
    assert _is_maintained(stores.nights)


def _connection(stores: Stores) -> sqlite3.Connection:
    assert isinstance(stores.database, SqliteDatabase)
    return stores.database.connection


def _is_maintained(store: NightStore) -> bool:
    return store.maintained_at() is not None and store.cursor("maintain") == store.newest_change()
