"""A full export holds all that is not made again by itself: what is restored from it is the same, and goes on the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from iai_daemon.consolidation.journal import accept_night, undo_night
from iai_daemon.errors import BadRecord, StoreNotEmpty
from iai_daemon.memory.archive import is_full
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.stores import Stores
from iai_daemon.memory.tasks import CONSOLIDATE, Task
from iai_daemon.paths import Home
from tests.consolidation.chronicles import HOUR, SEASON, Evening, Fact, Uses, Words, chronicles, happens
from tests.consolidation.evening import ALL, EVERY, NOW, a_day, export, night, remember
from tests.consolidation.lives import Day, as_often_as_time_allows, evenings, world
from tests.consolidation.passes_for_tests import summing_up
from tests.fakes import NOON, FakeClock

LATER = NOW + 10**9


def full(stores: Stores) -> list[str]:
    """The lines of `memory export --full`."""
    return [json.dumps(line, ensure_ascii=False) for line in stores.archive.lines()]


@contextmanager
def restored(folder: Path, lines: list[str]) -> Iterator[tuple[Home, Stores]]:
    """Another home, into which these lines have been restored."""
    home = Home(folder / "another")
    home.create()
    with closing(open_stores(home)) as stores:
        stores.archive.restore(json.loads(line) for line in lines)
        yield home, stores


@as_often_as_time_allows
@given(evenings, some.data())
def test_what_is_restored_exports_byte_for_byte_and_is_taken_back_just_so(
    days: list[Day], data: some.DataObject
) -> None:
    with world() as it:
        nights = it.live(days)
        undone = data.draw(some.lists(some.sampled_from(nights), unique=True) if nights else some.just([]))
        for number in undone:
            it.undo(number, force=True)
        lines = full(it.stores)
        with restored(it.home.root, lines) as (home, again):
            assert full(again) == lines
            assert export(again) == export(it.stores)
            for number in set(nights) - set(undone):
                it.undo(number, force=True)
                undo_night(again.nights, home, number, NOW + 10**9, force=True)
            assert full(again) == full(it.stores)


@as_often_as_time_allows
@given(chronicles)
@example(
    [
        Evening((Words(4, 121), Words(5, 61), Words(0, 9), Words(1, 8), Uses(0)), HOUR),
        Evening((Words(2, 3), Fact(0, 0, 1, None)), SEASON, undone=True),
    ]
)
def test_what_passes_have_read_in_words_comes_along_and_the_next_night_does_the_same(
    days: list[Evening],
) -> None:
    """With links, what contradicts what, uses, notes, what waits for a person and the switch of the nights."""
    with world() as it:
        clock = FakeClock(NOON)
        it.stores.tasks.add(Task(CONSOLIDATE, "memory.consolidate", "interval", "2h", False, NOW, NOW))
        for day in days:
            clock.advance(day.after)
            for event in day.events:
                happens(it, event, clock)
            report = night(it.stores, chosen=EVERY, clock=clock, review=day.after == SEASON)
            if day.undone and report.id is not None:
                it.undo(report.id, force=True)
        lines = full(it.stores)
        with restored(it.home.root, lines) as (_, again):
            assert full(again) == lines
            clock.advance(HOUR)
            for each in (it.stores, again):
                night(each, chosen=EVERY, clock=clock, asked=True)
            assert export(again) == export(it.stores)


def test_an_export_of_an_older_version_is_restored(stores: Stores, tmp_path: Path) -> None:
    """It knew no passes that add records, and nothing of whose words they are."""
    a_day(stores, 30)
    night(stores)
    lines = [json.loads(line) for line in full(stores)]
    older = [_without_what_is_new(line) for line in lines]
    assert older != lines
    with restored(tmp_path, [json.dumps(line) for line in older]) as (_, again):
        assert export(again) == export(stores)
        assert again.nights.undo(1, LATER, force=False) == stores.nights.undo(1, LATER, force=False)
        assert export(again) == export(stores)


def _without_what_is_new(line: dict[str, Any]) -> dict[str, Any]:
    new = ("made_by", "client", "origin", "trust", "outranked")
    kept = {name: value for name, value in line.items() if name not in new}
    for image in ("before", "after"):
        if kept.get(image):
            kept[image] = _without_what_is_new(kept[image])
    return kept


def test_the_switch_that_a_daemon_made_in_the_empty_memory_gives_way(stores: Stores, tmp_path: Path) -> None:
    stores.tasks.add(Task(CONSOLIDATE, "memory.consolidate", "interval", "2h", False, NOW, NOW))
    home = Home(tmp_path / "another")
    home.create()
    with closing(open_stores(home)) as again:
        again.tasks.add(Task(CONSOLIDATE, "memory.consolidate", "interval", "1h", True, LATER, LATER))
        again.archive.restore(json.loads(line) for line in full(stores))
        assert again.tasks.tasks() == stores.tasks.tasks()


def test_every_line_is_a_record_or_of_the_journal_and_the_records_are_those_of_the_plain_export(
    stores: Stores,
) -> None:
    a_day(stores, 30)
    night(stores)
    lines = [json.loads(line) for line in full(stores)]
    assert {line["type"] for line in lines} == {"record", "journal"}
    assert all(is_full(line) for line in lines)
    records = [line for line in lines if line["type"] == "record"]
    plain = [json.loads(line) for line in export(stores).splitlines()]
    assert [{name: line[name] for name in plain[0]} for line in records] == plain
    rest = [line["what"] for line in lines if line["type"] == "journal"]
    assert list(dict.fromkeys(rest)) == ["night", "change", "cursor", "note"]
    assert (rest.count("night"), rest.count("change")) == (1, 13)


def test_what_waits_what_was_refused_and_what_was_taken_back_come_along(
    stores: Stores, home: Home, tmp_path: Path
) -> None:
    a_day(stores, 30)
    night(stores, chosen=[summing_up(), *ALL])
    undo_night(stores.nights, home, 1, LATER)
    remember(stores, "the token is abc", expires_at=NOW / 1000 - 60)
    night(stores, review=True)
    with restored(tmp_path, full(stores)) as (there, again):
        assert again.nights.held() == stores.nights.held()
        report = night(again, chosen=[summing_up(), *ALL], review=True)
        assert (report.counters.proposed, report.counters.nodes_embedded) == (1, 31)
        assert accept_night(again.nights, there, 2, LATER).applied == 1
        assert again.memory.memories() == stores.memory.memories() - 1


def test_the_number_of_a_record_that_was_taken_out_is_not_given_away_again(
    stores: Stores, home: Home, tmp_path: Path
) -> None:
    """Its story would be told of another one."""
    for number in range(3):
        remember(stores, f"note {number}")
    night(stores, chosen=[summing_up()])
    undo_night(stores.nights, home, 1, LATER)
    with restored(tmp_path, full(stores)) as (_, again):
        assert remember(again, "one more").id == remember(stores, "one more").id == 5


def test_a_full_export_is_restored_into_an_empty_memory_only(stores: Stores) -> None:
    remember(stores, "a note")
    before = full(stores)
    with pytest.raises(StoreNotEmpty, match="holds 1 memories and 0 nights"):
        stores.archive.restore([])
    assert full(stores) == before


def _lines(stores: Stores) -> list[dict[str, Any]]:
    a_day(stores, 6)
    night(stores)
    return [json.loads(line) for line in full(stores)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"content": 7}, "content must be a text"),
        ({"content": None}, "content must be a text"),
        ({"revision": True}, "revision must be a whole number"),
        ({"revision": -1}, "revision is out of range"),
        ({"change": 1 << 63}, "change is out of range"),
        ({"created_at": "yesterday"}, "created_at must be a time"),
        ({"created_at": None}, "created_at must be a time"),
        ({"tags": "a"}, "tags must be a list"),
        ({"superseded_by": 99}, "does not fit"),
        ({"id": 2}, "does not fit"),
        ({"type": "nonsense"}, "no line of a full export"),
    ],
)
def test_a_record_that_cannot_be_is_refused_and_nothing_is_restored(
    stores: Stores, tmp_path: Path, change: Mapping[str, object], said: str
) -> None:
    lines = _lines(stores)
    lines[0] |= change
    _refused(tmp_path, lines, said)


@pytest.mark.parametrize(
    ("what", "change", "said"),
    [
        ("night", {"kind": "siesta"}, "does not fit"),
        ("night", {"report": []}, "report must be an object"),
        ("change", {"night": 9}, "does not fit"),
        ("change", {"inferred": 1}, "inferred must be true or false"),
        ("change", {"after": None}, "after must be an object"),
        ("change", {"after": {}}, "after must have the fields of a record"),
        ("change", {"what": "nonsense"}, "no line of a full export"),
    ],
)
def test_a_line_of_the_journal_that_cannot_be_is_refused(
    stores: Stores, tmp_path: Path, what: str, change: Mapping[str, object], said: str
) -> None:
    lines = _lines(stores)
    line = next(each for each in lines if each.get("what") == what)
    line |= change
    _refused(tmp_path, lines, said)


def test_a_row_that_an_undo_could_not_put_back_is_refused(stores: Stores, tmp_path: Path) -> None:
    lines = _lines(stores)
    line = next(each for each in lines if each.get("what") == "change")
    line["before"]["valid_to"] = "soon"
    _refused(tmp_path, lines, "before.valid_to is not what a record holds")


def test_a_field_that_is_missing_is_named(stores: Stores, tmp_path: Path) -> None:
    lines = _lines(stores)
    del lines[0]["scope"]
    _refused(tmp_path, lines, "scope is missing")


def _refused(folder: Path, lines: list[dict[str, Any]], said: str) -> None:
    home = Home(folder / "another")
    home.create()
    with closing(open_stores(home)) as stores:
        with pytest.raises(BadRecord, match=said):
            stores.archive.restore(lines)
        assert full(stores) == []


@pytest.mark.parametrize(
    "line",
    [{"content": "a note"}, {"type": "record", "content": "a note"}, {"type": "journal"}, [], None, "record"],
)
def test_what_somebody_wrote_down_is_no_full_export(line: object) -> None:
    assert not is_full(line)
