"""The daemon's agenda: what is due is claimed, its agent woken, and what became of it kept. Every step survives a kill."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from iai_daemon.agenda import telling
from iai_daemon.agenda.asking.wishes import agent_of
from iai_daemon.agenda.deciding import Busy, Decider, Judged, follows
from iai_daemon.agenda.ledger import Ledger
from iai_daemon.agenda.policy import LATE, Do
from iai_daemon.agenda.recall import NewRun
from iai_daemon.agenda.store.opening import OpenedAgenda
from iai_daemon.agenda.store.recalls import AgendaStore, Decisions, Due
from iai_daemon.agenda.unwritten import Unwritten
from iai_daemon.agenda.upkeep import DAY, Upkeep
from iai_daemon.agenda.waking.budget import Budget
from iai_daemon.agenda.waking.call import Call
from iai_daemon.agenda.waking.line import Identity
from iai_daemon.agenda.waking.running import Run, Runs
from iai_daemon.agenda.waking.trial import Trial, try_out
from iai_daemon.agenda.waking.wake import Ended, SystemWaker, Waker
from iai_daemon.clock import Clock, Now
from iai_daemon.config import Agent, Settings
from iai_daemon.errors import Refused
from iai_daemon.paths import Home
from iai_daemon.units import NEVER, stamp_of

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

# So much is decided in one turn of the loop; what is left comes in the next.
_AT_ONCE = 100
# So many milliseconds before its time what an agent needs is made ready.
_AHEAD = 1500
# Where others share the agenda, only so many more than may be woken are decided on: the rest is theirs.
_BESIDE = 10
# Where what is due is in others' hands, it is looked for again after so many seconds, then twice as many …
_FIRST_REST, _LONGEST_REST = 0.1, 2.0


@dataclass(frozen=True, slots=True)
class _Claimed:
    """What this daemon is about to begin."""

    due: Due
    agent: Agent
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
        self._ledger = Ledger(home, settings, clock, log, at_work=self._runs)
        self._upkeep = Upkeep(self._ledger, self._runs, log)
        self._unwritten = Unwritten(self._ledger, log)
        self._decider = Decider(home, settings, self._runs)
        self._due_at: int | None = None
        # An agent has ended: what is due next may be something else.
        self._must_ask = False
        self._named: set[tuple[str, str]] = set()
        self._closing = False
        self._ready_for: int | None = None
        self._all_put_off = False
        self._rests_until, self._rest = -NEVER, 0.0
        self.next_at = NEVER

    @property
    def woken(self) -> Mapping[Identity, int]:
        """The processes that all wrappers of our agents are below."""
        return self._runs.woken

    # What the calendar asks.

    @property
    def opened(self) -> OpenedAgenda | None:
        """The store, while it can be used."""
        return self._ledger.opened

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
        return self._ledger.holder

    def time(self, now: Now) -> int:
        """The time that the agenda goes by."""
        return self._ledger.time(now)

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
        if self._ledger.must_wait(now):
            return
        with self._ledger.surviving(now):
            opened = self._open(now)
            self._ledger.compare_clocks(opened)
            self._unwritten.write(opened.store, self._decider.rules.defer, now)
            self._upkeep.look(opened, self._settings.agents, now)
            self._ask_when(opened)

    def reached(self) -> None:
        """The server answers again: whatever waits for it is tried in this turn."""
        self._ledger.reached()

    def _open(self, now: Now) -> OpenedAgenda:
        """Raises StoreUnusable and StoreBusy."""
        opened, anew = self._ledger.open(now)
        if anew:
            self._upkeep.take_over(opened, now)
        return opened

    def _ask_when(self, opened: OpenedAgenda) -> None:
        """Learn when the next one is due that is this daemon's to decide on."""
        self._due_at = opened.store.next_try_at(0, self._asked_for(opened))
        self._must_ask = False

    def _asked_for(self, opened: OpenedAgenda) -> Mapping[str, Agent] | None:
        """The agents whose recalls are this daemon's to decide on: where others share the agenda, what it does not know is theirs."""
        return self._settings.agents if opened.shared else None

    async def reload(self, settings: Settings) -> None:
        """Go by other settings from the next `look` on; agents that are at work go on."""
        self._settings = settings
        self._ledger.reload(settings)
        self._decider = Decider(self._home, settings, self._runs)

    def act(self, busy: Busy, named: Mapping[tuple[str, str], str | None], now: Now) -> None:
        """Wake whose time has come. `named`: the sessions that wrappers name, each with the wrapper, and its client."""
        if self.opened is None and now.awake >= self._ledger.retry_at:
            self.look(now)
        if self.opened is not None:
            with self._ledger.surviving(now):
                self._register(self.opened.store, named, now)
                if self._must_ask:
                    self._ask_when(self.opened)
                if self._is_due(now) and self.room and now.awake >= self._rests_until:
                    self._work_off(self.opened, busy, now)
                self._get_ready(now)
        self.next_at = self._next_at(now)

    def _next_at(self, now: Now) -> float:
        """Where all agents are at work, the end of one is waited for; after an error, its pause."""
        if self.opened is None:
            return self._ledger.retry_at
        if self._due_at is None or (self._is_due(now) and not self.room):
            return NEVER
        before = 0 if self._ready_for == self._due_at or not self.room else _AHEAD
        until = (self._due_at - before - self._ledger.ahead) / 1000 - now.wall
        return max(now.awake + until, self._rests_until)

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

    def _register(self, store: AgendaStore, named: Mapping[tuple[str, str], str | None], now: Now) -> None:
        """Know the sessions that wrappers name: each when a wrapper is first seen in it."""
        for (session, wrapper), client in named.items():
            if (session, wrapper) not in self._named:
                store.register(session, client, self.time(now))
        self._named = set(named)

    # What is due.

    def _work_off(self, opened: OpenedAgenda, busy: Busy, now: Now) -> None:
        """Decide on what is due, a part at a time, the oldest first; then begin what is to run."""
        store, moment, agents = opened.store, self.time(now), self._asked_for(opened)
        store.see(moment, moment - LATE, agents)
        budget = Budget(store, self._runs.may_still_use(moment), moment)
        at_once = self.room + _BESIDE if opened.shared else _AT_ONCE
        claimed: list[_Claimed] = []
        put_off: list[bool] = []
        with store.deciding(moment, min(at_once, _AT_ONCE), agents) as decisions:
            for due in decisions.due:
                taken = [each.due.recall for each in claimed]
                judged = self._decider.judge(due, busy, budget, moment, taken)
                if judged.verdict.do is not Do.RUN or judged.call is None:
                    put_off.append(judged.verdict.do is Do.DEFER)
                    self._carry_out(decisions, judged)
                elif self.room > len(claimed):
                    claimed += self._claim(decisions, due, judged.call, budget)
        self._all_put_off = bool(put_off) and all(put_off)
        self._unwritten.claimed(each.due.occurrence.id for each in claimed)
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

    def _carry_out(self, decisions: Decisions, judged: Judged) -> None:
        self._tell(judged)
        if judged.verdict.do is Do.CANCEL:
            decisions.cancel(judged.due, judged.verdict.reason)
        else:
            decisions.change(self._decider.change(judged))

    def _tell(self, judged: Judged) -> None:
        """What does not happen as planned is never silent; of what is put off the store keeps each time."""
        due, verdict = judged.due, judged.verdict
        tell = self._log.debug if verdict.do is Do.DEFER else self._log.warning
        tell(
            f"recall not run: {verdict.do}",
            recall=due.recall.id,
            session=due.recall.session_id,
            at=stamp_of(due.occurrence.scheduled_for),
            reason=verdict.reason,
        )

    def _claim(self, decisions: Decisions, due: Due, call: Call, budget: Budget) -> Iterator[_Claimed]:
        """Take it, so that nobody else wakes its agent."""
        agent, ledger = self._settings.agents[due.recall.agent], self._ledger
        timeout = min(agent.timeout, budget.seconds_left(agent))
        if decisions.claim(due, ledger.holder, ledger.lease, follows(due, due.occurrence.scheduled_for)):
            budget.reserve(agent, timeout)
            yield _Claimed(due, agent, replace(call, timeout=timeout))

    def _begin(self, store: AgendaStore, claimed: _Claimed, moment: int) -> None:
        """Note that it begins, and start its agent: in this order, so that a kill anywhere never lets it run twice."""
        due, agent, recall = claimed.due, claimed.agent, claimed.due.recall
        new = NewRun(agent.name, recall.session_id, claimed.call.token if agent.confirm else None)
        run = store.begin(due.occurrence.id, self._ledger.holder, new, moment)
        self._unwritten.begun(due.occurrence.id)
        if run is None:
            return
        self._runs.start(Run(run, due, agent, claimed.call, moment))
        at = stamp_of(due.occurrence.scheduled_for)
        self._log.info("agent woken", agent=agent.name, recall=recall.id, session=recall.session_id, at=at)

    def _began(self, run: Run, identity: Identity) -> None:
        with self._ledger.surviving(self._clock.now()):
            if self.opened is not None:
                self.opened.store.started(run.id, *identity, self._ledger.holder)

    def _ended(self, run: Run, ended: Ended) -> None:
        """Keep what became of it."""
        now = self._clock.now()
        self._unwritten.ended(run, ended, now)
        if not self._ledger.must_wait(now):
            with self._ledger.surviving(now):
                self._unwritten.write(self._open(now).store, self._decider.rules.defer, now)
                self._must_ask = True
        self._changed()

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
        self._ledger.close()

    # What is told.

    def describe(self, now: Now) -> dict[str, object]:
        """The part `agenda` of the status."""
        next_at, missed = None, None
        if self.opened is not None:
            with self._ledger.surviving(now):
                next_at = self.opened.store.next_try_at(0)
                missed = self.opened.store.missed_since(self.time(now) - DAY)
        return {
            "next_at": None if next_at is None else stamp_of(next_at),
            "running": self.describe_running(),
            "missed_last_day": missed,
        }

    def next_recall(self, now: Now) -> dict[str, object] | None:
        """What is tried next of what is this daemon's to decide on, as it is planned now."""
        if self.opened is not None:
            with self._ledger.surviving(now):
                return telling.next_recall(self.opened, self._asked_for(self.opened))
        return None

    def describe_running(self) -> list[dict[str, object]]:
        """The agents that are at work, also those that are tried out, for no recall; the store is not asked."""
        return telling.running(self._runs)

    def degraded(self) -> Iterator[dict[str, str]]:
        """What keeps recalls from happening as they should."""
        yield from telling.degraded(
            self._ledger.trouble, self._decider.hindered, self._upkeep.waiting_for_others
        )
