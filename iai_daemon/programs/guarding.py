"""What a guard does: it stands between us and a program of the user's, and whatever becomes of us, nothing of the program is left.

Standard input is its line to us: an order first (see starting.py), then a byte asks the program to end, and the end of input ends
everything. An agent has to wait until this is loaded, which would take twice as long with signal, ctypes, contextlib and pathlib: so
only what is compiled into Python or stands beside it as one library.
"""

from __future__ import annotations

import os
import select
import sys

from iai_daemon.programs import SIGNALLED

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Iterator
    from types import TracebackType
else:
    import _signal as signal
if sys.platform == "linux":
    import _ctypes

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_IOPRIO_WHO_PROCESS = 1
# The C library has no function for it, and each architecture a number of its own.
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30, "riscv64": 30}
# What cannot be started ends so, as with a shell.
CANNOT_START = 127
# Whoever is killed may just have started another: so often is looked again.
_SWEEPS = 100

_Fields = dict[bytes, list[bytes]]


class _Allowing:
    """contextlib.suppress."""

    def __init__(self, *errors: type[Exception]) -> None:
        self._errors = errors

    def __enter__(self) -> None:
        return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        return isinstance(error, self._errors)


def main(*, tells: bool) -> int:
    """Carry out the one order that comes, and sweep up after it; the exit status of the program.

    `tells`: standard output is our line back, and the program gets standard error for both its streams.
    """
    order = _read_order()
    if order is None:
        return 0
    line = os.dup(1) if tells else None
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)  # its number comes through the pipe
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if b"fresh" in order:
        _freshen(order)
    status = _watch(_start(order, line), told)
    if line is None:
        return status
    _say(line, f"ended {status}")
    return 0


def _read_order() -> _Fields | None:
    """Its length, a line feed, and fields `name=value` with a zero byte behind each. None: nobody is there who would give one."""
    head = b""
    while not head.endswith(b"\n"):
        if not (byte := os.read(0, 1)):
            return None
        head += byte
    body = b""
    while len(body) < int(head):
        if not (chunk := os.read(0, int(head) - len(body))):
            return None
        body += chunk
    fields: _Fields = {}
    for field in body.split(b"\0")[:-1]:
        name, _, value = field.partition(b"=")
        fields.setdefault(name, []).append(value)
    return fields


def _say(line: int | None, words: str) -> None:
    with _Allowing(BrokenPipeError):
        os.write(2 if line is None else line, f"{words}\n".encode())


def _prctl(option: int, value: int) -> None:
    _call("prctl", option, value, 0, 0, 0)


def _call(function: str, *arguments: int) -> None:
    """A function of the C library, where it is Linux'."""
    if sys.platform == "linux":
        itself = _ctypes.dlopen(None, 0)  # type: ignore[arg-type]  # as dlopen(3) has it: what is loaded already
        _ctypes.call_function(_ctypes.dlsym(itself, function), arguments)


def _freshen(order: _Fields) -> None:
    """What we did to ourselves is no business of the program's: priorities and limits as they were, as far as that is allowed."""
    import resource  # noqa: PLC0415 -- of use to agents alone

    with _Allowing(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, 0)
    for limit in order.get(b"limit", ()):
        kind, soft = map(int, limit.split(b":"))
        hard = resource.getrlimit(kind)[1]
        if hard != resource.RLIM_INFINITY:
            soft = hard if soft == resource.RLIM_INFINITY else min(soft, hard)
        with _Allowing(OSError, ValueError):
            resource.setrlimit(kind, (soft, hard))
    if sys.platform == "linux":
        with _Allowing(OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        if number := _IOPRIO_SET.get(os.uname().machine):
            _call("syscall", number, _IOPRIO_WHO_PROCESS, 0, 0)
        with _Allowing(OSError), open("/proc/self/oom_score_adj", "wb", buffering=0) as file:  # noqa: PTH123 -- no pathlib: it takes as long to load as Python to start
            file.write(b"0")


def _start(order: _Fields, line: int | None) -> int:
    """In a process group of its own, so that a signal to it does not hit us."""
    program = os.fork()
    if program:
        with _Allowing(OSError):  # it was quicker, or has ended
            os.setpgid(program, program)
        return program
    argv = order[b"argv"]
    try:
        os.setpgid(0, 0)
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        _arrange(order, line)
        environment = dict(each.split(b"=", 1) for each in order.get(b"env", ()))
        os.execve(argv[0], argv, environment)  # noqa: S606 -- an argv list, as everywhere
    except OSError as cause:
        said = f"failed {cause.strerror}" if line is not None else _cannot(argv[0], cause)
        _say(line, said)
    os._exit(CANNOT_START)


def _cannot(program: bytes, cause: OSError) -> str:
    return f"{program.decode(errors='replace')} cannot be started ({cause.strerror})"


def _arrange(order: _Fields, line: int | None) -> None:
    """In the program's process: its streams, where it works, and signals as if nobody had touched them."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    if given := order.get(b"given"):
        os.dup2(int(given[0]), 0)
        os.close(int(given[0]))
    else:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if line is not None:
        os.dup2(2, 1)
    for umask in order.get(b"umask", ()):
        os.umask(int(umask, 8))
    for cwd in order.get(b"cwd", ()):
        os.chdir(cwd)


def _watch(program: int, told: int) -> int:
    """Until it has ended, or has to; then end all that is left of it. Its exit status."""
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


def _kill_group(group: int, number: signal.Signals) -> None:
    """The program's own zombie keeps the number of its group from being given to anybody else until it is reaped."""
    with _Allowing(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _reap(program: int) -> int | None:
    """The exit status of the program, if it has ended; it stays a zombie. What else has ended is forgotten."""
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        pid, how = os.waitpid(program, os.WNOHANG)
        return _status(how) if pid else None
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


def _status(how: int) -> int:
    code = os.waitstatus_to_exitcode(how)
    return code if code >= 0 else SIGNALLED - code


def _sweep(program: int, status: int | None) -> int:
    """End what it has started and what has left its group, and reap all of it."""
    for _ in range(_SWEEPS):
        for pid, group in _children():
            if group != os.getpgid(0):
                _kill_group(group, signal.SIGKILL)  # at once, so that none of it can start another meanwhile
            with _Allowing(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            pid, how = os.waitpid(-1, 0)
            while pid:
                if pid == program and status is None:
                    status = _status(how)
                pid, how = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            break
    return SIGNALLED + signal.SIGKILL if status is None else status


def _children() -> Iterator[tuple[int, int]]:
    """Each with its process group. Linux alone hands over orphans; elsewhere there is the group, and nothing to look for."""
    if sys.platform != "linux":
        return
    for name in os.listdir("/proc"):  # noqa: PTH208 -- pathlib takes as long to load as Python to start
        if name.isdecimal():
            with _Allowing(OSError), open(f"/proc/{name}/stat", "rb") as stat:  # noqa: PTH123 -- as above
                # The name of the program may hold anything, so what is counted begins behind its last bracket.
                parent, group = stat.read().rpartition(b")")[2].split()[1:3]
                if int(parent) == os.getpid():
                    yield int(name), int(group)
