"""What a tick costs the daemon: a whole one in this process, on a clock that jumps, over wrappers that refresh and live."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import time
from array import array
from collections.abc import Callable
from pathlib import Path

from iai_daemon import clock
from iai_daemon.claim import Claim, claim
from iai_daemon.config import Log, Settings
from iai_daemon.daemon import Daemon
from iai_daemon.log import close_log, open_log
from iai_daemon.paths import Home
from iai_daemon.presence.processes import SystemProcesses
from tests.fakes import FakeClock
from tests.presence.heartbeats import content

# So many turns of the event loop carry an event of the kernel's, or a signal, to the daemon.
_TURNS = 5


class Heart:
    """The heartbeat of one wrapper, whose process is this one: written as wrappers write theirs, its lock held."""

    def __init__(self, directory: Path, number: int) -> None:
        self._path = directory / f"heartbeat-{os.getpid()}-{number}.json"
        self._uuid = str(number)
        self._held: int | None = None
        me = SystemProcesses().look_up(os.getpid(), clock.read())
        assert me is not None
        self._facts = {"process_start": me.start, "parent_pid": me.parent, "locked": True, "in_flight": 0}

    def beat(self, now: clock.Now) -> None:
        temporary = self._path.with_name(self._path.name + ".tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        told = content(now, pid=os.getpid(), uuid=self._uuid, **self._facts)
        os.write(descriptor, json.dumps(told).encode())
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        temporary.rename(self._path)
        self.stop()
        self._held = descriptor

    def stop(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None


class _Ticks(FakeClock):
    """Before each tick all wrappers refresh, and the event of it is answered by a look of its own."""

    def __init__(self, hearts: list[Heart], ticks: int, done: Callable[[int], None]) -> None:
        super().__init__()
        # Its place is taken beforehand: what grows with the ticks is the daemon's.
        self.costs = array("d", bytes(8 * ticks))
        self._ticked = 0
        self._hearts = hearts
        self._done = done
        self._spent = 0.0
        self._began = time.process_time()
        self._refreshed = False

    async def wait(self, changed: asyncio.Event, seconds: float) -> bool:
        self._spent += time.process_time() - self._began
        if self._refreshed:
            self.advance(seconds)
            self.costs[self._ticked] = self._spent
            self._spent, self._refreshed = 0.0, False
            self._ticked += 1
            self._done(self._ticked)
            if self._ticked == len(self.costs):
                os.kill(os.getpid(), signal.SIGTERM)
        else:
            for heart in self._hearts:
                heart.beat(self.now())
            self._refreshed = True
        for _ in range(_TURNS):
            await asyncio.sleep(0)  # noqa: TID251 -- lets the loop hear of it, takes no time
        heard = changed.is_set()
        changed.clear()
        self._began = time.process_time()
        return heard


def tick_costs(
    home: Home, wrappers: int, ticks: int, done: Callable[[int], None] = lambda _: None
) -> list[float]:
    """CPU seconds of each of so many ticks, the looks at the wrappers' refreshes included; `done` is told of each."""
    home.create()
    hearts = [Heart(home.wrappers, number) for number in range(wrappers)]
    now = _Ticks(hearts, ticks, done)
    for heart in hearts:
        heart.beat(now.now())
    try:
        with claim(home) as claimed:
            asyncio.run(_serve(claimed, now))
    finally:
        close_log()
        for heart in hearts:
            heart.stop()
    return now.costs.tolist()


async def _serve(claimed: Claim, now: FakeClock) -> None:
    await Daemon(claimed, Settings(), now, open_log(claimed.home.log, Log(), None)).run()
