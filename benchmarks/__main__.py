"""`make bench`: every figure that is promised, one bench after the other, each in a process of its own.

`python -m benchmarks [NAME…] [--quick] [--rounds N] [--records N] [--data DIR] [--into DIR]`

A bench is a module in `benches/`: what its docstring says stands on the page, and `measure(effort)` yields figures, and what could not
be measured. Its name stands in running.py, its title in page.py.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.figures import Figure, Result
from benchmarks.one import effort, options
from benchmarks.running import BENCHES, RESULTS, BenchFailed, run, write
from benchmarks.words import amount, goal, verdict


def row(figure: Figure) -> str:
    """One line of the table."""
    sides = ""
    if figure.ours is not None and figure.theirs is not None:
        sides = (
            f"{amount(figure.ours, figure.measured_in)} against {amount(figure.theirs, figure.measured_in)}"
        )
    low, high = figure.spread
    spread = f"{amount(low, '')}…{amount(high, '')}" if len(figure.rounds) > 1 else ""
    reached = amount(figure.value, figure.unit)
    return f"  {figure.name:58} {reached:>12}  {spread:17} {sides:32} {goal(figure):14} {verdict(figure)}"


def table(result: Result) -> str:
    lines = [row(each).rstrip() for each in result.figures]
    lines += [f"  not measured: {what}: {why}" for what, why in result.absent.items()]
    return "\n".join([f"== {result.bench}, {result.seconds:.0f} s", *lines])


def main() -> int:
    """Run the benches named, else all, and write down what they give; 1 when one of them fails."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}")
    parser.add_argument("--into", type=Path, default=RESULTS, help="where the results go")
    options(parser)
    given = parser.parse_args()
    if unknown := set(given.names) - set(BENCHES):
        parser.error(f"no such bench: {', '.join(sorted(unknown))}")
    failed, missed = [], []
    for name in given.names or BENCHES:
        try:
            result = run(name, effort(given))
        except BenchFailed as cause:
            print(f"== {cause}", file=sys.stderr, flush=True)
            failed.append(name)
            continue
        print(table(result), flush=True)
        write(result, given.into)
        missed += [f"{name}: {each.name}" for each in result.figures if each.met is False]
    print(f"not reached: {'; '.join(missed)}" if missed else "all that is promised was reached")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
