"""`make bench-check`: has anything become slower? Measures again, quickly, and compares each ratio with the committed result.

A ratio that is worse by more than 20 % fails. One that looks so is measured up to two more times, and its best median counts: a
busy machine makes a figure worse now and then, a regression makes it worse each time. What is absolute is told, and never fails.

`python -m benchmarks.check [NAME…]`; with `--results DIR` nothing is measured, and the results in DIR are compared.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import machine
from benchmarks.figures import Better, Figure, Kind, Result
from benchmarks.measuring import Effort
from benchmarks.running import BENCHES, RESULTS, BenchFailed, results, run
from benchmarks.words import amount

TOLERANCE = 0.2
AGAIN = 2

REGRESSED, MISSING, NEW, NOT_MEASURED = "REGRESSED", "MISSING", "new", "not measured"
BETTER, SAME, ABSOLUTE, WORSE = "better", "as before", "absolute", "a little worse"


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure before and now; `worse` is by how much, as a share: 0.21 is 21 %."""

    bench: str
    name: str
    state: str
    before: Figure | None = None
    now: Figure | None = None
    worse: float = 0.0

    @property
    def fails(self) -> bool:
        return self.state in (REGRESSED, MISSING)

    def __str__(self) -> str:
        values = [amount(each.value, each.unit) if each else "–" for each in (self.before, self.now)]
        change = f"{self.worse:+.0%}" if self.before and self.now else ""
        return f"  {self.bench:12} {self.name:58} {values[0]:>12} {values[1]:>12} {change:>7}  {self.state}"


def compare(before: Result, now: Result) -> list[Compared]:
    """Every figure of both."""
    found = {each.name: each for each in now.figures}
    told = [_compared(before.bench, each, found.get(each.name), now) for each in before.figures]
    known = {each.name for each in before.figures}
    return told + [
        Compared(now.bench, name, NEW, now=each) for name, each in found.items() if name not in known
    ]


def _compared(bench: str, before: Figure, now: Figure | None, result: Result) -> Compared:
    if now is None:
        excused = (before.thorough and result.quick) or {before.name, before.needs} & result.absent.keys()
        return Compared(bench, before.name, NOT_MEASURED if excused else MISSING, before)
    worse = worsened(before, now)
    return Compared(bench, before.name, _state(before, worse), before, now, worse)


def _state(before: Figure, worse: float) -> str:
    if before.kind is Kind.ABSOLUTE:
        return ABSOLUTE
    # What is kept of a figure has four digits: a change of exactly 20 % is not beyond it.
    if worse > TOLERANCE + 1e-9:
        return REGRESSED
    if worse <= 0:
        return BETTER if worse < 0 else SAME
    return WORSE


def worsened(before: Figure, now: Figure) -> float:
    """By which share of what it was; below 0 where it is better now."""
    if before.value == now.value:
        return 0.0
    if before.value == 0:
        return float("inf") if (now.value > 0) is (before.better is Better.LOWER) else float("-inf")
    change = (now.value - before.value) / abs(before.value)
    return change if before.better is Better.LOWER else -change


def best(first: Result, again: Result) -> Result:
    """The better median of each figure."""
    second = {each.name: each for each in again.figures}
    kept = [_better(each, second.pop(each.name, each)) for each in first.figures]
    absent = {what: why for what, why in first.absent.items() if what in again.absent}
    return replace(first, figures=(*kept, *second.values()), absent=absent)


def _better(one: Figure, other: Figure) -> Figure:
    higher, lower = (one, other) if one.value >= other.value else (other, one)
    return lower if one.better is Better.LOWER else higher


def measured(before: Result, measure: Callable[[str], Result]) -> list[Compared]:
    """Measure, and once or twice again where something looks worse than it may. A bench that fails has lost all its figures."""
    try:
        now = measure(before.bench)
        for _ in range(AGAIN):
            if not any(each.fails for each in compare(before, now)):
                break
            now = best(now, measure(before.bench))
    except BenchFailed as cause:
        print(cause, file=sys.stderr)
        return [Compared(before.bench, each.name, MISSING, each) for each in before.figures]
    return compare(before, now)


def against(committed: Sequence[Result], found: Mapping[str, Result]) -> list[Compared]:
    """Without measuring; a bench of which there is no result has lost all its figures."""
    told: list[Compared] = []
    for before in committed:
        now = found.get(before.bench)
        told += (
            compare(before, now)
            if now
            else [Compared(before.bench, each.name, MISSING, each) for each in before.figures]
        )
    known = {each.bench for each in committed}
    for name, now in found.items():
        if name not in known:
            told += [Compared(name, each.name, NEW, now=each) for each in now.figures]
    return told


def tell(compared: Sequence[Compared]) -> int:
    """Print the table, what fails last; the exit status."""
    print(f"  {'':12} {'':58} {'committed':>12} {'now':>12} {'worse':>7}")
    for each in sorted(compared, key=lambda each: each.fails):
        print(each)
    failing = sum(each.fails for each in compared)
    print(
        f"{failing} of {len(compared)} figures fail: a ratio worse by more than {TOLERANCE:.0%}, or gone"
        if failing
        else f"{len(compared)} figures, no ratio worse by more than {TOLERANCE:.0%}"
    )
    return 1 if failing else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.check", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}; else all")
    parser.add_argument("--committed", type=Path, default=RESULTS, help="what to compare with")
    parser.add_argument("--results", type=Path, metavar="DIR", help="compare these, and measure nothing")
    given = parser.parse_args()
    names = given.names or [each.bench for each in results(given.committed)]
    committed = [each for each in results(given.committed) if each.bench in names]
    if unknown := set(names) - {each.bench for each in committed}:
        parser.error(f"no committed result of {', '.join(sorted(unknown))}")
    if given.results:
        found = {each.bench: each for each in results(given.results)}
        return tell(
            against(
                committed, {name: each for name, each in found.items() if not given.names or name in names}
            )
        )
    described = machine.described()
    if described["load"] > described["cores"] / 2:
        print(
            f"this machine has other work to do (load {described['load']}): ratios may look worse",
            file=sys.stderr,
        )
    compared = []
    for before in committed:
        print(f"measuring {before.bench}", file=sys.stderr, flush=True)
        compared += measured(before, lambda name: run(name, Effort(quick=True)))
    return tell(compared)


if __name__ == "__main__":
    sys.exit(main())
