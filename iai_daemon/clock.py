"""The only module that reads the clock and waits. Everybody else is handed a `Now`."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio

# Linux's CLOCK_MONOTONIC stands still in suspend and CLOCK_BOOTTIME goes on; on macOS it is Python's monotonic clock
# (mach_absolute_time) that stands still and CLOCK_MONOTONIC that goes on.
_BOOT_CLOCK = (
    time.CLOCK_MONOTONIC
    if sys.platform == "darwin"
    else getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
)


@dataclass(frozen=True, slots=True)
class Now:
    """One moment on three clocks, all in seconds.

    `wall` is the time since the epoch and may step; `awake` never steps and stands still while the machine sleeps;
    `boot` never steps and goes on while it sleeps.
    """

    wall: float
    awake: float
    boot: float

    @property
    def milliseconds(self) -> int:
        """The wall clock as the stores keep it, since the epoch."""
        return round(self.wall * 1000)

    @property
    def whole_milliseconds(self) -> int:
        """The same, never ahead of the clock: for what must not come before its time."""
        return int(self.wall * 1000)


def read() -> Now:
    """This moment on all three clocks."""
    return Now(time.time(), time.monotonic(), time.clock_gettime(_BOOT_CLOCK))


class Clock(Protocol):
    """What the loop needs of time: to read it, and to wait for an event no longer than so many seconds."""

    def now(self) -> Now: ...

    async def wait(self, changed: asyncio.Event, seconds: float) -> bool:
        """True when `changed` was set within `seconds`; the event is cleared then."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> Now:
        return read()

    async def wait(self, changed: asyncio.Event, seconds: float) -> bool:
        """True when `changed` was set within `seconds`; the event is cleared then."""
        import asyncio  # noqa: PLC0415 -- who waits has it already; a command that only reads the time does without

        try:
            async with asyncio.timeout(seconds):
                await changed.wait()
        except TimeoutError:
            return False
        changed.clear()
        return True


class Stopwatch:
    """Seconds since it was made, on a clock that never steps: for durations in reports."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def seconds(self) -> float:
        return time.perf_counter() - self._start


def pause(seconds: float) -> None:
    """Block this thread: for polling another process where the kernel offers nothing to wait on."""
    time.sleep(seconds)
