"""What a scan costs when nothing has changed, as a ratio to reading everything, and that memory stays flat."""

from __future__ import annotations

import gc
import os
import statistics
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from iai_daemon import clock
from iai_daemon.clock import Stopwatch
from iai_daemon.presence.classify import Status
from iai_daemon.presence.listing import Limits
from iai_daemon.presence.processes import SystemProcesses
from iai_daemon.presence.scanner import Scanner
from tests.fakes import LONG
from tests.presence.heartbeats import publish, publish_many

FILES = 10_000 if LONG else 4000
ROUNDS = 9 if LONG else 3
# 0.15 is promised and shown by the benchmarks on an idle machine; a test shares its machine.
BOUND = 0.15 if LONG else 0.22


@pytest.mark.parametrize("status", [Status.FRESH, Status.ORPHAN])
def test_a_scan_of_unchanged_files_costs_a_fraction_of_reading_them(directory: Path, status: Status) -> None:
    publish_many(directory, FILES, status)
    whole, unchanged = [], []
    for _ in range(ROUNDS):
        looking = Scanner([directory], Limits(3600.0, 2.0, 30.0), SystemProcesses())
        whole.append(_seconds(lambda: looking.scan(clock.read())))  # noqa: B023 -- called at once
        unchanged += [_seconds(lambda: looking.scan(clock.read())) for _ in range(3)]  # noqa: B023
        assert looking.scan(clock.read()).counts[status] == FILES
    assert statistics.median(unchanged) / statistics.median(whole) <= BOUND


def _seconds(work: Callable[[], object]) -> float:
    watch = Stopwatch()
    work()
    return watch.seconds()


def test_memory_is_flat_while_wrappers_refresh_and_come_and_go(directory: Path) -> None:
    looking = Scanner([directory], Limits(90.0, 2.0, 30.0), SystemProcesses())

    def round_of_changes(number: int) -> None:
        for each in range(20):
            publish(directory, clock.read(), pid=os.getpid(), uuid=f"stays-{each}")
        path = publish(directory, clock.read(), pid=os.getpid(), uuid=f"goes-{number}")
        looking.scan(clock.read())
        path.unlink()
        looking.scan(clock.read())
        looking.clean_up(clock.read())

    def held_after(rounds: range) -> int:
        for number in rounds:
            round_of_changes(number)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = held_after(range(10))
        assert held_after(range(10, 40)) - before < 50_000
    finally:
        tracemalloc.stop()


def test_looking_a_process_up_leaves_no_name_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that Python is told to keep go with their last user, but their table grows with every one that ever came."""
    kept: list[str] = []
    keep = sys.intern
    monkeypatch.setattr(sys, "intern", lambda name: (kept.append(name), keep(name))[1])
    assert Path("/proc/0/stat").parts
    assert kept, "this is how pathlib does it"
    kept.clear()
    assert SystemProcesses().look_up(os.getpid(), clock.read())
    assert str(os.getpid()) not in kept
