"""An idle scheduler for servers written in Python: their own work runs while no tool is called, and gives way to a call.

A thin asyncio shell on the rule of lifecycle/idle.py. Other people's servers import this module and pay for it, so it
imports the standard library only. It needs no daemon.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from iai_daemon.clock import Clock, SystemClock
from iai_daemon.lifecycle.idle import dream_due_at

DreamCallback = Callable[["IdleDreamScheduler"], Awaitable[object]]

logger = logging.getLogger(__name__)

# A shorter timeout would be lost in the clock's own steps, and dreams would follow one another without a pause.
_SHORTEST_TIMEOUT = 0.001
# How long stop() waits for work that it has cancelled.
_CANCELLED_WITHIN = 5.0


@dataclass(slots=True)
class _Monitor:
    """One run of the scheduler, from a start to a stop, in one event loop."""

    loop: asyncio.AbstractEventLoop
    # Set by stop() and by the end of a dream, never by a tool call: the monitor sleeps through those.
    wake: asyncio.Event
    stopping: bool = False
    task: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        return not self.loop.is_closed() and (self.task is None or not self.task.done())


class IdleDreamScheduler:
    """Runs a callback of yours ("a dream") when no tool has been called for `idle_timeout` seconds.

    It lives in one event loop: `start()` and `stop()` belong there; `notify_tool_call()` may be called from anywhere.
    Time is counted on a clock that never steps and stands still while the machine sleeps.

    `idle_timeout`: seconds without a tool call, at least 0.001; math.inf means never. `enabled`: False means that nothing
    ever starts. `grace`: seconds that `stop()` gives a dream to end by itself. `clock`: for tests.
    Raises ValueError for an `idle_timeout` or `grace` that is no such number.
    """

    def __init__(
        self,
        idle_timeout: float = 60.0,
        enabled: bool = True,
        *,
        grace: float = 5.0,
        clock: Clock | None = None,
    ) -> None:
        if not _is_number(idle_timeout) or not idle_timeout >= _SHORTEST_TIMEOUT:
            raise ValueError(
                f"idle_timeout must be seconds, at least {_SHORTEST_TIMEOUT}: not {idle_timeout!r}."
            )
        if not _is_number(grace) or not 0 <= grace < math.inf:
            raise ValueError(f"grace must be seconds, 0 or more and finite: not {grace!r}.")
        self._idle_timeout = idle_timeout
        self._enabled = enabled
        self._grace = grace
        self._clock = clock or SystemClock()
        self._callback: DreamCallback | None = None
        self._user_active = _set_event()
        self._active_at = -math.inf
        self._last_dream_ended: float | None = None
        self._stopped = False
        self._monitor: _Monitor | None = None
        self._work: asyncio.Task[None] | None = None
        # A tool call may start the monitor; what belongs to that one request must not follow into every dream.
        self._made_in = contextvars.copy_context()

    # What one can ask.

    @property
    def user_active(self) -> asyncio.Event:
        """Set unless a dream runs; a tool call during the dream sets it at once. To be looked at wherever work can stop.

        The same object for as long as the event loop is the same.
        """
        return self._user_active

    @property
    def is_running(self) -> bool:
        """Whether dreams may begin by themselves: started, not yet stopped, not crashed, the event loop not closed."""
        return self._monitor is not None and self._monitor.alive

    @property
    def is_dreaming(self) -> bool:
        """Whether the work runs now, be it work that ignores that it was cancelled."""
        return self._work is not None and not self._work.get_loop().is_closed()

    # What one can tell.

    def set_dream_callback(self, callback: DreamCallback) -> None:
        """The work from the next dream on: called with this scheduler, it returns something to await (`async def`).

        Raises TypeError for what cannot be called. What returns nothing to await shows only when it is called: it is
        then logged like any other error of a dream.
        """
        if not callable(callback):
            raise TypeError(f"The dream callback must be an async function: not {callback!r}.")
        self._callback = callback

    def notify_tool_call(self) -> None:
        """Somebody is at work: the timeout begins again, and a dream that runs is told.

        Cheap, and never raises. The first call within an event loop starts the scheduler there, unless start() has
        done so or stop() was called. From another thread, or without an event loop, it starts nothing.
        """
        self._active_at = self._clock.now().awake
        here = _loop_here()
        monitor = self._monitor
        if monitor is not None and monitor.alive:
            if here is monitor.loop:
                self._user_active.set()
            elif not self._user_active.is_set():
                with contextlib.suppress(RuntimeError):  # that loop has closed since
                    monitor.loop.call_soon_threadsafe(self._user_active.set)
            return
        if not self._user_active.is_set():
            # Its loop closed in the middle of a dream: waking whoever waited there would raise.
            self._user_active = _set_event()
        if here is not None and not self._stopped and (monitor is None or monitor.loop is not here):
            self._begin(here, self._made_in)

    async def start(self) -> None:
        """Begin to watch: a full timeout must pass before the first dream. Changes nothing when it runs already."""
        self._stopped = False
        if self._monitor is None or not self._monitor.alive or self._monitor.stopping:
            self._begin(asyncio.get_running_loop(), contextvars.copy_context())

    async def stop(self) -> None:
        """End: a dream that runs is told, has `grace` seconds to end by itself, and is then cancelled.

        Returns when all has ended; work that ignores its cancellation is waited for five seconds more, and left with an
        error in the log. Within the dream itself it returns at once, and the grace begins. Safe to call twice. Raises
        RuntimeError in another event loop than the one it runs in.
        """
        self._stopped = True
        monitor = self._monitor
        if monitor is None or not monitor.alive:
            return
        if asyncio.get_running_loop() is not monitor.loop:
            raise RuntimeError("stop() must be called in the event loop in which the scheduler runs.")
        monitor.stopping = True
        self._user_active.set()
        monitor.wake.set()
        if monitor.task is not None and asyncio.current_task() is not self._work:
            # Not awaited itself: who gives up waiting for the end does not end the monitor in the middle of it.
            await asyncio.wait({monitor.task})

    # What runs.

    def _begin(self, loop: asyncio.AbstractEventLoop, context: contextvars.Context) -> None:
        if not self._enabled:
            logger.info("Idle dreaming is disabled: nothing starts.")
            self._stopped = True
            return
        previous = None
        if self._monitor is not None:
            if self._monitor.loop is loop:
                previous = self._monitor.task
            else:
                # An asyncio.Event that was waited for in one loop cannot be waited for in another.
                self._work, self._user_active = None, _set_event()
        monitor = self._monitor = _Monitor(loop, asyncio.Event())
        self._active_at = self._clock.now().awake
        watching = self._watch(monitor, previous)
        monitor.task = context.run(loop.create_task, watching)

    async def _watch(self, monitor: _Monitor, previous: asyncio.Task[None] | None) -> None:
        """Dream whenever one is due, until stopped. A run that is still being stopped comes to its end first."""
        try:
            if previous is not None:
                await asyncio.wait({previous})
            logger.info(
                "Idle dreaming has started: a dream after %g s without a tool call.", self._idle_timeout
            )
            while await self._comes_due(monitor):
                await self._dream(monitor)
            logger.info("Idle dreaming has stopped.")
        except Exception:
            logger.exception("Idle dreaming has ended by an error of its own: only start() begins it again.")
        finally:
            self._user_active.set()

    def _due_in(self) -> float:
        idle_since = self._active_at + self._idle_timeout
        due = dream_due_at(idle_since, self._last_dream_ended, self._idle_timeout)
        return due - self._clock.now().awake

    async def _comes_due(self, monitor: _Monitor) -> bool:
        """Wait for the next dream's time, which tool calls move; False when stopped."""
        while not monitor.stopping:
            seconds = self._due_in()
            if seconds <= 0:
                return True
            await self._clock.wait(monitor.wake, seconds)
        return False

    async def _dream(self, monitor: _Monitor) -> None:
        callback = self._callback
        if callback is None or self._work is not None:
            logger.debug(
                "A dream is skipped: %s.", "the last one still runs" if self._work else "no callback is set"
            )
            self._last_dream_ended = self._clock.now().awake
            return
        self._user_active.clear()
        # Another thread notes its call and then looks at the signal: either its call is seen here, or it sees this.
        if self._due_in() > 0:
            self._user_active.set()
            return
        work = self._work = asyncio.create_task(self._call(callback))
        work.add_done_callback(functools.partial(self._ended, monitor))
        try:
            await self._see_out(work, monitor)
        except BaseException:
            work.cancel()
            raise

    async def _call(self, callback: DreamCallback) -> None:
        self._work = asyncio.current_task()  # an eager task runs before create_task() has returned it
        awaitable = callback(self)
        if not isinstance(awaitable, Awaitable):
            raise TypeError(f"The dream callback must be an async function: it returned {awaitable!r}.")
        await awaitable

    def _ended(self, monitor: _Monitor, work: asyncio.Task[None]) -> None:
        """Called by the event loop when the work has ended in whatever way."""
        if work.cancelled():
            logger.warning("The dream was cancelled before its end.")
        elif (error := work.exception()) is not None:
            logger.error("The dream failed: %s: %s", type(error).__name__, error, exc_info=error)
        if self._work is work:
            self._work = None
            self._last_dream_ended = self._clock.now().awake
            self._user_active.set()
        monitor.wake.set()

    async def _see_out(self, work: asyncio.Task[None], monitor: _Monitor) -> None:
        """Until the work has ended; once stopped, until it has had its chances to end."""
        while self._work is work and not monitor.stopping:
            await monitor.wake.wait()
            monitor.wake.clear()
        if await self._ends_within(self._grace, work, monitor):
            return
        logger.warning("The dream did not end within %g s of stop(): it is cancelled.", self._grace)
        work.cancel()
        if not await self._ends_within(_CANCELLED_WITHIN, work, monitor):
            logger.error(
                "The dream ignores its cancellation: it is left, and none begins before it has ended."
            )

    async def _ends_within(self, seconds: float, work: asyncio.Task[None], monitor: _Monitor) -> bool:
        deadline = self._clock.now().awake + seconds
        while self._work is work:
            left = deadline - self._clock.now().awake
            if left <= 0:
                return False
            await self._clock.wait(monitor.wake, left)
        return True


def _set_event() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


def _loop_here() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
