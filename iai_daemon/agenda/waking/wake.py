"""Wakes an agent: its command runs below a guard, and nothing of it is left when it ends. Used by the dispatcher.

Where a user manager answers, guard and agent are a transient unit of it, with nothing of our surroundings; elsewhere the guard is our
child and makes them fresh. Either way its standard input is our line to it: whatever becomes of us, everything below it ends.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, cast

from iai_daemon.agenda.waking.call import Call
from iai_daemon.clock import Stopwatch
from iai_daemon.programs import starting
from iai_daemon.programs.starting import ASK_TO_END, Order, keep_tail
from iai_daemon.units import say_duration

# The pid of a process, and its start in clock ticks since boot where that is known.
Identity = tuple[int, int | None]
Began = Callable[[Identity], None]

# Between being asked to end and being ended.
GRACE = 5.0
_GUARD_COMES_WITHIN = 10.0
_MANAGER_ANSWERS_WITHIN = 3.0
# The guard ends everything at once; should it not, it is ended itself, and its unit with it.
_GUARD_PATIENCE = 1.4
_UNIT_STOPS_WITHIN = "1s"
_LAST_PATIENCE = 0.4
_SPARE_WAITS = 10.0
# What a shell of the user's has; ours is for files that only we may read.
_UMASK = 0o022
_LONGEST_TOLD = 4096


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended.

    `exit_status`: 128 and its number for a signal, None where it is not known. `output`: the end of what it wrote to both streams.
    `problem`: None where it succeeded, else in words. `started` is False when it is certain that the program never ran.
    """

    exit_status: int | None
    output: str
    seconds: float
    problem: str | None
    started: bool = True


class Waker(Protocol):
    """Runs agents; a small fake stands in for it in tests."""

    async def wake(self, call: Call, began: Began) -> Ended:
        """Run it to its end; cancelled, end it and everything below it first.

        `began` is told, before the program starts, of a process that is an ancestor of everything that it will start.
        """
        ...

    def get_ready(self) -> None:
        """An agent will be woken within seconds: do what can be done beforehand. Returns at once."""
        ...

    async def close(self) -> None:
        """Let go of what was made ready."""
        ...

    def describe(self) -> str:
        """How agents are run here, in words, and what cannot be promised."""
        ...


@dataclass(frozen=True, slots=True)
class _Guard:
    """A guard that waits for its order; `managed`: in a unit of the user manager."""

    line: _Line
    identity: Identity
    managed: bool


