"""What a pass that compares works on, by plain values."""

from __future__ import annotations

import pytest

from iai_daemon.consolidation.likeness.portions import CROWD, JOINABLE, Compared, Preparation, Reach
from iai_daemon.consolidation.plan import YieldPoint
from tests.consolidation.test_passes import go_on
from tests.memory.test_rank import memory


def test_what_may_be_joined_has_most_of_its_words_and_all_of_its_figures_in_common() -> None:
    assert Reach(words=0.6, direction=0.8, most=8, same_figures=True) == JOINABLE


def test_twenty_that_were_joined_into_one_are_a_crowd() -> None:
    assert CROWD == 20


@pytest.mark.parametrize(("last", "empty"), [(True, True), (False, False)])
def test_a_step_or_a_comparison_without_anything_examined_is_empty_where_it_is_the_last(
    last: bool, empty: bool
) -> None:
    assert Compared([], 0, last, near={}, joined={}).empty is empty
    assert Preparation([], 0, last, step=lambda _: None).empty is empty
    assert not Compared([memory(1)], 1, last, near={}, joined={}).empty


def test_a_step_asks_whether_to_go_on() -> None:
    asked: list[YieldPoint] = []
    Preparation([], 0, last=False, step=asked.append).step(go_on)
    assert asked == [go_on]
