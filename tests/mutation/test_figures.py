"""What `make mutation` makes of its counts, and which tests it asks."""

from __future__ import annotations

import pytest

from tests.mutation import whose
from tests.mutation.figures import Tally, combined, interval


def test_a_mutant_that_never_ends_is_found_out() -> None:
    seen = Tally(killed=7, survived=2, timeout=1, of=50)
    assert (seen.tried, seen.ratio) == (10, 0.8)
    assert seen + Tally(killed=1, of=3) == Tally(8, 2, 1, 53)
    assert Tally().ratio == 1.0


def test_a_sample_leaves_room_and_the_whole_leaves_none() -> None:
    low, high = interval(0.9, 20, 10**9)
    assert (round(low, 3), round(high, 3)) == (0.699, 0.972)
    assert interval(0.9, 20, 20) == (0.9, 0.9)
    nearly = interval(0.9, 18, 20)
    assert low < nearly[0] < 0.9 < nearly[1] < high


def test_a_module_weighs_as_many_mutants_as_it_has() -> None:
    ratio, low, high = combined([Tally(10, 0, 0, 10), Tally(5, 5, 0, 90)])
    assert ratio == pytest.approx(0.55)
    assert low < 0.55 < high
    assert combined([Tally(1, 1, 0, 2)]) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("module", whose.modules())
def test_every_pure_module_has_tests_that_are_quick_enough_for_mutants(module: str) -> None:
    assert whose.file_of(module).is_file()
    assert whose.tests_of(module)


def test_the_tests_of_its_own_name_are_asked_first() -> None:
    assert whose.tests_of("iai_daemon.presence.classify")[0].name == "test_classify.py"
