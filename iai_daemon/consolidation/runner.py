"""Runs a night: rounds of passes, each pass batch by batch, asking between two batches whether it may go on.

The worker calls `run_night`; anybody may, from Python, with a store and passes of their own.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from iai_daemon import clock
from iai_daemon.clock import Now, Stopwatch
from iai_daemon.consolidation.passes import outlook
from iai_daemon.consolidation.plan import Pass
from iai_daemon.consolidation.process import usage
from iai_daemon.consolidation.report import (
    COMPLETED,
    FAILED,
    NOTHING_TO_DO,
    Counters,
    PassReport,
    Report,
    RoundReport,
    count,
    interrupted,
)
from iai_daemon.errors import IaiError, NoBackup
from iai_daemon.memory.nights import NightStore, Outlook


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of a night. `asked`: by a person, so what users took back is done again. `model`: of the vectors."""

    kind: str
    rule: str
    asked: bool = False
    max_rounds: int = 1
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Halt:
    """Why a night has to stop, as which outcome, and how long ago that was said."""

    outcome: str
    reason: str
    since: Stopwatch = field(default_factory=Stopwatch)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a night is handed.

    `halted` is asked between two batches, `tell` hears what happens, `lock` is held from the first write to the last,
    and `prepare` runs before the first change: False from it means that it was halted; it may raise NoBackup.
    """

    clock: Callable[[], Now] = clock.read
    halted: Callable[[], Halt | None] = lambda: None
    tell: Callable[[Mapping[str, object]], None] = lambda _: None
    lock: AbstractContextManager[object] = field(default_factory=nullcontext)
    prepare: Callable[[], bool] = lambda: True


def run_night(store: NightStore, passes: Sequence[Pass], order: Order, around: Surroundings) -> Report:
    """Run these passes until nothing is left to do or it is halted; the report lists every round.

    When there is nothing to do, that is found out with one query, and nothing is written. Raises NightBusy.
    """

    def look() -> Outlook:
        return outlook(store, passes, around.clock().milliseconds, model=order.model, taken_back=order.asked)

    before = look()
    if before.work:
        with around.lock:
            _close_killed(store, before)
            before = look()  # whoever held the lock a moment ago may have done it
            if before.work:
                return _Night(store, passes, order, around).run()
    now = around.clock().milliseconds
    return Report(None, order.kind, order.rule, now, now, NOTHING_TO_DO, None, (), Counters(), before)


class _Night:
    """One night under way."""

    def __init__(self, store: NightStore, passes: Sequence[Pass], order: Order, around: Surroundings) -> None:
        self._store = store
        self._passes = passes
        self._order = order
        self._around = around
        self._id = 0
        self._halt: Halt | None = None
        self._trouble: list[str] = []
        self._failed: set[str] = set()
        self._passed: list[PassReport] = []
        self._rounds: list[RoundReport] = []
        self._embedded: dict[int, int] = {}

    def run(self) -> Report:
        started_at = self._now()
        self._id = self._store.begin_night(self._order.kind, self._order.rule, started_at)
        self._around.tell({"event": "started", "night": self._id})
        try:
            if self._around.prepare():
                self._run_rounds()
            else:
                self._must_stop()
        except NoBackup as error:
            self._trouble.append(str(error))
        return self._end(started_at)

    def _run_rounds(self) -> None:
        """The rounds that are allowed, while there is meaningful work; one more, trailing, after the last of them."""
        for number in range(1, self._order.max_rounds + 2):
            if self._must_stop() or not self._run_round(number).counters.meaningful:
                return

    def _run_round(self, number: int) -> RoundReport:
        for each in self._passes:
            self._passed.append(self._run_pass(each, number))
        report = RoundReport(number, self._count(number), self._outlook())
        self._rounds.append(report)
        return report

    def _run_pass(self, each: Pass, number: int) -> PassReport:
        """One pass; what goes wrong in it is told and does not keep the others from running."""
        if self._must_stop() or each.name in self._failed:
            return PassReport(each.name, number)
        done = _Done(self._around.clock().awake)
        try:
            self._run_batches(each, number, done)
            status = "done" if self._halt is None else self._halt.outcome
        except Exception as cause:  # noqa: BLE001 -- passes are other people's code too; the cause goes into the report
            status = f"failed: {_say(cause)}"
            self._failed.add(each.name)
            self._trouble.append(f"the pass {each.name} failed ({_say(cause)})")
            self._around.tell(
                {
                    "event": "failed",
                    "pass": each.name,
                    "cause": _say(cause),
                    "traceback": traceback.format_exc(),
                }
            )
        seconds = round(self._around.clock().awake - done.since, 3)
        return PassReport(each.name, number, done.examined, done.changed, seconds, status)

    def _run_batches(self, each: Pass, number: int, done: _Done) -> None:
        total = each.waiting(self._store, self._now())
        while not self._must_stop():
            now = self._now()
            portion = each.read(self._store, now, taken_back=self._order.asked)
            if portion.empty:
                return
            applied = self._store.apply(self._id, number, each.name, each.plan(portion, now), now)
            done.examined += portion.examined
            done.changed += applied.changed + applied.embedded
            self._embedded[number] = self._embedded.get(number, 0) + applied.embedded
            self._around.tell(
                {
                    "event": "progress",
                    "pass": each.name,
                    "round": number,
                    "done": done.examined,
                    "total": max(total, done.examined),
                }
            )
            if portion.last:
                return

    def _must_stop(self) -> bool:
        """Whether somebody has asked us to; only asked where something is left to do, so a night that is done is done."""
        if self._halt is None:
            self._halt = self._around.halted()
        return self._halt is not None

    def _end(self, started_at: int) -> Report:
        halt, used = self._halt, usage()
        if halt is not None:
            outcome, reason = halt.outcome, halt.reason
        elif self._trouble:
            outcome, reason = FAILED, "; ".join(self._trouble)
        else:
            outcome, reason = COMPLETED, None
        report = Report(
            id=self._id,
            kind=self._order.kind,
            rule=self._order.rule,
            started_at=started_at,
            ended_at=self._now(),
            outcome=outcome,
            reason=reason,
            rounds=tuple(self._rounds),
            counters=self._count(None),
            after=self._outlook(),
            passes=tuple(self._passed),
            yield_ms=None if halt is None else round(halt.since.seconds() * 1000),
            cpu_seconds=used.cpu_seconds,
            peak_rss_bytes=used.peak_rss_bytes,
        )
        self._store.end_night(self._id, outcome, reason, report.as_json(), report.ended_at)
        return report

    def _count(self, number: int | None) -> Counters:
        """What a round (None: the night) did, read back from the store."""
        effects: dict[str, int] = {}
        for (of_round, effect), rows in self._store.effects(self._id).items():
            if number in (None, of_round):
                effects[effect] = effects.get(effect, 0) + rows
        embedded = sum(n for of_round, n in self._embedded.items() if number in (None, of_round))
        return count(effects, embedded)

    def _outlook(self) -> Outlook:
        return outlook(self._store, self._passes, self._now(), model=self._order.model)

    def _now(self) -> int:
        return self._around.clock().milliseconds


def _close_killed(store: NightStore, seen: Outlook) -> None:
    """Whoever holds the lock knows that a night without an end has no process any more."""
    for row in store.unfinished_nights():
        report = interrupted(row, store.effects(row.id), store.last_entry(row.id), seen)
        store.end_night(row.id, report.outcome, report.reason, report.as_json(), report.ended_at)


@dataclass(slots=True)
class _Done:
    """How far a pass has come, also when it fails half way; `since` on the awake clock."""

    since: float
    examined: int = 0
    changed: int = 0


def _say(cause: Exception) -> str:
    return str(cause) if isinstance(cause, IaiError) else f"{type(cause).__name__}: {cause}"
