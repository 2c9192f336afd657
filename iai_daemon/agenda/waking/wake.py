"""Wakes an agent: its command runs below a guard, and nothing of it is left when it ends. Used by the dispatcher.

Where a user manager answers, guard and agent are a transient unit of it, with nothing of our surroundings; elsewhere the guard is our
child and makes them fresh. Either way its standard input is our line to it: whatever becomes of us, everything below it ends.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from iai_daemon.agenda.waking.call import Call
from iai_daemon.agenda.waking.line import Identity, Line, open_line, within
from iai_daemon.agenda.waking.user_manager import UserManager
from iai_daemon.clock import Stopwatch
from iai_daemon.programs import starting
from iai_daemon.programs.starting import Order
from iai_daemon.units import say_duration

Began = Callable[[Identity], None]

# Between being asked to end and being ended.
GRACE = 5.0
_GUARD_COMES_WITHIN = 10.0
_MANAGER_ANSWERS_WITHIN = 3.0
_SPARE_WAITS = 10.0
# What a shell of the user's has; ours is for files that only we may read.
_UMASK = 0o022


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

    line: Line
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
        self._manager = UserManager(environment)
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
            late = not await within(line.over, call.timeout)
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
        line = await open_line(argv, environment)
        if line is None:
            return None
        try:
            await within(line.greeted, patience)
        except asyncio.CancelledError:
            await line.end(None)
            raise
        if line.identity is None:
            await line.end(None)
            return None
        return _Guard(line, line.identity, managed)


def _judge(call: Call, line: Line, seconds: float, *, late: bool) -> Ended:
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
