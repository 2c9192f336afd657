"""A daemon that is stopped or killed at any moment: the next one stands where it stood, or where it should stand by now."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from iai_daemon.lifecycle import history
from iai_daemon.paths import Home
from tests.fakes import LONG
from tests.faults.seeds import luck
from tests.journeys.real import RunningDaemon, RunningWrapper, command, until

# In seconds; a tick, and the moment that a process needs to answer.
WITHIN_A_TICK = 1.0 + 0.5

QUICK = """
[presence]
settle_after = "100ms"
[lifecycle]
tick = "1s"
idle_after = "300ms"
absent_for = "300ms"
inactive_for = "700ms"
[consolidation]
enabled = false
"""
# Under this one nothing happens by itself.
PATIENT = QUICK.replace('"300ms"\nabsent', '"1h"\nabsent').replace(
    'absent_for = "300ms"', 'absent_for = "1h"'
)
ENDS = (signal.SIGTERM, signal.SIGKILL)

TO_BEDTIME = [("IDLE", "nobody"), ("BEDTIME", "absent")]

# Where nobody is there, and how it came to that.
STANDING = ((PATIENT, TO_BEDTIME[:1]), (QUICK, TO_BEDTIME))


class Line:
    """The daemons of one home, one after the other."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.running: RunningDaemon | None = None

    def start(self, config: str) -> RunningDaemon:
        self.running = RunningDaemon(self.home, config)
        assert self.running.process.poll() is None, self.running.process.communicate()
        return self.running

    def end(self, number: signal.Signals) -> None:
        """It ends by this signal; a second time nothing happens."""
        if self.running is not None:
            self.running.process.send_signal(number)
            assert self.running.process.communicate(timeout=20) == ("", "")
            self.running = None

    def start_and_end(self, number: signal.Signals, looks: int) -> None:
        """A daemon that is ended soon after its start, maybe before it is one."""
        process = subprocess.Popen(
            command(self.home, "run"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(looks):
            self.home.daemon_lock.read_bytes()
        process.send_signal(number)
        process.communicate(timeout=20)

    def path(self) -> list[tuple[str, str]]:
        """States and rules in their order, starts left out."""
        told = history.read(self.home.history)
        return [(str(each["to"]), str(each["rule"])) for each in told if each["rule"] != "started"]


@pytest.fixture
def line(home: Home) -> Iterator[Line]:
    line = Line(home)
    yield line
    line.end(signal.SIGKILL)


@contextmanager
def a_wrapper(home: Home) -> Iterator[RunningWrapper]:
    home.create()
    wrapper = RunningWrapper(home)
    try:
        yield wrapper
    finally:
        wrapper.leave()


def _is_at_work(home: Home) -> bool:
    """Whether a heartbeat tells of a call without an answer."""
    return any(json.loads(each.read_bytes()).get("in_flight") for each in home.wrappers.glob("*.json"))


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.name)
def test_whoever_came_to_work_meanwhile_is_seen_within_a_tick(line: Line, end: signal.Signals) -> None:
    for config, path in STANDING:
        line.start(config)
        until(lambda path=path: line.path()[-len(path) :] == path)
        line.end(end)
        with a_wrapper(line.home) as wrapper:
            wrapper.send("tools/call")
            until(lambda: _is_at_work(line.home))
            line.start(config)
            until(lambda: line.path()[-1] == ("WAKE", "active"), WITHIN_A_TICK)
            line.end(end)


def test_whoever_stays_at_work_stays_seen(line: Line) -> None:
    with a_wrapper(line.home) as wrapper:
        wrapper.send("tools/call")
        until(lambda: _is_at_work(line.home))
        for end in ENDS:
            line.start(QUICK).wait_state("WAKE", "active")
            line.end(end)
        line.start(QUICK).wait_state("WAKE", "active")
        assert {state for state, _ in line.path()} <= {"WAKE"}


def _end_often(line: Line, config: str, stands: tuple[str, str], what: str) -> None:
    """End it again and again, after its first tick, before it or while it starts: each stands where the last one stood."""
    chance = luck(what)
    for _ in range(50 if LONG else 2):
        line.end(chance.choice(ENDS))
        for _ in range(chance.randrange(2)):
            line.start_and_end(chance.choice(ENDS), chance.randrange(20_000))
        daemon = line.start(config)
        for _ in range(chance.choice((1, 1, 100))):
            assert daemon.state() == stands


@pytest.mark.parametrize(("config", "path"), STANDING, ids=["IDLE", "BEDTIME"])
def test_where_nobody_comes_nothing_changes(line: Line, config: str, path: list[tuple[str, str]]) -> None:
    line.start(config)
    until(lambda: line.path() == path)
    _end_often(line, config, path[-1], what="nobody is there")
    assert line.path() == path


def test_where_somebody_stays_away_from_his_open_client_nothing_changes(line: Line) -> None:
    with a_wrapper(line.home):
        until(lambda: list(line.home.wrappers.glob("*.json")))
        line.start(QUICK)
        until(lambda: line.path()[-1:] == [("BEDTIME", "inactive")])
        before = line.path()
        _end_often(line, QUICK, ("BEDTIME", "inactive"), what="a client is open")
        assert line.path() == before
