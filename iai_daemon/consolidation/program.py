"""Runs a program of the user's for a night: what it is given, what it says, when it has to end. Used by passes/commands.py."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from iai_daemon.clock import Stopwatch
from iai_daemon.config import Command
from iai_daemon.consolidation.child import hurry
from iai_daemon.consolidation.plan import YieldPoint
from iai_daemon.consolidation.process import make_room_of
from iai_daemon.paths import Home
from iai_daemon.programs import starting
from iai_daemon.programs.starting import ASK_TO_END, TAIL, Order

__all__ = ["TAIL", "Ended", "environment", "find", "run"]

# Tells a program by which signal it is asked to end.
YIELD_VARIABLE = "IAI_DAEMON_YIELD_SIGNAL"
# So often is asked whether the night may go on.
_STEP = 0.04
# The guard ends everything at once; should it not, it is ended itself.
_GUARD_PATIENCE = 0.2


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: its exit status, the ends of what it wrote, and whether its time was over."""

    status: int
    out: str
    err: str
    late: bool

    @property
    def last_words(self) -> str:
        """The last line that it wrote to standard error, else to standard output."""
        for text in (self.err, self.out):
            if lines := text.strip().splitlines():
                return lines[-1].strip()
        return ""

    @property
    def how(self) -> str:
        """Its exit status in words."""
        name = starting.signal_of(self.status)
        return f"it was ended by {name}" if name else f"it ended with status {self.status}"


def find(command: Command, environment: Mapping[str, str] = os.environ) -> str | None:
    """The path of the command's program; None: there is none that can be started."""
    return starting.find(command.argv[0], environment)


def run(command: Command, home: Home, yield_point: YieldPoint, grace: float, given: bytes = b"") -> Ended:
    """Run it to its end; the end of the night or of its time is SIGTERM first, and after `grace` seconds SIGKILL.

    `given` is what it reads from its standard input. `yield_point` may raise: then it has been ended, with all that it had started. Raises OSError.
    """
    argv = [find(command) or command.argv[0], *command.argv[1:]]
    # A file and no pipe: however little the program reads, nobody waits for it.
    with tempfile.TemporaryFile() as file:
        file.write(given)
        file.seek(0)
        number = file.fileno() if given else None
        started = _start(Order(argv, environment(command, home), Path.home(), given=number))
    with started:
        make_room_of(started.pid)
        return _Running(started).follow(command.timeout, yield_point, grace)


def _start(order: Order) -> subprocess.Popen[bytes]:
    guard = subprocess.Popen(
        starting.guard(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env={},
        pass_fds=() if order.given is None else (order.given,),
        start_new_session=True,
    )
    with contextlib.suppress(BrokenPipeError):  # it has been ended already
        _line(guard).write(order.to_bytes())
    return guard


def _line(guard: subprocess.Popen[bytes]) -> IO[bytes]:
    """It was started with a pipe, so there is one."""
    return cast("IO[bytes]", guard.stdin)


def environment(command: Command, home: Home, ours: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What the program gets of our environment, and what we add."""
    return {**starting.environment(command.env, home, ours), YIELD_VARIABLE: "TERM"}


class _Running:
    """A program under its guard, and what it has said so far."""

    def __init__(self, guard: subprocess.Popen[bytes]) -> None:
        self._guard = guard
        self._tails = {"out": b"", "err": b""}
        self._selector = selectors.DefaultSelector()
        for name, pipe in (("out", guard.stdout), ("err", guard.stderr)):
            if pipe is not None:
                self._selector.register(pipe, selectors.EVENT_READ, name)

    def follow(self, limit: float, yield_point: YieldPoint, grace: float) -> Ended:
        watch, late = Stopwatch(), False
        with self._selector:
            try:
                while self._runs() and not late:
                    self._listen(_STEP)
                    yield_point()
                    late = watch.seconds() > limit
            finally:
                self._end(grace)
            self._listen(0)
        out, err = (self._tails[name].decode(errors="replace") for name in ("out", "err"))
        return Ended(self._guard.wait(), out, err, late)

    def _runs(self) -> bool:
        return self._guard.poll() is None

    def _listen(self, seconds: float) -> None:
        """Take what it says, for so long at most; without this it would wait for us."""
        for key, _ in self._selector.select(seconds):
            chunk = os.read(key.fd, 65_536)
            self._tails[key.data] = starting.keep_tail(self._tails[key.data], chunk)
            if not chunk:
                self._selector.unregister(key.fileobj)
        if not self._selector.get_map():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._guard.wait(seconds)

    def _end(self, grace: float) -> None:
        """It is asked to end, then ended; the guard goes with it."""
        if self._runs():
            hurry(self._guard.pid)
            with contextlib.suppress(BrokenPipeError):
                _line(self._guard).write(ASK_TO_END)
            self._wait(grace)
        _line(self._guard).close()
        self._wait(_GUARD_PATIENCE)
        if self._runs():
            self._guard.kill()

    def _wait(self, seconds: float) -> None:
        watch = Stopwatch()
        while self._runs() and watch.seconds() < seconds:
            self._listen(min(0.01, seconds))
