"""THE loop: build the parts, then look, decide, act, save and wait, again and again; shut down. Read this first."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import iai_daemon
from iai_daemon import log as logs
from iai_daemon.agenda.secretary import Secretary
from iai_daemon.claim import Claim
from iai_daemon.clock import Clock, Now
from iai_daemon.config import Settings
from iai_daemon.control.server import ControlServer
from iai_daemon.control.subscribers import Subscribers
from iai_daemon.errors import FileUnusable, HomeUnusable
from iai_daemon.handlers import handlers
from iai_daemon.lifecycle.books import Books
from iai_daemon.lifecycle.decide import Decision, Standing, decide
from iai_daemon.lifecycle.history import Transition
from iai_daemon.lifecycle.states import State
from iai_daemon.neighbours.neighbours import Neighbours
from iai_daemon.outlets import Outlets
from iai_daemon.presence.classify import Presence
from iai_daemon.reloading import Reloads
from iai_daemon.service.brake import SafeMode
from iai_daemon.service.pulse import Pulse
from iai_daemon.shift import Shift
from iai_daemon.signals import answering
from iai_daemon.surroundings import Surroundings
from iai_daemon.telling import complaints, describe, headline, news
from iai_daemon.troubles import LET_OPEN, Reserve, Troubles

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

# Seconds of a turn from which on it is noticed by who calls.
_LONG = 0.1


class Daemon:
    """One daemon for one home: the one that the caller has claimed.

    `pulse` tells the service manager how it stands; `safe`: begin in safe mode.
    """

    def __init__(
        self,
        claim: Claim,
        settings: Settings,
        clock: Clock,
        log: BoundLogger,
        pulse: Pulse | None = None,
        safe: SafeMode | None = None,
    ) -> None:
        self.claim = claim
        self.home = home = claim.home
        self.settings = settings
        self.clock = clock
        self.log = log
        self.safe = safe
        self.presence = Presence()
        self.troubles = Troubles(log)
        self._pulse = pulse or Pulse()
        self._reserve = Reserve()
        self._changed = asyncio.Event()
        self._stopping = False
        self._next_tick = 0.0
        self.surroundings = Surroundings(home, settings, self._changed.set, log)
        self.books = Books(home, self.surroundings.boot_id)
        self.shift = Shift(home, settings, clock, self._changed.set, log, self.surroundings.ageing)
        self.agenda = Secretary(home, settings, clock, self._changed.set, log)
        self.neighbours = Neighbours(home, settings, clock, self._changed.set, log, self.troubles)
        self.subscribers = Subscribers(partial(news, self))
        self.shift.told = self.subscribers.tell
        self.outlets = Outlets(home, settings, self.troubles, log)
        self.shift.over = self.outlets.over
        self.reloads = Reloads(self, log, self._go_by, self._pulse, self._changed.set)
        self._control = ControlServer(
            home.socket, handlers(self), self.troubles.call_failed, self._changed.set
        )
        self._begin(clock.now())

    def _begin(self, now: Now) -> None:
        """Go on from where the last daemon of this home stood."""
        resumed = self.books.resume(now)
        self.standing: Standing = resumed.standing
        if resumed.clocks:
            self.surroundings.ageing.resume(resumed.clocks)
        self.ticked_at = now.wall
        if resumed.trouble:
            self.log.warning("state not resumed", why=resumed.trouble)
        self.log.info("started", version=iai_daemon.__version__, pid=os.getpid(), state=self.standing.state)
        why = resumed.trouble or "the daemon has started"
        started = Transition(now.wall, None, self.standing.state, "started", why, {}, self.books.last_sign)
        self.books.tell(started)
        self.decision: Decision = self.decide(now)

    async def run(self) -> None:
        """Until a signal asks to stop. Raises HomeLost or AlreadyRunning when the home is no longer this daemon's."""
        asyncio.get_running_loop().set_exception_handler(self.troubles.loop_failed)
        with answering(self._stop, self.reloads.ask):
            await self._control.open()
            self._reserve.keep()
            self.neighbours.begin()
            try:
                while not self._stopping:
                    await self.reloads.do_what_is_asked()
                    now = self.clock.now()
                    await self._stay(now)
                    self._beat(now)
                    self._tell(now)
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
            self.troubles.note("control", str(error), said="socket cannot be opened again")
        else:
            self.troubles.over("control")

    def _beat(self, now: Now) -> None:
        """One turn of the loop: look, and before that, once a tick, do what need not be done at every change."""
        ticks = now.awake >= self._next_tick
        if ticks:
            self._next_tick = now.awake + self.settings.lifecycle.tick
            self._survive(self._tick, now)
        self._survive(self._look, now)
        if ticks:
            self._survive(self._measure, now)

    def _survive(self, step: Callable[[Now], None], now: Now) -> None:
        """What goes wrong in a step is logged and counted; what follows is done all the same."""
        try:
            step(now)
        except Exception as error:  # noqa: BLE001 -- the loop must survive; `failed` logs and counts it
            self.troubles.failed("tick failed", error)

    def _tick(self, now: Now) -> None:
        self.ticked_at = now.wall
        self.troubles.tick()
        try:
            self.home.create()
        except HomeUnusable as error:
            self.troubles.note("home", str(error), said="home cannot be used")
            self.troubles.failures += 1
        else:
            self.troubles.over("home")
        if logs.trouble():
            # An error, since the trouble is over when it is written, whatever the level.
            self.log.error("entries of the log are missing before this one")
        if self.safe is not None and now.awake >= self.safe.until:
            self.log.info("safe mode is over")
            self.safe = None
        self.reloads.tick()
        self.surroundings.clean_up(now)
        self.learn(now)
        self.troubles.see_whether_outdated(self.home)

    def learn(self, now: Now) -> None:
        """What others have changed in the store. In safe mode it is not even opened."""
        if self.safe is None:
            self.shift.look(now)
            # The agenda would wait for the same lock, and the loop with it.
            if not self.shift.locked_out:
                self.agenda.look(now)

    def _look(self, now: Now) -> None:
        """Look who is here, and who elsewhere, decide, and carry the decision out."""
        out_of_sight = self.presence.out_of_sight
        self.presence = self.neighbours.join(self.surroundings.look(now, self.agenda.woken), now)
        if out_of_sight and not self.presence.out_of_sight:
            self.agenda.reached()
        before = self.standing
        self.books.attend(self.presence, before, now, self.settings.lifecycle.idle_after)
        self.decision = self.decide(now)
        self.standing = self.decision.standing
        if self.decision.changed:
            self._announce(before.state, now)
        if self.safe is None:
            self._carry_out(now)
        night = self.shift.describe_running()["night"]
        self.neighbours.tell(self.standing, self.presence, night, now)
        self._keep(now)

    def _carry_out(self, now: Now) -> None:
        self.shift.act(self.decision.allowed, self.standing, now)
        self.agenda.act(self.presence, now)

    def _keep(self, now: Now, *, closing: bool = False) -> None:
        self.books.keep(self.standing, now, self.surroundings.ageing.clocks, closing=closing)

    def look_now(self) -> None:
        """Look and decide at once: a caller waits for the answer."""
        self._look(self.clock.now())

    def decide(self, now: Now) -> Decision:
        """What should hold at this time, by the last look; changes nothing."""
        return decide(
            self.standing, self.presence, now.awake, self.settings.lifecycle, self.shift.overdue(now)
        )

    def _measure(self, now: Now) -> None:
        """Once a tick, by what was seen in it."""
        self.outlets.tick(now, partial(describe, self, now), safe=self.safe is not None)

    def _announce(self, before: State, now: Now) -> None:
        standing, figures = self.standing, self.decision.figures
        self.log.info(f"{before} → {standing.state}", rule=standing.rule, reason=standing.reason, **figures)
        self.books.tell(Transition(now.wall, before, standing.state, standing.rule, standing.reason, figures))

    def _tell(self, now: Now) -> None:
        """Those who want to hear of every change, and the service manager: from the loop itself and from nothing else."""
        self.subscribers.tell()
        self._tell_manager(partial(self._pulse.beat, partial(headline, self), now))

    def _tell_manager(self, say: Callable[[], None]) -> None:
        """It takes a descriptor: where none is left, the one that is kept back for it."""
        try:
            try:
                say()
            except OSError:
                with self._reserve.lent():
                    say()
        except OSError as cause:
            why = f"the service manager hears nothing ({cause.strerror})"
            self.troubles.note("service", why, LET_OPEN, said="service manager not told")
        else:
            self.troubles.over("service")

    async def _let_others_in(self, began: Now) -> None:
        """After a turn that took long, over thousands of files, who calls comes first: for as long as it took."""
        took = self.clock.now().awake - began.awake
        if took > _LONG:
            await self.clock.wait(asyncio.Event(), took)

    def _until_next(self, now: Now) -> float:
        """Seconds until something falls due without any event."""
        if self.surroundings.behind:
            return 0.0
        about = (self.decision, self.surroundings, self.books)
        parts = (*about, self.shift, self.agenda, self.neighbours, self._pulse)
        return max(0.0, min(self._next_tick, *(part.next_at for part in parts)) - now.awake)

    @property
    def failures(self) -> int:
        """How often the loop failed and went on."""
        return self.troubles.failures

    def degraded(self) -> list[dict[str, str]]:
        """What does not work as it should, why, and what mends it: for `status`."""
        return complaints(self)

    async def _go_by(self, settings: Settings) -> None:
        """What runs goes on; from this look on everything goes by the new settings."""
        self.settings = settings
        logs.adjust(settings.log)
        self.surroundings.rearrange(settings)
        self.shift.reload(settings, self.surroundings.ageing)
        self.outlets.reload(settings)
        await self.agenda.reload(settings)
        await self.neighbours.reload(settings)
        self._next_tick = 0.0
        self._beat(self.clock.now())

    def _stop(self) -> None:
        self._stopping = True
        self._changed.set()

    async def _shut_down(self) -> None:
        self._tell_manager(self._pulse.stop)
        self._reserve.close()
        await self._control.close()
        self.surroundings.close()
        # All may take a while: a batch, the grace that agents have, a server that does not answer.
        parts = (self.outlets, self.shift, self.agenda, self.neighbours)
        await asyncio.gather(*(part.close() for part in parts))
