"""Looking at heartbeats: what a scan costs when nothing has changed, in one that reads every file, and how that grows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure, absolute, ratio
from benchmarks.measuring import Effort, seconds
from iai_daemon import clock
from iai_daemon.presence.classify import Status
from iai_daemon.presence.listing import Limits
from iai_daemon.presence.processes import SystemProcesses
from iai_daemon.presence.scanner import Scanner
from tests.presence.heartbeats import publish_many

FILES = 10_000
GOAL = 0.15
_AGAINST = "one that reads all of them"


def measure(effort: Effort) -> Iterator[Figure]:
    rounds = effort.turns(3, 9)
    for status, kind in ((Status.FRESH, "fresh"), (Status.ORPHAN, "orphaned")):
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            publish_many(directory, FILES, status)
            taken = [one_round(directory, status) for _ in range(rounds)]
        whole, unchanged = ([each[side] for each in taken] for side in (0, 1))
        label = f"a scan of {FILES:,} unchanged files, {kind}"
        yield ratio(label, unchanged, whole, "s", _AGAINST, goal=GOAL)
        yield absolute(f"the first scan of {FILES:,} files, {kind}", whole, "s")


def one_round(directory: Path, status: Status) -> tuple[float, float]:
    """Seconds of the first scan, and of the best of three more."""
    looking = Scanner([directory], Limits(3600.0, 2.0, 30.0), SystemProcesses())
    whole = seconds(lambda: looking.scan(clock.read()))
    unchanged = min(seconds(lambda: looking.scan(clock.read())) for _ in range(3))
    assert looking.scan(clock.read()).counts[status] == FILES
    return whole, unchanged
