"""What goes through a pass: portions, names of changes, and what was planned before, by plain values."""

from __future__ import annotations

import pytest

from iai_daemon.consolidation.plan import PROTOCOL, Portion, change_id, planned_again
from iai_daemon.memory.nights import Addition, Batch, Change, HeldRow, Why
from iai_daemon.memory.record import Draft
from tests.memory.test_rank import memory

CHANGE = Change("c1", "merged", 1, 1, "why", {"merged_into": 2}, {2: 1})
ADDITION = Addition("a1", "gist", Draft("About it."), "why", {})


def held(planned: Change | Addition) -> HeldRow:
    return HeldRow(3, 1, "deduplicate", planned, Why.REVIEW, 1000)


@pytest.mark.parametrize(
    ("examined", "last", "empty"), [(0, True, True), (0, False, False), (1, True, False), (1, False, False)]
)
def test_a_portion_is_empty_when_nothing_was_examined_and_nothing_is_left(
    examined: int, last: bool, empty: bool
) -> None:
    assert Portion([], examined, last).empty is empty
    assert Portion([memory(1)], examined, last).empty is empty


def test_a_portion_moves_no_cursor_and_lifts_nothing_unless_it_says_so() -> None:
    assert Portion([], 1, last=True) == Portion([], 1, last=True, position=None, lifted=())


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("d3f1c230c54677c9", ("deduplicate", "merged", 7, ())),
        ("b8d57d3237ff9b6b", ("deduplicate", "merged", 7, (8,))),
        ("39498575ee0837bb", ("deduplicate", "merged", 7, (8, "größe"))),
    ],
)
def test_a_change_has_the_same_name_in_every_process_and_version(
    name: str, of: tuple[str, str, int, tuple[int | str, ...]]
) -> None:
    """An undo is kept under it: were it another one, what a user took back would be done again."""
    pass_name, effect, record, because = of
    assert change_id(pass_name, effect, record, *because) == name


def test_another_pass_effect_record_or_reason_is_another_change() -> None:
    names = [
        change_id("a", "b", 1),
        change_id("b", "b", 1),
        change_id("a", "c", 1),
        change_id("a", "b", 2),
        change_id("a", "b", 1, 1),
        change_id("a", "b", 1, "1"),
        change_id("a", "b", 1, 1, 2),
        change_id("a", "b", 1, 2, 1),
    ]
    assert len(set(names)) == len(names)


def test_what_had_to_wait_is_planned_again_as_it_was() -> None:
    rows = [held(ADDITION), held(CHANGE)]
    assert planned_again(rows) == Batch([CHANGE], additions=[ADDITION])
    assert planned_again([]) == Batch([], additions=[])


def test_passes_of_others_are_written_for_the_first_protocol() -> None:
    assert PROTOCOL == 1
