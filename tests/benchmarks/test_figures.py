"""Figures: what their value is, whether a promise is kept, and that they come back from a file as they were."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from benchmarks.figures import Better, Kind, absolute, from_json, ratio
from benchmarks.words import amount, bar
from tests.benchmarks.made_up import figure, higher, result


def test_a_ratio_is_the_median_of_what_the_rounds_gave() -> None:
    """A round in which the machine was slow for both sides changes nothing."""
    made = ratio("a call", [2.0, 40.0, 4.4], [1.0, 20.0, 2.0], "s", "no wrapper", goal=3.0)
    assert (made.rounds, made.value, made.kind) == ((2.0, 2.0, 2.2), 2.0, Kind.RATIO)
    assert (made.ours, made.theirs, made.against) == (4.4, 2.0, "no wrapper")


def test_a_round_of_which_one_side_is_missing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratio("a call", [2.0, 3.0], [1.0], "s", "no wrapper")


def test_a_promise_is_kept_up_to_its_very_value() -> None:
    assert [figure(value, goal=2.0).met for value in (1.0, 2.0, 2.001)] == [True, True, False]
    made = [absolute("rate", [value], "", better=Better.HIGHER, goal=5.0).met for value in (4.9, 5.0, 9.0)]
    assert made == [False, True, True]
    assert figure(1.0).met is None


def test_the_spread_is_where_the_middle_half_lies() -> None:
    assert absolute("a", [1.0, 2.0, 3.0, 4.0, 100.0], "s").spread == (2.0, 4.0)
    assert absolute("a", [7.0], "s").spread == (7.0, 7.0)


def test_a_result_comes_back_as_it_was_written() -> None:
    made = result(figure(2.0, goal=2.5, thorough=True), higher(0.5), absent={"x": "not here"}, quick=True)
    assert from_json(json.loads(json.dumps(made.as_json()))) == made


def test_what_is_written_keeps_four_digits() -> None:
    told = result(figure(1.23456789, rounds=(0.000123456, 123456.789))).as_json()["figures"][0]
    assert (told["value"], told["rounds"]) == (1.235, [0.0001235, 123500.0])


def test_results_of_another_schema_are_refused() -> None:
    with pytest.raises(ValueError, match="schema 99"):
        from_json({**result().as_json(), "schema": 99})


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.0, "", "0"),
        (2.0, "×", "2.00×"),
        (0.0123, "s", "12.3 ms"),
        (0.0000381, "s", "38.1 µs"),
        (61.0, "s", "1.02 min"),
        (5.0, "s", "5.00 s"),
        (9.69, "MB", "9.69 MB"),
        (12345.6, "a second", "12,346 a second"),
        (0.00084, "×", "0.00084×"),
    ],
)
def test_amounts_read_well(value: float, unit: str, said: str) -> None:
    assert amount(value, unit) == said


def test_a_bar_grows_with_its_value_and_never_beyond_its_width() -> None:
    lengths = [len(bar(value / 100, 1.0, 10)) for value in range(101)]
    assert all(one <= other for one, other in pairwise(lengths))
    assert (bar(0.0, 1.0), bar(1.0, 1.0, 4), bar(1.01, 1.0, 4), bar(0.5, 1.0, 4)) == (
        "",
        "████",
        "███▶",
        "██",
    )
