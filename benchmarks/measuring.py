"""What benches measure with: how much is asked of them, rounds by turns, times and memory of what they start."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from iai_daemon.paths import Home


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to measure. `rounds` and `records` are for somebody who wants more or less; `data`: a folder with texts to judge by."""

    quick: bool = False
    rounds: int | None = None
    records: int | None = None
    data: Path | None = None

    def of(self, quick: int, whole: int) -> int:
        """The one for a quick run, or the other."""
        return quick if self.quick else whole

    def turns(self, quick: int, whole: int) -> int:
        """How many rounds, unless somebody has said."""
        return self.rounds or self.of(quick, whole)


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def by_turns(rounds: int, works: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """What each gives in each round; every other round goes through them backwards."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds):
        for name in list(works)[:: 1 if number % 2 else -1]:
            found[name].append(works[name]())
    return found


def quantile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def command(home: Home, *words: str) -> list[str]:
    """The command line of one of our commands."""
    return [sys.executable, "-m", "iai_daemon", "--home", str(home.root), *words]


def whole_command(argv: Sequence[str], *, may_answer_no: bool = False) -> float:
    """Seconds of a program from its start to its end. Raises CalledProcessError when it fails."""
    began = time.perf_counter()
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    took = time.perf_counter() - began
    if done.returncode not in ((0, 1) if may_answer_no else (0,)):
        raise subprocess.CalledProcessError(done.returncode, argv, done.stdout, done.stderr)
    return took


def peak_of(argv: Sequence[str], output: int = subprocess.DEVNULL) -> float:
    """The peak memory of one run of a program, in MB."""
    process = subprocess.Popen(argv, stdout=output)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, argv
    return megabytes(usage.ru_maxrss)


def megabytes(maxrss: int) -> float:
    """Of what the kernel says in its own unit."""
    return maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def until(condition: Callable[[], bool], within: float, pause: float = 0.02) -> float:
    """Ask until it holds; returns when (perf_counter). Raises TimeoutError."""
    deadline = time.perf_counter() + within
    while time.perf_counter() < deadline:
        if condition():
            return time.perf_counter()
        time.sleep(pause)
    raise TimeoutError(f"not within {within} s")
