"""How sure counts make one, by figures that were worked out apart from the module."""

from __future__ import annotations

from math import inf

import pytest

from iai_daemon.consolidation.insights.statistics import (
    Comparison,
    Table,
    Z,
    adjusted,
    at_least,
    compare,
    design_effect,
    wilson,
)

THREE = [Table(12, 20, 5, 25), Table(3, 10, 2, 15), Table(7, 9, 4, 8)]


def figures(found: Comparison | None) -> tuple[float, float, float, float]:
    assert found is not None
    return found.odds, found.low, found.high, found.p


@pytest.mark.parametrize(
    ("events", "total", "low", "high"),
    [
        (0, 0, 0.0, 1.0),
        (0, 1, 0.0, 0.793451),
        (1, 1, 0.206549, 1.0),
        (3, 10, 0.107791, 0.603222),
        (2.5, 7.5, 0.109686, 0.669884),
        (10, 10, 0.722467, 1.0),
    ],
)
def test_the_interval_of_a_rate_lies_between_nothing_and_all(
    events: float, total: float, low: float, high: float
) -> None:
    assert wilson(events, total) == pytest.approx((low, high), abs=1e-6)


def test_no_interval_is_beyond_what_a_rate_may_be() -> None:
    for total in range(40):
        assert 0.0 <= wilson(0, total)[0] < 1e-9
        assert 1 - 1e-9 < wilson(total, total)[1] <= 1.0


@pytest.mark.parametrize(
    ("events", "total", "rate", "probability"),
    [
        (1, 1, 0.25, 0.25),
        (0, 4, 0.3, 1.0),
        (3, 4, 0.3, 0.0837),
        (4, 4, 0.3, 0.0081),
        (5, 4, 0.3, 0.0),
        (2.5, 7.6, 0.2, 0.2030822),
        (3 + 1e-10, 4, 0.3, 0.0837),
    ],
)
def test_the_probability_of_so_many_or_more_is_binomial_in_whole_numbers(
    events: float, total: float, rate: float, probability: float
) -> None:
    assert at_least(events, total, rate) == pytest.approx(probability, abs=1e-7)


def test_no_probability_is_more_than_one() -> None:
    assert all(at_least(0, total, 0.3) <= 1.0 for total in range(60))


@pytest.mark.parametrize(
    ("groups", "effect"),
    [
        ([(3, 4), (0, 4), (1, 2), (4, 5), (0, 3), (2, 6)], 1.9939652),
        ([(3, 4), (0, 4), (1, 2), (4, 5), (0, 3)], 2.2773135),
        ([(3, 4), (0, 4), (1, 2), (4, 5)], 1.0),
        ([(1, 1), (0, 1), (1, 1), (0, 1), (1, 1)], 1.0),
        ([(1, 2), (0, 1), (1, 1), (0, 1), (1, 1)], 1.0),
        ([(2, 2), (0, 1), (1, 1), (0, 1), (1, 1)], 1.3333333),
        ([(0, 3)] * 5, 1.0),
        ([(3, 3)] * 5, 1.0),
        ([(1, 2)] * 6, 1.0),
        ([], 1.0),
    ],
)
def test_groups_that_are_alike_within_make_their_calls_count_for_less(
    groups: list[tuple[int, int]], effect: float
) -> None:
    assert design_effect(groups) == pytest.approx(effect, abs=1e-6)


@pytest.mark.parametrize(
    ("strata", "deff", "odds", "low", "high", "p"),
    [
        (THREE, 1.0, 4.4493326, 1.6822902, 11.7676252, 0.0047470),
        (THREE, 2.0, 4.4493326, 1.1244486, 17.6055717, 0.0458611),
        ([Table(10, 10, 0, 10)], 1.0, 441.0, 7.9794593, 24372.7039946, 8.74499e-5),
        ([Table(2, 4, 2, 4)], 1.0, 1.0, 0.0625488, 15.9875081, 1.0),
        ([Table(0, 4, 2, 4), Table(0, 3, 1, 3)], 1.0, 0.1578947, 0.0136164, 1.8309391, 0.2247653),
    ],
)
def test_strata_are_put_together_as_mantel_and_haenszel_do(
    strata: list[Table], deff: float, odds: float, low: float, high: float, p: float
) -> None:
    assert figures(compare(strata, deff)) == pytest.approx((odds, low, high, p), rel=1e-5)


def test_observations_count_whole_unless_they_are_said_to_be_alike() -> None:
    assert compare(THREE) == compare(THREE, 1.0)


def test_all_strata_with_both_sides_are_counted_and_those_with_a_difference_tell() -> None:
    found = compare([*THREE, Table(1, 1, 0, 0), Table(0, 0, 1, 2), Table(3, 3, 4, 4), Table(0, 2, 0, 2)])
    assert found is not None
    assert found.together == Table(25, 44, 15, 54)
    assert found.strata == 3
    assert figures(found) == figures(compare(THREE))


@pytest.mark.parametrize(
    "strata",
    [[], [Table(1, 2, 0, 0)], [Table(0, 0, 1, 2)], [Table(2, 2, 3, 3)], [Table(0, 2, 0, 3)]],
)
def test_where_no_stratum_tells_anything_there_is_no_comparison(strata: list[Table]) -> None:
    assert compare(strata) is None


@pytest.mark.parametrize(("odds", "more"), [(0.5, False), (1.0, False), (1.01, True), (inf, True)])
def test_more_are_those_whose_odds_are_greater(odds: float, more: bool) -> None:
    assert Comparison(Table(1, 2, 3, 4), 1, odds, 0.1, 10.0, 0.5).more is more


@pytest.mark.parametrize(
    ("ps", "qs"),
    [
        ([], []),
        ([0.2], [0.2]),
        ([0.01, 0.04, 0.03, 0.5], [0.04, 0.0533333, 0.0533333, 0.5]),
        ([0.5, 0.03, 0.04, 0.01], [0.5, 0.0533333, 0.0533333, 0.04]),
        ([0.04, 0.04], [0.04, 0.04]),
        ([1.0, 1.0], [1.0, 1.0]),
    ],
)
def test_of_many_looks_each_is_worth_less(ps: list[float], qs: list[float]) -> None:
    assert adjusted(ps) == pytest.approx(qs, abs=1e-6)


def test_intervals_are_of_95_percent() -> None:
    assert Z == 1.959964