class SystemWaker:
    """Runs them as units of the user manager where that answers, else as children of ours.

    Make it before anything lowers our limits: agents get those that it finds. `grace`: seconds between SIGTERM and the end;
    `spare_waits`: how long a guard that was made ready waits for its agent.
    """

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        grace: float = GRACE,
        spare_waits: float = _SPARE_WAITS,
    ) -> None:
        self._spare_waits = spare_waits
        self._manager = _Manager(environment)
        self._grace = grace
        self._limits = _soft_limits()
        # None: not asked yet, or it failed since it was asked.
        self._answers: bool | None = None
        self._spare: asyncio.Task[_Guard | None] | None = None
        self._dismissals: set[asyncio.Task[None]] = set()

    async def wake(self, call: Call, began: Began) -> Ended:
        guard = await self._take_spare() or await self._make_guard()
        if guard is None:
            return Ended(None, "", 0.0, "its guard could not be started", started=False)
        line, watch, late, grace = guard.line, Stopwatch(), False, None
        order = Order(call.argv, call.environment, call.cwd)
        if not guard.managed:
            order = replace(order, umask=_UMASK, fresh=True, limits=self._limits)
        try:
            began(guard.identity)
            line.write(order.to_bytes())
            grace = self._grace
            late = not await _within(line.over, call.timeout)
        finally:
            await line.end(grace)
        return _judge(call, line, watch.seconds(), late=late)

    def get_ready(self) -> None:
        """Start a guard beforehand: that takes longer than all that comes after. One that nobody needs ends after a while."""
        if self._spare is None:
            self._spare = asyncio.create_task(self._make_guard())
            asyncio.get_running_loop().call_later(self._spare_waits, self._dismiss, self._spare)

    async def _take_spare(self) -> _Guard | None:
        """The guard that was made ready, unless it has ended meanwhile."""
        spare, self._spare = self._spare, None
        guard = None if spare is None else await spare
        if guard is not None and guard.line.over.is_set():
            await guard.line.end(None)
            return None
        return guard

    def _dismiss(self, spare: asyncio.Task[_Guard | None]) -> None:
        if self._spare is spare:
            dismissal = asyncio.create_task(self._end_spare())
            self._dismissals.add(dismissal)
            dismissal.add_done_callback(self._dismissals.discard)

    async def close(self) -> None:
        await self._end_spare()
        if self._dismissals:
            await asyncio.wait(self._dismissals)

    async def _end_spare(self) -> None:
        guard = await self._take_spare()
        if guard is not None:
            await guard.line.end(None)

    def describe(self) -> str:
        if self._answers:
            return "as units of the user's systemd manager, which leave nothing behind"
        if sys.platform == "linux":
            return "as children of the daemon, each below a guard that leaves nothing behind"
        return (
            "as children of the daemon, each below a guard that ends its process group: this system hands over no orphans, so "
            "a process that leaves the group may be left behind"
        )

    async def ask(self) -> None:
        """Ask whether a user manager answers, by having it start a guard that gets no order."""
        self._answers = None
        guard = await self._managed_guard(_MANAGER_ANSWERS_WITHIN)
        if guard is not None:
            await guard.line.end(None)

    async def _make_guard(self) -> _Guard | None:
        """A guard that waits for its order; None: none can be started."""
        patience = _MANAGER_ANSWERS_WITHIN if self._answers is None else _GUARD_COMES_WITHIN
        if self._answers is not False and (guard := await self._managed_guard(patience)) is not None:
            return guard
        return await self._guard(starting.guard(tells=True), {}, _GUARD_COMES_WITHIN, managed=False)

    async def _managed_guard(self, patience: float) -> _Guard | None:
        """Whether one comes is kept: a manager that cannot do it is not asked again, one that could before is."""
        if not self._manager.may_answer():
            return None
        guard = await self._guard(self._manager.argv(), self._manager.environment, patience, managed=True)
        self._answers = True if guard is not None else None if self._answers else False
        return guard

    async def _guard(
        self, argv: Sequence[str], environment: Mapping[str, str], patience: float, *, managed: bool
    ) -> _Guard | None:
        line = await _open(argv, environment)
        if line is None:
            return None
        try:
            await _within(line.greeted, patience)
        except asyncio.CancelledError:
            await line.end(None)
            raise
        if line.identity is None:
            await line.end(None)
            return None
        return _Guard(line, line.identity, managed)


class _Manager:
    """The user's systemd manager, and how it is reached from here."""

    def __init__(self, ours: Mapping[str, str]) -> None:
        runtime = ours.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
        bus = "DBUS_SESSION_BUS_ADDRESS"
        self.environment = {"XDG_RUNTIME_DIR": runtime} | ({bus: ours[bus]} if bus in ours else {})
        self._socket = Path(runtime) / "systemd" / "private"
        self._systemd_run = shutil.which("systemd-run", path=f"/usr/bin:/bin:{ours.get('PATH', '')}")

    def may_answer(self) -> bool:
        """Whether it is worth asking."""
        return self._systemd_run is not None and self._socket.is_socket()

    def argv(self) -> list[str]:
        """Of what starts a guard in a unit."""
        return [
            os.path.abspath(self._systemd_run or "systemd-run"),  # noqa: PTH100 -- it is asked by its own name
            *("--user", "--pipe", "--wait", "--collect", "--quiet"),
            f"--unit=iai-agent-{os.urandom(8).hex()}",
            "--description=An agent that iai-daemon woke",
            "--property=KillMode=control-group",
            f"--property=TimeoutStopSec={_UNIT_STOPS_WITHIN}",
            "--",
            *starting.guard(tells=True),
        ]


