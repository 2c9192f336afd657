"""From an occurrence that is due to what is done about it: what stands in its way is looked up, `policy` judges, and the
verdict becomes a change of the store."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from iai_daemon.agenda.planning import following, planned
from iai_daemon.agenda.policy import Do, Obstacle, Rules, Situation, Verdict, judge
from iai_daemon.agenda.recall import CallType, CatchUp, Planned, Recall, State
from iai_daemon.agenda.schedule.triggers import Passed, passed
from iai_daemon.agenda.store.recalls import Defer, Due, Settle
from iai_daemon.agenda.waking.budget import Budget
from iai_daemon.agenda.waking.call import Call, make_call
from iai_daemon.agenda.waking.running import Runs
from iai_daemon.config import Agent, Settings
from iai_daemon.errors import AgentUnusable
from iai_daemon.paths import Home
from iai_daemon.units import NEVER


class Busy(Protocol):
    """The sessions in which somebody is at work, here or on another host."""

    def get(self, session: str, /) -> str | None:
        """Why one says so; None where nobody is known to work in it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is to become of an occurrence that is due. `passed`: the later firings of its recall whose time has come, too; `call`: what
    wakes its agent, where that can be woken now."""

    due: Due
    verdict: Verdict
    passed: Passed | None
    call: Call | None


class Decider:
    """Decides by the settings. `hindered`: the agents that cannot be woken at all, and why not."""

    def __init__(self, home: Home, settings: Settings, runs: Runs) -> None:
        self._home = home
        self._agents = settings.agents
        self._runs = runs
        self.rules = _rules(settings)
        self.hindered: dict[str, str] = {}

    def judge(self, due: Due, busy: Busy, budget: Budget, now: int, taken: Sequence[Recall] = ()) -> Judged:
        """What is to become of it. `taken`: the recalls whose agents are about to be woken."""
        later, way = _later(due, now), self._way(due, busy, budget, taken)
        situation = Situation(
            now,
            closed=due.closed,
            passed=later,
            running_since=self._running_since(due, taken, now),
            obstacle=way if isinstance(way, Obstacle) else None,
        )
        verdict = judge(due.occurrence, due.recall, situation, self.rules)
        return Judged(due, verdict, later, way if isinstance(way, Call) else None)

    def _running_since(self, due: Due, taken: Sequence[Recall], now: int) -> int | None:
        """When the oldest run of its recall began, here or wherever the agenda is shared."""
        about_to = now if any(each.id == due.recall.id for each in taken) else None
        known = (self._runs.since(due.recall), due.running_since, about_to)
        return min((each for each in known if each is not None), default=None)

    def _another(self, due: Due, taken: Sequence[Recall]) -> int | None:
        """Another recall of its session that is at work, or is about to be."""
        here = self._runs.another_in(due.recall)
        if here is not None or due.busy_with is not None:
            return due.busy_with if here is None else here
        about_to = (each.id for each in taken if each.session_id == due.recall.session_id)
        return next((each for each in about_to if each != due.recall.id), None)

    def _way(self, due: Due, busy: Busy, budget: Budget, taken: Sequence[Recall]) -> Obstacle | Call:
        """How its agent is woken, or why it cannot be now."""
        recall = due.recall
        if why := busy.get(recall.session_id):
            return Obstacle(why)
        if (other := self._another(due, taken)) is not None:
            return Obstacle(f"its session is busy with recall {other}")
        agent = self._agents.get(recall.agent)
        way: Obstacle | Call = (
            Obstacle(f"there is no [agents.{recall.agent}] in the settings")
            if agent is None
            else budget.exhausted(agent) or self._call(agent, recall)
        )
        if isinstance(way, Obstacle):
            self.hindered[recall.agent] = way.reason
        else:
            self.hindered.pop(recall.agent, None)
        return way

    def _call(self, agent: Agent, recall: Recall) -> Obstacle | Call:
        try:
            return make_call(agent, recall.session_id, recall.message, os.urandom(16).hex(), self._home)
        except AgentUnusable as error:
            return Obstacle(str(error))

    def change(self, judged: Judged) -> Settle | Defer:
        """The change that carries it out, where nothing runs."""
        due, verdict = judged.due, judged.verdict
        occurrence, recall = due.occurrence, due.recall
        if verdict.do is Do.DEFER:
            return Defer(occurrence.id, verdict.until, verdict.reason)
        if verdict.do is Do.SUPERSEDE and judged.passed is not None:
            return self._superseded(due, verdict, judged.passed)
        swallowed, after = 0, occurrence.scheduled_for
        if _recurs(due) and verdict.until > after:
            gone = passed(recall.trigger, after, verdict.until)
            swallowed, after = gone.count if gone else 0, verdict.until
        state = State.SKIPPED if verdict.do is Do.SKIP else State.MISSED
        return Settle(occurrence.id, state, verdict.reason, swallowed, follows(due, after))

    def _superseded(self, due: Due, verdict: Verdict, later: Passed) -> Settle:
        """The newest of those whose time has come takes its place. Where nothing is made up for, all before that are missed."""
        occurrence, between = due.occurrence, later.count - 1
        newest = planned(due.recall, later.last)
        if self.rules.catch_up_of(due.recall) is CatchUp.SKIP:
            return Settle(occurrence.id, State.MISSED, verdict.reason, between, newest)
        why = f"{verdict.reason}: that one stands for it, too"
        stands_for = occurrence.swallowed + 1 + between
        return Settle(occurrence.id, State.SKIPPED, why, following=newest, stands_for=stands_for)


def follows(due: Due, after: int) -> Planned | None:
    """What its plan has after that."""
    return following(due.recall, after) if _recurs(due) else None


def _recurs(due: Due) -> bool:
    """Whether its plan has another one after it."""
    return due.recall.call_type is CallType.RECURRING and not due.occurrence.extra


def _later(due: Due, now: int) -> Passed | None:
    """The later firings whose time has come; of what jitter may still put off nobody says so."""
    if not _recurs(due):
        return None
    return passed(due.recall.trigger, due.occurrence.scheduled_for, now - due.recall.policy.jitter)


def _rules(settings: Settings) -> Rules:
    agenda = settings.agenda
    return Rules(
        CatchUp(agenda.catch_up),
        _or_none(agenda.catch_up_window),
        _or_none(agenda.max_defer),
        round(agenda.defer_when_busy * 1000),
    )


def _or_none(seconds: float) -> int | None:
    return None if seconds == NEVER else round(seconds * 1000)
