"""Stands between a worker and a program of the user's: whatever becomes of the worker, nothing of the program is left.

Started by program.py as a process of its own, `python -I -S guard.py PROGRAM [ARG…]`, in a session of its own; standard
library alone. Standard input is its line to the worker: a byte asks the program to end, the end of input ends everything.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
# What cannot be started ends so, as with a shell; a signal ends as 128 and its number.
CANNOT_START = 127
# The number of the descriptor that is the program's standard input; without it that is empty.
GIVEN_VARIABLE = "IAI_DAEMON_GUARD_GIVEN"
SIGNALLED = 128
# What Python ignores, and the worker, would stay ignored in the program.
_IGNORED = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT)
# Whoever is killed may just have started another: so often is looked again.
_SWEEPS = 100


def main(argv: Sequence[str]) -> int:
    """Run the program to its end, and sweep up after it; its exit status."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)  # its number comes through the pipe
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    program = _start(argv)
    status = None
    while status is None:
        ready, _, _ = select.select([0, told], [], [])
        if 0 in ready and not os.read(0, 1):
            break
        if 0 in ready:
            _kill_group(program, signal.SIGTERM)
        if told in ready:
            if signal.SIGTERM in os.read(told, 4096):
                break  # whoever ends a whole service means all of it
            status = _reap(program)
    _kill_group(program, signal.SIGKILL)
    return _sweep(program, status)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value)


def _start(argv: Sequence[str]) -> int:
    """In a process group of its own, so that a signal to it does not hit us."""
    given = os.environ.pop(GIVEN_VARIABLE, "")
    program = os.fork()
    if program:
        with contextlib.suppress(OSError):  # it was quicker, or has ended
            os.setpgid(program, program)
        return program
    try:
        os.setpgid(0, 0)
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        for number in _IGNORED:
            signal.signal(number, signal.SIG_DFL)
        os.dup2(int(given) if given else os.open(os.devnull, os.O_RDONLY), 0)
        os.execvp(argv[0], list(argv))  # noqa: S606 -- an argv list, as everywhere
    except OSError as cause:
        os.write(2, f"{argv[0]} cannot be started ({cause.strerror})\n".encode())
    os._exit(CANNOT_START)


def _kill_group(program: int, number: signal.Signals) -> None:
    """Its own zombie keeps the number of the group from being given to anybody else until it is reaped."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(program, number)


def _reap(program: int) -> int | None:
    """The exit status of the program, if it has ended; it stays a zombie. What else has ended is forgotten."""
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        pid, how = os.waitpid(program, os.WNOHANG)
        code = os.waitstatus_to_exitcode(how)
        return None if not pid else code if code >= 0 else SIGNALLED - code
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return None
        if ended is None:
            return None
        if ended.si_pid == program:
            return ended.si_status if ended.si_code == os.CLD_EXITED else SIGNALLED + ended.si_status
        os.waitpid(ended.si_pid, 0)


def _sweep(program: int, status: int | None) -> int:
    """End what it has started and what has left its group, and reap all of it."""
    for _ in range(_SWEEPS):
        for pid in _children():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            pid, how = os.waitpid(-1, 0)
        except ChildProcessError:
            break
        if pid == program and status is None:
            status = os.waitstatus_to_exitcode(how)
    if status is None:
        return SIGNALLED + signal.SIGKILL
    return status if status >= 0 else SIGNALLED - status


def _children() -> Iterator[int]:
    """Linux alone hands over orphans; elsewhere there is the group, and nothing to look for."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name of the program may hold anything, so what is counted begins behind its last bracket.
            parent = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1]
            if int(parent) == os.getpid():
                yield int(path.parent.name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
