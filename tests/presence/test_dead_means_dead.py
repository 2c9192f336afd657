"""Real processes: zombies, killed and stopped wrappers, recycled pids, clients that are gone, two scanners at once."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from iai_daemon import clock
from iai_daemon.clock import Now, Stopwatch, pause
from iai_daemon.presence.classify import Status
from iai_daemon.presence.processes import SystemProcesses
from iai_daemon.units import format_stamp
from tests.fakes import LONG
from tests.presence.heartbeats import Writer, command, only, publish, scanner, writing

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's process table is read on Linux only")
LOCKS = pytest.mark.parametrize("locked", [True, False], ids=["locked", "unlocked"])


def _look(directory: Path, later: float = 0.0) -> tuple[Status, str]:
    """The verdict of a scanner that has never looked before."""
    now = clock.read()
    wrapper = only(
        scanner(directory, SystemProcesses()).scan(Now(now.wall + later, now.awake + later, now.boot + later))
    )
    return wrapper.status, wrapper.reason


@LOCKS
def test_a_living_wrapper_is_fresh_and_one_that_ended_leaves_nothing(directory: Path, locked: bool) -> None:
    with writing(directory, locked=locked) as writer:
        status, reason = _look(directory)
        assert status is Status.FRESH
        assert ("its lock is held" if locked else f"process {writer.pid} runs") in reason
    assert list(directory.iterdir()) == []


@LOCKS
def test_a_killed_wrapper_is_an_orphan_at_once_while_still_a_zombie_and_after(
    directory: Path, locked: bool
) -> None:
    looking = scanner(directory, SystemProcesses())
    with writing(directory, locked=locked) as writer:
        assert only(looking.scan(clock.read())).status is Status.FRESH
        writer.kill()
        wrapper = only(looking.scan(clock.read()))
        assert wrapper.status is Status.ORPHAN
        assert ("its lock is free" if locked else f"process {writer.pid} is a zombie") in wrapper.reason
    status, reason = _look(directory)
    assert status is Status.ORPHAN
    assert ("its lock is free" if locked else f"process {writer.pid} is gone") in reason


@LOCKS
def test_a_killed_wrapper_whose_server_lives_on_is_dead(directory: Path, locked: bool) -> None:
    with writing(directory, locked=locked, manner="parent") as writer:
        writer.kill()
        try:
            assert psutil.pid_exists(writer.child)
            assert _look(directory)[0] is Status.ORPHAN
        finally:
            os.kill(writer.child, signal.SIGKILL)


@LOCKS
def test_a_stopped_wrapper_is_fresh_until_its_time_is_over(directory: Path, locked: bool) -> None:
    with writing(directory, locked=locked) as writer:
        writer.process.send_signal(signal.SIGSTOP)
        try:
            assert _look(directory)[0] is Status.FRESH
            assert _look(directory, later=92)[0] is Status.STALE
        finally:
            writer.process.send_signal(signal.SIGCONT)


@LINUX
@pytest.mark.parametrize("changes", [{"process_start": 1}, {"started_at": format_stamp(0)}])
def test_a_pid_that_belongs_to_another_process_now_is_no_proof_of_life(
    directory: Path, changes: dict[str, object]
) -> None:
    publish(directory, clock.read(), pid=os.getpid(), **changes)
    status, reason = _look(directory)
    assert status is Status.ORPHAN
    assert "belongs to another process now" in reason


@LINUX
@LOCKS
def test_a_wrapper_whose_client_is_gone_is_an_orphan(directory: Path, locked: bool) -> None:
    with _orphaned(directory, locked=locked) as (parent, pid):
        status, reason = _look(directory)
        assert status is Status.ORPHAN
        assert f"its client (pid {parent}) is gone" in reason
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@LINUX
@LOCKS
def test_a_wrapper_whose_client_is_gone_is_an_orphan_under_a_subreaper_too(
    directory: Path, locked: bool
) -> None:
    libc = ctypes.CDLL(None)
    subreaper = 36  # PR_SET_CHILD_SUBREAPER of prctl(2)
    assert libc.prctl(subreaper, 1, 0, 0, 0) == 0
    try:
        with _orphaned(directory, locked=locked) as (parent, pid):
            assert psutil.Process(pid).ppid() == os.getpid()
            assert f"its client (pid {parent}) is gone" in _look(directory)[1]
        os.waitpid(pid, 0)
    finally:
        libc.prctl(subreaper, 0, 0, 0, 0)


@contextmanager
def _orphaned(directory: Path, *, locked: bool) -> Iterator[tuple[int, int]]:
    """The pid of a client that was killed, and that of its wrapper, which lives on; ended at last."""
    program = "import signal, subprocess, sys; subprocess.Popen(sys.argv[1:]); signal.pause()"
    writer = command(directory, locked=locked, manner="once")
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", program, *writer], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as client:
        assert client.stdout is not None
        pid = int(client.stdout.readline().split()[0])
        try:
            assert _look(directory)[0] is Status.FRESH
        finally:
            client.kill()
            client.wait(timeout=10)
        yield client.pid, pid
    _wait_gone(pid)


def _wait_gone(pid: int) -> None:
    watch = Stopwatch()
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert watch.seconds() < 10
        pause(0.01)


# --- two scanners


_SCANS = """
import sys
from pathlib import Path
from iai_daemon import clock
from iai_daemon.presence.processes import SystemProcesses
from tests.presence.heartbeats import scanner
directory, times = Path(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(times):
    print(*{wrapper.status.value for wrapper in scanner(directory, SystemProcesses()).scan(clock.read()).wrappers})
"""


def _scan_twice(directory: Path, times: int) -> set[str]:
    """What two scanners see that look at the same time, each time as if for the first."""
    processes = SystemProcesses()
    with subprocess.Popen(
        [sys.executable, "-c", _SCANS, str(directory), str(times)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
    ) as there:  # fmt: skip
        assert there.stdout is not None
        assert there.stdout.readline() == "ready\n"
        assert there.stdin is not None
        there.stdin.write("\n")
        there.stdin.flush()
        scans = (scanner(directory, processes).scan(clock.read()) for _ in range(times))
        seen = {wrapper.status.value for scan in scans for wrapper in scan.wrappers}
        return seen | set(there.communicate(timeout=60)[0].split())


def test_two_scanners_never_make_a_dead_wrapper_look_alive(directory: Path) -> None:
    writer = Writer(directory)
    writer.kill()
    writer.end()
    assert _scan_twice(directory, 20_000 if LONG else 3000) == {"ORPHAN"}


def test_a_wrapper_that_replaces_its_file_all_the_time_never_looks_dead(directory: Path) -> None:
    with writing(directory, manner="spin"):
        assert _scan_twice(directory, 100_000 if LONG else 4000) == {"FRESH"}


def test_wrappers_that_come_and_go_never_end_a_scan(directory: Path) -> None:
    program = (
        "import os, select, sys\n"
        "while not select.select([0], [], [], 0)[0]:\n"
        "    for n in range(20):\n"
        "        open(f'{sys.argv[1]}/heartbeat-{os.getpid()}-{n}.json', 'w').close()\n"
        "    for n in range(20):\n"
        "        os.unlink(f'{sys.argv[1]}/heartbeat-{os.getpid()}-{n}.json')\n"
    )
    looking = scanner(directory, SystemProcesses())
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", program, str(directory)], stdin=subprocess.PIPE
    ) as child:
        for _ in range(300):
            looking.scan(clock.read())
            looking.clean_up(clock.read())
        child.communicate(timeout=10)
    assert looking.scan(clock.read()).wrappers == ()


# --- namespaces

_NAMESPACE = """
import os, sys
from pathlib import Path
from iai_daemon import clock
from iai_daemon.presence.processes import SystemProcesses
from tests.presence.heartbeats import Writer, only, publish, scanner

directory = Path(sys.argv[1])
assert os.getpid() == 1
processes = SystemProcesses()
client = Writer(directory, locked=sys.argv[2] == "locked")
print(only(scanner(directory, processes).scan(clock.read())).status)
client.kill()
client.end()
Path("/proc/sys/kernel/ns_last_pid").write_text(str(client.pid - 1))
ours, its = os.pipe()
recycled = os.fork()
if not recycled:
    os.close(its)
    os.read(ours, 1)
    os._exit(0)
assert recycled == client.pid, (recycled, client.pid)
wrapper = only(scanner(directory, processes).scan(clock.read()))
print(wrapper.status)
print(wrapper.reason)
"""


@LINUX
@LOCKS
def test_in_a_pid_namespace_pid_1_is_nothing_special_and_a_recycled_pid_is_seen(
    directory: Path, locked: bool
) -> None:
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("there is no unshare(1)")
    alone = [unshare, "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this kernel or user may not make a pid namespace")
    words = [*alone, sys.executable, "-c", _NAMESPACE, str(directory), "locked" if locked else "unlocked"]
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    alive, dead, reason = done.stdout.splitlines()
    assert (alive, dead) == ("FRESH", "ORPHAN")
    assert ("its lock is free" if locked else "belongs to another process now") in reason
