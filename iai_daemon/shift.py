"""The daemon's night shift: when a night starts, when it is told to yield, and what is known of the last one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, Any

from iai_daemon.clock import Clock, Now
from iai_daemon.config import Settings
from iai_daemon.consolidation import hindrances
from iai_daemon.consolidation.death import Death
from iai_daemon.consolidation.keeper import Keeper, Seen, see
from iai_daemon.consolidation.night import Job, Night
from iai_daemon.consolidation.passes import expected, outlook
from iai_daemon.consolidation.tasks import make_default_task, why_not
from iai_daemon.consolidation.when import due_in
from iai_daemon.errors import IaiError, NightBusy, NightRefused, StoreAway, StoreBusy
from iai_daemon.lifecycle.decide import Allowed, Overdue, Standing
from iai_daemon.lifecycle.idle import dream_due_at
from iai_daemon.lifecycle.machine import objection
from iai_daemon.lifecycle.states import State
from iai_daemon.memory import spool
from iai_daemon.memory.delivering import deliver
from iai_daemon.memory.nights import Hindrance, NightRow, Why
from iai_daemon.memory.opening import Stores, open_stores
from iai_daemon.notify.news import News
from iai_daemon.paths import Home
from iai_daemon.presence.ageing import Ageing
from iai_daemon.troubles import AS_SAID, degraded
from iai_daemon.units import NEVER, format_stamp

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

Progress = Callable[[Mapping[str, object]], None]
_Task = asyncio.Task[Mapping[str, Any] | None]

# A night that was cut short is tried again after a tick, then two, four …, and at least once an hour. Where nights have no
# interval, a plug-in whose worker found nothing to do is asked again after so long, too.
_LONGEST_BACK_OFF = 3600.0

# For so long the loop waits for another process that holds the store for itself alone; it tries again at each tick.
_OPENS_WITHIN = 0.5
# For so long notes are delivered at a tick that had to wait for the memory's server.
_DELIVERS_WITHIN = 0.5


class _Work(Enum):
    """Whether a night would find anything. GUESSED: only plug-ins might, and their worker finds out."""

    NONE = auto()
    GUESSED = auto()
    KNOWN = auto()


@dataclass(slots=True)
class _Times:
    """When things happened, on the boot clock: it never steps, and the time asleep counts."""

    first_started: float
    last_began: float | None
    last_asked: float | None
    last_night_ended: float | None


@dataclass(frozen=True, slots=True)
class _Refuted:
    """A worker found nothing to do where plug-ins were guessed to have work: true of the store as of this change, and until
    then (seconds awake)."""

    change: int
    until: float


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


def _told(night: NightRow) -> dict[str, Any]:
    """Its report, and when it was taken back."""
    undone = None if night.undone_at is None else format_stamp(night.undone_at / 1000)
    return {**(night.report or {}), "undone_at": undone}


def _summary(night: NightRow | None) -> dict[str, Any] | None:
    """The same without its rounds and passes: a nap may have been since."""
    if night is None or not night.report:
        return None
    return {key: value for key, value in _told(night).items() if key not in ("rounds", "passes")}


def _look_for_work(
    settings: Settings,
    home: Home,
    now: int,
    alone: bool,
    stores: Stores,
) -> tuple[_Work, int]:
    """What a night would find, and the newest change as of which nothing but plug-ins is thought to have work."""
    known, guessed = expected(settings, home, alone=alone)
    if outlook(stores.nights, known, now).work:
        return _Work.KNOWN, 0
    if not guessed or not outlook(stores.nights, guessed, now).work:
        return _Work.NONE, 0
    return _Work.GUESSED, stores.nights.newest_change()


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
        self._keeper = self._make_keeper()
        self._seen: Seen | None = None
        self._memories: int | None = None
        self._counted: Mapping[str, int] = {}
        self._trouble: dict[str, str] | None = None
        self._objection: str | None = None
        self._times: _Times | None = None
        self._dated: dict[int, float] = {}
        self._why_not = why_not(by_setting=settings.consolidation.enabled, by_task=True)
        self._hindrances: Mapping[str, Hindrance] = {}
        self._work: dict[bool, _Work] = {}
        self._guess = 0
        self._refuted: dict[bool, _Refuted] = {}
        self._running: _Running | None = None
        self._task: _Task | None = None
        self._last: Mapping[str, Any] | None = None
        self._cut_short = 0
        self._fruitless = 0
        self._death: Death | None = None
        self._failure: str | None = None
        self._mended: int | None = None
        self.locked_out = False
        self._retry_at = 0.0
        self._last_dream_ended: float | None = None
        self.next_at = NEVER
        self.told: Callable[[], None] = lambda: None
        self.over: Callable[[News], None] = lambda _: None

    # What the loop asks.

    def look(self, now: Now) -> None:
        """Once a tick: open the store where it is not open yet, or another one by now, and learn what others did."""
        self._work.clear()
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
        self._times = self._read_times(seen, now)
        self._hindrances = seen.hindrances
        self._why_not = why_not(by_setting=self._settings.consolidation.enabled, by_task=seen.enabled)
        if seen.elsewhere is not None and self._running is None:
            # Once that one is over it is known whether anything is left to do.
            self._cut_short, self._retry_at = 0, 0.0
        if self._keeper.beside:
            self._count()
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
        self._refuted.clear()
        self._fruitless = 0
        # What was mended in the settings is tried at once.
        self._retry_at = 0.0
        # Opened anew, the store mirrors the interval.
        self._keeper.leave()
        self._forget_store()
        self._keeper = self._make_keeper()

    def overdue(self, now: Now) -> Overdue:
        """Whether a night has been waited for too long, or when it will have been."""
        limit = self._settings.lifecycle.overdue_after
        if self._times is None or limit == NEVER or self._why_not:
            return Overdue()
        since, ended = self._times.first_started, self._times.last_night_ended
        if ended is not None and ended <= now.boot:
            since = max(since, ended)
        waited = now.boot - since
        if waited < limit:
            return Overdue(in_seconds=limit - waited)
        # What needs the store alone would not run then: it waits until everybody has left.
        return Overdue(now=self._work_for(now, alone=False) is _Work.KNOWN)

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
            self._work.clear()
        else:
            self._start_when_due(allowed, standing, now)

    def _start_when_due(self, allowed: Allowed, standing: Standing, now: Now) -> None:
        if self._times is None or self._why_not or self.elsewhere is not None:
            return
        times = self._times
        interval = self._settings.consolidation.interval
        wait = due_in(now.boot, interval, times.last_began, times.first_started, times.last_asked)
        at = max(now.awake + wait, self._retry_at)
        if standing.state is State.IDLE:
            idle_after = self._settings.lifecycle.idle_after
            at = max(at, dream_due_at(standing.since, self._last_dream_ended, idle_after))
        if at > now.awake:
            self.next_at = at
        elif (work := self._work_for(now, alone=allowed is Allowed.ALL)) is not _Work.NONE:
            self._objection = objection(self._settings.lifecycle, self._home)
            if self._objection is None:
                kind = "nap" if standing.state is State.IDLE else "night"
                job = Job(self._home.root, kind, standing.rule, alone=allowed is Allowed.ALL)
                self._start(job, guessed=self._guess if work is _Work.GUESSED else None)
        elif self._work.get(True) is _Work.NONE:
            self._forget_failures()

    def _work_for(self, now: Now, *, alone: bool) -> _Work:
        """What a night of the passes that may run would find; asked of the store at most once a tick."""
        if alone not in self._work:
            question = partial(_look_for_work, self._settings, self._home, now.milliseconds, alone)
            name = f"work {alone}"
            self._keeper.ask(name, question, partial(self._know_work, now, alone), self._note_trouble)
        return self._work.get(alone, _Work.NONE)

    def _know_work(self, now: Now, alone: bool, found: tuple[_Work, int]) -> None:
        work, change = found
        if work is _Work.GUESSED:
            self._guess = change
            refuted = self._refuted.get(alone)
            if refuted is not None and now.awake < refuted.until and refuted.change == change:
                work = _Work.NONE
        self._work[alone] = work
        if self._keeper.beside and work is not _Work.NONE:
            self._changed()

    # What runs.

    def _start(
        self, job: Job, progress: Progress | None = None, *, guessed: int | None = None
    ) -> tuple[_Running, _Task]:
        running = _Running(job, Night(job, self._settings.consolidation.yield_within), guessed)

        def heard(event: Mapping[str, object]) -> None:
            self._hear(running, event)
            if progress is not None:
                progress(event)

        self._running = running
        self._task = asyncio.create_task(self._run(running, heard))
        return running, self._task

    async def _run(self, running: _Running, heard: Progress) -> Mapping[str, Any] | None:
        self._log.info("night starts", kind=running.job.kind, rule=running.job.rule)
        report: Mapping[str, Any] | None = None
        self._failure = None
        try:
            report = await running.night.run(heard)
        except NightBusy as error:
            # Another process at the same work, or a restore, is nothing that anybody has to mend.
            self._log.info("night not begun", cause=str(error))
            running.failure = str(error)
        except (IaiError, OSError) as error:
            self._log.error("night failed", cause=str(error))
            self._failure = running.failure = str(error)
        finally:
            self._running = None
            self._end(running, report)
            self._changed()
        return report

    def _hear(self, running: _Running, event: Mapping[str, Any]) -> None:
        match event["event"]:
            case "started":
                running.id = event["night"]
            case "pass":
                running.pass_name = event["pass"]
                running.progress = {"round": event["round"], "done": 0, "total": 0}
            case "progress":
                running.progress = {key: event[key] for key in ("round", "done", "total")}
            case "note":
                running.note = {key: event[key] for key in ("text", "summary")}
            case "failed" | "warning":
                self._log.warning(
                    f"night {event['event']}", **{key: event[key] for key in event if key != "event"}
                )
        self.told()

    def _end(self, running: _Running, report: Mapping[str, Any] | None) -> None:
        now, job, death = self._clock.now(), running.job, running.night.death
        outcome = report["outcome"] if report else "killed" if death else "failed"
        finished = outcome in ("completed", "nothing_to_do")
        if death is not None:
            self._log.warning("night killed", cause=death.say(), night=death.night)
        if finished or (death is not None and not death.ours):
            self._death = death
        if outcome == "nothing_to_do":
            self._forget_failures()
        if job.kind == "nap":
            self._last_dream_ended = now.awake
        self._cut_short = 0 if finished else self._cut_short + 1
        self._fruitless = self._fruitless + 1 if outcome == "nothing_to_do" else 0
        if not finished:
            self._retry_at = now.awake + self._back_off(self._cut_short)
        elif outcome == "nothing_to_do" and not job.asked:
            self._found_nothing(running, now)
        self._log.info(
            "night ended", outcome=outcome, night=running.id, yield_seconds=running.night.yield_seconds
        )
        self.look(now)
        self.told()
        self.over(self._news(running, outcome, report))

    def _news(self, running: _Running, outcome: str, report: Mapping[str, Any] | None) -> News:
        death = running.night.death
        trouble = self._failure or (f"{death.say()}; {death.remedy}" if death and not death.ours else "")
        return News(
            running.id,
            running.job.kind,
            outcome,
            report,
            trouble,
            note=running.note.get("text", ""),
            summary=running.note.get("summary", ""),
        )

    def _forget_failures(self) -> None:
        """What nights failed of until now has left nothing undone."""
        self._death = self._failure = None
        self._cut_short = 0
        if self._last is not None:
            self._mended = self._last["id"]

    def _back_off(self, times: int) -> float:
        """Seconds until the next try, after so many in vain."""
        seconds: float = self._settings.lifecycle.tick * 2 ** min(times - 1, 16)
        return min(seconds, _LONGEST_BACK_OFF)

    def _found_nothing(self, running: _Running, now: Now) -> None:
        """The worker looked closer, or by other settings than these: asking it again at each tick would not make work."""
        if running.guessed is None:
            self._retry_at = now.awake + self._back_off(self._fruitless)
        else:
            until = now.awake + (self._settings.consolidation.interval or _LONGEST_BACK_OFF)
            self._refuted[running.job.alone] = _Refuted(running.guessed, until)

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
            "waiting": self._waiting(),
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
        times, interval = self._times, self._settings.consolidation.interval
        due = now.awake + due_in(now.boot, interval, times.last_began, times.first_started, times.last_asked)
        start = max(at, now.awake, due, self._retry_at)
        if start > max(at, now.awake):
            again = "the last one was cut short" if self._cut_short else "the last one found nothing to do"
            return start, again if start > due else "the interval since the last one"
        if may_already and self._work.get(alone) is _Work.NONE:
            return None, "nothing is to do"
        return start, None

    @property
    def elsewhere(self) -> str | None:
        """The host on which another daemon of this store runs a night."""
        return None if self._seen is None or self._running is not None else self._seen.elsewhere

    def _waiting(self) -> Mapping[str, int]:
        """How many planned changes wait, by why."""
        self._keeper.ask(
            "waiting", lambda stores: stores.nights.waiting(), self._know_waiting, self._cannot_count
        )
        return self._counted

    def _know_waiting(self, found: Mapping[Why, int]) -> None:
        self._counted = {why.value: number for why, number in found.items()}

    def _know_memories(self, found: int) -> None:
        self._memories = found

    def _cannot_count(self, error: IaiError) -> None:
        self._memories, self._counted = None, {}
        self._note_trouble(error)

    def _count(self) -> int | None:
        """How many memories there are."""
        self._keeper.ask(
            "memories", lambda stores: stores.memory.memories(), self._know_memories, self._cannot_count
        )
        return self._memories

    def describe_store(self) -> dict[str, object]:
        """The part `store` of the status."""
        return {"engine": self._settings.memory.engine, "memories": self._count()}

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
                until = format_stamp((hindrance.not_before or now) / 1000)
                fix = f"`iai-daemon nights retry {name}` lets it run before that"
                found.append(degraded(f"pass {name}", f"{waits}, until {until}", fix))
        if self._death is not None:
            found.append(degraded("nights", self._death.say(), self._death.remedy))
        if why := self._failure or self._failed_night():
            found.append(degraded("nights", why, "as the sentence says; the next night tries again"))
        if self._cut_short > 1 and self.elsewhere is None:
            why = f"the last {self._cut_short} nights were cut short"
            found.append(degraded("nights", why, "`iai-daemon nights list` tells by what"))
        return found

    def _failed_night(self) -> str | None:
        """Why the newest night failed, as it stands in the books."""
        last = self._last
        if last is None or last["outcome"] != "failed" or last["id"] == self._mended:
            return None
        return f"night {last['id']} failed: {last['reason']}"

    # What is remembered.

    def _read_times(self, seen: Seen, now: Now) -> _Times:
        """When nights were, turned from stamps into ages once a tick."""

        dated, self._dated = self._dated, {}

        def on_boot_clock(milliseconds: int) -> float:
            """Read once, when the stamp is first seen: a clock that was set back may show the same time again."""
            at = dated.get(milliseconds)
            self._dated[milliseconds] = at = (
                self._ageing.on_boot_clock(milliseconds / 1000, now) if at is None else at
            )
            # A host whose clock is ahead of ours has not stamped the future.
            return min(at, now.boot) if self._keeper.beside else at

        def began(night: NightRow | None) -> float | None:
            return None if night is None else on_boot_clock(night.started_at)

        night = seen.night
        if seen.newest is None:
            self._last = None  # another memory may have been restored meanwhile
        elif seen.newest.report:
            self._last = _told(seen.newest)
        return _Times(
            first_started=min(now.boot, on_boot_clock(seen.first_started_at)),
            last_began=began(seen.due),
            last_asked=began(seen.asked),
            last_night_ended=None if night is None else on_boot_clock(night.ended_at or night.started_at),
        )

    def _make_keeper(self) -> Keeper:
        settings = self._settings
        return Keeper(partial(self._open_stores, settings), beside=settings.memory.engine != "sqlite")

    def _open_stores(self, settings: Settings) -> Stores:
        """The store, with the task that lets nights come; it is written only where it does not mirror the setting. Raises
        StoreUnusable, StoreBusy."""
        stores = open_stores(self._home, within=_OPENS_WITHIN, settings=settings.memory)
        now = self._clock.now().milliseconds
        if make_default_task(stores.tasks, settings.consolidation.interval, now, self._log.warning):
            self._log.info("the task consolidate was made")
        return stores

    def _forget_store(self) -> None:
        """What is not known any more while it cannot be asked."""
        self._times = self._seen = self._memories = None
        self._counted = {}
