"""Slots in the embedded engine's file: who races for one, what kills leave, what it costs to ask, what a restore keeps."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Barrier, Thread

import pytest

from iai_daemon.agenda.recall import State
from iai_daemon.agenda.slot import SlotState
from iai_daemon.agenda.store.opening import OpenedAgenda, open_agenda
from iai_daemon.agenda.store.recalls import Filter, Viewer
from iai_daemon.agenda.store.sql.slots import SqlSlots
from iai_daemon.errors import StoreBusy
from iai_daemon.paths import Home
from iai_daemon.storage.restore import restore
from iai_daemon.storage.sqlite_database import SqliteDatabase
from tests.fakes import LONG
from tests.stores.recalls import HOUR, NOW, add, once
from tests.stores.slots import active, begin, carry_out, fire, ids, listed, told
from tests.stores.test_agenda_restored import (
    LOSSES,
    LOST,
    back_up,
    nothing_there,
    spoil_the_memory,
)

ALL = Viewer("root", administrator=True)
RACES = 24
# Of all the statements that the steps below need, so many are not waited for.
KILLS = range(1, 64, 1 if LONG else 5)


@pytest.fixture
def kept(home: Home) -> Iterator[OpenedAgenda]:
    opened = open_agenda(home)
    yield opened
    opened.close()


def everything(kept: OpenedAgenda) -> object:
    updates = [(each.slot, each.status, each.reason, each.tries) for each in kept.slots.outbox(99)]
    recalls = kept.store.recalls(ALL, Filter(limit=99))
    return kept.slots.open_slots(), kept.slots.past_slots(99), updates, recalls, kept.store.history(None, 99)


# Races.


def raced(home: Home, work: Callable[[OpenedAgenda], list[str]]) -> list[list[str]]:
    """What each of three threads got, each with the store opened for itself."""
    got: list[list[str]] = []
    start = Barrier(3)

    def race() -> None:
        opened = open_agenda(home)
        start.wait()
        got.append(work(opened))
        opened.close()

    threads = [Thread(target=race) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


def test_of_threads_that_race_to_take_fire_and_end_a_slot_exactly_one_does(
    home: Home, kept: OpenedAgenda
) -> None:
    names = [f"slot-{number}" for number in range(RACES)]

    def fired(opened: OpenedAgenda, name: str) -> bool:
        try:
            fire(opened.slots, name)
        except AssertionError:
            return False
        return True

    def ended(opened: OpenedAgenda, name: str) -> bool:
        return opened.slots.resolve(name, SlotState.ABORTED, NOW, reason="enough")

    for step in (lambda opened, name: opened.slots.take(listed(name), NOW), fired, ended):
        got = raced(home, lambda opened, step=step: [each for each in names if step(opened, each)])  # type: ignore[misc]
        assert sorted(name for each in got for name in each) == sorted(names)
    assert len(told(kept.slots)) == 2 * RACES
    assert len(kept.store.history(None, 99)) == RACES
    assert len({each.key for each in kept.slots.outbox(99)}) == 2 * RACES


def connection_of(kept: OpenedAgenda) -> sqlite3.Connection:
    assert isinstance(kept.database, SqliteDatabase)
    return kept.database.connection


def test_the_database_itself_refuses_what_makes_no_sense(kept: OpenedAgenda) -> None:
    assert isinstance(kept.slots, SqlSlots)
    assert active(kept.slots).id == 1
    kept.slots.take(listed("b"), NOW)
    for change in (
        "UPDATE slots SET state = 'completed' WHERE id = 'a'",
        "UPDATE slots SET resolved_at = 1 WHERE id = 'b'",
        "UPDATE slots SET state = 'in_progress' WHERE id = 'b'",
        "UPDATE slots SET state = 'queued' WHERE id = 'a'",
        "UPDATE slots SET state = 'paused', started_at = 1, recall = 1 WHERE id = 'b'",
        "UPDATE slots SET id = 'a'",
        "INSERT INTO slot_updates (slot, status, made_at) VALUES ('unknown', 'paused', 1)",
        "INSERT INTO slot_updates (slot, status, made_at, key) SELECT 'a', 'paused', 1, key FROM slot_updates",
        "DELETE FROM recalls",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            connection_of(kept).execute(change)


# Kills.

_STEPS = """
import os, signal, sys
from pathlib import Path
from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.agenda.slot import SlotState
from iai_daemon.paths import Home
from tests.stores.recalls import NOW
from tests.stores.slots import fire, listed

