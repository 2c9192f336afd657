"""Somebody comes back every time, before a night has got anything done: trying again costs less and less."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import psutil

from iai_daemon.clock import Stopwatch
from iai_daemon.consolidation.plan import YieldPoint
from iai_daemon.consolidation.runner import Halt
from iai_daemon.memory.nights import Batch
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Record
from iai_daemon.paths import Home
from tests.consolidation.evening import a_day, night, remember
from tests.consolidation.passes_for_tests import Scripted
from tests.fakes import LONG, FakeClock
from tests.journeys.real import RunningDaemon, RunningWrapper, until

FEW, MANY = (10, 100) if LONG else (6, 16)
BURNT = 0.03

CONFIG = """
[presence]
settle_after = "50ms"
[lifecycle]
tick = "100ms"
idle_after = "100ms"
absent_for = "100ms"
[consolidation]
naps = false
interval = "0s"
"""


class Visitor:
    """Comes back when the pass has computed for a while; counts how often it began."""

    def __init__(self) -> None:
        self.comes = False
        self.starts = 0

    def plan(self, _records: Sequence[Record], yield_point: YieldPoint) -> Batch:
        self.starts += 1
        end = time.process_time() + BURNT
        while time.process_time() < end:
            yield_point()
        self.comes = True
        yield_point()
        raise AssertionError("nobody came")

    def halted(self) -> Halt | None:
        return Halt("yielded", "WAKE: somebody is back") if self.comes else None


def attempts(root: Path, number: int) -> tuple[float, int]:
    """CPU seconds of so many attempts, one at each tick, and how many of them really began."""
    home = Home(root)
    home.create()
    clock, visitor = FakeClock(), Visitor()
    with closing(open_stores(home)) as stores:
        remember(stores, "a note")
        before = time.process_time()
        for _ in range(number):
            visitor.comes = False
            night(stores, chosen=[Scripted(plans=visitor.plan)], clock=clock, halted=visitor.halted)
            clock.advance(30.0)
        return time.process_time() - before, visitor.starts


def test_a_hundred_fruitless_attempts_of_a_pass_cost_at_most_twice_as_much_as_ten(tmp_path: Path) -> None:
    few, started = attempts(tmp_path / "few", 10)
    many, started_of_many = attempts(tmp_path / "many", 100)
    assert few >= started * BURNT
    assert (started, started_of_many) == (5, 8)
    assert many <= 2 * few


def workers_cpu(daemon: RunningDaemon) -> float:
    """CPU seconds of all workers that the daemon has seen the end of."""
    times = psutil.Process(daemon.process.pid).cpu_times()
    return float(times.children_user + times.children_system)


def leave_and_come_back(daemon: RunningDaemon, wrapper: RunningWrapper) -> RunningWrapper:
    """Everybody leaves, and somebody is there again as soon as a night begins, or it has become clear that none does."""
    wrapper.answer()
    wrapper.leave()
    daemon.wait_state("BEDTIME")
    watch = Stopwatch()
    until(lambda: daemon.status()["consolidation"]["running"] or watch.seconds() > 0.2)
    back = RunningWrapper(daemon.home)
    back.send("tools/call")
    until(lambda: daemon.state()[0] == "WAKE" and not daemon.status()["consolidation"]["running"])
    return back


def test_a_daemon_whose_every_night_is_interrupted_tries_less_and_less_often(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        a_day(stores, 3000)
    daemon = RunningDaemon(home, CONFIG)
    wrapper = RunningWrapper(home)
    wrapper.send("tools/call")
    try:
        costs = []
        for number in range(1, MANY + 1):
            wrapper = leave_and_come_back(daemon, wrapper)
            if number in (FEW, MANY):
                costs.append(workers_cpu(daemon))
        assert costs[0] > 0
        assert costs[1] <= 2 * costs[0], costs
    finally:
        wrapper.answer()
        wrapper.leave()
        daemon.stop()
