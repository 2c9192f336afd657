"""Runs a night: rounds of passes, each pass batch by batch, asking between two batches whether it may go on.

The worker calls `run_night`; anybody may, from Python, with a store and passes of their own.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import islice

from iai_daemon import clock
from iai_daemon.clock import Now, Stopwatch
from iai_daemon.consolidation import budget
from iai_daemon.consolidation.death import Death
from iai_daemon.consolidation.earlier import close_killed, cut_short_before, resumed
from iai_daemon.consolidation.obstacles import Obstacles
from iai_daemon.consolidation.pace import Pace
from iai_daemon.consolidation.passes import outlook
from iai_daemon.consolidation.plan import Pass, planned_again
from iai_daemon.consolidation.process import usage
from iai_daemon.consolidation.recall import RecallCheck
from iai_daemon.consolidation.report import (
    COMPLETED,
    FAILED,
    NOTHING_TO_DO,
    YIELDED,
    Checked,
    Counters,
    PassReport,
    Report,
    RoundReport,
    Stopped,
    counters,
)
from iai_daemon.errors import CorruptStore, Fenced, IaiError, NoBackup, StoreAway, StoreBusy
from iai_daemon.memory.nights import Batch, NightStore, Outlook, Why
from iai_daemon.memory.store import MemoryStore

# So long a night tries to leave its report with a server that is away, and so long when somebody has come back.
_REPORTS_WITHIN, _LEAVES_WITHIN = 10.0, 0.1
_ASKS_AGAIN_EVERY = 0.1
# Of a night that had to stop before it had looked.
_NOTHING_SEEN = Outlook(work=False, total=0, embedded=0)


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of a night.

    `asked`: by a person, so what users took back is done again. `model`: of the vectors. `loss_budget`: the share of the
    current records that may be lost by inference. `review`: only propose.
    """

    kind: str
    rule: str
    asked: bool = False
    max_rounds: int = 1
    model: str | None = None
    loss_budget: float = 0.10
    review: bool = False


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
    and `prepare` runs before the first change: False from it means that it was halted; it may raise NoBackup. `memory` is
    what the recall self-check asks; without it nothing is checked. `death` is asked under the lock how the last worker
    ended, if that ended without a report.
    """

    clock: Callable[[], Now] = clock.read
    halted: Callable[[], Halt | None] = lambda: None
    tell: Callable[[Mapping[str, object]], None] = lambda _: None
    lock: AbstractContextManager[object] = field(default_factory=nullcontext)
    prepare: Callable[[], bool] = lambda: True
    memory: MemoryStore | None = None
    death: Callable[[], Death | None] = lambda: None


def run_night(store: NightStore, passes: Sequence[Pass], order: Order, around: Surroundings) -> Report:
    """Run these passes until nothing is left to do or it is halted; the report lists every round.

    When there is nothing to do, that is found out with one query, and nothing is written. Raises NightBusy.
    """

    def look() -> Outlook:
        return outlook(store, passes, around.clock().milliseconds, model=order.model, taken_back=order.asked)

    before, outcome, reason = _NOTHING_SEEN, NOTHING_TO_DO, None
    try:
        before = look()
        if before.work:
            with around.lock:
                close_killed(store, before, around.death(), around.clock().milliseconds)
                before = look()  # whoever held the lock a moment ago may have done it
                if before.work:
                    return _Night(store, passes, order, around).run()
    except (StoreBusy, StoreAway):
        halt = around.halted()
        if halt is None or halt.outcome == FAILED:
            raise
        outcome, reason = halt.outcome, halt.reason
    now = around.clock().milliseconds
    return Report(None, order.kind, order.rule, now, now, outcome, reason, (), Counters(), before)


class _Halted(Exception):
    """Raised by a yield point in the middle of a computation."""


class _Night:
    """One night under way."""

    def __init__(self, store: NightStore, passes: Sequence[Pass], order: Order, around: Surroundings) -> None:
        self._store = store
        self._passes = passes
        self._order = order
        self._around = around
        self._id = 0
        self._halt: Halt | None = None
        self._stopped: Stopped | None = None
        self._trouble: list[str] = []
        self._failed: set[str] = set()
        self._passed: list[PassReport] = []
        self._checked = None if around.memory is None else Checked()
        self._rounds: list[RoundReport] = []
        self._obstacles = Obstacles(store, self._note)
        earlier = cut_short_before(store)
        self._resumes = resumed(earlier)
        allowed = budget.allowance(order.loss_budget, store.counts()["current"])
        self._may_lose = allowed - sum(store.losses(night.id) for night in earlier)

    def run(self) -> Report:
        started_at = self._now()
        self._id = self._store.begin_night(self._order.kind, self._order.rule, started_at)
        self._around.tell({"event": "started", "night": self._id})
        try:
            if self._around.prepare():
                self._run_rounds()
            else:
                self._must_stop()
        except (NoBackup, CorruptStore) as error:
            self._trouble.append(str(error))
        except (StoreAway, Fenced) as error:
            self._cut_short(error)
        return self._end(started_at)

    def _run_rounds(self) -> None:
        """The rounds that are allowed, while there is meaningful work; one more, trailing, after the last of them."""
        for number in range(1, self._order.max_rounds + 2):
            if self._must_stop() or not self._run_round(number).counters.meaningful:
                return

    def _run_round(self, number: int) -> RoundReport:
        for each in self._passes:
            self._passed.append(self._run_pass(each, number))
        report = RoundReport(number, counters(self._store, self._id, number), self._outlook())
        self._rounds.append(report)
        return report

    def _run_pass(self, each: Pass, number: int) -> PassReport:
        """One pass; what goes wrong in it is told and does not keep the others from running."""
        if self._must_stop() or each.name in self._failed:
            return PassReport(each.name, number)
        waits = self._obstacles.keep_out(each.name, self._now(), asked=self._order.asked)
        if waits:
            return PassReport(each.name, number, status=waits)
        memory = self._around.memory
        check = None if memory is None else RecallCheck(memory, self._now(), self._yield_point)
        done = _Done(each.name, number, self._awake(), Pace(self._obstacles.portion(each)), check)
        try:
            self._run_batches(each, done)
        except _Halted:
            pass
        except (StoreBusy, StoreAway, Fenced) as cause:
            # No fault of the pass: the others would find no more of the store than this one did.
            self._cut_short(cause)
        except Exception as cause:  # noqa: BLE001 -- passes are other people's code too; the cause goes into the report
            self._fail(each, done, cause)
        status = done.failure or ("done" if self._halt is None else self._halt.outcome)
        if not done.failure:
            self._settle(each.name, done)
        if check is not None and self._checked is not None:
            self._checked += check.checked
        seconds = round(self._around.clock().awake - done.since, 3)
        return PassReport(each.name, number, done.examined, done.changed, seconds, status, done.said)

    def _run_batches(self, each: Pass, done: _Done) -> None:
        place = {"pass": each.name, "round": done.round, "portion": done.pace.portion}
        self._around.tell({"event": "pass", **place})
        done.total = each.waiting(self._store, self._now())
        if done.round == 1:
            self._apply_held(done)
        while not self._must_stop() and self._run_batch(each, done):
            pass

    def _run_batch(self, each: Pass, done: _Done) -> bool:
        """The next portion of a pass, which is out of memory before the one after it is read; False: there is none."""
        now, began = self._now(), self._awake()
        portion = each.read(self._store, now, limit=done.pace.portion, taken_back=self._order.asked)
        if portion.empty:
            return False
        seconds = self._awake() - began
        self._apply(done, each.plan(portion, now, self._yield_point), portion.examined, seconds)
        return not portion.last

    def _apply_held(self, done: _Done) -> None:
        """What waits from earlier nights comes before anything new: a plan stands as long as its records do."""
        waiting = (row for row in self._store.held(pass_name=done.pass_name) if row.why is not Why.REVIEW)
        while portion := list(islice(waiting, done.pace.portion)):
            if self._must_stop():
                return
            self._apply(done, planned_again(portion), 0)

    def _apply(self, done: _Done, planned: Batch, examined: int, seconds: float = 0.0) -> None:
        """One batch; `seconds`: how long the store has been busy with it already."""
        if planned.upkeep:
            self._maintain(done)
        now, began = self._now(), self._awake()
        batch = budget.propose(planned) if self._order.review else budget.weigh(planned, self._may_lose)
        batch = replace(batch, insists=self._order.asked)
        checked = 0.0 if done.check is None else done.check.seconds
        applied = self._store.apply(self._id, done.round, done.pass_name, batch, now, done.check)
        checking = 0.0 if done.check is None else done.check.seconds - checked
        # The check asks as often of many small batches as of few large ones: less at a time would not make it cheaper.
        done.pace.took(seconds + self._awake() - began - checking)
        self._may_lose -= applied.losses
        done.examined += examined
        done.changed += applied.changed + applied.embedded + applied.linked
        if planned.outside is not None:
            done.examined += planned.outside.examined
            done.changed += planned.outside.changed
            done.said = planned.outside.said
        done.batches += 1
        self._around.tell(
            {
                "event": "progress",
                "pass": done.pass_name,
                "round": done.round,
                "portion": done.pace.portion,
                "done": done.examined,
                "total": max(done.total, done.examined),
            }
        )

    def _maintain(self, done: _Done) -> None:
        """No transaction holds what is done to the file as a whole, so it comes before the batch, and may be halted in it."""
        said = self._store.maintain(self._now(), lambda: not self._must_stop())
        if said is None:
            raise _Halted
        done.said = "; ".join(said)

    def _fail(self, each: Pass, done: _Done, cause: Exception) -> None:
        """Tell what broke, and let the pass wait as long as it has to; too little memory means smaller portions."""
        said = _say(cause)
        portion = max(1, done.pace.portion // 2) if isinstance(cause, MemoryError) else None
        self._obstacles.failed(each.name, said, self._now(), portion)
        done.failure = f"failed: {said}"
        self._failed.add(each.name)
        self._trouble.append(f"the pass {each.name} failed ({said})")
        self._around.tell(
            {"event": "failed", "pass": each.name, "cause": said, "traceback": traceback.format_exc()}
        )

    def _settle(self, name: str, done: _Done) -> None:
        """The pass has got to its end, or as far as it could."""
        if self._halt is None:
            self._obstacles.settled(name, whole=True)
            return
        self._stopped = self._stopped or Stopped(name, done.round, done.examined, done.total)
        if done.batches:
            self._obstacles.settled(name, whole=False)
        elif self._halt.outcome == YIELDED:
            self._obstacles.deferred(name, self._now())

    def _note(self, what: str, write: Callable[[], None]) -> None:
        """Somebody who has come back does not wait for a note while another process holds the store."""
        try:
            write()
        except StoreBusy:
            if not self._must_stop():
                raise
            message = f"another process was writing when the night gave way, so {what} is not kept"
            self._around.tell({"event": "warning", "message": message})

    def _cut_short(self, cause: IaiError) -> None:
        """The store cannot be gone on with; where somebody has asked us to stop, that is why."""
        if not self._must_stop():
            self._halt = Halt(FAILED, str(cause))

    def _yield_point(self) -> None:
        if self._must_stop():
            raise _Halted

    def _must_stop(self) -> bool:
        """Whether somebody has asked us to; only asked where something is left to do, so a night that is done is done."""
        if self._halt is None:
            self._halt = self._around.halted()
        return self._halt is not None

    def _end(self, started_at: int) -> Report:
        """The report, left in the store. One whose server is away may have to be closed by the next night."""
        away: Stopwatch | None = None
        while True:
            try:
                return self._leave_report(started_at)
            except StoreAway:
                away = away or Stopwatch()
                asked = self._around.halted()
                hurries = asked is not None and asked.outcome != FAILED
                if away.seconds() >= (_LEAVES_WITHIN if hurries else _REPORTS_WITHIN):
                    raise
                clock.pause(_ASKS_AGAIN_EVERY)

    def _leave_report(self, started_at: int) -> Report:
        report = self._report(started_at)
        kept = report.as_json()
        try:
            self._note(
                "its report",
                lambda: self._store.end_night(self._id, report.outcome, report.reason, kept, report.ended_at),
            )
        except Fenced as error:
            # Whoever has begun since has closed its books.
            return replace(report, outcome=FAILED, reason=str(error))
        return report

    def _report(self, started_at: int) -> Report:
        halt, used = self._halt, usage()
        if halt is not None:
            outcome, reason = halt.outcome, halt.reason
        elif self._trouble:
            outcome, reason = FAILED, "; ".join(self._trouble)
        else:
            outcome, reason = COMPLETED, None
        return Report(
            id=self._id,
            kind=self._order.kind,
            rule=self._order.rule,
            started_at=started_at,
            ended_at=self._now(),
            outcome=outcome,
            reason=reason,
            rounds=tuple(self._rounds),
            counters=counters(self._store, self._id),
            after=self._outlook(),
            passes=tuple(self._passed),
            stopped=self._stopped,
            resumes=self._resumes,
            yield_ms=None if halt is None or outcome == FAILED else round(halt.since.seconds() * 1000),
            cpu_seconds=used.cpu_seconds,
            peak_rss_bytes=used.peak_rss_bytes,
            checked=self._checked,
        )

    def _outlook(self) -> Outlook:
        return outlook(self._store, self._passes, self._now(), model=self._order.model)

    def _now(self) -> int:
        return self._around.clock().milliseconds

    def _awake(self) -> float:
        return self._around.clock().awake


@dataclass(slots=True)
class _Done:
    """How far a pass has come in a round, also when it fails half way; `since` on the awake clock."""

    pass_name: str
    round: int
    since: float
    pace: Pace
    check: RecallCheck | None
    total: int = 0
    examined: int = 0
    changed: int = 0
    batches: int = 0
    failure: str = ""
    said: str = ""


def _say(cause: Exception) -> str:
    if isinstance(cause, MemoryError):
        return "it had too little memory"
    return str(cause) if isinstance(cause, IaiError) else f"{type(cause).__name__}: {cause}"
