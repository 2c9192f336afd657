"""Whatever nights did, and in whatever order they are taken back: the memory is what it was, byte for byte."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as some

from tests.consolidation.evening import export
from tests.consolidation.lives import Day, as_often_as_time_allows, evenings, world


@as_often_as_time_allows
@given(evenings)
def test_the_last_night_is_taken_back_byte_for_byte_and_without_force(days: list[Day]) -> None:
    with world() as it:
        for number in reversed(it.live(days)):
            it.undo(number, force=False)
            assert lines_of(export(it.stores), it.before[number]) == it.before[number]
        assert export(it.stores) == it.as_told()


def lines_of(now: str, before: str) -> str:
    """The export without what users have told since."""
    return "\n".join(now.splitlines()[: len(before.splitlines())])


@as_often_as_time_allows
@given(evenings, some.randoms(use_true_random=False))
def test_in_any_order_all_nights_together_leave_nothing_behind(days: list[Day], chance: object) -> None:
    with world() as it:
        nights = it.live(days)
        chance.shuffle(nights)  # type: ignore[attr-defined]
        for number in nights:
            it.undo(number, force=True)
        assert export(it.stores) == it.as_told()


@as_often_as_time_allows
@given(evenings, some.data())
def test_one_night_among_others_is_taken_back_for_all_that_it_changed(
    days: list[Day], data: some.DataObject
) -> None:
    """By force: what later nights made of these memories goes with it; all other memories stay as they are."""
    with world() as it:
        nights = it.live(days)
        if not nights:
            return
        number = data.draw(some.sampled_from(nights))
        entries = it.stores.nights.journal(night=number)
        added = {entry.record for entry in entries if entry.before is None}
        touched = {entry.record for entry in entries} - added
        before = by_id(it.before[number])
        leaning = {
            each.id for each in it.stores.memory.export() if {each.superseded_by, each.merged_into} & added
        }
        untouched = by_id(export(it.stores))
        it.undo(number, force=True)
        after = by_id(export(it.stores))
        assert not added & after.keys()
        # What was joined into a record that was told of only in passing is named in that record's line, too.
        assert {each: without_names(after[each]) for each in touched} == {
            each: without_names(before[each]) for each in touched
        }
        rest = untouched.keys() - touched - added - leaning
        assert {each: without_names(after[each]) for each in rest} == {
            each: without_names(untouched[each]) for each in rest
        }


def by_id(exported: str) -> dict[int, dict[str, object]]:
    return {each["id"]: each for each in map(json.loads, exported.splitlines())}


def without_names(line: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in line.items() if name != "merged_ids"}
