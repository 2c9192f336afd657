"""The daemon's night shift: when a night starts, when it is told to yield, and what is known of the last one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from iai_daemon.clock import Clock, Now
from iai_daemon.config import Settings
from iai_daemon.consolidation import hindrances
from iai_daemon.consolidation.keeper import Keeper, Seen, Tally, see
from iai_daemon.consolidation.night import Job, Night
from iai_daemon.consolidation.prospects import Prospects, Work
from iai_daemon.consolidation.setbacks import LONGEST_BACK_OFF, Setbacks
from iai_daemon.consolidation.tasks import make_default_task, why_not
from iai_daemon.consolidation.times import Dating, Times
from iai_daemon.errors import IaiError, NightBusy, NightRefused, StoreAway, StoreBusy
from iai_daemon.lifecycle.decide import Allowed, Overdue, Standing
from iai_daemon.lifecycle.idle import dream_due_at
from iai_daemon.lifecycle.machine import objection
from iai_daemon.lifecycle.states import State
from iai_daemon.memory import spool
from iai_daemon.memory.delivering import deliver
from iai_daemon.memory.nights import Hindrance, NightRow
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.stores import Stores
from iai_daemon.notify.news import News
from iai_daemon.paths import Home
from iai_daemon.presence.ageing import Ageing
from iai_daemon.troubles import AS_SAID, degraded
from iai_daemon.units import NEVER, stamp_of

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

Progress = Callable[[Mapping[str, object]], None]
_Task = asyncio.Task[Mapping[str, Any] | None]

# For so long the loop waits for another process that holds the store for itself alone; it tries again at each tick.
_OPENS_WITHIN = 0.5
# For so long notes are delivered at a tick that had to wait for the memory's server.
_DELIVERS_WITHIN = 0.5


@dataclass(slots=True)
class _Running:
    """The night that runs now, and what its worker has told of it. `guessed`: nothing but plug-ins was thought to have work,
    and the store was as of this change then."""

    job: Job
    night: Night
    guessed: int | None = None
    id: int | None = None
    pass_name: str | None = None
    progress: Mapping[str, object] | None = None
    failure: str | None = None
    note: Mapping[str, str] = field(default_factory=dict)

    def hear(self, event: Mapping[str, Any]) -> None:
        match event["event"]:
            case "started":
                self.id = event["night"]
            case "pass":
                self.pass_name = event["pass"]
                self.progress = {"round": event["round"], "done": 0, "total": 0}
            case "progress":
                self.progress = {key: event[key] for key in ("round", "done", "total")}
            case "note":
                self.note = {key: event[key] for key in ("text", "summary")}

    def news(self, outcome: str, report: Mapping[str, Any] | None, failure: str | None) -> News:
        """What is told of it once it is over; `failure`: why it could not be run."""
        death = self.night.death
        return News(
            self.id,
            self.job.kind,
            outcome,
            report,
            failure or (f"{death.say()}; {death.remedy}" if death and not death.ours else ""),
            note=self.note.get("text", ""),
            summary=self.note.get("summary", ""),
        )


def _told(night: NightRow) -> dict[str, Any]:
    """Its report, and when it was taken back."""
    undone = None if night.undone_at is None else stamp_of(night.undone_at)
    return {**(night.report or {}), "undone_at": undone}


def _summary(night: NightRow | None) -> dict[str, Any] | None:
    """The same without its rounds and passes: a nap may have been since."""
    if night is None or not night.report:
        return None
    return {key: value for key, value in _told(night).items() if key not in ("rounds", "passes")}


class Shift:
    """Carries out what the lifecycle allows. Every method is called from the event loop and returns at once.

    A store that is a server is asked beside the loop: what it tells is known from the turn on at which it has answered, and then
    `changed` is called.

    `told` is called whenever a night has told something of itself, `over` when one has ended.
    """

    def __init__(
        self,
        home: Home,
        settings: Settings,
        clock: Clock,
        changed: Callable[[], None],
        log: BoundLogger,
        ageing: Ageing | None = None,
    ) -> None:
        self._home = home
        self._settings = settings
        self._clock = clock
        self._changed = changed
        self._log = log
        self._ageing = ageing or Ageing(settings.lifecycle.tick)
        self._open()
        self._setbacks = Setbacks(settings.lifecycle.tick)
        self._dating = Dating()
        self._times: Times | None = None
        self._seen: Seen | None = None
        self._trouble: dict[str, str] | None = None
        self._objection: str | None = None
        self._why_not = why_not(by_setting=settings.consolidation.enabled, by_task=True)
        self._hindrances: Mapping[str, Hindrance] = {}
        self._running: _Running | None = None
        self._task: _Task | None = None
        self._last: Mapping[str, Any] | None = None
        self._last_dream_ended: float | None = None
        self.locked_out = False
        self.next_at = NEVER
        self.told: Callable[[], None] = lambda: None
        self.over: Callable[[News], None] = lambda _: None

    def _open(self) -> None:
        """Whoever asks the store, from now on by these settings."""
        settings = self._settings
        self._keeper = Keeper(partial(self._open_stores, settings), beside=settings.memory.engine != "sqlite")
        self._tally = Tally(self._keeper, self._note_trouble)
        self._prospects = Prospects(settings, self._home, self._keeper, self._changed, self._note_trouble)

    # What the loop asks.

    def look(self, now: Now) -> None:
        """Once a tick: open the store where it is not open yet, or another one by now, and learn what others did."""
        self._prospects.forget()
        self._keeper.ask(
            "look",
            lambda stores: self._deliver_and_see(stores, now.milliseconds),
            partial(self._learn, now),
            self._cannot_look,
            opens=True,
        )

    def _deliver_and_see(self, stores: Stores, now: int) -> Seen:
        """What was told while the memory could not be reached comes first."""
        deliver(stores, self._home, within=_DELIVERS_WITHIN)
        return see(stores, now)

    def _learn(self, now: Now, seen: Seen) -> None:
        self._trouble, self.locked_out = None, False
        before, self._seen = self._seen, seen
        self._times = self._dating.read(seen, now, self._ageing.on_boot_clock, shared=self._keeper.beside)
        if seen.newest is None:
            self._last = None  # another memory may have been restored meanwhile
        elif seen.newest.report:
            self._last = _told(seen.newest)
        self._hindrances = seen.hindrances
        self._why_not = why_not(by_setting=self._settings.consolidation.enabled, by_task=seen.enabled)
        if seen.elsewhere is not None and self._running is None:
            self._setbacks.leave_to_others()
        if self._keeper.beside:
            self._tally.memories()
            if seen != before:
                self._changed()

    def _cannot_look(self, error: IaiError) -> None:
        self._forget_store()
        self._note_trouble(error)

    def _note_trouble(self, error: IaiError) -> None:
        # Also of a server that is away: whoever asked it on the loop would keep that waiting.
        self.locked_out = isinstance(error, (StoreBusy, StoreAway))
        self._trouble = degraded("store", str(error), AS_SAID)

    def reload(self, settings: Settings, ageing: Ageing) -> None:
        """Go by other settings from the next `look` on; a night that runs goes on by those that it began with."""
        self._settings = settings
        self._ageing = ageing
        self._setbacks.go_by(settings.lifecycle.tick)
        # Opened anew, the store mirrors the interval.
        self._keeper.leave()
        self._forget_store()
        self._open()

    def overdue(self, now: Now) -> Overdue:
        """Whether a night has been waited for too long, or when it will have been."""
        limit = self._settings.lifecycle.overdue_after
        if self._times is None or limit == NEVER or self._why_not:
            return Overdue()
        waited = self._times.waited(now)
        if waited < limit:
            return Overdue(in_seconds=limit - waited)
        # What needs the store alone would not run then: it waits until everybody has left.
        return Overdue(now=self._prospects.look(now, alone=False) is Work.KNOWN)

    def act(self, allowed: Allowed, standing: Standing, now: Now) -> None:
        """Start what is due and allowed; tell what is no longer allowed to yield."""
        if standing.state is State.IDLE and not self._settings.consolidation.naps:
            allowed = Allowed.NONE
        self.next_at = NEVER
        self._objection = None
        if self._running is not None:
            job = self._running.job
            if not job.asked and (allowed is Allowed.NONE or (job.alone and allowed is not Allowed.ALL)):
                self._running.night.request_yield(f"{standing.state}: {standing.reason}")
        elif allowed is Allowed.NONE:
            self._prospects.forget()
        else:
            self._start_when_due(allowed, standing, now)

    def _start_when_due(self, allowed: Allowed, standing: Standing, now: Now) -> None:
        if self._times is None or self._why_not or self.elsewhere is not None:
            return
        due = now.awake + self._times.due_in(now, self._settings.consolidation.interval)
        at = max(due, self._setbacks.retry_at)
        if standing.state is State.IDLE:
            idle_after = self._settings.lifecycle.idle_after
            at = max(at, dream_due_at(standing.since, self._last_dream_ended, idle_after))
        if at > now.awake:
            self.next_at = at
        elif (work := self._prospects.look(now, alone=allowed is Allowed.ALL)) is not Work.NONE:
            self._objection = objection(self._settings.lifecycle, self._home)
            if self._objection is None:
                kind = "nap" if standing.state is State.IDLE else "night"
                job = Job(self._home.root, kind, standing.rule, alone=allowed is Allowed.ALL)
                self._start(job, guessed=self._prospects.guess if work is Work.GUESSED else None)
        elif self._prospects.known(alone=True) is Work.NONE:
            self._forget_failures()

    # What runs.

    def _start(
        self, job: Job, progress: Progress | None = None, *, guessed: int | None = None
    ) -> tuple[_Running, _Task]:
        running = _Running(job, Night(job, self._settings.consolidation.yield_within), guessed)

        def heard(event: Mapping[str, object]) -> None:
            running.hear(event)
            if event["event"] in ("failed", "warning"):
                said = {key: event[key] for key in event if key != "event"}
                self._log.warning(f"night {event['event']}", **said)
            self.told()
            if progress is not None:
                progress(event)

        self._running = running
        self._task = asyncio.create_task(self._run(running, heard))
        return running, self._task

    async def _run(self, running: _Running, heard: Progress) -> Mapping[str, Any] | None:
        self._log.info("night starts", kind=running.job.kind, rule=running.job.rule)
        report: Mapping[str, Any] | None = None
        self._setbacks.failure = None
        try:
            report = await running.night.run(heard)
        except NightBusy as error:
            # Another process at the same work, or a restore, is nothing that anybody has to mend.
            self._log.info("night not begun", cause=str(error))
            running.failure = str(error)
        except (IaiError, OSError) as error:
            self._log.error("night failed", cause=str(error))
            self._setbacks.failure = running.failure = str(error)
        finally:
            self._running = None
            self._end(running, report)
            self._changed()
        return report

    def _end(self, running: _Running, report: Mapping[str, Any] | None) -> None:
        now, job, death = self._clock.now(), running.job, running.night.death
        outcome = report["outcome"] if report else "killed" if death else "failed"
        if death is not None:
            self._log.warning("night killed", cause=death.say(), night=death.night)
        if job.kind == "nap":
            self._last_dream_ended = now.awake
        self._setbacks.ended(outcome, death, now.awake)
        if outcome == "nothing_to_do":
            self._forget_failures()
            if not job.asked:
                self._found_nothing(running, now)
        self._log.info(
            "night ended", outcome=outcome, night=running.id, yield_seconds=running.night.yield_seconds
        )
        self.look(now)
        self.told()
        self.over(running.news(outcome, report, self._setbacks.failure))

    def _forget_failures(self) -> None:
        self._setbacks.forget(None if self._last is None else self._last["id"])

    def _found_nothing(self, running: _Running, now: Now) -> None:
        if running.guessed is None:
            self._setbacks.found_nothing(now.awake)
        else:
            until = now.awake + (self._settings.consolidation.interval or LONGEST_BACK_OFF)
            self._prospects.refute(running.guessed, until, alone=running.job.alone)

    async def run_asked(
        self, *, alone: bool, max_rounds: int | None, passes: Sequence[str] | None, progress: Progress
    ) -> Mapping[str, object]:
        """A person's explicit wish: run now and return the report. A caller who hangs up makes it yield."""
        if self._running is not None:
            raise NightRefused(problem="A night is running already: see `iai-daemon status`.")
        job = Job(
            self._home.root, "night", "asked", alone=alone, asked=True, max_rounds=max_rounds, passes=passes
        )
        running, task = self._start(job, progress)
        try:
            report = await asyncio.shield(task)
        except asyncio.CancelledError:
            if self._running is not None:
                self._running.night.request_yield("whoever asked for it has gone", cancelled=True)
            raise
        if running.failure is not None:
            raise NightRefused(problem=running.failure)
        if report is None:
            why = f" ({running.night.death.say()})" if running.night.death else ""
            raise NightRefused(problem=f"The night did not end as it should{why}: see {self._home.log}.")
        return report

    async def close(self) -> None:
        """End what runs, leaving the store whole, and let go of the store."""
        if self._running is not None and self._task is not None:
            self._running.night.request_yield("the daemon stops", cancelled=True)
            await asyncio.wait({self._task})
        await self._keeper.close()
        self._forget_store()

    # What is told.

    def describe_running(self) -> dict[str, object]:
        """What of it changes while a night runs; the store is not asked."""
        running = self._running
        return {
            "running": running is not None,
            "night": running and running.id,
            "pass": running and running.pass_name,
            "progress": running and running.progress,
        }

    def describe(self) -> dict[str, object]:
        """The part `consolidation` of the status."""
        return {
            "why_not": self._why_not,
            **self.describe_running(),
            "elsewhere": self.elsewhere,
            "last": self._last,
            "last_night": _summary(self._seen.night if self._seen else None),
            "waiting": self._tally.waiting(),
        }

    def next_night(self, at: float, now: Now, *, alone: bool) -> tuple[float | None, str | None]:
        """When a night can start that may from `at` on (awake clock), and what it waits for beyond that; or None, and why none
        can. `alone`: with what needs the store alone."""
        if self._why_not or self.elsewhere is not None:
            return None, self._why_not or f"one is running on {self.elsewhere}"
        if self._times is None:
            return None, "the memory cannot be asked"
        may_already = at <= now.awake
        if may_already and self._objection:
            return None, self._objection
        due = now.awake + self._times.due_in(now, self._settings.consolidation.interval)
        start = max(at, now.awake, due, self._setbacks.retry_at)
        if start > max(at, now.awake):
            return start, self._setbacks.waits_for if start > due else "the interval since the last one"
        if may_already and self._prospects.known(alone=alone) is Work.NONE:
            return None, "nothing is to do"
        return start, None

    @property
    def elsewhere(self) -> str | None:
        """The host on which another daemon of this store runs a night."""
        return None if self._seen is None or self._running is not None else self._seen.elsewhere

    def describe_store(self) -> dict[str, object]:
        """The part `store` of the status."""
        return {"engine": self._settings.memory.engine, "memories": self._tally.memories()}

    def degraded(self) -> list[dict[str, str]]:
        """What keeps the memory and its nights from being as they should."""
        found: list[dict[str, str]] = []
        if self._trouble:
            found.append(self._trouble)
        if waiting := spool.count(self._home):
            notes = "1 note waits" if waiting == 1 else f"{waiting} notes wait"
            fix = "they are delivered by themselves, in order, once it can be reached"
            found.append(degraded("spool", f"{notes} for the memory's server", fix))
        if self._objection:
            found.append(degraded("nights", self._objection, "it goes on when that has passed"))
        now = self._clock.now().milliseconds
        for name, hindrance in self._hindrances.items():
            if waits := hindrances.say(hindrance, now):
                until = stamp_of(hindrance.not_before or now)
                fix = f"`iai-daemon nights retry {name}` lets it run before that"
                found.append(degraded(f"pass {name}", f"{waits}, until {until}", fix))
        elsewhere = self.elsewhere is not None
        found += [degraded("nights", *said) for said in self._setbacks.say(self._last, elsewhere=elsewhere)]
        return found

    # The store.

    def _open_stores(self, settings: Settings) -> Stores:
        """The store, with the task that lets nights come; it is written only where it does not mirror the setting. Raises
        StoreUnusable, StoreBusy."""
        stores = open_stores(self._home, within=_OPENS_WITHIN, settings=settings.memory, asks_little=True)
        now = self._clock.now().milliseconds
        if make_default_task(stores.tasks, settings.consolidation.interval, now, self._log.warning):
            self._log.info("the task consolidate was made")
        return stores

    def _forget_store(self) -> None:
        """What is not known any more while it cannot be asked."""
        self._times = self._seen = None
        self._tally.forget()