class _Line(asyncio.SubprocessProtocol):
    """Our end of the line to a guard: what it tells, and the end of what the program writes."""

    def __init__(self) -> None:
        self.greeted, self.over, self._gone = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.identity: Identity | None = None
        self.exit_status: int | None = None
        self.failure: str | None = None
        self.output = b""
        self._told = b""
        self._guard: int | None = None
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 2:
            self.output = keep_tail(self.output, data)
            return
        *lines, self._told = (self._told + data).split(b"\n")
        self._told = self._told[:_LONGEST_TOLD]
        for line in lines:
            self._hear(line.decode(errors="replace"))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 -- of the protocol
        if fd == 1:
            self.greeted.set()
            self.over.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- of the protocol
        """It has ended, and nobody holds its pipes any more."""
        self.greeted.set()
        self.over.set()
        self._gone.set()
        self._process().close()

    def write(self, data: bytes) -> None:
        self._to_guard().write(data)

    async def end(self, grace: float | None) -> None:
        """All of it, if it has not ended by itself; without a `grace` at once."""
        try:
            if grace is not None and not self.over.is_set():
                self.write(ASK_TO_END)
                await _within(self.over, grace)
            self._to_guard().close()
            if not await _within(self._gone, _GUARD_PATIENCE):
                await self._force()
        finally:
            self._to_guard().close()
            if self._guard is not None:
                os.close(self._guard)

    async def _force(self) -> None:
        """The guard may be stopped, or what has escaped it holds our pipes: its end is that of its program, and of its unit."""
        if self._guard is not None and not self.over.is_set():
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._guard, signal.SIGKILL)
            await _within(self._gone, _LAST_PATIENCE)
        self._process().close()
        await _within(self._gone, _LAST_PATIENCE)

    def _hear(self, told: str) -> None:
        """See guard.py and guarding.py."""
        match told.split(" ", 1):
            case ["failed", why]:
                self.failure = why
            case ["ended", status] if status.isdecimal():
                self.exit_status = int(status)
                self.over.set()
            case [pid, start] if pid.isdecimal() and self.identity is None:
                self.identity = int(pid), int(start) if start.isdecimal() else None
                if hasattr(os, "pidfd_open"):
                    with suppress(OSError):
                        self._guard = os.pidfd_open(int(pid))
                self.greeted.set()

    def _to_guard(self) -> asyncio.WriteTransport:
        return cast("asyncio.WriteTransport", self._process().get_pipe_transport(0))

    def _process(self) -> asyncio.SubprocessTransport:
        return cast("asyncio.SubprocessTransport", self._transport)


async def _open(argv: Sequence[str], environment: Mapping[str, str]) -> _Line | None:
    """Start a guard, in a session of its own; None: that cannot be done."""
    loop = asyncio.get_running_loop()
    try:
        _, line = await loop.subprocess_exec(
            _Line, *argv, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment, start_new_session=True
        )
    except OSError:
        return None
    return line


async def _within(event: asyncio.Event, seconds: float) -> bool:
    """Whether it was set within so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


def _judge(call: Call, line: _Line, seconds: float, *, late: bool) -> Ended:
    output, status = line.output.decode(errors="replace"), line.exit_status
    problem = None
    if line.failure is not None:
        problem = f"{call.argv[0]} cannot be started ({line.failure})"
        return Ended(None, output, seconds, problem, started=False)
    if late:
        problem = f"it was ended after {say_duration(call.timeout)}, its time limit"
    elif status is None:
        problem = "its guard was ended by somebody"
    elif name := starting.signal_of(status):
        problem = f"it was ended by {name}"
    elif status:
        problem = f"exit status {status}"
    return Ended(status, output, seconds, problem, started=True)


def _soft_limits() -> dict[int, int]:
    kinds = {number for name, number in vars(resource).items() if name.startswith("RLIMIT_")}
    return {kind: resource.getrlimit(kind)[0] for kind in sorted(kinds)}
