"""Giving way: within a second from wherever a night is, be it in a computation, a copy, or a wait for another process."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

import pytest

from iai_daemon.clock import pause
from iai_daemon.consolidation.night import Event, Night
from iai_daemon.consolidation.runner import Halt
from iai_daemon.errors import NightFailed
from iai_daemon.flock import is_held
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.memory.store import Hit, Query
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.consolidation.evening import NOW, a_day, night, remember
from tests.consolidation.own_worker import program
from tests.consolidation.passes_for_tests import joining
from tests.consolidation.working import BACK, Worked, whole_or_untouched, work
from tests.fakes import LONG, NOON
from tests.faults.seeds import luck
from tests.journeys.real import until

Heard = Callable[[Night, Event], None]
TRIES = 100 if LONG else 4


def on(name: str, then: Callable[[Night], None], *, number: int = 1) -> Heard:
    """Does it when an event of this name has come so often."""
    seen: list[Event] = []

    def heard(night: Night, event: Event) -> None:
        if event["event"] == name:
            seen.append(event)
            if len(seen) == number:
                then(night)

    return heard


def come_back(night: Night) -> None:
    night.request_yield(BACK)


def within_a_second(worked: Worked) -> float:
    """How long it took; the worker has told its report itself."""
    assert worked.report is not None, worked.said
    assert (worked.report["outcome"], worked.report["reason"]) == ("yielded", BACK)
    assert worked.night.yield_seconds is not None
    assert worked.night.yield_seconds <= 1.0
    return worked.night.yield_seconds


@contextmanager
def writing(home: Home) -> Iterator[sqlite3.Connection]:
    """A user's transaction that goes on for long."""
    with closing(sqlite3.connect(home.memory, isolation_level=None, timeout=10.0)) as user:
        user.execute("BEGIN IMMEDIATE")
        yield user


def test_a_night_gives_way_in_the_middle_of_the_longest_computation(stores: Stores, home: Home) -> None:
    a_day(stores, 60)
    begun, moments, took = home.root / "begun", luck("tiles"), []

    def in_the_middle(night: Night) -> None:
        until(begun.exists)
        begun.unlink()
        pause(moments.uniform(0, 0.05))
        come_back(night)

    for number in range(1, TRIES + 1):
        worked = work(home, program("tiles", begun), on("pass", in_the_middle), asked=True)
        took.append(within_a_second(worked))
        assert worked.report is not None
        assert worked.report["stopped"] == {"pass": "tiles", "round": 1, "done": 0, "total": 60}
        assert stores.nights.hindrances()["tiles"].deferrals == number
    assert statistics.median(took) <= 0.25
    whole_or_untouched(home)


def add_owls(stores: Stores, records: int) -> None:
    """The longest notes that there may be: half of them past their time, half of them facts that replace one another."""
    drafts = [
        Draft(
            f"{number} " + "🦉" * 65_000,
            subject=f"owl {number % 10}" if number % 2 else None,
            attribute="cry",
            created_at=NOON - 3600 + number,
            expires_at=None if number % 2 else NOON - 60,
        )
        for number in range(records)
    ]
    stores.memory.import_many(drafts, NOW)


def test_a_night_gives_way_at_any_moment_of_passes_over_the_longest_notes(stores: Stores, home: Home) -> None:
    moments, took = luck("owls"), []
    for _ in range(2 * TRIES):
        if len(took) < TRIES and not unfinished(stores):
            add_owls(stores, 24)
        worked = work(home, heard=on("progress", come_back, number=moments.randint(1, 4)), yield_within=1.0)
        whole_or_untouched(home)
        if worked.night.yield_seconds is not None:
            took.append(worked.night.yield_seconds)
    assert len(took) >= TRIES / 2
    assert max(took) <= 1.0
    assert statistics.median(took) <= 0.25


def unfinished(stores: Stores) -> bool:
    """Whether the last night has left something to do."""
    nights = stores.nights.nights(1)
    return bool(nights) and nights[-1].outcome != "completed"