left = int(sys.argv[2])
opened = open_agenda(Home(Path(sys.argv[1])))
slots = opened.slots

def count(statement):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

opened.database.connection.set_trace_callback(count)
steps = {
    "take": lambda: slots.take(listed(), NOW),
    "fire": lambda: fire(slots),
    "pause": lambda: slots.pause("a", "lunch", NOW),
    "resolve": lambda: slots.resolve("a", SlotState.COMPLETED, NOW, summary="done"),
}
for step in steps.values():
    step()
"""


def whole_ones(folder: Path) -> list[object]:
    """What there is before and after each step."""
    home = Home(folder)
    home.create()
    with closing(open_agenda(home)) as kept:
        seen = [everything(kept)]
        for step in (
            lambda: kept.slots.take(listed(), NOW),
            lambda: fire(kept.slots),
            lambda: kept.slots.pause("a", "lunch", NOW),
            lambda: kept.slots.resolve("a", SlotState.COMPLETED, NOW, summary="done"),
        ):
            step()
            seen.append(everything(kept))
    return seen


def test_a_kill_anywhere_leaves_whole_steps_and_no_recall_without_its_slot(tmp_path: Path) -> None:
    whole = whole_ones(tmp_path / "whole")
    assert len({str(each) for each in whole}) == len(whole)
    reached = set()
    for kill in KILLS:
        home = Home(tmp_path / f"killed-{kill}")
        home.create()
        open_agenda(home).close()
        done = subprocess.run([sys.executable, "-c", _STEPS, str(home.root), str(kill)], check=False)
        assert done.returncode in (-signal.SIGKILL, 0)
        with closing(open_agenda(home)) as kept:
            now = everything(kept)
        assert now in whole, f"killed at statement {kill}"
        reached.add(whole.index(now))
    assert reached == {0, 1, 2, 3, 4}, "the kills reach every step"


# What it costs.


def hot_questions(kept: OpenedAgenda, slots: SqlSlots) -> None:
    """What is asked at each beat or tick."""
    for number in range(3):
        slots.take(listed(f"slot-{number}"), NOW)
    slots.take(listed("new"), NOW)
    slots.open_slots()
    slots.past_slots(32)
    slots.agents_ended()
    slots.outbox(1)
    slots.take_news("me", 30.0)
    recall = fire(slots, "new")
    slots.slot_of(recall.id)
    slots.pause("new", None, NOW)
    carry_out(kept, recall)
    slots.agents_ended()
    slots.note_agent_ended("new", None)
    slots.resolve("new", SlotState.COMPLETED, NOW)
    update = slots.outbox(1)[0]
    slots.undelivered(update.id, "away")
    slots.delivered(update.id, NOW)
    slots.prune_slots(NOW - HOUR)


@pytest.mark.parametrize("analysed", [False, True])
def test_what_the_daemon_asks_is_looked_up_and_never_walked_through(
    kept: OpenedAgenda, analysed: bool
) -> None:
    slots = kept.slots
    assert isinstance(slots, SqlSlots)
    connection = connection_of(kept)
    connection.execute("PRAGMA synchronous = OFF")
    for number in range(200):
        active(slots, f"slot-{number}")
        if number > 3:
            slots.resolve(f"slot-{number}", SlotState.COMPLETED, NOW)
    connection.execute("UPDATE slot_updates SET delivered_at = 1 WHERE id > 10")
    if analysed:
        connection.execute("ANALYZE")
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    hot_questions(kept, slots)
    connection.set_trace_callback(None)
    partial = {
        name
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql LIKE '% WHERE %'"
        )
    }
    walked = set()
    for statement in asked:
        if not statement.lstrip().startswith(("BEGIN", "COMMIT", "PRAGMA", "--")):
            for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}"):
                by = re.search(r"USING (?:COVERING )?INDEX (\w+)", row["detail"])
                known = "VIRTUAL TABLE" in row["detail"] or "CONSTANT ROW" in row["detail"]
                if row["detail"].startswith("SCAN") and not known and (by is None or by[1] not in partial):
                    walked.add((row["detail"], statement))
    assert len(asked) > 30
    assert not walked


def test_where_nothing_is_to_be_written_nobodys_lock_is_waited_for(home: Home, kept: OpenedAgenda) -> None:
    slots = kept.slots
    active(slots)
    slots.take(listed("b"), NOW)
    with closing(sqlite3.connect(home.memory, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(3):
            assert not slots.take(listed("a", message="Something else."), NOW)
            assert not slots.take(listed("b"), NOW)
        slots.prune_slots(NOW + HOUR)
        assert slots.agents_ended() == []
        assert ids(slots.open_slots()) == ["a", "b"]
        with pytest.raises(StoreBusy, match="for 1 s"):
            slots.pause("a", None, NOW)
    assert slots.pause("a", None, NOW)


# A restore.


def test_a_restore_takes_no_slot_back_in_time(home: Home, kept: OpenedAgenda) -> None:
    slots = kept.slots
    active(slots, "ended")
    slots.take(listed("waits"), NOW)
    backup = back_up(home)
    slots.resolve("ended", SlotState.COMPLETED, NOW, summary="done")
    recall = fire(slots, "waits", NOW + 1)
    active(slots, "new", NOW + 2)
    slots.delivered(slots.outbox(1)[0].id, NOW)
    slots.undelivered(slots.outbox(1)[0].id, "away")
    before, keys = everything(kept), [each.key for each in slots.outbox(99)]
    assert restore(home, backup, (NOW + HOUR) / 1000).missed is None
    assert everything(kept) == before
    assert [each.key for each in slots.outbox(99)] == keys
    assert not slots.take(listed("new"), NOW)
    begin(kept, recall)


def test_what_is_damaged_elsewhere_does_not_bear_on_slots(home: Home) -> None:
    with closing(open_agenda(home)) as kept:
        backup = back_up(home)
        active(kept.slots)
        before = everything(kept)
    spoil_the_memory(home)
    assert restore(home, backup, (NOW + HOUR) / 1000).missed is None
    with closing(open_agenda(home)) as kept:
        assert everything(kept) == before


@pytest.mark.parametrize("lose", LOSSES)
def test_where_the_agenda_is_lost_no_slot_fires_that_may_have_fired(
    home: Home, lose: Callable[[Home], None]
) -> None:
    with closing(open_agenda(home)) as kept:
        recall = active(kept.slots, "fired")
        kept.slots.take(listed("waits"), NOW)
        active(kept.slots, "over")
        kept.slots.resolve("over", SlotState.COMPLETED, NOW, summary="done")
        backup = back_up(home)
    lose(home)
    assert restore(home, backup, (NOW + HOUR) / 1000).missed == 1
    with closing(open_agenda(home)) as kept:
        waited = kept.slots.slot("waits")
        assert (waited.state, waited.reason) == (SlotState.ABORTED, LOST)
        assert waited.resolved_at == NOW + HOUR
        ((slot, last),) = kept.slots.agents_ended()
        assert (slot.recall, last.state, last.reason) == (recall.id, State.MISSED, LOST)
        assert told(kept.slots) == [
            ("over", SlotState.IN_PROGRESS),
            ("over", SlotState.COMPLETED),
            ("waits", SlotState.ABORTED),
        ], "of what was not over the backend may know more by now"
        assert not kept.slots.take(listed("waits"), NOW + HOUR)


def drop_the_slots(path: Path) -> None:
    """Make it a store from before there were slots."""
    with closing(sqlite3.connect(path, isolation_level=None)) as copy:
        copy.execute("DROP TABLE slot_updates")
        copy.execute("DROP TABLE slots")
        copy.execute("DROP TABLE delivered")
        copy.execute("PRAGMA user_version = 7")


def test_a_store_from_before_there_were_slots_keeps_its_recalls(home: Home) -> None:
    with closing(open_agenda(home)) as kept:
        recall = add(kept.store, once())
        active(kept.slots)
    backup = back_up(home)
    drop_the_slots(home.memory)
    assert restore(home, backup, (NOW + 2 * HOUR) / 1000).missed is None
    with closing(open_agenda(home)) as kept:
        assert kept.store.recall(recall.id) == recall
        assert list(kept.slots.open_slots()) == [], "as it was there"
        assert not told(kept.slots)


def test_a_copy_from_before_there_were_slots_leaves_them_alone(home: Home, kept: OpenedAgenda) -> None:
    active(kept.slots)
    old = back_up(home)
    drop_the_slots(old)
    before = everything(kept)
    assert restore(home, old, (NOW + HOUR) / 1000).missed is None
    assert everything(kept) == before


def test_keys_of_a_store_that_was_lost_do_not_come_again(home: Home) -> None:
    keys = set()
    for _ in range(2):
        with closing(open_agenda(home)) as kept:
            active(kept.slots)
            keys |= {each.key for each in kept.slots.outbox(5)}
        nothing_there(home)
    assert len(keys) == 2
