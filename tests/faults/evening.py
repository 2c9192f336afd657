"""Evenings of a whole daemon under clocks that are handed in: real heartbeat files, real processes, and a script of what happens when."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import heapq
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from iai_daemon import clock
from iai_daemon.claim import claim
from iai_daemon.clock import Now, Stopwatch
from iai_daemon.config import Consolidation, Log, Settings
from iai_daemon.daemon import Daemon
from iai_daemon.log import close_log, open_log
from iai_daemon.memory.nights import NightRow
from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
from iai_daemon.presence.classify import Status
from iai_daemon.presence.heartbeat import REFRESH
from iai_daemon.presence.processes import SystemProcesses
from iai_daemon.units import format_stamp
from tests.fakes import FakeClock
from tests.faults.machine import Machine
from tests.presence.heartbeats import content

MINUTE = 60.0
HOUR = 3600.0
STALE_AFTER = 90.0
# How long a heartbeat is certainly FRESH after its last refresh, also across a sleep: the rest is up to the clocks.
SURELY = 60.0
# The clients were there before the daemon, in seconds.
_DAEMON_STARTS = 30.0
# So many turns of the event loop carry a signal, or an event of the kernel's, to the daemon.
_TURNS = 5

_MOST_LOOKS = 2000

NO_NIGHTS = Settings(consolidation=Consolidation(enabled=False))


class Kind(StrEnum):
    """What a wrapper proves its life with, from the newest wrappers to those that are in the field the longest."""

    LOCKED = "its lock"
    UNLOCKED = "the start of its process"
    UNPROVEN = "the time of its start, and says what its user does"
    OLD = "the time of its start"


class ScriptedClock(FakeClock):
    """Time that passes only while the daemon waits, and then as the script says. `began` is when it started (awake clock)."""

    def __init__(self) -> None:
        now = clock.read()
        # Real processes and files have real times: the evening begins now.
        super().__init__(round(now.wall, 3), now.awake, now.boot)
        self.began = self.awake
        self.looked: Callable[[], None] = lambda: None
        self.night_runs: Callable[[], bool] = lambda: False
        self._script: list[tuple[float, int, Callable[[], None]]] = []
        self._entries = 0

    @property
    def elapsed(self) -> float:
        """Seconds awake since the beginning."""
        return self.awake - self.began

    def at(self, seconds: float, do: Callable[[], None]) -> None:
        """Do this so many seconds (awake) after the beginning; things of the same moment in the order of their telling."""
        self._entries += 1
        heapq.heappush(self._script, (seconds, self._entries, do))

    def live(self, until: float) -> None:
        """What the script says until then, at its times; all of one moment at once."""
        while self._script and self._script[0][0] <= until:
            at, _, do = heapq.heappop(self._script)
            self.advance(max(0.0, at - self.elapsed))
            do()
        self.advance(max(0.0, until - self.elapsed))

    async def wait(self, changed: asyncio.Event, seconds: float) -> bool:
        self.looked()
        end = self.elapsed + seconds
        if self.night_runs():
            watch = Stopwatch()
            async with asyncio.timeout(60):
                await changed.wait()
            self.advance(watch.seconds())
        while True:
            for _ in range(_TURNS):
                await asyncio.sleep(0)  # noqa: TID251 -- lets the other tasks run, takes no time
            if changed.is_set():
                changed.clear()
                return True
            if self.elapsed >= end:
                return False
            self.live(min(end, self._script[0][0]) if self._script else end)


class Client:
    """A wrapper: a real process that lives for as long as it should, and the heartbeat that is written in its name."""

    def __init__(self, directory: Path, now: Callable[[], Now], kind: Kind, name: str) -> None:
        self.kind = kind
        self.name = name
        # It ends with its standard input: with this test at the latest.
        self.process = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.path = directory / f"heartbeat-{self.process.pid}-{name}.json"
        self.gone_at: float | None = None
        self.frozen_at: float | None = None
        self._now = now
        self._started = format_stamp(now().wall)
        self._acted: str | None = None
        self._deeds = 0
        self._lock: int | None = None
        found = SystemProcesses().look_up(self.process.pid, clock.read())
        assert found
        self._start = found.start

    def refresh(self) -> None:
        """Write the heartbeat as wrappers do: beside it, locked, then renamed."""
        if self.gone_at is not None or self.frozen_at is not None:
            return
        temporary = self.path.with_name(self.path.name + ".tmp")
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.write(descriptor, json.dumps(self._content()).encode())
        if self.kind is Kind.LOCKED:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        temporary.rename(self.path)
        self._let_go()
        if self.kind is Kind.LOCKED:
            self._lock = descriptor
        else:
            os.close(descriptor)

    def act(self) -> None:
        """Its user does something."""
        self._acted = format_stamp(self._now().wall)
        self._deeds += 1
        self.refresh()

    def freeze(self) -> None:
        """It is still there, but does not refresh any more."""
        self.frozen_at = self._now().awake

    def leave(self) -> None:
        """It ends as it should."""
        self.path.unlink()
        self.kill()

    def kill(self) -> None:
        """SIGKILL: its file stays. Safe to call twice."""
        if self.gone_at is None:
            self.gone_at = self._now().awake
            self.process.kill()
            self.process.communicate()
            self._let_go()

    def may_be(self) -> set[Status | None]:
        """What a look may make of it now; None: that it sees no file."""
        if self.gone_at is not None:
            return {Status.ORPHAN, Status.STALE, None}
        frozen_for = 0.0 if self.frozen_at is None else self._now().awake - self.frozen_at
        if frozen_for < SURELY - REFRESH:
            return {Status.FRESH}
        return {Status.STALE, None} if frozen_for > STALE_AFTER else {*Status, None}

    def _content(self) -> dict[str, object]:
        told = content(self._now(), pid=self.process.pid, uuid=self.name, started_at=self._started)
        if self.kind is Kind.OLD:
            del told["last_activity"], told["activity_count"]
            return told
        told |= {"last_activity": self._acted, "activity_count": self._deeds}
        if self.kind is not Kind.UNPROVEN:
            told |= {"process_start": self._start, "boot_id": SystemProcesses().boot_id}
            told |= {"parent_pid": os.getpid(), "locked": self.kind is Kind.LOCKED}
        return told

    def _let_go(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


@dataclass(frozen=True)
class Spell:
    """From when on (minutes awake) the daemon was in a state, and by which rule it came there."""

    minute: float
    state: str
    rule: str


@dataclass(frozen=True)
class Start:
    """A night that the daemon started: in which state, by which rule, and when (minutes awake since the beginning)."""

    state: str
    rule: str
    minute: float


class Evening:
    """One home, its clients and one daemon after the other, under one clock. Says what was seen at every look."""

    def __init__(self, home: Home, settings: Settings = NO_NIGHTS, machine: Machine | None = None) -> None:
        home.create()
        self.home = home
        self.settings = settings
        self.clock = ScriptedClock()
        self.clients: list[Client] = []
        self.path: list[Spell] = []
        self.starts: list[Start] = []
        self.wrong: list[str] = []
        self.looks = 0
        self.daemon: Daemon | None = None
        self._machine = machine
        self._over = False
        self._down_until = 0.0
        self._killed = False
        self._left_by_kill: bytes | None = None
        self._night_known = False

    def open(self, *kinds: Kind) -> list[Client]:
        """Clients that are there from the beginning, each refreshing in its own rhythm."""
        for number, kind in enumerate(kinds):
            client = Client(self.home.wrappers, self.clock.now, kind, f"u-{number}")
            self.clients.append(client)
            client.refresh()
            self._refresh_at(client, REFRESH - 7.0 * number)
        return self.clients

    def _refresh_at(self, client: Client, seconds: float) -> None:
        def again() -> None:
            if client.gone_at is None:
                client.refresh()
                self._refresh_at(client, seconds + REFRESH)

        self.clock.at(seconds, again)

    def restart(self, minute: float, down_for: float = MINUTE, *, killed: bool = False) -> None:
        """The daemon ends, and the next one starts so many seconds later. What a kill leaves is what was last saved."""

        def stop() -> None:
            self._killed = killed
            self._left_by_kill = self.home.state.read_bytes() if self.home.state.exists() else None
            self._down_until = minute * MINUTE + down_for
            os.kill(os.getpid(), signal.SIGTERM)

        self.clock.at(minute * MINUTE, stop)

    def live(self, minutes: float) -> None:
        """The evening, to its end."""

        def end() -> None:
            self._over = True
            os.kill(os.getpid(), signal.SIGTERM)

        self.clock.at(minutes * MINUTE, end)
        with self._ended():
            self.clock.live(_DAEMON_STARTS)
            while not self._over:
                asyncio.run(self._serve())
                if not self._over:
                    self._undo_parting()
                    self.clock.live(self._down_until)

    def _undo_parting(self) -> None:
        """A daemon that is killed saves nothing: what it had saved last is what the next one finds."""
        if self._killed:
            self.home.state.unlink(missing_ok=True)
            if self._left_by_kill is not None:
                self.home.state.write_bytes(self._left_by_kill)

    @contextlib.contextmanager
    def _ended(self) -> Iterator[None]:
        try:
            yield
        finally:
            close_log()
            for client in self.clients:
                client.kill()

    async def _serve(self) -> None:
        log = open_log(self.home.log, Log(), None)
        with claim(self.home) as claimed:
            daemon = Daemon(claimed, self.settings, self.clock, log)
            self.daemon = daemon
            self.daemon = daemon
            self.clock.looked = lambda: self._look(daemon)
            self.clock.night_runs = lambda: bool(daemon.shift.describe()["running"])
            await daemon.run()

    def _look(self, daemon: Daemon) -> None:
        """What the daemon has just seen and decided."""
        self.looks += 1
        assert self.looks < _MOST_LOOKS, "the loop finds no rest"
        standing, elapsed = daemon.standing, self.clock.elapsed
        if not self.path or self.path[-1].state != standing.state.value:
            self.path.append(Spell(round(elapsed / MINUTE, 2), standing.state.value, standing.rule))
        found = {Path(wrapper.path): wrapper for wrapper in daemon.presence.wrappers}
        for client in self.clients:
            wrapper = found.get(client.path)
            if (wrapper.status if wrapper else None) not in client.may_be():
                said = f"{wrapper.status} ({wrapper.reason})" if wrapper else "not there"
                self.wrong.append(f"{elapsed / MINUTE:.3f} min: {client.kind.name} is {said}")
        if daemon.failures:
            self.wrong.append(f"{elapsed / MINUTE:.3f} min: {daemon.failures} failures")
        self._note_night(daemon)

    def _note_night(self, daemon: Daemon) -> None:
        running = bool(daemon.shift.describe()["running"])
        if running and not self._night_known:
            standing = daemon.standing
            self.starts.append(Start(standing.state.value, standing.rule, self.clock.elapsed / MINUTE))
        if running and self._machine:
            self._machine.follow(self.clock.now())
        self._night_known = running

    def nights(self) -> list[NightRow]:
        """The nights as the store has them."""
        with contextlib.closing(open_stores(self.home)) as stores:
            return list(stores.nights.nights())
