"""The words of the calendar, by plain values."""

from __future__ import annotations

import pytest

from iai_daemon.agenda.slot import Listed, SlotState


@pytest.mark.parametrize(
    ("word", "active", "over"),
    [
        ("queued", False, False),
        ("in_progress", True, False),
        ("paused", True, False),
        ("completed", False, True),
        ("aborted", False, True),
    ],
)
def test_a_slot_is_active_or_over_by_its_state(word: str, active: bool, over: bool) -> None:
    state = SlotState(word)
    assert (state.is_active, state.is_over) == (active, over)


def test_there_are_no_other_states() -> None:
    assert [each.value for each in SlotState] == ["queued", "in_progress", "paused", "completed", "aborted"]


def test_a_slot_is_listed_without_a_status_unless_the_backend_says_one() -> None:
    assert Listed("7", "writer", "Sing", "la la").status is None
