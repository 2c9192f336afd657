"""A restored backup does not take the agenda back in time: what has run would run again."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from iai_daemon.agenda.recall import State, Status
from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.agenda.store.recalls import AgendaStore, Defer, Filter, Viewer
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.paths import Home
from iai_daemon.storage.restore import Replaced, restore
from tests.stores.recalls import (
    DONE,
    HOUR,
    MINUTE,
    NOW,
    add,
    begin,
    claim,
    occurrences,
    once,
    recurring,
    run,
    states,
    the_last,
)

ALL = Viewer("root", administrator=True)
LOST = "a backup was restored: whether this has run since is not known, so it is not repeated"


@contextmanager
def opened(home: Home) -> Iterator[AgendaStore]:
    agenda = open_agenda(home)
    yield agenda.store
    agenda.close()


def back_up(home: Home) -> Path:
    """A copy of this moment."""
    backup = home.root / "copy.db"
    with closing(sqlite3.connect(home.memory)) as source, closing(sqlite3.connect(backup)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
    return backup


def remember(home: Home, content: str) -> None:
    with closing(open_stores(home)) as stores:
        stores.memory.add(Draft(content), NOW)


def everything(agenda: AgendaStore) -> object:
    history = agenda.history(None, 1000)
    return (
        agenda.sessions(closed=True),
        agenda.recalls(ALL, Filter(limit=1000)),
        history,
        [(agenda.runs(each.id), agenda.deferrals(each.id)) for each in history],
    )


def restored(home: Home, backup: Path, hours: float) -> Replaced:
    return restore(home, backup, (NOW + hours * HOUR) / 1000)


def test_where_the_store_can_be_read_the_memory_goes_back_and_the_agenda_stays(home: Home) -> None:
    remember(home, "one")
    with opened(home) as agenda:
        gone, kept = add(agenda, once("a")), add(agenda, recurring("b"))
        agenda.close_session("b", NOW)
        backup = back_up(home)
        remember(home, "two")
        run(agenda, the_last(agenda, gone), NOW + HOUR)
        agenda.register("b", "codex", NOW)
        later = add(agenda, recurring("c"))
        agenda.settle([Defer(the_last(agenda, later).id, NOW + 2 * HOUR, "busy")], NOW + HOUR)
        begin(agenda, the_last(agenda, later), NOW + 2 * HOUR)
        before = everything(agenda)
        replaced = restored(home, backup, 3)
        assert (replaced.memories, replaced.before, replaced.missed) == (1, 2, None)
        assert everything(agenda) == before
        assert agenda.recall(kept.id).status is Status.CANCELLED
        assert add(agenda, once("d")).id == later.id + 1


def test_a_number_of_the_agenda_is_never_given_twice(home: Home) -> None:
    with opened(home) as agenda:
        backup = back_up(home)
        recall = add(agenda, once("a"))
        agenda.cancel(recall.id, "", NOW)
        agenda.prune(NOW + 9 * HOUR, NOW + 9 * HOUR)
        restored(home, backup, 10)
        assert add(agenda, once("b")).id == recall.id + 1
        assert [each.id for each in agenda.history(None, 5)] == [2]


def spoil_the_memory(home: Home) -> None:
    with closing(sqlite3.connect(home.memory)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'records'").fetchone()
    spoil(home, page)


def spoil_the_agenda(home: Home) -> None:
    with closing(sqlite3.connect(home.memory)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'runs'").fetchone()
    spoil(home, page)


def spoil(home: Home, page: int) -> None:
    with closing(sqlite3.connect(home.memory)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with home.memory.open("rb+") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


def no_header(home: Home) -> None:
    home.memory.write_bytes(b"\xff" * 8192)


def nothing_there(home: Home) -> None:
    home.memory.unlink()


def test_what_is_damaged_elsewhere_does_not_bear_on_the_agenda(home: Home) -> None:
    with opened(home) as agenda:
        recall = add(agenda, once())
        backup = back_up(home)
        run(agenda, the_last(agenda, recall), NOW + HOUR)
        before = everything(agenda)
    spoil_the_memory(home)
    replaced = restored(home, backup, 2)
    assert (replaced.damaged, replaced.missed) == (True, None)
    with opened(home) as agenda:
        assert everything(agenda) == before


LOSSES = [spoil_the_agenda, no_header, nothing_there]


@pytest.mark.parametrize("lose", LOSSES)
def test_where_the_agenda_is_lost_nothing_runs_that_may_have_run(
    home: Home, lose: Callable[[Home], None]
) -> None:
    with opened(home) as agenda:
        past, future = add(agenda, once("past")), add(agenda, once("future", NOW + 5 * HOUR))
        daily = add(agenda, recurring("daily"))
        backup = back_up(home)
        run(agenda, the_last(agenda, past), NOW + HOUR)
    lose(home)
    assert restored(home, backup, 3.5).missed == 2
    with opened(home) as agenda:
        missed = the_last(agenda, past)
        assert (missed.state, missed.reason) == (State.MISSED, LOST)
        assert missed.settled_at == NOW + 3.5 * HOUR
        told = agenda.recall(past.id)
        assert (told.status, told.reason) == (Status.FAILED, LOST)
        assert agenda.recall(future.id).status is Status.PENDING
        assert states(agenda, daily) == [(1, State.MISSED), (4, State.PLANNED)]
        assert agenda.recall(daily.id).status is Status.PENDING
        assert agenda.due(NOW + 3.5 * HOUR, 5) == []  # type: ignore[arg-type]
        assert agenda.next_try_at(0) == NOW + 4 * HOUR


@pytest.mark.parametrize("lose", LOSSES)
def test_what_was_under_way_in_the_backup_has_ended_nobody_knows_how(
    home: Home, lose: Callable[[Home], None]
) -> None:
    with opened(home) as agenda:
        running, claimed = add(agenda, recurring("running")), add(agenda, once("claimed"))
        waiting = add_waiting(agenda, "running", the_last(agenda, running).id)
        claim(agenda, the_last(agenda, claimed), NOW + HOUR)
        backup = back_up(home)
    lose(home)
    assert restored(home, backup, 1.5).missed == 2
    with opened(home) as agenda:
        assert agenda.under_way() == []
        assert states(agenda, running) == [(1, State.FAILED), (2, State.PLANNED)]
        lost = occurrences(agenda, running)[0]
        (lost_run,) = agenda.runs(lost.id)
        assert (lost.reason, lost_run.problem) == (LOST, LOST)
        assert lost_run.ended_at == NOW + HOUR + 2 * MINUTE, "when it was heard of last"
        assert the_last(agenda, claimed).state is State.MISSED
        assert agenda.recall(claimed.id).status is Status.FAILED
        assert agenda.recall(running.id).status is Status.WAITING
        assert agenda.recall(waiting).status is Status.PENDING
        assert agenda.recover("another", "", NOW + 9 * HOUR, alone=True) == []


def add_waiting(agenda: AgendaStore, session: str, occurrence: int) -> int:
    """The next recall of a session, made during the run of this occurrence."""
    (found,) = (each for each in agenda.history(None, 100) if each.id == occurrence)
    begin(agenda, found, NOW + HOUR)
    return add(agenda, once(session, NOW + 9 * HOUR)).id


def test_who_has_the_store_open_goes_on_with_the_plans_when_it_asks_for_the_next(home: Home) -> None:
    with opened(home) as agenda:
        recall = add(agenda, recurring())
        backup = back_up(home)
    spoil_the_agenda(home)
    with opened(home) as agenda:
        assert restored(home, backup, 3.5).missed == 1
        assert agenda.next_try_at(0) == NOW + 4 * HOUR
        assert states(agenda, recall) == [(1, State.MISSED), (4, State.PLANNED)]


def test_a_plan_that_came_to_its_end_meanwhile_is_over(home: Home) -> None:
    with opened(home) as agenda:
        recall = add(agenda, recurring(expires_at=NOW + 2 * HOUR))
        backup = back_up(home)
    nothing_there(home)
    restored(home, backup, 3)
    with opened(home) as agenda:
        assert agenda.recall(recall.id).status is Status.FIRED
        assert states(agenda, recall) == [(1, State.MISSED)]


def test_what_a_later_plan_has_is_left_and_what_was_put_off_to_now_is_missed(home: Home) -> None:
    with opened(home) as agenda:
        recall = add(agenda, recurring())
        occurrence = the_last(agenda, recall)
        claim(agenda, occurrence, NOW + HOUR)
        agenda.release(occurrence.id, "me", "no", NOW + 90 * MINUTE, NOW + HOUR)
        backup = back_up(home)
    nothing_there(home)
    assert restored(home, backup, 1.75).missed == 1
    with opened(home) as agenda:
        assert states(agenda, recall) == [(1, State.MISSED), (2, State.PLANNED)]
        assert agenda.recall(recall.id).status is Status.PENDING


def test_what_is_cancelled_after_a_restore_stays_so(home: Home) -> None:
    with opened(home) as agenda:
        recall = add(agenda, recurring())
        agenda.cancel(recall.id, "enough", NOW)
        backup = back_up(home)
    nothing_there(home)
    assert restored(home, backup, 3).missed == 0
    with opened(home) as agenda:
        told = agenda.recall(recall.id)
        assert (told.status, told.reason) == (Status.CANCELLED, "enough")


def drop_the_agenda(path: Path) -> None:
    """Make it a store from before there was an agenda."""
    with closing(sqlite3.connect(path, isolation_level=None)) as copy:
        for kind, name in copy.execute(
            """
            SELECT type, name FROM sqlite_schema
            WHERE tbl_name IN ('sessions', 'recalls', 'occurrences', 'deferrals', 'runs',
                               'slots', 'slot_updates', 'delivered', 'recalls_told', 'occurrences_told')
            AND type IN ('table', 'view')
            ORDER BY type = 'table', rowid DESC
            """
        ).fetchall():
            copy.execute(f"DROP {kind} {name}")
        copy.execute("PRAGMA user_version = 6")


def test_a_copy_from_before_there_was_an_agenda_leaves_it_alone(home: Home) -> None:
    with opened(home) as agenda:
        recall = add(agenda, once())
        before = everything(agenda)
        old = back_up(home)
        drop_the_agenda(old)
        assert restored(home, old, 1).missed is None
        assert everything(agenda) == before
        run(agenda, the_last(agenda, recall), NOW + HOUR, DONE)


def test_where_there_was_no_agenda_that_of_the_backup_goes_on_from_now(home: Home) -> None:
    with opened(home) as agenda:
        recall = add(agenda, recurring())
    backup = back_up(home)
    drop_the_agenda(home.memory)
    replaced = restored(home, backup, 1.5)
    assert (replaced.damaged, replaced.missed) == (False, 1)
    with opened(home) as agenda:
        assert states(agenda, recall) == [(1, State.MISSED), (2, State.PLANNED)]
