"""The daemon's agenda: what is due is claimed, its agent woken, and what became of it kept. Every step survives a kill."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iai_daemon.agenda.asking.wishes import agent_of
from iai_daemon.agenda.deciding import Decider, follows
from iai_daemon.agenda.planning import following
from iai_daemon.agenda.policy import LATE, Do, Verdict
from iai_daemon.agenda.recall import NewRun, State
from iai_daemon.agenda.store.opening import OpenedAgenda, open_agenda
from iai_daemon.agenda.store.recalls import AgendaStore, Defer, Due, Outcome, Settle
from iai_daemon.agenda.waking.budget import Budget
from iai_daemon.agenda.waking.call import make_call
from iai_daemon.agenda.waking.running import Identity, Run, Runs
from iai_daemon.agenda.waking.trial import Trial, try_out
from iai_daemon.agenda.waking.wake import Ended, SystemWaker, Waker
from iai_daemon.clock import Clock, Now
from iai_daemon.config import Settings
from iai_daemon.errors import IaiError, Refused
from iai_daemon.paths import Home
from iai_daemon.units import NEVER, format_stamp, say_duration

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

# So much is decided in one turn of the loop; what is left comes in the next.
_AT_ONCE = 100
# A claim holds for so many ticks, and is renewed at each.
_LEASE_TICKS = 3
_LONGEST_PAUSE = 60.0
# So many milliseconds before its time what an agent needs is made ready.
_AHEAD = 1500
_DAY = 86_400_000
# What agents wrote is kept for so many days, what became of the occurrences for longer.
_OUTPUTS_FOR, _ALL_FOR = 30, 400
_LOST = "the daemon ended while it ran: what became of it is not known, so it is not repeated"


@dataclass(frozen=True, slots=True)
class _Unwritten:
    """What became of a run, which the store has not taken yet."""

    run: Run
    ended: Ended
    at: int


class Agenda:
    """Wakes agents on time. Every method is called from the event loop and returns at once.

    `next_at`: when something falls due (awake clock).
    """

    def __init__(
        self,
        home: Home,
        settings: Settings,
        clock: Clock,
        changed: Callable[[], None],
        log: BoundLogger,
        waker: Waker | None = None,
    ) -> None:
        self._home = home
        self._settings = settings
        self._clock = clock
        self._changed = changed
        self._log = log
        self._runs = Runs(waker or SystemWaker(), self._began, self._ended)
        self._decider = Decider(home, settings, self._runs)
        self._holder = f"{os.getpid()}-{os.urandom(8).hex()}"
        self._lease = round(_LEASE_TICKS * settings.lifecycle.tick * 1000)
        self._opened: OpenedAgenda | None = None
        self._due_at: int | None = None
        self._named: set[tuple[str, str]] = set()
        self._unwritten: list[_Unwritten] = []
        self._unstarted: set[int] = set()
        self._trouble: str | None = None
        self._failures = 0
        self._retry_at = 0.0
        self._pruned_at = -NEVER
        self._latest = 0
        self._closing = False
        self._ready_for: int | None = None
        self._all_put_off = False
        self.next_at = NEVER

    @property
    def woken(self) -> Mapping[Identity, int]:
        """The processes that all wrappers of our agents are below."""
        return self._runs.woken

    # What the calendar asks.

    @property
    def opened(self) -> OpenedAgenda | None:
        """The store, while it can be used."""
        return self._opened

    @property
    def working(self) -> set[str]:
        """The agents that are at work."""
        return {run.agent.name for run in self._runs}

    @property
    def room(self) -> int:
        """How many more agents may be woken."""
        return 0 if self._closing else max(0, self._settings.agenda.max_concurrent - len(self._runs))

    def expect(self, moment: int) -> None:
        """Something was planned for then (milliseconds since the epoch)."""
        self._due_at = moment if self._due_at is None else min(self._due_at, moment)

    def at_work_on(self, made_by: str) -> list[int]:
        """The recalls by this maker whose agents are at work."""
        return [run.recall.id for run in self._runs if run.recall.made_by == made_by]

    def end_run(self, recall: int, why: str) -> None:
        """End the agent that is at work on a recall."""
        self._runs.end(recall, why)

    # What the loop asks.

    def look(self, now: Now) -> None:
        """Once a tick, and when somebody has changed something: open the store where it is not open, and learn what is due."""
        with self._surviving(now):
            store = self._open(now)
            self._write_what_is_left(store, now)
            if len(self._runs):
                store.renew(self._holder, now.whole_milliseconds + self._lease)
            if now.whole_milliseconds < self._latest - LATE:
                self._mend_plans(store, now)
            self._latest = now.whole_milliseconds
            if now.awake - self._pruned_at >= _DAY / 1000:
                self._pruned_at = now.awake
                store.prune(
                    now.whole_milliseconds - _OUTPUTS_FOR * _DAY, now.whole_milliseconds - _ALL_FOR * _DAY
                )
            self._due_at = store.next_try_at(0)

    async def reload(self, settings: Settings) -> None:
        """Go by other settings from the next `look` on; agents that are at work go on."""
        self._settings = settings
        self._decider = Decider(self._home, settings, self._runs)
        self._lease = round(_LEASE_TICKS * settings.lifecycle.tick * 1000)

    def act(self, busy: Mapping[str, str], named: Mapping[tuple[str, str], str | None], now: Now) -> None:
        """Wake whose time has come. `busy`: the sessions in which somebody is at work, and why one says so; `named`: the
        sessions that wrappers name, each with the wrapper, and its client."""
        if self._opened is None and self._failures and now.awake >= self._retry_at:
            self.look(now)
        if self._opened is not None:
            with self._surviving(now):
                self._register(self._opened.store, named, now)
                if self._due_at is not None and self._due_at <= now.whole_milliseconds and self.room:
                    self._work_off(self._opened.store, busy, now)
                self._get_ready(now)
        self.next_at = self._next_at(now)

    def _next_at(self, now: Now) -> float:
        """Where all agents are at work, the end of one is waited for; after an error, its pause."""
        if self._opened is None:
            return self._retry_at if self._failures else NEVER
        if self._due_at is None or (self._due_at <= now.whole_milliseconds and not self.room):
            return NEVER
        ahead = 0 if self._ready_for == self._due_at or not self.room else _AHEAD
        return now.awake + (self._due_at - ahead) / 1000 - now.wall

    def _get_ready(self, now: Now) -> None:
        """Shortly before its time, so that its agent starts at it. What was put off the last time needs no such hurry."""
        due = self._due_at
        if due is None or due == self._ready_for or due > now.whole_milliseconds + _AHEAD or not self.room:
            return
        if due > now.whole_milliseconds and not self._all_put_off:
            self._runs.get_ready()
        self._ready_for = due

    # The store.

    def _open(self, now: Now) -> AgendaStore:
        """Raises StoreUnusable and StoreBusy."""
        if self._opened is not None and self._opened.moved():
            self._close_store()
        if self._opened is None:
            self._opened = open_agenda(self._home)
            for each in self._opened.store.recover(self._holder, _LOST, now.whole_milliseconds, alone=True):
                at = _stamp(each.scheduled_for)
                self._log.warning("occurrence left behind", recall=each.recall, state=each.state, at=at)
            self._mend_plans(self._opened.store, now)
        return self._opened.store

    def _mend_plans(self, store: AgendaStore, now: Now) -> None:
        """The clock showed a later time before: what was planned by that is planned anew."""
        for recall in store.acted_after(now.whole_milliseconds + LATE):
            if (next_one := following(recall, now.whole_milliseconds)) is not None:
                store.plan_anew(recall.id, next_one, now.whole_milliseconds)

    def _write_what_is_left(self, store: AgendaStore, now: Now) -> None:
        """What the store did not take at its time."""
        while self._unwritten:
            left = self._unwritten[0]
            outcome = _outcome(store, left)
            store.end(left.run.id, outcome, left.at)
            self._unwritten.pop(0)
            self._tell_end(left, outcome)
        for occurrence in list(self._unstarted):
            retry_at = now.whole_milliseconds + self._decider.rules.defer
            store.release(
                occurrence, self._holder, "it could not be started", retry_at, now.whole_milliseconds
            )
            self._unstarted.discard(occurrence)

    def _register(self, store: AgendaStore, named: Mapping[tuple[str, str], str | None], now: Now) -> None:
        """Know the sessions that wrappers name: each when a wrapper is first seen in it."""
        for (session, wrapper), client in named.items():
            if (session, wrapper) not in self._named:
                store.register(session, client, now.whole_milliseconds)
        self._named = set(named)

    @contextmanager
    def _surviving(self, now: Now) -> Iterator[None]:
        """What the store cannot do now is said and tried again: after a second, then two, four …"""
        try:
            yield
        except IaiError as error:
            self._failures += 1
            self._retry_at = now.awake + min(2.0 ** (self._failures - 1), _LONGEST_PAUSE)
            if self._trouble != str(error):
                self._log.error("agenda cannot go on", cause=str(error))
            self._trouble = str(error)
            self._close_store()
        else:
            self._failures, self._trouble = 0, None

    def _close_store(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    # What is due.

    def _work_off(self, store: AgendaStore, busy: Mapping[str, str], now: Now) -> None:
        """Decide on what is due, a part at a time, the oldest first."""
        store.see(now.whole_milliseconds, now.whole_milliseconds - LATE)
        budget = Budget(store, self._runs.may_still_use(now.whole_milliseconds), now.whole_milliseconds)
        decided: list[Settle | Defer] = []
        for due in store.due(now.whole_milliseconds, _AT_ONCE):
            verdict = self._decider.judge(due, busy, budget, now.whole_milliseconds)
            if verdict.do is Do.RUN:
                if self.room:
                    self._wake(store, due, budget, now)
                continue
            self._tell(due, verdict)
            if verdict.do is Do.CANCEL:
                store.cancel(due.recall.id, verdict.reason, now.whole_milliseconds)
            else:
                decided.append(self._decider.change(due, verdict, now.whole_milliseconds))
        if decided:
            store.settle(decided, now.whole_milliseconds)
        self._all_put_off = bool(decided) and all(isinstance(each, Defer) for each in decided)
        self._due_at = store.next_try_at(0)

    def _tell(self, due: Due, verdict: Verdict) -> None:
        """What does not happen as planned is never silent; of what is put off the store keeps each time."""
        tell = self._log.debug if verdict.do is Do.DEFER else self._log.warning
        tell(
            f"recall not run: {verdict.do}",
            recall=due.recall.id,
            session=due.recall.session_id,
            at=_stamp(due.occurrence.scheduled_for),
            reason=verdict.reason,
        )

    def _wake(self, store: AgendaStore, due: Due, budget: Budget, now: Now) -> None:
        """Claim it, note that it begins, and start its agent: in this order, so that a kill anywhere never lets it run twice."""
        recall, occurrence, ms = due.recall, due.occurrence, now.whole_milliseconds
        agent, token = self._settings.agents[recall.agent], os.urandom(16).hex()
        timeout = min(agent.timeout, budget.seconds_left(agent))
        call = make_call(agent, recall.session_id, recall.message, token, self._home, timeout=timeout)
        after = follows(due, occurrence.scheduled_for)
        if not store.claim(occurrence.id, self._holder, ms + self._lease, after, ms):
            return
        self._unstarted.add(occurrence.id)
        new = NewRun(agent.name, recall.session_id, token if agent.confirm else None)
        run = store.begin(occurrence.id, self._holder, new, ms)
        self._unstarted.discard(occurrence.id)
        if run is None:
            return
        budget.reserve(agent, timeout)
        self._runs.start(Run(run, due, agent, call, ms))
        at = _stamp(occurrence.scheduled_for)
        self._log.info("agent woken", agent=agent.name, recall=recall.id, session=recall.session_id, at=at)

    def _began(self, run: Run, identity: Identity) -> None:
        with self._surviving(self._clock.now()):
            if self._opened is not None:
                self._opened.store.started(run.id, *identity)

    def _ended(self, run: Run, ended: Ended) -> None:
        """Keep what became of it; what the store does not take now, it is given again."""
        now = self._clock.now()
        self._unwritten.append(_Unwritten(run, ended, now.whole_milliseconds))
        with self._surviving(now):
            store = self._open(now)
            self._write_what_is_left(store, now)
            self._due_at = store.next_try_at(0)
        self._changed()

    def _tell_end(self, left: _Unwritten, outcome: Outcome) -> None:
        self._log.info(
            "agent ended",
            agent=left.run.agent.name,
            recall=left.run.recall.id,
            state=outcome.state,
            status=outcome.exit_status,
            seconds=round(left.ended.seconds, 3),
            reason=outcome.reason,
        )

    async def try_out(self, name: str) -> Trial:
        """Wake an agent for no recall, and follow it to its end: it takes one of the places, and counts for no limit. Raises
        NoSuchAgent, UsageError, AgentUnusable, and Refused where all are at work."""
        agent = agent_of(name, self._settings.agents, self._home.config)
        if not self.room:
            most = self._settings.agenda.max_concurrent
            raise Refused(problem=f"{most} agents are at work, which are all that may be: try again later.")
        since = self._clock.now().whole_milliseconds
        # Who listens hears of it at once, and what is due may have to wait for its place until it has ended.
        self._changed()
        try:
            trial = await try_out(agent, self._home, lambda call: self._runs.try_out(call, since))
        finally:
            self._changed()
        ended = trial.ended
        self._log.info("agent tried out", agent=name, status=ended.exit_status, problem=ended.problem)
        return trial

    async def close(self) -> None:
        """End what runs, note that it was, and let go of the store."""
        self._closing = True
        await self._runs.stop()
        self._close_store()

    # What is told.

    def describe(self, now: Now) -> dict[str, object]:
        """The part `agenda` of the status."""
        next_at, missed = None, None
        if self._opened is not None:
            with self._surviving(now):
                next_at = self._opened.store.next_try_at(0)
                missed = self._opened.store.missed_since(now.whole_milliseconds - _DAY)
        return {
            "next_at": None if next_at is None else _stamp(next_at),
            "running": self.describe_running(),
            "missed_last_day": missed,
        }

    def describe_running(self) -> list[dict[str, object]]:
        """The agents that are at work, also those that are tried out, for no recall; the store is not asked."""
        runs = [
            (run.id, run.recall.id, run.agent.name, run.recall.session_id, run.since) for run in self._runs
        ]
        trials = [(each.id, None, each.agent, None, each.since) for each in self._runs.trials]
        return [
            {
                "recall": recall,
                "agent": agent,
                "session_id": session,
                "since": _stamp(since),
                "processes": [list(process) for process, of in self._runs.woken.items() if of == number],
            }
            for number, recall, agent, session, since in [*runs, *trials]
        ]

    def degraded(self) -> Iterator[dict[str, str]]:
        """What keeps recalls from happening as they should."""
        if self._trouble:
            yield {
                "what": "agenda",
                "why": self._trouble,
                "fix": "as the sentence says; the daemon tries again",
            }
        for agent, why in self._decider.hindered.items():
            fix = "as the sentence says; its recalls wait meanwhile (`iai-daemon recall list`)"
            yield {"what": f"agent {agent}", "why": why, "fix": fix}


def _outcome(store: AgendaStore, left: _Unwritten) -> Outcome:
    """What its end means for the occurrence: only what is known to have failed may be tried again."""
    run, ended = left.run, left.ended
    status, output, tries = ended.exit_status, ended.output, run.due.occurrence.attempts
    if ended.problem is None:
        if run.agent.confirm and not _is_confirmed(store, run):
            why = "the agent ended without saying that it has done its work (confirm_recall)"
            return Outcome(State.UNCONFIRMED, status, output, why)
        return Outcome(State.DONE, status, output)
    policy = run.recall.policy
    if tries >= policy.retries or not store.recall(run.recall.id).is_live:
        return Outcome(State.FAILED, status, output, ended.problem)
    wait = policy.backoff * 2 ** min(tries, 16)
    why = f"{ended.problem}; it is tried again after {say_duration(wait / 1000)}"
    return Outcome(State.PLANNED, status, output, why, retry_at=left.at + wait)


def _is_confirmed(store: AgendaStore, run: Run) -> bool:
    runs = store.runs(run.due.occurrence.id)
    return any(each.id == run.id and each.confirmed_at is not None for each in runs)


def _stamp(milliseconds: int) -> str:
    return format_stamp(milliseconds / 1000)
