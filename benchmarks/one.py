"""One bench, in the process that measures: `python -m benchmarks.one NAME FILE`. It writes its result into FILE."""

from __future__ import annotations

import argparse
import importlib
import json
import signal
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import machine
from benchmarks.figures import Absent, Figure, Result
from benchmarks.measuring import Effort
from benchmarks.running import BENCHES
from iai_daemon import __version__


def options(parser: argparse.ArgumentParser) -> None:
    """Those that say how much to measure."""
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and nothing that is large")
    parser.add_argument("--rounds", type=int, metavar="N", help="how many rounds, where there are rounds")
    parser.add_argument(
        "--records", type=int, metavar="N", help="how large the memory is, where one is filled"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="a folder with texts to judge by, too")


def effort(given: argparse.Namespace) -> Effort:
    return Effort(given.quick, given.rounds, given.records, given.data)


def measured(name: str, how: Effort) -> Result:
    """Everything that this bench gives."""
    bench = importlib.import_module(f"benchmarks.benches.{name}")
    about = (bench.__doc__ or "").strip()
    described, began = machine.described(), time.perf_counter()
    figures: list[Figure] = []
    absent: dict[str, str] = {}
    for found in bench.measure(how):
        if isinstance(found, Absent):
            absent[found.what] = found.why
        elif not (found.thorough and how.quick):
            figures.append(found)
    names = Counter(each.name for each in figures)
    assert len(names) == len(figures), f"one name for two figures: {names.most_common(1)}"
    return Result(
        bench=name, about=about, figures=figures, absent=absent, machine=described,
        at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"), version=__version__,
        commit=machine.commit(), quick=how.quick, seconds=time.perf_counter() - began,
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.one", description=__doc__)
    parser.add_argument("name", choices=BENCHES)
    parser.add_argument("file", type=Path)
    options(parser)
    given = parser.parse_args()
    # Whoever stops us wants our things put away, also where a shell has us ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    result = measured(given.name, effort(given))
    given.file.write_text(json.dumps(result.as_json()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
