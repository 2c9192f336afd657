"""Looks at the daemon while the evening goes on: shows what it sees, and waits for what should happen, never for ever."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psutil

from iai_daemon.clock import Clock, Stopwatch, pause
from iai_daemon.control import client
from iai_daemon.demo.screen import Screen
from iai_daemon.demo.stage import DemoFailed
from iai_daemon.errors import DaemonAway, DaemonMute
from iai_daemon.flock import is_held
from iai_daemon.paths import Home

Status = Mapping[str, Any]

_LOOK_EVERY = 0.05
_PROBE_EVERY = 0.002


class Watch:
    """The daemon's status, asked again and again. Made by `watching`."""

    def __init__(self, home: Home, screen: Screen, clock: Clock) -> None:
        self._home = home
        self._screen = screen
        self._clock = clock
        self._looked = asyncio.Condition()
        self._status: Status | None = None

    async def until(self, what: str, holds: Callable[[Status], bool], *, within: float) -> Status:
        """The first status that `holds`. Raises DemoFailed when there is none `within` so many seconds."""
        try:
            async with asyncio.timeout(within), self._looked:
                while self._status is None or not holds(self._status):
                    await self._looked.wait()
                return self._status
        except TimeoutError as cause:
            seen = self._status
            said = f"it is {seen['state']}: {seen['reason']}" if seen else "it does not answer"
            raise DemoFailed(
                problem=f"{what} did not come within {within:g} s; of the daemon: {said}"
            ) from cause

    async def follow(self) -> None:
        """Look until cancelled."""
        never = asyncio.Event()
        while True:
            seen = await asyncio.to_thread(self._look)
            if seen is not None:
                self._screen.show(seen)
            async with self._looked:
                self._status = seen
                self._looked.notify_all()
            await self._clock.wait(never, _LOOK_EVERY)

    def _look(self) -> Status | None:
        try:
            return client.status(self._home)
        except (DaemonAway, DaemonMute):
            return None


@contextlib.asynccontextmanager
async def watching(home: Home, screen: Screen, clock: Clock) -> AsyncIterator[Watch]:
    """A watch that follows the daemon in the background as long as the block lasts."""
    watch = Watch(home, screen, clock)
    following = asyncio.create_task(watch.follow())
    try:
        yield watch
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following


@dataclass(frozen=True, slots=True)
class Yielded:
    """Seconds from the call of the one who came back until the store was free, and until the worker had ended."""

    lock_free: float
    worker_gone: float


def worker_of(daemon: int) -> psutil.Process | None:
    """The daemon's child: the process in which a night runs."""
    try:
        return next(iter(psutil.Process(daemon).children()), None)
    except psutil.NoSuchProcess:
        return None


def measure_yield(home: Home, worker: psutil.Process, since: Stopwatch, within: float) -> Yielded:
    """Probe the consolidation lock until the worker has ended; blocks this thread.

    `since` was started just before the call. Raises DemoFailed after `within` seconds.
    """
    lock_free: float | None = None
    while not _is_gone(worker):
        if lock_free is None and not is_held(home.consolidation_lock):
            lock_free = since.seconds()
        if since.seconds() > within:
            raise DemoFailed(problem=f"the night did not give way within {within:g} s of the client's call")
        pause(_PROBE_EVERY)
    gone = since.seconds()
    return Yielded(gone if lock_free is None else lock_free, gone)


def _is_gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
