"""The daemon: how soon it notices, with a tick of 30 s, and what a tick costs it.

Each moment is taken just before a heartbeat becomes visible, or goes, and when the transition stands in the history.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure, absolute, constant, ratio
from benchmarks.living import PATIENCE, Running, Writer
from benchmarks.measuring import Effort, by_turns, quantile, until
from iai_daemon.paths import Home
from tests.faults.ticking import tick_costs

CONFIG = """
[presence]
settle_after = "{settle}"
[lifecycle]
tick = "30s"
idle_after = "1s"
absent_for = "{absent}"
inactive_for = "1h"
[consolidation]
enabled = false
"""
GOAL = 0.05
_SETTLES, _ABSENT = 0.5, 0.3


def measure(effort: Effort) -> Iterator[Figure]:
    tries = effort.turns(6, 40)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        times = reaction(root / "a", tries)
        yield absolute("an activity → WAKE, p50", times, "s", goal=GOAL)
        yield constant("an activity → WAKE, p99", quantile(times, 99), "s", goal=GOAL)
        times = settling(root / "b", max(5, tries // 4))
        yield constant("a new client → WAKE, beyond settle_after, p99", quantile(times, 99), "s", goal=GOAL)
        times = leaving(root / "c", max(5, tries // 4))
        yield constant("the last client leaves → nobody is here, p99", quantile(times, 99), "s", goal=GOAL)
        times = absence(root / "d", max(5, tries // 4))
        yield constant(
            "nobody is here → BEDTIME, beyond absent_for, p99", quantile(times, 99), "s", goal=GOAL
        )
        ticks = effort.of(60, 300)
        kinds = {str(many): lambda many=many: _tick(root / "ticks", many, ticks) for many in (10, 100)}
        costs = by_turns(effort.of(3, 5), kinds)
    yield absolute("CPU of a tick with 10 wrappers", costs["10"], "s", goal=0.005)
    yield ratio(
        "CPU of a tick with 100 wrappers", costs["100"], costs["10"], "s", "a tick with 10", goal=10.0
    )


def _tick(folder: Path, wrappers: int, ticks: int) -> float:
    """CPU seconds of one, the median; in a home that is made for it."""
    with tempfile.TemporaryDirectory(prefix=folder.name, dir=folder.parent) as name:
        return statistics.median(tick_costs(Home(Path(name)), wrappers, ticks)[10:])


def reaction(root: Path, tries: int) -> list[float]:
    """From an activity in a heartbeat to the transition to WAKE."""
    times = []
    with Running(root, CONFIG.format(settle="1h", absent="1h")) as daemon:
        writer = Writer(daemon.home)
        writer.write(None)
        for _ in range(tries):
            until(lambda: daemon.state() == "IDLE", PATIENCE)
            times.append(daemon.noticed(lambda: writer.write(time.time())))
        writer.leave()
    return times


def settling(root: Path, tries: int) -> list[float]:
    """Beyond `settle_after` until a new wrapper means WAKE."""
    times = []
    with Running(root, CONFIG.format(settle="500ms", absent="1h")) as daemon:
        for _ in range(tries):
            until(lambda: daemon.state() == "IDLE", PATIENCE)
            writer = Writer(daemon.home)
            times.append(daemon.noticed(lambda writer=writer: writer.write(None)) - _SETTLES)
            writer.leave()
    return times


def leaving(root: Path, tries: int) -> list[float]:
    """From the end of the last wrapper to IDLE, because nobody is there."""
    times = []
    with Running(root, CONFIG.format(settle="1h", absent="1h").replace("1s", "1h")) as daemon:
        for _ in range(tries):
            writer = Writer(daemon.home)
            writer.write(time.time())
            until(lambda: daemon.state() == "WAKE", PATIENCE)
            times.append(daemon.noticed(writer.leave))
    return times


def absence(root: Path, tries: int) -> list[float]:
    """Beyond `absent_for`, from the end of the last wrapper to BEDTIME."""
    times = []
    with Running(root, CONFIG.format(settle="1h", absent="300ms").replace("1s", "1h")) as daemon:
        for _ in range(tries):
            writer = Writer(daemon.home)
            writer.write(time.time())
            until(lambda: daemon.state() == "WAKE", PATIENCE)
            began = writer.leave()
            times.append(until(lambda: daemon.state() == "BEDTIME", PATIENCE, pause=0.001) - began - _ABSENT)
    return times
