"""THE loop: build the parts, then look, decide, act, save and wait, again and again; shut down. Read this first."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import iai_daemon
from iai_daemon.clock import Clock, Now
from iai_daemon.config import Settings
from iai_daemon.control import client
from iai_daemon.control.server import ControlServer
from iai_daemon.errors import AlreadyRunning, DaemonAway, DaemonMute
from iai_daemon.flock import FileLock, holder
from iai_daemon.handlers import handlers
from iai_daemon.lifecycle import history, saved
from iai_daemon.lifecycle.decide import Decision, Standing, decide
from iai_daemon.lifecycle.states import State
from iai_daemon.paths import Home, make_private
from iai_daemon.presence.classify import Presence
from iai_daemon.presence.processes import SystemProcesses
from iai_daemon.presence.scanner import Limits, Scanner
from iai_daemon.presence.watcher import Watcher
from iai_daemon.shift import Shift

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger


class Daemon:
    """One daemon for one home. Its lock is held by the caller."""

    def __init__(self, home: Home, settings: Settings, clock: Clock, log: BoundLogger) -> None:
        self.home = home
        self.settings = settings
        self.clock = clock
        self.log = log
        self.failures = 0
        self.presence = Presence()
        self._changed = asyncio.Event()
        self._stopping = False
        self._next_tick = 0.0
        self._unsaved = False
        self._troubles: dict[str, str] = {}
        directories = settings.wrappers_dirs(home)
        self._processes = SystemProcesses()
        self._scanner = Scanner(directories, Limits.of(settings), self._processes)
        self._watcher = Watcher(directories, self._changed.set)
        self.shift = Shift(home, settings, clock, self._changed.set, log)
        self._control = ControlServer(home.socket, handlers(self), self._call_failed)
        self._begin(clock.now())

    def _begin(self, now: Now) -> None:
        """Go on from where the last daemon of this home stood."""
        resumed = saved.resume(self.home.state, now, self._processes.boot_id)
        self.standing: Standing = resumed.standing
        self.ticked_at = now.wall
        if resumed.trouble:
            self.log.warning("state not resumed", why=resumed.trouble)
        self.log.info("started", version=iai_daemon.__version__, pid=os.getpid(), state=self.standing.state)
        why = resumed.trouble or "the daemon has started"
        self._append(history.Transition(now.wall, None, self.standing.state, "started", why, {}))
        self.decision: Decision = self._decide(now)

    async def run(self) -> None:
        """Until a signal asks to stop."""
        with self._signals():
            await self._control.open()
            try:
                while not self._stopping:
                    now = self.clock.now()
                    self._beat(now)
                    await self.clock.wait(self._changed, self._until_next(now))
            finally:
                await self._shut_down()

    def _beat(self, now: Now) -> None:
        """One turn of the loop. What goes wrong in it is logged and counted, and the next turn comes all the same."""
        try:
            if now.awake >= self._next_tick:
                self._next_tick = now.awake + self.settings.lifecycle.tick
                self._tick(now)
            self._look(now)
        except Exception:
            self.failures += 1
            self.log.exception("tick failed", failures=self.failures)

    def _tick(self, now: Now) -> None:
        """What is done once a tick, not at every change."""
        self.ticked_at = now.wall
        make_private(self.home.wrappers)
        self._scanner.clean_up(now)
        self.shift.look(now)

    def _look(self, now: Now) -> None:
        """Look who is here, decide, and carry the decision out."""
        self._watcher.check()
        self.presence = self._scanner.scan(now)
        before = self.standing
        self.decision = self._decide(now)
        self.standing = self.decision.standing
        if self.decision.changed:
            self._announce(before.state, now)
        self.shift.act(self.decision.allowed, self.standing, now)
        self._unsaved = self._unsaved or _worth_saving(before, self.standing)
        if self._unsaved:
            self._save(now)

    def _save(self, now: Now) -> None:
        """Keep the standing for the next start; a disk that cannot take it is tried again at each turn."""
        try:
            saved.save(self.home.state, self.standing, now, self._processes.boot_id)
        except OSError as cause:
            self._troubles["state"] = f"{self.home.state} cannot be written ({cause.strerror})"
        else:
            self._unsaved = False
            self._troubles.pop("state", None)

    def look_now(self) -> None:
        """Look and decide at once: a caller waits for the answer."""
        self._look(self.clock.now())

    def _decide(self, now: Now) -> Decision:
        return decide(
            self.standing, self.presence, now.awake, self.settings.lifecycle, self.shift.overdue(now)
        )

    def _announce(self, before: State, now: Now) -> None:
        standing = self.standing
        self.log.info(
            f"{before} → {standing.state}",
            rule=standing.rule,
            reason=standing.reason,
            **self.decision.figures,
        )
        self._append(
            history.Transition(
                now.wall, before, standing.state, standing.rule, standing.reason, self.decision.figures
            )
        )

    def _append(self, transition: history.Transition) -> None:
        """The history is for people: a disk that cannot take it does not stop the loop."""
        try:
            history.append(self.home.history, transition)
        except OSError as cause:
            self._troubles["history"] = f"{self.home.history} cannot be written ({cause.strerror})"
        else:
            self._troubles.pop("history", None)

    def _until_next(self, now: Now) -> float:
        """Seconds until something falls due without any event."""
        due = min(self._next_tick, self.decision.next_at, self.shift.next_at)
        return max(0.0, due - now.awake)

    def degraded(self) -> list[dict[str, str]]:
        """What does not work as it should, why, and what mends it: for `status`."""
        found = [_degraded("presence", why, "make the directory readable") for why in self.presence.trouble]
        found += [_degraded("watching", why, "see the reason given") for why in self._watcher.trouble]
        found += [_degraded(what, why, "see the log") for what, why in self._troubles.items()]
        if self._scanner.undeletable:
            why = f"{self._scanner.undeletable} files of wrappers that are gone cannot be deleted"
            found.append(_degraded("clean-up", why, "make the directory writable"))
        return found + self.shift.degraded()

    def _call_failed(self, error: Exception) -> None:
        self.failures += 1
        self.log.error("call failed", exc_info=error)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        stops = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        for number in stops:
            loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number in stops:
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        self._stopping = True
        self._changed.set()

    async def _shut_down(self) -> None:
        await self._control.close()
        self._watcher.close()
        await self.shift.close()
        self.log.info("stopped")


def _worth_saving(before: Standing, after: Standing) -> bool:
    """Only what a later start cannot learn again: not the reason's changing figures, not each activity."""
    return _lasting(before) != _lasting(after)


def _lasting(standing: Standing) -> tuple[object, ...]:
    return standing.state, standing.rule, standing.asked, standing.absent_since


def _degraded(what: str, why: str, fix: str) -> dict[str, str]:
    return {"what": what, "why": why, "fix": fix}


def claim(home: Home) -> FileLock:
    """The lock that makes this process the home's only daemon. Raises AlreadyRunning."""
    lock = FileLock(home.daemon_lock)
    if not lock.acquire(f"{os.getpid()}\n"):
        raise AlreadyRunning(pid=holder(home.daemon_lock) or "unknown")
    # Somebody may have deleted the lock file underneath a daemon, and then its lock is not this one.
    pid = _pid_of_who_answers(home)
    if pid is not None:
        lock.release()
        raise AlreadyRunning(pid=pid)
    return lock


def _pid_of_who_answers(home: Home) -> object:
    try:
        return client.status(home, timeout=1.0)["pid"]
    except DaemonAway:
        return None
    except DaemonMute:
        return "unknown, it does not answer"
