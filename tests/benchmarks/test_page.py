"""The page of figures is what the committed results say, all of it, and nothing else."""

from __future__ import annotations

import re
import statistics
from collections import Counter

import pytest

from benchmarks.figures import Kind, Result
from benchmarks.page import PAGE, TITLES, draw
from benchmarks.peers import BESIDE
from benchmarks.running import BENCHES, results
from tests.benchmarks.made_up import figure, higher, result

COMMITTED = results()


def test_the_page_is_drawn_from_the_results_that_are_committed() -> None:
    assert PAGE.read_text(encoding="utf-8") == draw(COMMITTED), "`python -m benchmarks.page` draws it anew"


def test_each_bench_has_a_result_and_a_title() -> None:
    assert [each.bench for each in COMMITTED] == list(BENCHES)
    assert set(TITLES) == set(BENCHES)


@pytest.mark.parametrize("found", COMMITTED, ids=lambda each: each.bench)
def test_a_committed_figure_is_the_median_of_its_rounds(found: Result) -> None:
    for each in found.figures:
        assert each.value == pytest.approx(statistics.median(each.rounds), rel=1e-3, abs=1e-9), each.name
        assert each.kind is not Kind.RATIO or each.against, each.name
    assert Counter(each.name for each in found.figures).most_common(1)[0][1] == 1


@pytest.mark.parametrize("found", COMMITTED, ids=lambda each: each.bench)
def test_a_committed_result_says_where_it_is_of_and_names_no_place_on_it(found: Result) -> None:
    assert {"cores", "cpu", "memory_gb", "system", "python", "load"} == set(found.machine)
    assert found.at.endswith("Z")
    assert not re.search(r"/(home|tmp|root|work|Users|var)/|https?://", str(found.as_json()))


def test_a_peer_is_either_measured_or_said_not_to_be_installed() -> None:
    for found in COMMITTED:
        for peer in BESIDE.get(found.bench, ()):
            assert peer.name in found.absent or any(each.needs == peer.name for each in found.figures)


def test_the_page_says_what_is_reached_what_is_not_and_what_could_not_be_measured() -> None:
    page = draw(
        [
            result(
                figure(2.0, goal=2.5),
                higher(0.5),
                absent={"supergateway": "not installed: there is no npm here"},
            ),
            result(figure(9.0, "slow", goal=3.0), bench="night", quick=True),
        ]
    )
    assert "Of 2 promised figures 1 are reached." in page
    assert "- A night: slow, 9.00× (≤ 3.00×)\n" in page
    assert "Measured quickly, with few rounds and without what is large: night." in page
    assert "- supergateway: not installed: there is no npm here" in page
    assert re.search(
        r"\| a call \| 2\.00 s \| 1\.00 s: nothing \| \*\*2\.00×\*\* .* ≤ 2\.50×, reached \| █+▋? \|", page
    )
    assert re.search(r"≤ 3\.00×, not reached \| █+▶ \|", page)
