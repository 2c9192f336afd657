"""The daemon: one that is away, stopped, stuck, of another version, or takes too much. Each is a process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

import iai_daemon
from iai_daemon.clock import Now, read
from iai_daemon.control.address import address
from iai_daemon.doctor.checks import daemon as check
from iai_daemon.doctor.finding import Verdict
from iai_daemon.doctor.patient import meet
from iai_daemon.paths import Home
from iai_daemon.service.installed import definition_path
from tests.doctor.looking import failing, look
from tests.faults.machine import Machine
from tests.journeys.real import SHORT, RunningDaemon, RunningWrapper, until

Running = Callable[..., RunningDaemon]

HOLDER = """
import fcntl, os, sys
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
print(sys.argv[2] if len(sys.argv) > 2 else os.getpid(), file=lock, flush=True)
print(flush=True)
sys.stdin.read()
"""

# It ends, unnoticed, and what it has started has its lock.
HEIR = """
import fcntl, os, sys
if os.fork():
    sys.stdin.read()
else:
    lock = open(sys.argv[1], "w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    print(os.getpid(), file=lock, flush=True)
    if os.fork():
        os._exit(0)
    print(flush=True)
    sys.stdin.read()
"""

# It is busy when it is asked first.
SLOW = """
import fcntl, os, socket, sys
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
print(os.getpid(), file=lock, flush=True)
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[2])
listener.listen()
print(flush=True)
busy, _ = listener.accept()
asks, _ = listener.accept()
asks.recv(1000)
asks.sendall(b'{"jsonrpc": "2.0", "id": 1, "result": {}}\\n')
sys.stdin.read()
"""


@pytest.fixture
def child() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """A process that prints a line when it is ready, and ends with its input."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    yield start
    for each in started:
        try:
            each.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            each.kill()
            each.communicate()
            raise


def moved(now: Now, wall: float = 0.0, awake: float = 0.0, boot: float = 0.0) -> Now:
    return Now(now.wall + wall, now.awake + awake, now.boot + boot)


def test_where_nothing_was_ever_installed_it_tells_how_to_begin(tmp_path: Path) -> None:
    home = Home(tmp_path / "none")
    found = look(home, "daemon")["daemon"]
    assert (found.status, found.seen, found.mend) == (Verdict.FAIL, "nothing is installed yet", None)
    assert "`iai-daemon demo`" in (found.remedy or "")
    assert not home.root.exists()


def test_a_home_without_a_daemon_is_told(home: Home) -> None:
    found = look(home, "daemon")["daemon"]
    assert (found.status, found.mend) == (Verdict.FAIL, None)
    assert f"no daemon is running in {home.root}, and none is installed" in found.seen


def test_a_daemon_that_runs_is_well(home: Home, start_daemon: Running) -> None:
    pid = start_daemon().process.pid
    found = look(home, "daemon")
    assert failing(found) == {}
    assert found["daemon"].seen.startswith(f"pid {pid}, since 20")
    assert found["daemon.tick"].seen.endswith("ago")


def test_a_daemon_that_ended_is_told_whatever_it_left(home: Home, start_daemon: Running) -> None:
    daemon = start_daemon()
    daemon.process.kill()
    daemon.process.communicate()
    assert home.socket.exists()
    assert "no daemon is running" in look(home, "daemon")["daemon"].seen


def test_a_daemon_that_is_stopped_is_told_by_its_pid_and_let_go_on(home: Home, start_daemon: Running) -> None:
    pid = start_daemon().process.pid
    os.kill(pid, signal.SIGSTOP)
    until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    found = look(home, "daemon")["daemon"]
    os.kill(pid, signal.SIGCONT)
    assert (found.status, f"(pid {pid}, since 20" in found.seen) == (Verdict.FAIL, True)
    assert found.remedy == f"`kill -CONT {pid}` lets it go on"
    assert failing(look(home, "daemon")) == {}


def test_who_has_the_home_without_an_answer_is_told(
    home: Home, child: Callable[..., subprocess.Popen[str]]
) -> None:
    pid = child(sys.executable, "-c", HOLDER, str(home.daemon_lock)).pid
    found = look(home, "daemon")["daemon"]
    assert (found.status, f"(pid {pid}, " in found.seen) == (Verdict.FAIL, True)
    assert "its socket does not answer" in found.seen


def test_a_pid_that_another_process_has_meanwhile_accuses_nobody(
    home: Home, child: Callable[..., subprocess.Popen[str]]
) -> None:
    child(sys.executable, "-c", HOLDER, str(home.daemon_lock), str(os.getpid()))
    os.utime(home.daemon_lock, (0, psutil.Process().create_time() - 60))
    found = look(home, "daemon")["daemon"]
    assert (found.status, str(os.getpid()) in found.seen) == (Verdict.FAIL, False)
    assert f"`lsof {home.root} {home.daemon_lock}`" in (found.remedy or "")


