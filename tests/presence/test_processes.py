"""What the kernel tells of real processes."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import psutil
import pytest

from iai_daemon import clock
from iai_daemon.presence import processes
from iai_daemon.presence.classify import Process
from iai_daemon.presence.processes import SystemProcesses

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="/proc is there on Linux only")


def _look_up(pid: int) -> Process | None:
    return SystemProcesses().look_up(pid, clock.read())


def test_a_living_process_is_known_by_pid_start_and_parent() -> None:
    seen = _look_up(os.getpid())
    assert seen is not None
    assert (seen.pid, seen.parent, seen.zombie) == (os.getpid(), os.getppid(), False)
    assert seen.started_at == pytest.approx(psutil.Process().create_time(), abs=1)


@LINUX
def test_the_start_in_ticks_is_the_same_at_every_look() -> None:
    first, second = _look_up(os.getpid()), _look_up(os.getpid())
    assert first is not None
    assert second is not None
    assert first.start == second.start is not None


@pytest.mark.parametrize("pid", [0, -1, -(2**31), 2**31 - 1, 2**40, 2**70])
def test_a_pid_that_nobody_has_is_no_process(pid: int) -> None:
    assert _look_up(pid) is None


def test_a_zombie_is_one_and_then_it_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", ""]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        seen = _look_up(child.pid)
        assert seen is not None
        assert seen.zombie
    assert _look_up(child.pid) is None


def test_the_process_of_another_user_is_alive() -> None:
    seen = _look_up(1)
    assert seen is not None
    assert not seen.zombie


@LINUX
def test_a_process_may_call_itself_what_it_likes() -> None:
    program = "open('/proc/self/comm', 'w').write('x) Z 1 (y'); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        seen = _look_up(child.pid)
        child.communicate(b"\n")
    assert seen is not None
    assert (seen.parent, seen.zombie) == (os.getpid(), False)


@LINUX
def test_a_process_that_cannot_be_looked_at_for_lack_of_descriptors_is_alive() -> None:
    looking = SystemProcesses()
    now = clock.read()
    with _no_descriptor_left():
        here, nowhere = looking.look_up(os.getpid(), now), looking.look_up(2**31 - 1, now)
    assert here == Process(os.getpid(), None, zombie=False, start=None, started_at=None)
    assert nowhere is None


class _no_descriptor_left:  # noqa: N801 -- reads as what it is in a with statement
    def __enter__(self) -> None:
        self._before = resource.getrlimit(resource.RLIMIT_NOFILE)
        lowest = os.dup(0)
        os.close(lowest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, self._before[1]))

    def __exit__(self, *_: object) -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, self._before)


def test_where_there_is_no_proc_the_same_is_asked_of_psutil() -> None:
    seen = processes._from_psutil(os.getpid())
    assert seen is not None
    assert (seen.pid, seen.parent, seen.zombie) == (os.getpid(), os.getppid(), False)
    assert processes._from_psutil(2**31 - 1) is None
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", ""]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        zombie = processes._from_psutil(child.pid)
    assert zombie is not None
    assert zombie.zombie


@LINUX
def test_a_boot_has_a_name_that_stays() -> None:
    assert SystemProcesses().boot_id == SystemProcesses().boot_id is not None
