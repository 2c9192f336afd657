"""Small stand-ins that tests hand in: a clock that jumps, a process table made of values."""

from __future__ import annotations

import asyncio
import os
import secrets

from iai_daemon.clock import Now
from iai_daemon.presence.classify import Process

# FAULTS=long runs the full counts of what `make test` shows in short.
LONG = os.environ.get("FAULTS") == "long"
# What the random points of the faults come from: the same each time, of the long form others each time. It stands in the
# environment, so that all processes of one run of the tests have the same.
SEED = int(os.environ.setdefault("FAULTS_SEED", str(secrets.randbelow(10**6)) if LONG else "1"))

# Processes that the tests keep for all of them, such as a server of PostgreSQL.
LASTING: set[int] = set()

NOON = 1_795_262_400.0  # 2026-11-21T12:00:00Z
BOOT_ID = "00000000-0000-4000-8000-000000000000"


class FakeClock:
    """iai_daemon.clock.Clock without waiting: `wait` jumps to the end of the time it was given."""

    def __init__(self, wall: float = NOON, awake: float = 10_000.0, boot: float = 10_000.0) -> None:
        self.wall = wall
        self.awake = awake
        self.boot = boot

    def now(self) -> Now:
        return Now(self.wall, self.awake, self.boot)

    def advance(self, seconds: float) -> Now:
        """Time passes."""
        self.wall += seconds
        self.awake += seconds
        self.boot += seconds
        return self.now()

    def step(self, seconds: float) -> Now:
        """Somebody sets the wall clock."""
        self.wall += seconds
        return self.now()

    def suspend(self, seconds: float) -> Now:
        """The machine sleeps."""
        self.wall += seconds
        self.boot += seconds
        return self.now()

    async def wait(self, changed: asyncio.Event, seconds: float) -> bool:
        await asyncio.sleep(0)  # noqa: TID251 -- lets the other tasks run, takes no time
        if changed.is_set():
            changed.clear()
            return True
        self.advance(seconds)
        return False


class FakeProcesses:
    """iai_daemon.presence.processes.Processes made of values; `asked` counts the look-ups."""

    def __init__(self, *processes: Process, boot_id: str | None = BOOT_ID) -> None:
        self.running = {process.pid: process for process in processes}
        self.asked = 0
        self._boot_id = boot_id

    @property
    def boot_id(self) -> str | None:
        return self._boot_id

    def look_up(self, pid: int, now: Now) -> Process | None:  # noqa: ARG002 -- of the protocol
        self.asked += 1
        return self.running.get(pid)

    def end(self, pid: int) -> None:
        """The process is gone."""
        del self.running[pid]


def process(
    pid: int,
    *,
    parent: int | None = 1,
    zombie: bool = False,
    start: int | None = 500_000,
    started_at: float | None = NOON - 600,
) -> Process:
    """A process as the kernel would tell of it; by default a living child of pid 1, ten minutes old at noon."""
    return Process(pid, parent, zombie, start, started_at)