def test_a_night_gives_way_while_the_backup_before_its_first_change_is_made(
    stores: Stores, home: Home
) -> None:
    stores.memory.import_many([Draft(f"{number} " + "staging " * 2000) for number in range(4000)], NOW)
    worked = work(home, heard=on("started", come_back))
    within_a_second(worked)
    assert list(home.backups.iterdir()) == []
    assert stores.nights.counts("hash-256")["embedded"] == 0


def test_a_rehearsal_gives_way_while_its_copy_is_made(stores: Stores, home: Home) -> None:
    stores.memory.import_many([Draft(f"{number} " + "staging " * 2000) for number in range(4000)], NOW)
    with pytest.raises(NightFailed, match=BACK):
        work(home, after=0.0, dry_run=True)
    assert not stores.nights.nights()


def test_a_night_that_has_not_begun_does_not_wait_for_a_users_transaction(stores: Stores, home: Home) -> None:
    a_day(stores, 60)
    with writing(home):
        within_a_second(work(home, after=1.0))
    assert not stores.nights.nights()
    assert not home.last_night.exists()
    assert not is_held(home.consolidation_lock)


def test_a_night_that_is_called_back_while_a_user_writes_leaves_its_report_to_the_next(
    stores: Stores, home: Home
) -> None:
    a_day(stores, 3000)
    with contextlib.ExitStack() as user:

        def in_between(night: Night) -> None:
            user.enter_context(writing(home))
            come_back(night)

        worked = work(home, heard=on("progress", in_between))
        within_a_second(worked)
        assert not is_held(home.consolidation_lock)
        assert [each.id for each in stores.nights.unfinished_nights()] == [1]
    warnings = [event["message"] for event in worked.events if event["event"] == "warning"]
    assert "another process was writing when the night gave way, so its report is not kept" in warnings
    done = work(home).report
    assert done is not None
    assert (done["outcome"], done["resumes"]["night"], done["embedding_coverage"]) == ("completed", 1, 1.0)
    assert "without a word" in str(stores.nights.night(1).reason)
    whole_or_untouched(home)


def test_a_night_that_nobody_calls_back_waits_for_a_users_transaction(stores: Stores, home: Home) -> None:
    a_day(stores, 60)
    with contextlib.ExitStack() as user:

        def hold(_: Night) -> None:
            user.enter_context(writing(home))
            asyncio.get_running_loop().call_later(0.5, user.close)

        worked = work(home, heard=on("pass", hold))
    assert worked.report is not None
    assert (worked.report["outcome"], worked.report["reason"]) == ("completed", None)
    assert sum(each["seconds"] for each in worked.report["passes"]) >= 0.4


def test_a_store_that_another_process_holds_for_too_long_ends_the_night_and_is_held_against_no_pass(
    stores: Stores, home: Home
) -> None:
    a_day(stores, 60)
    with closing(open_stores(home, lambda: False)) as impatient, contextlib.ExitStack() as user:

        def tell(event: Event) -> None:
            if event["event"] == "pass":
                user.enter_context(writing(home))

        report = night(impatient, tell=tell)
    assert report.outcome == "failed"
    assert "has been locked by another process" in str(report.reason)
    assert [each.status for each in report.passes if each.status != "skipped"] == ["failed"]
    assert (report.yield_ms, stores.nights.hindrances()) == (None, {})
    assert night(stores).outcome == "completed"


def test_a_night_gives_way_in_the_middle_of_the_recall_check_and_nothing_of_that_batch_is_done(
    stores: Stores,
) -> None:
    for number in range(12):
        remember(stores, f"The deploy of service {number} goes to staging first.")
    questions: list[Query] = []

    class Asked:
        """The memory, which counts what it is asked."""

        get = stores.memory.get

        def search(self, query: Query, now: int) -> Sequence[Hit]:
            questions.append(query)
            return stores.memory.search(query, now)

    def halted() -> Halt | None:
        return Halt("yielded", BACK) if len(questions) >= 3 else None

    report = night(stores, chosen=[joining(into=1)], halted=halted, memory=Asked())
    assert (report.outcome, report.passes[0].changed, len(questions)) == ("yielded", 0, 3)
    assert stores.nights.journal(night=1) == []
    assert stores.memory.memories() == 12
