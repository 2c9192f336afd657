"""The daemon's agenda: what is due is claimed, its agent woken, and what became of it kept. Every step survives a kill."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iai_daemon.agenda.asking.wishes import agent_of
from iai_daemon.agenda.deciding import Busy, Decider, follows
from iai_daemon.agenda.planning import following
from iai_daemon.agenda.policy import LATE, Do, Verdict
from iai_daemon.agenda.recall import NewRun, State
from iai_daemon.agenda.store.opening import OpenedAgenda, open_agenda
from iai_daemon.agenda.store.recalls import AgendaStore, Decisions, Due, Outcome
from iai_daemon.agenda.waking.budget import Budget
from iai_daemon.agenda.waking.call import Call, make_call
from iai_daemon.agenda.waking.running import Identity, Run, Runs
from iai_daemon.agenda.waking.trial import Trial, try_out
from iai_daemon.agenda.waking.wake import Ended, SystemWaker, Waker
from iai_daemon.clock import Clock, Now
from iai_daemon.config import Agent, Settings
from iai_daemon.errors import IaiError, Refused, StoreAway
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
# The loop waits for a server's answer: once so many seconds, then somebody else looks whether it is there again.
_DEADLINE = 2.0
# What agents wrote is kept for so many days, what became of the occurrences for longer.
_OUTPUTS_FOR, _ALL_FOR = 30, 400
# Where others share the agenda, only so many more than may be woken are decided on: the rest is theirs.
_BESIDE = 10
# Where what is due is in others' hands, it is looked for again after so many seconds, then twice as many …
_FIRST_REST, _LONGEST_REST = 0.1, 2.0
# The last millisecond that anything can be planned for; so many planned ones of paused recalls are passed over.
_LAST, _MOST_PAUSED = 253_402_300_799_999, 8
# Of a message the status tells the beginning.
_LONGEST_MESSAGE = 200
_LOST = "the daemon ended while it ran: what became of it is not known, so it is not repeated"
_UNHEARD = (
    "the daemon that ran it was not heard of any more: what became of it is not known, so it is not repeated"
)
_GIVEN_UP = "this daemon was not heard of for too long, and another one has given it up"


@dataclass(frozen=True, slots=True)
class _Unwritten:
    """What became of a run, which the store has not taken yet."""

    run: Run
    ended: Ended
    at: int


@dataclass(frozen=True, slots=True)
class _Claimed:
    """What this daemon is about to begin."""

    due: Due
    agent: Agent
    token: str
    call: Call


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
        # By how many milliseconds the time that the agenda goes by is ahead of this host's.
        self._ahead = 0
        self._is_away = False
        # An agent has ended: what is due next may be something else.
        self._must_ask = False
        self._reached_since = NEVER
        self._rests_until, self._rest = -NEVER, 0.0
        self._waiting_for_others: Mapping[str, int] = {}
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

    @property
    def holder(self) -> str:
        """What this daemon calls itself where several share the agenda."""
        return self._holder

    def time(self, now: Now) -> int:
        """The time that the agenda goes by: where several hosts share it, the server's, for their own clocks differ."""
        return now.whole_milliseconds + self._ahead

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
        if self._must_wait(now):
            return
        with self._surviving(now):
            opened = self._open(now)
            store = opened.store
            self._compare_clocks(opened)
            self._write_what_is_left(store, now)
            self._renew(opened, now)
            if opened.shared:
                self._look_after_others(store, now)
            if self.time(now) < self._latest - LATE:
                self._mend_plans(store, now)
            self._latest = self.time(now)
            if now.awake - self._pruned_at >= _DAY / 1000:
                self._pruned_at = now.awake
                store.prune(self.time(now) - _OUTPUTS_FOR * _DAY, self.time(now) - _ALL_FOR * _DAY)
            self._ask_when(opened)

    def reached(self) -> None:
        """The server answers again: whatever waits for it is tried in this turn."""
        self._retry_at = 0.0

    def _ask_when(self, opened: OpenedAgenda) -> None:
        """Learn when the next one is due that is this daemon's to decide on."""
        self._due_at = opened.store.next_try_at(0, self._asked_for(opened))
        self._must_ask = False

    def _must_wait(self, now: Now) -> bool:
        """Whether the server could not be reached a moment ago: each try may keep the loop waiting for seconds."""
        return self._is_away and now.awake < self._retry_at

    def _asked_for(self, opened: OpenedAgenda) -> Collection[str] | None:
        """The agents whose recalls are this daemon's to decide on: where others share the agenda, what it does not know is theirs."""
        return self._settings.agents if opened.shared else None

    def _renew(self, opened: OpenedAgenda, now: Now) -> None:
        """What runs here stays ours; what another daemon has given up meanwhile is ended, for its session may be woken again."""
        runs = list(self._runs)
        held = {run.due.occurrence.id for run in runs}
        if not held:
            return
        moment = self.time(now)
        kept = opened.store.renew(self._holder, held, moment + self._lease, moment)
        for run in runs if opened.shared else ():
            if run.due.occurrence.id not in kept:
                self._runs.end(run.recall.id, _GIVEN_UP)

    def _look_after_others(self, store: AgendaStore, now: Now) -> None:
        """What daemons have left that are not heard of any more, and what none of them takes."""
        self._waiting_for_others = store.waiting_for_others(self._settings.agents, self.time(now) - LATE)
        # Who could not reach the server himself gives others the time to come back, too.
        if now.awake - self._reached_since >= self._lease / 1000:
            self._recover(store, _UNHEARD, now, alone=False)

    def _recover(self, store: AgendaStore, reason: str, now: Now, *, alone: bool) -> None:
        for each in store.recover(self._holder, reason, self.time(now), alone=alone):
            at = _stamp(each.scheduled_for)
            self._log.warning("occurrence left behind", recall=each.recall, state=each.state, at=at)

    async def reload(self, settings: Settings) -> None:
        """Go by other settings from the next `look` on; agents that are at work go on."""
        before, self._settings = self._settings.memory, settings
        if (before.store, before.store_env) != (settings.memory.store, settings.memory.store_env):
            self._close_store()
        self._decider = Decider(self._home, settings, self._runs)
        self._lease = round(_LEASE_TICKS * settings.lifecycle.tick * 1000)

    def act(self, busy: Busy, named: Mapping[tuple[str, str], str | None], now: Now) -> None:
        """Wake whose time has come. `named`: the sessions that wrappers name, each with the wrapper, and its client."""
        if self._opened is None and self._failures and now.awake >= self._retry_at:
            self.look(now)
        if self._opened is not None:
            with self._surviving(now):
                self._register(self._opened.store, named, now)
                if self._must_ask:
                    self._ask_when(self._opened)
                if self._is_due(now) and self.room and now.awake >= self._rests_until:
                    self._work_off(self._opened, busy, now)
                self._get_ready(now)
        self.next_at = self._next_at(now)

    def _next_at(self, now: Now) -> float:
        """Where all agents are at work, the end of one is waited for; after an error, its pause."""
        if self._opened is None:
            return self._retry_at if self._failures else NEVER
        if self._due_at is None or (self._is_due(now) and not self.room):
            return NEVER
        before = 0 if self._ready_for == self._due_at or not self.room else _AHEAD
        return max(now.awake + (self._due_at - before - self._ahead) / 1000 - now.wall, self._rests_until)

    def _is_due(self, now: Now) -> bool:
        return self._due_at is not None and self._due_at <= self.time(now)

    def _get_ready(self, now: Now) -> None:
        """Shortly before its time, so that its agent starts at it. What was put off the last time needs no such hurry."""
        due, moment = self._due_at, self.time(now)
        if due is None or due == self._ready_for or due > moment + _AHEAD or not self.room:
            return
        if due > moment and not self._all_put_off:
            self._runs.get_ready()
        self._ready_for = due

    # The store.

    def _open(self, now: Now) -> OpenedAgenda:
        """Raises StoreUnusable and StoreBusy."""
        if self._opened is not None and self._opened.moved():
            self._close_store()
        if self._opened is None:
            opened = self._opened = open_agenda(self._home, self._settings.memory, deadline=_DEADLINE)
            self._reached_since = now.awake
            self._compare_clocks(opened)
            if not opened.shared:
                self._recover(opened.store, _LOST, now, alone=True)
            self._mend_plans(opened.store, now)
        return self._opened

    def _compare_clocks(self, opened: OpenedAgenda) -> None:
        """Against the server's, in the middle of the time that its answer took."""
        if not opened.shared:
            self._ahead = 0
            return
        before = self._clock.now().whole_milliseconds
        server = opened.store.clock(before)
        after = self._clock.now().whole_milliseconds
        self._ahead = server - (before + after) // 2

    def _mend_plans(self, store: AgendaStore, now: Now) -> None:
        """The clock showed a later time before: what was planned by that is planned anew."""
        for recall in store.acted_after(self.time(now) + LATE):
            if (next_one := following(recall, self.time(now))) is not None:
                store.plan_anew(recall.id, next_one, self.time(now))

    def _write_what_is_left(self, store: AgendaStore, now: Now) -> None:
        """What the store did not take at its time."""
        while self._unwritten:
            left = self._unwritten[0]
            outcome = _outcome(store, left)
            taken = store.end(left.run.id, outcome, left.at, self._holder)
            self._unwritten.pop(0)
            self._tell_end(left, outcome, taken=taken)
        for occurrence in list(self._unstarted):
            retry_at = self.time(now) + self._decider.rules.defer
            store.release(occurrence, self._holder, "it could not be started", retry_at, self.time(now))
            self._unstarted.discard(occurrence)

    def _register(self, store: AgendaStore, named: Mapping[tuple[str, str], str | None], now: Now) -> None:
        """Know the sessions that wrappers name: each when a wrapper is first seen in it."""
        for (session, wrapper), client in named.items():
            if (session, wrapper) not in self._named:
                store.register(session, client, self.time(now))
        self._named = set(named)

    @contextmanager
    def _surviving(self, now: Now) -> Iterator[None]:
        """What the store cannot do now is said and tried again: after a second, then two, four …"""
        try:
            yield
        except IaiError as error:
            self._failures += 1
            self._retry_at = now.awake + min(2.0 ** (self._failures - 1), self._longest_pause())
            if self._trouble != str(error):
                self._log.error("agenda cannot go on", cause=str(error))
            self._trouble = str(error)
            self._is_away = isinstance(error, StoreAway)
            self._close_store()
        else:
            self._failures, self._trouble, self._is_away = 0, None, False

    def _longest_pause(self) -> float:
        """Who has agents at work comes back to a server before their leases are over."""
        return min(_LONGEST_PAUSE, max(1.0, self._lease / 3000)) if len(self._runs) else _LONGEST_PAUSE

    def _close_store(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    # What is due.

    def _work_off(self, opened: OpenedAgenda, busy: Busy, now: Now) -> None:
        """Decide on what is due, a part at a time, the oldest first; then begin what is to run."""
        store, moment, agents = opened.store, self.time(now), self._asked_for(opened)
        store.see(moment, moment - LATE, agents)
        budget = Budget(store, self._runs.may_still_use(moment), moment)
        at_once = self.room + _BESIDE if opened.shared else _AT_ONCE
        claimed: list[_Claimed] = []
        verdicts: list[Verdict] = []
        with store.deciding(moment, min(at_once, _AT_ONCE), agents) as decisions:
            for due in decisions.due:
                verdict = self._decider.judge(
                    due, busy, budget, moment, [each.due.recall for each in claimed]
                )
                if verdict.do is not Do.RUN:
                    verdicts.append(verdict)
                    self._carry_out(decisions, due, verdict, moment)
                elif self.room > len(claimed):
                    claimed += self._claim(decisions, due, budget)
        self._all_put_off = bool(verdicts) and all(each.do is Do.DEFER for each in verdicts)
        self._unstarted |= {each.due.occurrence.id for each in claimed}
        for each in claimed:
            self._begin(store, each, moment)
        self._rest_where_all_is_taken(opened, now, found=bool(decisions.due))
        self._ask_when(opened)

    def _rest_where_all_is_taken(self, opened: OpenedAgenda, now: Now, *, found: bool) -> None:
        """What others are deciding on stays due meanwhile: nobody asks for it again and again."""
        self._rest = (
            0.0 if found or not opened.shared else min(max(_FIRST_REST, 2 * self._rest), _LONGEST_REST)
        )
        self._rests_until = now.awake + self._rest if self._rest else -NEVER

    def _carry_out(self, decisions: Decisions, due: Due, verdict: Verdict, moment: int) -> None:
        self._tell(due, verdict)
        if verdict.do is Do.CANCEL:
            decisions.cancel(due, verdict.reason)
        else:
            decisions.change(self._decider.change(due, verdict, moment))

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

    def _claim(self, decisions: Decisions, due: Due, budget: Budget) -> Iterator[_Claimed]:
        """Take it, so that nobody else wakes its agent."""
        recall = due.recall
        agent, token = self._settings.agents[recall.agent], os.urandom(16).hex()
        timeout = min(agent.timeout, budget.seconds_left(agent))
        call = make_call(agent, recall.session_id, recall.message, token, self._home, timeout=timeout)
        if decisions.claim(due, self._holder, self._lease, follows(due, due.occurrence.scheduled_for)):
            budget.reserve(agent, timeout)
            yield _Claimed(due, agent, token, call)

    def _begin(self, store: AgendaStore, claimed: _Claimed, moment: int) -> None:
        """Note that it begins, and start its agent: in this order, so that a kill anywhere never lets it run twice."""
        due, agent, recall = claimed.due, claimed.agent, claimed.due.recall
        new = NewRun(agent.name, recall.session_id, claimed.token if agent.confirm else None)
        run = store.begin(due.occurrence.id, self._holder, new, moment)
        self._unstarted.discard(due.occurrence.id)
        if run is None:
            return
        self._runs.start(Run(run, due, agent, claimed.call, moment))
        at = _stamp(due.occurrence.scheduled_for)
        self._log.info("agent woken", agent=agent.name, recall=recall.id, session=recall.session_id, at=at)

    def _began(self, run: Run, identity: Identity) -> None:
        with self._surviving(self._clock.now()):
            if self._opened is not None:
                self._opened.store.started(run.id, *identity, self._holder)

    def _ended(self, run: Run, ended: Ended) -> None:
        """Keep what became of it; what the store does not take now, it is given again."""
        now = self._clock.now()
        self._unwritten.append(_Unwritten(run, ended, self.time(now)))
        if not self._must_wait(now):
            with self._surviving(now):
                opened = self._open(now)
                self._write_what_is_left(opened.store, now)
                self._must_ask = True
        self._changed()

    def _tell_end(self, left: _Unwritten, outcome: Outcome, *, taken: bool) -> None:
        tell = self._log.info if taken else self._log.warning
        tell(
            "agent ended" if taken else "agent ended after its run had been given up",
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
                missed = self._opened.store.missed_since(self.time(now) - _DAY)
        return {
            "next_at": None if next_at is None else _stamp(next_at),
            "running": self.describe_running(),
            "missed_last_day": missed,
        }

    def next_recall(self, now: Now) -> dict[str, object] | None:
        """What is tried next of what is this daemon's to decide on, as it is planned now."""
        if self._opened is None:
            return None
        with self._surviving(now):
            planned = self._opened.store.due(_LAST, _MOST_PAUSED, self._asked_for(self._opened))
            for due in planned:
                if due.recall.paused_at is None:
                    return _describe(due, shared=self._opened.shared)
        return None

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
        for agent, since in self._waiting_for_others.items():
            why = f"no daemon here knows agent {agent}: its recalls are due since {_stamp(since)}, and no other host has taken them"
            fix = f"add [agents.{agent}] to the settings of a host that shares this agenda"
            yield {"what": f"agent {agent}", "why": why, "fix": fix}


def _describe(due: Due, *, shared: bool) -> dict[str, object]:
    """Where others share the agenda, another user's session and message are his own."""
    recall, ours = due.recall, True
    if shared:
        from iai_daemon.agenda.asking.here import this_user  # noqa: PLC0415 -- only where others share the agenda

        ours = recall.owner == this_user()
    return {
        "at": _stamp(due.occurrence.next_try_at),
        "id": recall.id,
        "agent": recall.agent,
        "session_id": recall.session_id if ours else None,
        "message": recall.message[:_LONGEST_MESSAGE] if ours else None,
    }


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
