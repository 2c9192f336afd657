"""What is archived: never for its age or for being unused, but when something newer speaks against it and nobody asks for it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.consolidation.passes import outlook
from iai_daemon.consolidation.passes.decay import Decay
from iai_daemon.memory.record import Record
from iai_daemon.memory.store import Query, Traces
from iai_daemon.memory.stores import Stores
from iai_daemon.memory.strength import FLOOR, UNUSED_FOR, WEAK, strength
from iai_daemon.paths import Home
from tests.cli.inside import call_json, said
from tests.consolidation.evening import NOW, export, night, remember
from tests.consolidation.test_passes import record
from tests.fakes import NOON, FakeClock

DAY = 86_400_000
PASSES = [Decay()]

ages = st.integers(0, 20_000 * DAY)
counts = st.integers(0, 10_000)


# --- strength


def strong(age: int, times: int = 0, unused: int | None = None, contradicted: int | None = None) -> float:
    """Of a memory that was told, last used and contradicted so many milliseconds ago."""
    traces = Traces(
        times,
        None if unused is None else NOW - unused,
        None if contradicted is None else NOW - contradicted,
    )
    return strength(record(created_at=NOW - age), traces, NOW)


def test_what_was_just_told_has_the_strength_one() -> None:
    assert strong(0) == 1.0
    assert strong(-DAY) == 1.0, "told by a clock that was ahead"


@given(ages, counts, ages)
def test_age_and_disuse_alone_never_make_a_memory_weak(age: int, times: int, unused: int) -> None:
    assert FLOOR < strong(age, times, min(age, unused)) <= 1


@given(ages, ages, counts, ages)
def test_a_memory_is_never_stronger_for_being_older_or_longer_unused(
    age: int, older: int, times: int, unused: int
) -> None:
    unused = min(unused, age)
    assert strong(age + older, times, unused) <= strong(age, times, unused)
    assert strong(age + older, times, unused + older) <= strong(age + older, times, unused)


@given(ages, counts, counts, ages)
def test_a_memory_is_never_weaker_for_being_used(age: int, times: int, more: int, unused: int) -> None:
    unused = min(unused, age)
    assert strong(age, times + more, unused) >= strong(age, times, unused)
    assert strong(age, times + 1, 0) >= strong(age, times, unused)


@given(ages, counts, ages, ages)
def test_a_memory_is_never_stronger_for_being_contradicted(
    age: int, times: int, unused: int, contradicted: int
) -> None:
    unused = min(unused, age)
    assert strong(age, times, unused, contradicted) <= strong(age, times, unused)


@given(ages, counts, ages, ages)
def test_weak_is_exactly_what_is_contradicted_and_unused_for_ninety_days(
    age: int, times: int, unused: int, contradicted: int
) -> None:
    unused = min(unused, age)
    weak = strong(age, times, unused, contradicted) <= WEAK
    assert weak == (min(unused, contradicted) >= UNUSED_FOR)


def test_weak_begins_at_ninety_days_to_the_millisecond() -> None:
    assert (
        strong(UNUSED_FOR, contradicted=UNUSED_FOR) <= WEAK < strong(UNUSED_FOR - 1, contradicted=UNUSED_FOR)
    )


# --- over nights


def contradict(home: Home, older: Record, newer: Record, at: int) -> None:
    """As `remember` notes it when the newer one is told."""
    with closing(sqlite3.connect(home.memory)) as connection, connection:
        connection.execute(
            """
            INSERT OR REPLACE INTO contradictions (older, newer, rule, words, certain, at)
            VALUES (?, ?, 'quantity', 'another quantity', 0, ?)
            """,
            (older.id, newer.id, at),
        )


@pytest.fixture
def disputed(stores: Stores, home: Home) -> tuple[Record, Record]:
    """Two old memories, of which the newer one has spoken against the older one for a hundred days."""
    older = remember(stores, "The quota of the mirror is small.", NOON - 200 * 86_400)
    newer = remember(stores, "Nobody limits the mirror any more.", NOON - 100 * 86_400)
    with closing(sqlite3.connect(home.memory)) as connection, connection:
        connection.execute("DELETE FROM contradictions")
    contradict(home, older, newer, NOW - 100 * DAY)
    return older, newer


def archived(stores: Stores) -> list[int]:
    return [each.id for each in stores.memory.export() if each.archived_at is not None]


def work(stores: Stores, now: int = NOW, *, asked: bool = False) -> bool:
    return outlook(stores.nights, PASSES, now, taken_back=asked).work


def test_what_has_been_contradicted_and_unused_for_long_is_archived_and_told_why(
    stores: Stores, disputed: tuple[Record, Record]
) -> None:
    older, newer = disputed
    assert work(stores)
    report = night(stores, chosen=PASSES, memory=stores.memory)
    assert (report.outcome, report.counters.archived) == ("completed", 1)
    assert archived(stores) == [older.id]
    (entry,) = stores.nights.journal(record=older.id)
    assert entry.inferred, "it counts against the loss budget"
    assert entry.reason.startswith(
        f"{newer.id} speaks against it, and nobody has asked for it in the 90 days after"
    )
    assert not work(stores)


def test_it_is_found_where_the_past_is_asked_for_and_comes_back_by_an_undo(
    stores: Stores, disputed: tuple[Record, Record]
) -> None:
    older, _ = disputed
    before = export(stores)
    first = night(stores, chosen=PASSES)
    assert [hit.record.id for hit in stores.memory.search(Query("quota mirror"), NOW)] == [older.id + 1]
    past = Query("quota mirror", include_superseded=True)
    assert older.id in [hit.record.id for hit in stores.memory.search(past, NOW)]
    assert first.id is not None
    stores.nights.undo(first.id, NOW, force=False)
    assert export(stores) == before
    assert not work(stores)
    assert work(stores, asked=True)
    night(stores, chosen=PASSES, asked=True)
    assert archived(stores) == [older.id]


def test_a_redo_archives_it_as_of_the_same_moment(stores: Stores, disputed: tuple[Record, Record]) -> None:
    first = night(stores, chosen=PASSES)
    after = export(stores)
    assert first.id is not None
    stores.nights.undo(first.id, NOW, force=False)
    night(stores, chosen=PASSES, asked=True, clock=FakeClock(wall=NOON + 86_400))
    assert export(stores) == after


@pytest.mark.parametrize("reprieve", ["used", "forgotten", "young"])
def test_what_is_used_or_no_longer_contradicted_stays(
    stores: Stores, home: Home, disputed: tuple[Record, Record], reprieve: str
) -> None:
    older, newer = disputed
    if reprieve == "used":
        stores.memory.note_use([older.id], NOW - 89 * DAY)
    elif reprieve == "forgotten":
        stores.memory.forget(newer.id, NOW)
    else:
        contradict(home, older, newer, NOW - 89 * DAY)
    assert not work(stores)
    night(stores, chosen=PASSES)
    assert archived(stores) == []


def test_it_becomes_due_by_the_passing_of_time_alone(
    stores: Stores, home: Home, disputed: tuple[Record, Record]
) -> None:
    contradict(home, *disputed, NOW - 89 * DAY)
    assert not work(stores)
    assert not work(stores, NOW + DAY - 1)
    assert work(stores, NOW + DAY)
    night(stores, chosen=PASSES, clock=FakeClock(wall=NOON + 86_400))
    assert archived(stores) == [disputed[0].id]


def test_in_review_archiving_is_proposed_once(stores: Stores, disputed: tuple[Record, Record]) -> None:
    assert night(stores, chosen=PASSES, review=True).counters.proposed == 1
    assert archived(stores) == []
    assert not work(stores)


def test_old_memories_that_nobody_uses_and_nobody_contradicts_stay_for_ever(stores: Stores) -> None:
    for year in range(1, 30):
        remember(stores, f"The vault of the year {year} is in cellar {year}.", NOON - year * 31_536_000)
    assert not work(stores, NOW + 10_000 * DAY)
    assert archived(stores) == []


# --- uses


def test_a_use_makes_a_memory_stronger_and_no_work_for_nights(stores: Stores) -> None:
    one = remember(stores, "The vault is in the cellar.", NOON - 86_400 * 300)
    before = strength(one, stores.memory.traces(one.id), NOW)
    stores.memory.note_use([one.id, one.id, 999], NOW)
    traces = stores.memory.traces(one.id)
    assert traces == Traces(2, NOW, None)
    assert strength(one, traces, NOW) > before
    stores.memory.note_use([one.id], NOW - DAY)
    assert stores.memory.traces(one.id) == replace(traces, times=3)
    assert stores.memory.get(one.id) == one


def test_show_tells_how_strong_a_memory_is(
    stores: Stores, home: Home, disputed: tuple[Record, Record]
) -> None:
    night(stores, chosen=PASSES)
    shown: dict[str, Any] = call_json(home, "memory", "show", str(disputed[0].id))
    assert 0 < shown["strength"] <= 1
    assert shown["archived_at"] is not None
    assert not shown["current"]
    assert "archived" in said(home, "memory", "show", str(disputed[0].id))
    assert "strength" in said(home, "memory", "show", str(disputed[1].id))
