"""Nights in this process: rounds, yielding, failing, and nothing to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.consolidation import lock
from iai_daemon.consolidation.passes.expire import Expire
from iai_daemon.consolidation.plan import Portion
from iai_daemon.consolidation.report import Report
from iai_daemon.consolidation.runner import Halt
from iai_daemon.errors import NightBusy, NoBackup
from iai_daemon.flock import FileLock, is_held
from iai_daemon.memory.nights import Applied, Batch, NightStore
from iai_daemon.memory.sqlite.nights import SqliteNights
from iai_daemon.memory.sqlite.opening import stores_on
from iai_daemon.memory.sqlite.words import SqliteWords
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from iai_daemon.storage.sqlite import open_database
from iai_daemon.storage.sqlite_database import SqliteDatabase
from tests.consolidation.evening import ALL, NOW, a_day, export, night, remember
from tests.fakes import NOON, FakeClock


def halt_after(batches: int) -> Callable[[], Halt | None]:
    """Somebody comes back when so many questions have been answered with *go on*."""
    asked = iter(range(batches))
    return lambda: None if next(asked, None) is not None else Halt("yielded", "WAKE: somebody is back")


def statuses(report: Report) -> list[tuple[int, str, str]]:
    return [(each.round, each.name, each.status) for each in report.passes]


def test_a_night_prunes_what_is_past_supersedes_what_is_old_and_embeds_the_rest(stores: Stores) -> None:
    a_day(stores, 30)
    report = night(stores)
    assert report.outcome == "completed"
    assert (
        report.counters.expired_pruned,
        report.counters.superseded_gc,
        report.counters.nodes_embedded,
    ) == (
        10,
        3,
        30,
    )
    assert (report.after.total, report.after.embedded) == (30, 30)
    assert stores.memory.memories() == 30 - 13
    assert stores.nights.night(1).report == report.as_json()


def test_two_rounds_with_one_expired_record_and_nothing_else_give_two_reports(stores: Stores) -> None:
    remember(stores, "the token is abc", expires_at=NOON - 60)
    report = night(stores, chosen=[Expire()], max_rounds=2)
    assert [each.counters.expired_pruned for each in report.rounds] == [1, 0]


def test_one_trailing_round_follows_a_last_round_that_did_meaningful_work(stores: Stores) -> None:
    remember(stores, "the token is abc", expires_at=NOON - 60)
    assert [each.round for each in night(stores, max_rounds=1).rounds] == [1, 2]


def test_exactly_one_trailing_round_follows_however_much_is_left(stores: Stores) -> None:
    """Each round of this night makes more work for the next."""

    class Restless(Expire):
        def waiting(self, store: NightStore, now: int) -> int:
            remember(stores, "one more", expires_at=NOON - 60)
            return super().waiting(store, now)

    remember(stores, "the token is abc", expires_at=NOON - 60)
    report = night(stores, chosen=[Restless()], max_rounds=3)
    assert [each.counters.expired_pruned for each in report.rounds] == [2, 1, 1, 1]


def test_no_trailing_round_follows_where_nothing_meaningful_was_done(stores: Stores) -> None:
    remember(stores, "a note")
    only_looking = [each for each in ALL if each.name == "supersede"]
    assert [each.round for each in night(stores, chosen=only_looking, max_rounds=5).rounds] == [1]


def test_a_second_night_with_nothing_new_is_one_query_and_no_write(stores: Stores, home: Home) -> None:
    a_day(stores)
    night(stores)
    connection = open_database(home.memory)
    said: list[str] = []
    connection.set_trace_callback(said.append)
    before = (connection.total_changes, home.memory.read_bytes())
    again = replace(stores, nights=stores_on(connection, home.memory).nights)
    for asked in (False, True):
        report = night(again, asked=asked)
        assert (report.outcome, report.id, report.counters.expired_pruned) == ("nothing_to_do", None, 0)
        assert report.after.total == 12
    assert len(said) == 2
    assert all(statement.lstrip().startswith(("SELECT", "WITH")) for statement in said)
    assert (connection.total_changes, home.memory.read_bytes()) == before
    connection.close()
    assert len(stores.nights.nights()) == 1


def test_an_empty_store_has_nothing_to_do(stores: Stores) -> None:
    report = night(stores, asked=True)
    assert (report.outcome, report.as_json()["embedding_coverage"]) == ("nothing_to_do", 1.0)


@pytest.mark.parametrize("batches", range(1, 8))
def test_a_night_that_yields_is_finished_by_the_next_one(
    stores: Stores, tmp_path: Path, batches: int
) -> None:
    a_day(stores, 500)
    report = night(stores, halted=halt_after(batches))
    assert (report.outcome, report.reason) == ("yielded", "WAKE: somebody is back")
    assert report.yield_ms is not None
    assert {"yielded", "skipped"} & {each.status for each in report.passes} or not report.passes
    assert night(stores).outcome == "completed"
    assert night(stores).outcome == "nothing_to_do"
    assert stores.memory.memories() == 500 - 167 - 160
    assert stores.nights.counts("hash-256")["embedded"] == 500


def test_a_wish_to_stop_that_comes_when_all_is_done_changes_nothing(stores: Stores) -> None:
    """It is asked between two batches: before the pass, before its batch, and not again after the last."""
    remember(stores, "a note")
    only_looking = [each for each in ALL if each.name == "supersede"]
    assert night(stores, chosen=only_looking, halted=halt_after(3)).outcome == "completed"


def test_cancelling_is_told_apart_from_yielding(stores: Stores) -> None:
    a_day(stores)
    report = night(stores, halted=lambda: Halt("cancelled", "Ctrl-C"))
    assert (report.outcome, report.reason) == ("cancelled", "Ctrl-C")
    assert report.counters.expired_pruned == 0


@dataclass
class Broken:
    """A pass that does one batch and breaks in the second."""

    name: str = "broken"
    shares: bool = True
    cursor: str | None = None
    portion_size: int = 1
    read_once: bool = False

    def waiting(self, *_: object) -> int:
        return 2

    def read(self, *_: object, **__: object) -> Portion:
        if self.read_once:
            raise ZeroDivisionError("no luck")
        self.read_once = True
        return Portion([], examined=1, last=False)

    def plan(self, *_: object) -> Batch:
        return Batch()


def test_a_pass_that_fails_is_reported_and_the_others_go_on(stores: Stores) -> None:
    a_day(stores)
    told: list[object] = []
    report = night(stores, chosen=[Broken(), *ALL], tell=told.append)
    assert report.outcome == "failed"
    assert report.reason == "the pass broken failed (ZeroDivisionError: no luck)"
    assert statuses(report)[:4] == [
        (1, "broken", "failed: ZeroDivisionError: no luck"),
        (1, "expire", "done"),
        (1, "supersede", "done"),
        (1, "trajectories", "done"),
    ]
    assert report.passes[0].examined == 1
    assert (2, "broken", "skipped") in statuses(report)
    assert report.counters.expired_pruned == 4
    (failure,) = (event for event in told if event["event"] == "failed")  # type: ignore[index]
    assert "test_runner.py" in failure["traceback"]  # type: ignore[index]


def test_without_a_backup_nothing_is_changed(stores: Stores, home: Home) -> None:
    a_day(stores)
    before = export(stores)

    def prepare() -> bool:
        raise NoBackup(path=home.backups, cause="No space left on device")

    report = night(stores, prepare=prepare)
    assert (report.outcome, report.rounds) == ("failed", ())
    assert report.reason is not None
    assert "No space left on device" in report.reason
    assert export(stores) == before


def test_the_lock_is_held_from_the_first_write_to_the_last_and_free_on_every_way_out(
    stores: Stores, home: Home
) -> None:
    a_day(stores)
    path, seen = home.consolidation_lock, []

    def tell(event: object) -> None:
        seen.append(is_held(path))

    def prepare() -> bool:
        raise RuntimeError("not foreseen")

    with pytest.raises(RuntimeError):
        night(stores, lock=lock.held(path, "a test"), prepare=prepare)
    assert not is_held(path)
    night(stores, lock=lock.held(path, "a test"), tell=tell)
    assert seen
    assert all(seen)
    assert not is_held(path)
    assert path.read_text() == ""


def test_who_finds_the_lock_taken_is_told_by_whom_and_writes_nothing(stores: Stores, home: Home) -> None:
    a_day(stores)
    other = FileLock(home.consolidation_lock)
    assert other.acquire("process 1, night (absent)\n")
    with pytest.raises(NightBusy, match="process 1, night"):
        night(stores, lock=lock.held(home.consolidation_lock, "a test"))
    other.release()
    assert stores.nights.nights() == []


def test_a_killed_night_is_closed_by_the_next_one_which_names_where_it_was(stores: Stores) -> None:
    a_day(stores, 500)

    class Killed(BaseException):
        """As sudden as a kill."""

    def tell(event: Mapping[str, object]) -> None:
        if {"event": "progress", "pass": "supersede"}.items() <= event.items():
            raise Killed

    with pytest.raises(Killed):
        night(stores, tell=tell)
    assert stores.nights.night(1).ended_at is None
    assert night(stores, clock=FakeClock(wall=NOON + 60)).outcome == "completed"
    killed = stores.nights.night(1)
    assert (killed.outcome, killed.ended_at) == ("failed", NOW)
    assert killed.reason == (
        "its process ended without a word in the pass supersede, round 1; what it had done stands"
    )
    assert killed.report is not None
    assert killed.report["expired_pruned"] == 167


def test_a_night_that_was_killed_when_all_was_done_is_closed_though_nothing_is_left_to_do(
    stores: Stores,
) -> None:
    a_day(stores)
    night(stores)
    stores.nights.begin_night("night", "absent", NOW)  # and its process is gone
    assert night(stores).outcome == "nothing_to_do"
    assert stores.nights.night(2).reason == (
        "its process ended without a word before its first change; what it had done stands"
    )


def test_progress_reaches_its_total(stores: Stores) -> None:
    a_day(stores, 500)
    told: list[dict[str, object]] = []
    night(stores, tell=told.append)
    progress = [event for event in told if event["event"] == "progress"]
    assert told[0] == {"event": "started", "night": 1}
    for name, total in (("expire", 167), ("supersede", 500), ("embed", 500)):
        of_pass = [event for event in progress if event["pass"] == name]
        assert of_pass[-1]["done"] == of_pass[-1]["total"] == total


class Watching(SqliteNights):
    """Knows the largest batch that it was given."""

    largest = 0

    def apply(self, night: int, round_number: int, pass_name: str, batch: Batch, *rest: Any) -> Applied:
        self.largest = max(self.largest, len(batch.changes))
        return super().apply(night, round_number, pass_name, batch, *rest)


def test_a_key_with_more_facts_than_fit_into_a_batch_is_worked_off_in_several(
    stores: Stores, home: Home
) -> None:
    for number in range(650):
        remember(
            stores, f"the branch is {number}", at=NOON - 1000 + number, subject="branch", attribute="name"
        )
    connection = open_database(home.memory)
    database = SqliteDatabase(connection, home.memory)
    watched = Watching(database, SqliteWords(database))
    report = night(replace(stores, nights=watched))
    assert report.counters.superseded_gc == 649
    assert watched.largest < 200
    connection.close()
    chain = list(stores.memory.export())
    assert [each.superseded_by for each in chain] == [*range(2, 651), None]
    assert all(older.valid_to == newer.valid_from for older, newer in pairwise(chain))


def test_a_night_does_not_make_work_for_the_next(stores: Stores) -> None:
    a_day(stores, 100)
    night(stores)
    changes = [each.change for each in stores.memory.export()]
    assert changes == [*range(1, 101)]
