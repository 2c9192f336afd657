"""The daemon's night shift: when a night starts, when it is told to yield, and what is known of the last one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from iai_daemon.clock import Clock, Now
from iai_daemon.config import Settings
from iai_daemon.consolidation.night import Job, Night
from iai_daemon.consolidation.passes import chosen, outlook
from iai_daemon.consolidation.when import due_in
from iai_daemon.errors import IaiError, NightRefused
from iai_daemon.lifecycle.decide import Allowed, Overdue, Standing
from iai_daemon.lifecycle.idle import dream_due_at
from iai_daemon.lifecycle.machine import objection
from iai_daemon.lifecycle.states import State
from iai_daemon.memory.nights import NightRow
from iai_daemon.memory.opening import Stores, open_stores
from iai_daemon.paths import Home
from iai_daemon.units import NEVER

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

Progress = Callable[[Mapping[str, object]], None]

# A night that was cut short is tried again after a tick, then two, four …, and at least once an hour.
_LONGEST_BACK_OFF = 3600.0


@dataclass(slots=True)
class _Times:
    """When things happened, on the boot clock: it never steps, and the time asleep counts."""

    first_started: float
    last_began: float | None
    last_asked: float | None
    last_night_ended: float | None


@dataclass(slots=True)
class _Running:
    """The night that runs now, and what its worker has told of it."""

    job: Job
    night: Night
    id: int | None = None
    pass_name: str | None = None
    progress: Mapping[str, object] | None = None


class Shift:
    """Carries out what the lifecycle allows. Every method is called from the event loop and returns at once."""

    def __init__(
        self,
        home: Home,
        settings: Settings,
        clock: Clock,
        changed: Callable[[], None],
        log: BoundLogger,
    ) -> None:
        self._home = home
        self._settings = settings
        self._clock = clock
        self._changed = changed
        self._log = log
        self._stores: Stores | None = None
        self._trouble: str | None = None
        self._objection: str | None = None
        self._times: _Times | None = None
        self._work: bool | None = None
        self._running: _Running | None = None
        self._task: asyncio.Task[Mapping[str, Any] | None] | None = None
        self._last: Mapping[str, Any] | None = None
        self._cut_short = 0
        self._retry_at = 0.0
        self._last_dream_ended: float | None = None
        self.next_at = NEVER

    # What the loop asks.

    def look(self, now: Now) -> None:
        """Once a tick: open the store where it is not open yet, and learn what others did."""
        self._work = None
        try:
            if self._stores is None:
                self._stores = open_stores(self._home)
            self._times = self._read_times(self._stores, now)
        except IaiError as error:
            self._close_stores()
            self._trouble = str(error)
        else:
            self._trouble = None

    def overdue(self, now: Now) -> Overdue:
        """Whether a night has been waited for too long, or when it will have been."""
        limit = self._settings.lifecycle.overdue_after
        if self._times is None or limit == NEVER or not self._settings.consolidation.enabled:
            return Overdue()
        waited = now.boot - max(self._times.first_started, self._times.last_night_ended or 0.0)
        if waited < limit:
            return Overdue(in_seconds=limit - waited)
        return Overdue(now=self._has_work(now))

    def act(self, allowed: Allowed, standing: Standing, now: Now) -> None:
        """Start what is due and allowed; tell what is no longer allowed to yield."""
        if standing.state is State.IDLE and not self._settings.consolidation.naps:
            allowed = Allowed.NONE
        self.next_at = NEVER
        if self._running is not None:
            job = self._running.job
            if not job.asked and (allowed is Allowed.NONE or (job.alone and allowed is not Allowed.ALL)):
                self._running.night.request_yield(f"{standing.state}: {standing.reason}")
        elif allowed is Allowed.NONE:
            self._work = None
        else:
            self._start_when_due(allowed, standing, now)

    def _start_when_due(self, allowed: Allowed, standing: Standing, now: Now) -> None:
        if self._times is None or not self._settings.consolidation.enabled:
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
        elif self._has_work(now):
            self._objection = objection(self._settings.lifecycle)
            if self._objection is None:
                kind = "nap" if standing.state is State.IDLE else "night"
                self._start(Job(self._home.root, kind, standing.rule, alone=allowed is Allowed.ALL))

    def _has_work(self, now: Now) -> bool:
        """Whether a night would find anything; asked of the store at most once a tick."""
        if self._work is None and self._stores is not None:
            try:
                passes = chosen(self._settings, alone=True)
                found = outlook(self._stores.nights, passes, now.milliseconds)
                self._work = found.work
            except IaiError as error:
                self._trouble = str(error)
        return bool(self._work)

    # What runs.

    def _start(self, job: Job, progress: Progress | None = None) -> asyncio.Task[Mapping[str, Any] | None]:
        running = _Running(job, Night(job, self._settings.consolidation.yield_within))

        def heard(event: Mapping[str, object]) -> None:
            self._hear(running, event)
            if progress is not None:
                progress(event)

        self._running = running
        self._task = asyncio.create_task(self._run(running, heard))
        return self._task

    async def _run(self, running: _Running, heard: Progress) -> Mapping[str, Any] | None:
        self._log.info("night starts", kind=running.job.kind, rule=running.job.rule)
        report: Mapping[str, Any] | None = None
        try:
            report = await running.night.run(heard)
        except (IaiError, OSError) as error:
            self._log.error("night failed", cause=str(error))
        finally:
            self._running = None
            self._end(running, report)
            self._changed()
        return report

    def _hear(self, running: _Running, event: Mapping[str, Any]) -> None:
        match event["event"]:
            case "started":
                running.id = event["night"]
            case "progress":
                running.pass_name = event["pass"]
                running.progress = {key: event[key] for key in ("round", "done", "total")}
            case "failed" | "warning":
                self._log.warning(
                    f"night {event['event']}", **{key: event[key] for key in event if key != "event"}
                )

    def _end(self, running: _Running, report: Mapping[str, Any] | None) -> None:
        now, job = self._clock.now(), running.job
        outcome = report["outcome"] if report else "killed"
        finished = outcome in ("completed", "nothing_to_do")
        if job.kind == "nap":
            self._last_dream_ended = now.awake
        self._cut_short = 0 if finished else self._cut_short + 1
        if not finished:
            back_off = self._settings.lifecycle.tick * 2 ** min(self._cut_short - 1, 16)
            self._retry_at = now.awake + min(back_off, _LONGEST_BACK_OFF)
        self._log.info(
            "night ended", outcome=outcome, night=running.id, yield_seconds=running.night.yield_seconds
        )
        self.look(now)

    async def run_asked(
        self, *, alone: bool, max_rounds: int | None, passes: Sequence[str] | None, progress: Progress
    ) -> Mapping[str, object]:
        """A person's explicit wish: run now and return the report. A caller who hangs up makes it yield."""
        if self._running is not None:
            raise NightRefused(problem="A night is running already: see `iai-daemon status`.")
        job = Job(
            self._home.root, "night", "asked", alone=alone, asked=True, max_rounds=max_rounds, passes=passes
        )
        task = self._start(job, progress)
        try:
            report = await asyncio.shield(task)
        except asyncio.CancelledError:
            if self._running is not None:
                self._running.night.request_yield("whoever asked for it has gone", cancelled=True)
            raise
        if report is None:
            raise NightRefused(problem=f"The night did not end as it should: see {self._home.log}.")
        return report

    async def close(self) -> None:
        """End what runs, leaving the store whole, and let go of the store."""
        if self._running is not None and self._task is not None:
            self._running.night.request_yield("the daemon stops", cancelled=True)
            await asyncio.wait({self._task})
        self._close_stores()

    # What is told.

    def describe(self) -> dict[str, object]:
        """The part `consolidation` of the status."""
        running = self._running
        return {
            "running": running is not None,
            "night": running and running.id,
            "pass": running and running.pass_name,
            "progress": running and running.progress,
            "last": self._last,
        }

    def describe_store(self) -> dict[str, object]:
        """The part `store` of the status."""
        memories = None
        if self._stores is not None:
            try:
                memories = self._stores.memory.memories()
            except IaiError as error:
                self._trouble = str(error)
        return {"engine": self._settings.memory.store, "memories": memories}

    def degraded(self) -> list[dict[str, str]]:
        """What keeps nights from happening as they should."""
        found = []
        if self._trouble:
            found.append(
                {"what": "store", "why": self._trouble, "fix": "as the sentence says; the daemon tries again"}
            )
        if self._objection:
            found.append({"what": "nights", "why": self._objection, "fix": "it goes on when that has passed"})
        if self._cut_short > 1:
            why = f"the last {self._cut_short} nights were cut short"
            found.append({"what": "nights", "why": why, "fix": "`iai-daemon nights list` tells by what"})
        return found

    # What is remembered.

    def _read_times(self, stores: Stores, now: Now) -> _Times:
        """When nights were, turned from stamps into ages once a tick."""

        def on_boot_clock(milliseconds: int) -> float:
            return now.boot - (now.wall - milliseconds / 1000)

        def began(night: NightRow | None) -> float | None:
            return None if night is None else on_boot_clock(night.started_at)

        nights = stores.nights
        newest = nights.nights(1)
        self._last = newest[-1].report if newest and newest[-1].report else self._last
        night = nights.last_completed(kind="night")
        return _Times(
            first_started=min(now.boot, on_boot_clock(nights.first_started_at(now.milliseconds))),
            last_began=began(nights.last_completed(asked=False)),
            last_asked=began(nights.last_completed(asked=True)),
            last_night_ended=None if night is None else on_boot_clock(night.ended_at or night.started_at),
        )

    def _close_stores(self) -> None:
        if self._stores is not None:
            self._stores.close()
            self._stores = None
        self._times = None
