"""THE loop: build the parts, then look, decide, act, save and wait, again and again; shut down. Read this first."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import iai_daemon
from iai_daemon import log as logs
from iai_daemon.agenda.secretary import Secretary
from iai_daemon.claim import Claim
from iai_daemon.clock import Clock, Now
from iai_daemon.config import Settings
from iai_daemon.control.server import ControlServer
from iai_daemon.errors import FileUnusable, HomeUnusable
from iai_daemon.handlers import handlers
from iai_daemon.lifecycle.books import Books
from iai_daemon.lifecycle.decide import Decision, Standing, decide
from iai_daemon.lifecycle.history import Transition
from iai_daemon.lifecycle.states import State
from iai_daemon.presence.ageing import Ageing
from iai_daemon.presence.classify import Presence
from iai_daemon.presence.processes import SystemProcesses
from iai_daemon.presence.scanner import Limits, Scanner
from iai_daemon.presence.watcher import Watcher
from iai_daemon.shift import Shift

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

_AS_SAID = "as the sentence says; the daemon tries again"
_LET_WRITE = "make room on the disk, or let the file be written to; the daemon tries again"
_LET_OPEN = "raise the daemon's limit of open files, or let those who call hang up; see the log"
# Seconds of a turn from which on it is noticed by who calls.
_LONG = 0.1


class Daemon:
    """One daemon for one home: the one that the caller has claimed."""

    def __init__(self, claim: Claim, settings: Settings, clock: Clock, log: BoundLogger) -> None:
        self.claim = claim
        self.home = home = claim.home
        self.settings = settings
        self.clock = clock
        self.log = log
        self.failures = 0
        self.presence = Presence()
        self._changed = asyncio.Event()
        self._stopping = False
        self._next_tick = 0.0
        self._troubles: dict[str, str] = {}
        self._refused: set[str] = set()
        directories = settings.wrappers_dirs(home)
        self._processes = SystemProcesses()
        self._books = Books(home, self._processes.boot_id)
        self._ageing = Ageing(settings.lifecycle.tick)
        self._scanner = Scanner(directories, Limits.of(settings), self._processes, self._ageing)
        self._watcher = Watcher(directories, self._changed.set)
        self.shift = Shift(home, settings, clock, self._changed.set, log, self._ageing)
        self.agenda = Secretary(home, settings, clock, self._changed.set, log)
        self._control = ControlServer(home.socket, handlers(self), self._call_failed, self._changed.set)
        self._begin(clock.now())

    def _begin(self, now: Now) -> None:
        """Go on from where the last daemon of this home stood."""
        resumed = self._books.resume(now)
        self.standing: Standing = resumed.standing
        if resumed.clocks:
            self._ageing.resume(resumed.clocks)
        self.ticked_at = now.wall
        if resumed.trouble:
            self.log.warning("state not resumed", why=resumed.trouble)
        self.log.info("started", version=iai_daemon.__version__, pid=os.getpid(), state=self.standing.state)
        why = resumed.trouble or "the daemon has started"
        self._books.tell(Transition(now.wall, None, self.standing.state, "started", why, {}))
        self.decision: Decision = self.decide(now)

    async def run(self) -> None:
        """Until a signal asks to stop. Raises HomeLost or AlreadyRunning when the home is no longer this daemon's."""
        asyncio.get_running_loop().set_exception_handler(self._loop_failed)
        with self._signals():
            await self._control.open()
            try:
                while not self._stopping:
                    now = self.clock.now()
                    await self._stay(now)
                    self._beat(now)
                    await self._let_others_in(now)
                    await self.clock.wait(self._changed, self._until_next(now))
            finally:
                await self._shut_down()
            self._keep(self.clock.now(), closing=True)
            self.log.info("stopped")

    async def _stay(self, now: Now) -> None:
        """Go on only in a home that is ours, and once a tick put back what makes others see that it is."""
        self.claim.check()
        if now.awake < self._next_tick:
            return
        if self.claim.renew():
            self.log.warning(
                "lock file was deleted or replaced: taken again", path=str(self.home.daemon_lock)
            )
        try:
            if await self._control.reopen():
                self.log.warning("socket was deleted or replaced: opened again", path=str(self.home.socket))
        except FileUnusable as error:
            # Nobody can ask for the status now: the log has to say it.
            if "control" not in self._troubles:
                self.log.warning("socket cannot be opened again", why=str(error))
            self._troubles["control"] = str(error)
        else:
            self._troubles.pop("control", None)

    def _beat(self, now: Now) -> None:
        """One turn of the loop: look, and before that, once a tick, do what need not be done at every change."""
        if now.awake >= self._next_tick:
            self._next_tick = now.awake + self.settings.lifecycle.tick
            self._survive(self._tick, now)
        self._survive(self._look, now)

    async def _let_others_in(self, began: Now) -> None:
        """After a turn that took long, over thousands of files, who calls comes first: for as long as it took."""
        took = self.clock.now().awake - began.awake
        if took > _LONG:
            await self.clock.wait(asyncio.Event(), took)

    def _survive(self, step: Callable[[Now], None], now: Now) -> None:
        """What goes wrong in a step is logged and counted; what follows is done all the same."""
        try:
            step(now)
        except Exception as error:  # noqa: BLE001 -- the loop must survive; `_failed` logs and counts it
            self._failed("tick failed", error)

    def _tick(self, now: Now) -> None:
        self.ticked_at = now.wall
        self._refused.clear()
        try:
            self.home.create()
        except HomeUnusable as error:
            if "home" not in self._troubles:
                self.log.warning("home cannot be used", why=str(error))
            self.failures += 1
            self._troubles["home"] = str(error)
        else:
            self._troubles.pop("home", None)
        if logs.trouble():
            self.log.warning("entries of the log are missing before this one")
        self._scanner.clean_up(now)
        self.shift.look(now)
        self.agenda.look(now)

    def _look(self, now: Now) -> None:
        """Look who is here, decide, and carry the decision out."""
        self._watcher.check()
        self.presence = self._scanner.scan(now, self.agenda.woken)
        before = self.standing
        self.decision = self.decide(now)
        self.standing = self.decision.standing
        if self.decision.changed:
            self._announce(before.state, now)
        self.shift.act(self.decision.allowed, self.standing, now)
        self.agenda.act(self.presence, now)
        self._keep(now)

    def _keep(self, now: Now, *, closing: bool = False) -> None:
        self._books.keep(self.standing, now, self._ageing.clocks, closing=closing)

    def look_now(self) -> None:
        """Look and decide at once: a caller waits for the answer."""
        self._look(self.clock.now())

    def decide(self, now: Now) -> Decision:
        """What should hold at this time, by the last look; changes nothing."""
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
        self._books.tell(
            Transition(
                now.wall, before, standing.state, standing.rule, standing.reason, self.decision.figures
            )
        )

    def _until_next(self, now: Now) -> float:
        """Seconds until something falls due without any event."""
        if self._scanner.behind:
            return 0.0
        due = min(self._next_tick, self.decision.next_at, self.shift.next_at, self.agenda.next_at)
        return max(0.0, due - now.awake)

    def degraded(self) -> list[dict[str, str]]:
        """What does not work as it should, why, and what mends it: for `status`."""
        found = [_degraded("presence", each.why, each.fix) for each in self.presence.trouble]
        found += [_degraded("watching", each.why, each.fix) for each in self._watcher.trouble]
        found += [_degraded(what, why, _AS_SAID) for what, why in self._troubles.items()]
        found += [_degraded(what, why, _LET_WRITE) for what, why in self._books.trouble.items()]
        found += [_degraded("control", why, _LET_OPEN) for why in self._refused]
        if why := logs.trouble():
            found.append(_degraded("log", why, _LET_WRITE))
        if self.claim.trouble:
            found.append(_degraded("lock", self.claim.trouble, _AS_SAID))
        if self._scanner.undeletable:
            why = f"{self._scanner.undeletable} files of wrappers that are gone cannot be deleted"
            found.append(_degraded("clean-up", why, "make the directory writable"))
        return [*found, *self.shift.degraded(), *self.agenda.degraded()]

    def _call_failed(self, error: Exception) -> None:
        self._failed("call failed", error)

    def _loop_failed(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What asyncio could not do for us. Without a descriptor for who calls it says so a hundred times a second."""
        said = f"{context['message']} ({context.get('exception')})"
        if said not in self._refused:
            self._refused.add(said)
            self._failed(context["message"], context.get("exception"))

    def _failed(self, what: str, error: BaseException | None) -> None:
        self.failures += 1
        self.log.error(what, failures=self.failures, exc_info=error)

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
        # Both may take a while: the one a batch, the others the grace that agents have.
        await asyncio.gather(self.shift.close(), self.agenda.close())


def _degraded(what: str, why: str, fix: str) -> dict[str, str]:
    return {"what": what, "why": why, "fix": fix}
