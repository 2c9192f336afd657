"""What counts as a regression: a ratio that is worse by more than 20 %, or gone. On made-up values, nothing is measured."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.check import AGAIN, compare, measured
from benchmarks.figures import Figure, Kind, Result
from benchmarks.running import ROOT, BenchFailed, write
from tests.benchmarks.made_up import figure, higher, result


def states(before: Result, now: Result) -> dict[str, str]:
    return {each.name: each.state for each in compare(before, now)}


def fails(before: Result, now: Result) -> bool:
    return any(each.fails for each in compare(before, now))


@pytest.mark.parametrize(
    ("before", "now", "failing"),
    [
        (figure(2.0), figure(2.38), False),
        (figure(2.0), figure(2.4), False),
        (figure(2.0), figure(2.42), True),
        (figure(2.0), figure(1.0), False),
        (figure(2.0), figure(2.0), False),
        (higher(0.9), higher(0.729), False),
        (higher(0.9), higher(0.72), False),
        (higher(0.9), higher(0.711), True),
        (higher(0.9), higher(1.9), False),
        (figure(0.0), figure(0.0), False),
        (figure(0.0), figure(0.001), True),
        (higher(0.0), higher(0.5), False),
    ],
)
def test_a_ratio_fails_when_it_is_worse_by_more_than_a_fifth(
    before: Figure, now: Figure, failing: bool
) -> None:
    assert fails(result(before), result(now)) is failing


def test_what_is_absolute_is_told_and_never_fails() -> None:
    before = result(figure(2.0, kind=Kind.ABSOLUTE, unit="s"))
    assert states(before, result(figure(200.0, kind=Kind.ABSOLUTE, unit="s"))) == {"a call": "absolute"}


def test_a_figure_that_is_gone_fails_and_a_new_one_does_not() -> None:
    assert states(result(figure(2.0)), result(figure(2.0, "another"))) == {
        "a call": "MISSING",
        "another": "new",
    }
    assert fails(result(figure(2.0)), result())
    assert not fails(result(), result(figure(2.0)))


def test_an_absolute_figure_that_is_gone_fails_too() -> None:
    assert fails(result(figure(2.0, kind=Kind.ABSOLUTE)), result())


def test_a_quick_run_need_not_have_what_takes_long() -> None:
    before = result(figure(2.0, thorough=True))
    assert states(before, result(quick=True)) == {"a call": "not measured"}
    assert fails(before, result(quick=False))


def test_what_is_not_installed_is_told_and_does_not_fail() -> None:
    before = result(figure(0.1, needs="supergateway"))
    assert not fails(before, result(absent={"supergateway": "not installed: there is no npm here"}))
    assert fails(before, result(absent={"mcp-proxy": "not installed"}))


def test_a_figure_that_the_bench_says_it_could_not_measure_does_not_fail() -> None:
    assert not fails(result(figure(2.0)), result(absent={"a call": "no answer within 20 s"}))


class Machine:
    """Gives one result after the other; says how often it was asked."""

    def __init__(self, *found: Result | BenchFailed) -> None:
        self._found = list(found)
        self.asked = 0

    def __call__(self, _name: str) -> Result:
        self.asked += 1
        found = self._found.pop(0)
        if isinstance(found, BenchFailed):
            raise found
        return found


def of(*values: float) -> Callable[[], Machine]:
    return lambda: Machine(*(result(figure(value)) for value in values))


@pytest.mark.parametrize(
    ("machine", "asked", "failing"),
    [
        (of(2.0), 1, False),
        (of(3.0, 2.1), 2, False),
        (of(3.0, 9.0, 2.1), 3, False),
        (of(3.0, 3.0, 2.5), 3, True),
    ],
)
def test_what_looks_worse_is_measured_again_and_its_best_median_counts(
    machine: Callable[[], Machine], asked: int, failing: bool
) -> None:
    made = machine()
    found = measured(result(figure(2.0)), made)
    assert (made.asked, any(each.fails for each in found)) == (asked, failing)
    assert asked <= 1 + AGAIN


def test_each_figure_has_its_own_best() -> None:
    one = result(figure(3.0), higher(0.9))
    other = result(figure(2.0), higher(0.1))
    found = measured(result(figure(2.0), higher(0.9)), Machine(one, other))
    assert not any(each.fails for each in found)


def test_a_bench_that_fails_has_lost_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    found = measured(result(figure(2.0)), Machine(BenchFailed("it fell over")))
    assert [each.state for each in found] == ["MISSING"]
    assert "it fell over" in capsys.readouterr().err


def check(committed: Path, found: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.check", "--committed", str(committed), "--results", str(found)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("now", "status", "said"),
    [
        ([result(figure(2.38))], 0, "no ratio worse by more than 20%"),
        ([result(figure(2.42))], 1, "+21%"),
        ([result(figure(1.0))], 0, "better"),
        ([result(figure(2.0)), result(figure(9.0), bench="night")], 0, "new"),
        ([], 1, "MISSING"),
    ],
)
def test_two_folders_of_results_are_compared_without_measuring(
    tmp_path: Path, now: list[Result], status: int, said: str
) -> None:
    committed, found = tmp_path / "committed", tmp_path / "found"
    write(result(figure(2.0)), committed)
    found.mkdir()
    for each in now:
        write(each, found)
    done = check(committed, found)
    assert (done.returncode, done.stderr) == (status, "")
    assert said in done.stdout
