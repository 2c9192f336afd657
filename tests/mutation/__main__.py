"""`make mutation`: breaks the pure modules in one place at a time and sees whether their tests find it out; fails below 85 %.

`python -m tests.mutation [MODULE…] [--sample N] [--seed N] [--survivors] [--goal PERCENT]`: MODULE is the beginning of a name below the
package, `lifecycle` or `agenda.policy`. With a sample, so many mutants of each module, drawn the same way every time, and what that says
of all of them.
"""

# ruff: noqa: T201 -- a command: this is what it says
from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.mutation.figures import Tally, combined, interval
from tests.mutation.whose import modules, tests_of
from tests.project.source import PACKAGE, ROOT


def chosen(names: Sequence[str]) -> list[str]:
    """The modules whose names begin so; all of them without names."""
    short = {name.removeprefix(f"{PACKAGE}."): name for name in modules()}
    return [name for each, name in short.items() if not names or each.startswith(tuple(names))]


def tried(module: str, sample: int | None, seed: int) -> dict[str, Any]:
    """What became of its mutants; `wrong` where its tests could not be run."""
    tests = [str(path.relative_to(ROOT)) for path in tests_of(module)]
    if not tests:
        return {"wrong": "no test that is quick imports it"}
    argv = [sys.executable, "-m", "tests.mutation.one", module, *tests, "--seed", str(seed)]
    if sample is not None:
        argv += ["--sample", str(sample)]
    ended = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode:
        return {"wrong": (ended.stdout + ended.stderr).strip()[-2000:]}
    answer: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return answer


def tally(answer: dict[str, Any]) -> Tally:
    return Tally(answer["killed"], answer["survived"], answer["timeout"], answer["of"])


def row(name: str, seen: Tally) -> str:
    low, high = interval(seen.ratio, seen.tried, seen.of)
    between = f"  95 % sure: {low:.1%} to {high:.1%}" if seen.tried < seen.of else ""
    return (
        f"{name:45} {seen.ratio:6.1%}  {seen.killed} killed, {seen.survived} survived,"
        f" {seen.timeout} without end; {seen.tried} of {seen.of}{between}"
    )


def survivors(answer: dict[str, Any]) -> Iterator[str]:
    for each in answer["told"]:
        yield f"    line {each['line']}, {each['end']}"
        yield from (f"      {line}" for line in each["diff"].splitlines())


def main() -> int:
    """Try the modules, some at a time; 1 when too many mutants survive."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="MODULE")
    parser.add_argument("--sample", type=int, metavar="N", help="mutants of each module; all without it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--goal", type=float, default=85.0, metavar="PERCENT")
    parser.add_argument("--survivors", action="store_true", help="show what was not found out")
    given = parser.parse_args()
    names = chosen(given.names)
    if not names:
        parser.error(f"no pure module is called {', '.join(given.names)}")
    seen, wrong = [], []
    with ThreadPoolExecutor(os.cpu_count()) as several:
        answers = several.map(lambda name: tried(name, given.sample, given.seed), names)
        for name, answer in zip(names, answers, strict=True):
            if "wrong" in answer:
                wrong.append(name)
                print(f"{name}: {answer['wrong']}", flush=True)
                continue
            seen.append(tally(answer))
            print(row(name, seen[-1]), flush=True)
            if given.survivors:
                print(*survivors(answer), sep="\n", flush=True)
    ratio, low, high = combined(seen)
    print(
        f"{ratio:.1%} of {sum(each.of for each in seen)} mutants are found out; {given.goal:.0f} % are wanted"
    )
    if given.sample is not None:
        print(
            f"a sample of {sum(each.tried for each in seen)}: 95 % sure that it is {low:.1%} to {high:.1%} of all"
        )
    return 1 if wrong or ratio * 100 < given.goal else 0


if __name__ == "__main__":
    sys.exit(main())
