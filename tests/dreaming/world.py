"""Time that passes only when a test says so, and work that tells when it ran."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from iai_daemon.dreaming import IdleDreamScheduler
from tests.fakes import FakeClock

TIMEOUT = 60.0

_T = TypeVar("_T")


class HandClock(FakeClock):
    """iai_daemon.clock.Clock that does not jump: whoever waits goes on when `let_pass` has come so far.

    `waits` counts how often somebody began to wait.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waits = 0
        self._alarms: dict[asyncio.Timeout, float] = {}

    async def wait(self, changed: asyncio.Event, seconds: float) -> bool:
        self.waits += 1
        limit = asyncio.timeout(None)
        self._alarms[limit] = self.awake + seconds
        try:
            async with limit:
                await changed.wait()
        except TimeoutError:
            return False
        finally:
            del self._alarms[limit]
        changed.clear()
        return True

    async def let_pass(self, seconds: float) -> None:
        """Seconds pass, and everybody does what they do at each moment of them."""
        end = self.awake + seconds
        await settle()
        while (due := min(self._alarms.values(), default=end)) < end:
            self.advance(due - self.awake)
            await self._ring()
        self.advance(end - self.awake)
        await self._ring()

    async def _ring(self) -> None:
        for limit, due in self._alarms.items():
            if due <= self.awake:
                limit.reschedule(0)
        await settle()


async def settle() -> None:
    """All tasks go on for as long as they have something to do at this moment."""
    for _ in range(20):
        await asyncio.sleep(0)  # noqa: TID251 -- lets the other tasks run, takes no time


class Dreamer:
    """A dream callback. It ends when activity is signalled, or when `lasts` seconds have passed (None: only then).

    Kept: when each dream began and ended, and how many ran at a time.
    """

    def __init__(self, clock: HandClock, lasts: float | None = None) -> None:
        self.lasts = lasts
        self.heeds = True
        self.fails = False
        self.began: list[float] = []
        self.ended: list[float] = []
        self.most_at_a_time = 0
        self._clock = clock

    @property
    def dreaming(self) -> int:
        return len(self.began) - len(self.ended)

    async def __call__(self, scheduler: IdleDreamScheduler) -> None:
        self.began.append(self._clock.awake)
        self.most_at_a_time = max(self.most_at_a_time, self.dreaming)
        try:
            if self.lasts is None:
                await scheduler.user_active.wait()
            else:
                await self._work(scheduler, self.lasts)
            if self.fails:
                raise OSError("the disk is full")
        finally:
            self.ended.append(self._clock.awake)

    async def _work(self, scheduler: IdleDreamScheduler, seconds: float) -> None:
        until = self._clock.awake + seconds
        while (left := until - self._clock.awake) > 0:
            heard = await self._clock.wait(asyncio.Event(), min(left, 1.0))
            if heard or (self.heeds and scheduler.user_active.is_set()):
                return


async def stop(scheduler: IdleDreamScheduler, clock: HandClock) -> None:
    """Stop it, with all the time that this may take."""
    await asyncio.gather(scheduler.stop(), clock.let_pass(20))
    assert not scheduler.is_running


def run(story: Coroutine[Any, Any, _T]) -> _T:
    """One event loop for one story; a test that hangs fails."""

    async def bounded() -> _T:
        async with asyncio.timeout(30):
            return await story

    return asyncio.run(bounded())