def test_a_daemon_that_ended_while_its_child_keeps_the_home_is_told(
    home: Home, child: Callable[..., subprocess.Popen[str]]
) -> None:
    child(sys.executable, "-c", HEIR, str(home.daemon_lock))
    pid = int(home.daemon_lock.read_text())
    until(lambda: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    found = look(home, "daemon")["daemon"]
    assert (found.status, f"(pid {pid}, " in found.seen) == (Verdict.FAIL, True)
    assert "has ended, and a process that it has started keeps the home" in found.seen


def test_a_daemon_that_takes_long_to_answer_is_not_said_to_hang(
    home: Home, child: Callable[..., subprocess.Popen[str]]
) -> None:
    pid = child(sys.executable, "-c", SLOW, str(home.daemon_lock), str(home.socket)).pid
    found = look(home, "daemon")["daemon"]
    assert (found.status, f"(pid {pid}, " in found.seen) == (Verdict.WARN, True)
    assert "takes more than a second" in found.seen


def test_a_daemon_that_hangs_is_told_with_what_ends_it(
    home: Home, child: Callable[..., subprocess.Popen[str]]
) -> None:
    script = SLOW.replace("asks.sendall(", "bytes(")
    pid = child(sys.executable, "-c", script, str(home.daemon_lock), str(home.socket)).pid
    found = look(home, "daemon")["daemon"]
    assert (found.status, "runs and does not answer" in found.seen) == (Verdict.FAIL, True)
    assert f"`kill -9 {pid}` ends it" in (found.remedy or "")


def test_who_listens_in_the_place_of_a_daemon_and_says_nothing_is_told(home: Home) -> None:
    with socket.socket(socket.AF_UNIX) as listener, address(home.socket) as where:
        listener.bind(where)
        listener.listen()
        found = look(home, "daemon")["daemon"]
    assert (found.status, "does not answer" in found.seen) == (Verdict.FAIL, True)
    assert f"`lsof {home.socket}`" in (found.remedy or "")


def test_a_loop_that_hangs_is_told_and_a_machine_that_slept_is_not(home: Home, start_daemon: Running) -> None:
    daemon = start_daemon(SHORT.replace('"2s"', '"30s"').replace("naps", "enabled = false\nnaps"))
    # With this it has written what the clocks showed, and is left alone.
    daemon.wait_state("BEDTIME")
    now = read()
    assert failing(look(home, "daemon", moved(now, 65, 65, 65))) == {}
    found = look(home, "daemon", moved(now, 600, 600, 600))["daemon.tick"]
    assert (found.status, "for 10 min" in found.seen) == (Verdict.FAIL, True)
    slept = moved(now, wall=36_000, boot=36_000)
    assert failing(look(home, "daemon", slept)) == {}
    assert failing(look(home, "daemon", moved(now, wall=36_000))) == {}, "the clock was set"
    assert look(home, "daemon", moved(slept, 600, 600, 600))["daemon.tick"].status is Verdict.FAIL


def test_a_sleep_that_the_daemon_has_seen_before_its_next_tick_is_no_hanging(
    home: Home, machine: Machine, start_daemon: Running
) -> None:
    daemon = start_daemon(SHORT.replace('"2s"', '"30s"'))
    daemon.wait_state("BEDTIME")
    machine.suspend(36_000)
    wrapper = RunningWrapper(home)
    try:
        until(lambda: len(json.loads(home.state.read_text())["clock"]["eras"]) == 2)
        found = look(home, "daemon", machine.now())
    finally:
        wrapper.leave()
    assert failing(found) == {}


def test_a_loop_that_fails_and_goes_on_is_told(home: Home, start_daemon: Running) -> None:
    daemon = start_daemon(SHORT.replace('"2s"', '"50ms"'))
    home.backups.rmdir()
    home.backups.write_text("")
    until(lambda: daemon.status()["tick"]["failures"])
    found = look(home, "daemon")["daemon.tick"]
    assert (found.status, found.remedy) == (Verdict.WARN, "`iai-daemon logs` tells why")
    assert "failed" in found.seen


def test_a_daemon_of_another_version_is_told(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start_daemon: Running
) -> None:
    package = tmp_path / "other" / "iai_daemon"
    ours = Path(iai_daemon.__file__).parent
    shutil.copytree(ours, package, ignore=shutil.ignore_patterns("__pycache__"))
    init = package / "__init__.py"
    init.write_text(init.read_text().replace(iai_daemon.__version__, "99.0"))
    # `-m` looks there first.
    monkeypatch.chdir(package.parent)
    pid = start_daemon().process.pid
    found = look(home, "daemon")["daemon.version"]
    assert (found.status, found.remedy) == (Verdict.WARN, f"`kill {pid}`, then start it again")
    assert found.seen == f"version 99.0 runs, and this is {iai_daemon.__version__}"


def of(home: Home, daemon: RunningDaemon, process: subprocess.Popen[str]) -> dict[str, Any]:
    """What is found where this process is the daemon that answers."""
    status = {**daemon.status(), "pid": process.pid}
    patient = replace(meet(home, read()), status=status)
    return {each.name: each for each in check.look(patient)}


def test_a_daemon_that_takes_too_much_is_told(
    home: Home, start_daemon: Running, child: Callable[..., subprocess.Popen[str]]
) -> None:
    waits = "print(flush=True); import sys; sys.stdin.read()"
    large = child(sys.executable, "-c", f"x = b'x' * 120_000_000; {waits}")
    daemon = start_daemon()
    found = of(home, daemon, large)["daemon.memory"]
    assert (found.status, found.seen.startswith("it has 1")) == (Verdict.WARN, True)
    if sys.platform == "linux":
        bound = "import os, resource; resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50))"
        many = child(sys.executable, "-c", f"{bound}; x = [os.dup(0) for _ in range(42)]; {waits}")
        found = of(home, daemon, many)["daemon.descriptors"]
        assert (found.status, "may have 50" in found.seen) == (Verdict.WARN, True)


def test_an_installed_service_that_no_manager_starts_is_told(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = definition_path(home)
    path.parent.mkdir(parents=True)
    path.write_text(f"ExecStart={sys.executable} -P -m iai_daemon run\n")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    found = look(home, "daemon")["daemon"]
    assert (found.status, found.remedy, found.mend) == (Verdict.FAIL, "`iai-daemon run`", None)
    path.write_text("ExecStart=/nowhere/python -P -m iai_daemon run\n")
    found = look(home, "daemon")["daemon"]
    assert "/nowhere/python, which is gone" in found.seen
    assert "`iai-daemon install`" in (found.remedy or "")
