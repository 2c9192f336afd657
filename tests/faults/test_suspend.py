"""Real daemons and wrappers on a machine that is suspended and whose wall clock is set, while they run and while they are down."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from iai_daemon.lifecycle import history
from iai_daemon.paths import Home
from tests.faults.evening import HOUR, Client, Kind
from tests.faults.machine import Machine
from tests.journeys.real import RunningDaemon, RunningWrapper, call_json, until

# Nobody is idle or absent for so long in a test, but for longer than that the machine sleeps and its clock is set.
CONFIG = """
[presence]
settle_after = "100ms"
[lifecycle]
tick = "100ms"
idle_after = "50m"
absent_for = "50m"
inactive_for = "55m"
"""
PROGRAM = (sys.executable, "-m", "iai_daemon")
JUMPS: dict[str, Callable[[Machine], None]] = {
    "two hours ahead": lambda machine: machine.step(2 * HOUR),
    "four hours back": lambda machine: machine.step(-4 * HOUR),
    "an hour asleep": lambda machine: machine.suspend(HOUR),
    "ten seconds back": lambda machine: machine.step(-10),
}


class _Daemon(RunningDaemon):
    """`iai-daemon run`, by the words that stand for `iai-daemon`."""

    def __init__(self, home: Home, *program: str) -> None:
        self.home = home
        home.create()
        home.config.write_text(CONFIG)
        words = [*program, "--home", str(home.root), "run"]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until(lambda: self.process.poll() is not None or self._answers())

    def ticks(self, count: int) -> Iterator[dict[str, int]]:
        """Who is there, as it is seen again and again until so many ticks have passed."""
        for _ in range(count):
            before = self.status()["tick"]["at"]
            while (seen := self.status())["tick"]["at"] == before:
                yield seen["presence"]
            yield seen["presence"]


class _Wrapper(RunningWrapper):
    """The real wrapper, started so that it lives by the machine's clocks, and takes a moment longer."""

    def __init__(self, home: Home) -> None:
        found = importlib.util.find_spec("iai_wrapper")
        assert found is not None
        assert found.origin
        self.process = subprocess.Popen(
            [sys.executable, found.origin, "--home", str(home.root), "--", "cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )


@contextmanager
def daemon(home: Home, *program: str) -> Iterator[_Daemon]:
    running = _Daemon(home, *(program or PROGRAM))
    try:
        yield running
    finally:
        assert running.stop() == ""


@contextmanager
def everybody(home: Home, machine: Machine, kinds: Sequence[Kind] = tuple(Kind)) -> Iterator[list[Client]]:
    """A real wrapper, whose user has just done something, and one heartbeat of each kind."""
    home.create()
    wrapper = _Wrapper(home)
    clients = [Client(home.wrappers, machine.now, kind, f"u-{kind.name}") for kind in kinds]
    try:
        wrapper.send("tools/call")
        wrapper.answer()
        for client in clients:
            client.act()
        yield clients
    finally:
        wrapper.leave()
        for client in clients:
            client.kill()


def _assert_all_there(running: _Daemon, count: int = len(Kind) + 1) -> None:
    """Two ticks long, whoever is there is FRESH at every look, and somebody is at work."""
    for seen in running.ticks(2):
        assert (seen["fresh"], seen["stale"], seen["orphan"], seen["invalid"]) == (count, 0, 0, 0)
    assert running.state()[0] == "WAKE"


def _rules(home: Home) -> list[tuple[str, str]]:
    return [(str(each["to"]), str(each["rule"])) for each in history.read(home.history)]


def test_no_jump_of_the_clocks_touches_who_is_at_work(home: Home, machine: Machine) -> None:
    with everybody(home, machine), daemon(home) as running:
        _assert_all_there(running)
        for jump in JUMPS.values():
            jump(machine)
            _assert_all_there(running)
        assert _rules(home) == [("WAKE", "started")]
        assert running.status()["tick"]["failures"] == 0


def test_no_jump_of_the_clocks_before_a_restart_or_during_it_touches_who_is_at_work(
    home: Home, machine: Machine
) -> None:
    with everybody(home, machine):
        for number, jump in enumerate(JUMPS.values()):
            with daemon(home) as running:
                _assert_all_there(running)
                if number % 2:
                    running.process.kill()
            jump(machine)
        with daemon(home) as running:
            _assert_all_there(running)
        assert _rules(home) == [("WAKE", "started")] * (len(JUMPS) + 1)


def test_no_jump_of_the_clocks_makes_a_short_absence_a_long_one(home: Home, machine: Machine) -> None:
    with daemon(home) as running:
        running.wait_state("IDLE", "nobody")
        for jump in JUMPS.values():
            jump(machine)
            list(running.ticks(2))
        assert running.state() == ("IDLE", "nobody")
    for jump in JUMPS.values():
        jump(machine)
    with daemon(home) as running:
        list(running.ticks(2))
        assert running.state() == ("IDLE", "nobody")


def test_what_has_died_stays_dead_whatever_the_clocks_do(home: Home, machine: Machine) -> None:
    with everybody(home, machine) as clients, daemon(home) as running:
        until(lambda: running.status()["presence"]["fresh"] == len(Kind) + 1)
        for client in clients:
            client.kill()
        until(lambda: running.status()["presence"]["fresh"] == 1)
        for jump in JUMPS.values():
            jump(machine)
            assert all(seen["fresh"] == 1 for seen in running.ticks(2))


# --- the kernel's own boot clock, an hour ahead in a time namespace: as after an hour asleep whose end set the clock back

# To a process in there every other one seems to have started an hour later too: so it would not be in a real sleep.
SEEN_FROM_THERE = (Kind.LOCKED, Kind.UNPROVEN, Kind.OLD)

# `iai-daemon`, which goes over into the namespace at SIGUSR1. CLONE_NEWTIME of setns(2) is 0x80.
_MOVES = """
import ctypes, os, signal, sys
from iai_daemon.__main__ import main
descriptor = os.open(sys.argv.pop(1), os.O_RDONLY | os.O_CLOEXEC)
setns = ctypes.CDLL(None, use_errno=True).setns
def move(*_):
    if setns(descriptor, 0x80):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
signal.signal(signal.SIGUSR1, move)
sys.exit(main())
"""


@pytest.fixture
def later() -> Iterator[Path]:
    """A time namespace whose boot clock is an hour ahead."""
    if sys.platform != "linux" or shutil.which("nsenter") is None:
        pytest.skip("only Linux has time namespaces, and nsenter(1) goes into one")
    words = ["unshare", "--time", "--boottime", "3600", "cat"]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as keeper:
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        assert keeper.stderr is not None
        keeper.stdin.write(b"!")
        keeper.stdin.flush()
        if not keeper.stdout.read(1):
            pytest.skip(f"no time namespace can be made here: {keeper.stderr.read().decode().strip()}")
        # unshare(1) may have forked: the one that lives in there says so.
        yield next(
            path
            for path in _time_namespaces(keeper.pid)
            if path.readlink() != Path("/proc/self/ns/time").readlink()
        )


def _time_namespaces(pid: int) -> Iterator[Path]:
    for process in (psutil.Process(pid), *psutil.Process(pid).children()):
        yield Path(f"/proc/{process.pid}/ns/time")


def test_a_daemon_that_starts_after_a_sleep_sees_everybody_there(
    home: Home, machine: Machine, later: Path
) -> None:
    with everybody(home, machine, SEEN_FROM_THERE):
        with daemon(home) as running:
            _assert_all_there(running, 4)
        with daemon(home, "nsenter", f"--time={later}", *PROGRAM) as running:
            assert Path(f"/proc/{running.process.pid}/ns/time").readlink() == later.readlink()
            _assert_all_there(running, 4)
        with daemon(home) as running:  # and back: a boot clock that seems to run backwards
            _assert_all_there(running, 4)
        assert _rules(home) == [("WAKE", "started")] * 3


def test_a_daemon_that_runs_while_the_machine_sleeps_sees_everybody_there(
    home: Home, machine: Machine, later: Path
) -> None:
    with (
        everybody(home, machine, SEEN_FROM_THERE),
        daemon(home, sys.executable, "-c", _MOVES, str(later)) as running,
    ):
        _assert_all_there(running, 4)
        os.kill(running.process.pid, signal.SIGUSR1)
        until(lambda: Path(f"/proc/{running.process.pid}/ns/time").readlink() == later.readlink())
        _assert_all_there(running, 4)
        assert _rules(home) == [("WAKE", "started")]


def test_the_command_line_knows_of_a_step_that_the_daemon_saw(home: Home, machine: Machine) -> None:
    """Without a daemon too: else `consolidate` would take whoever is there for nobody."""
    with everybody(home, machine):
        with daemon(home) as running:
            _assert_all_there(running)
            machine.step(2 * HOUR)
            _assert_all_there(running)
            assert call_json(home, "presence")["counts"]["FRESH"] == len(Kind) + 1
        machine.step(-4 * HOUR)
        assert call_json(home, "presence")["counts"]["FRESH"] == len(Kind) + 1
