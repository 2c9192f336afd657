"""How much a pass takes at a time."""

from __future__ import annotations

import pytest

from iai_daemon.consolidation.pace import Pace


def after(most: int, *seconds: float) -> int:
    pace = Pace(most)
    for each in seconds:
        pace.took(each)
    return pace.portion


def test_a_pass_begins_carefully_and_takes_more_as_long_as_that_goes_quickly() -> None:
    assert [after(100, *[0.001] * times) for times in range(5)] == [16, 32, 64, 100, 100]


def test_it_takes_half_of_what_went_slowly_and_never_nothing() -> None:
    assert [after(100, *[0.2] * times) for times in range(6)] == [16, 8, 4, 2, 1, 1]


@pytest.mark.parametrize("seconds", [0.025, 0.05])
def test_it_stays_where_that_is_neither_quick_nor_slow(seconds: float) -> None:
    assert after(100, seconds, seconds) == 16


def test_a_pass_that_may_take_little_never_takes_more() -> None:
    assert [after(3), after(3, 0.0), after(1, 0.2)] == [3, 3, 1]


def test_of_an_odd_number_it_takes_the_smaller_half() -> None:
    assert [after(5, *[0.2] * times) for times in range(3)] == [5, 2, 1]
