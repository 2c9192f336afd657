"""The agenda: whether what is planned happens, and whether the agents can be woken, as the daemon would do it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from iai_daemon.agenda.asking.here import viewer
from iai_daemon.agenda.asking.wishes import agent_of
from iai_daemon.agenda.policy import LATE
from iai_daemon.agenda.recall import Recall, State
from iai_daemon.agenda.store.opening import OpenedAgenda, open_agenda
from iai_daemon.agenda.store.recalls import AgendaStore, Filter
from iai_daemon.agenda.waking.budget import Budget
from iai_daemon.agenda.waking.call import make_call
from iai_daemon.agenda.waking.trial import try_out
from iai_daemon.agenda.waking.wake import GRACE, SystemWaker
from iai_daemon.config import Agent, Settings
from iai_daemon.control import client
from iai_daemon.doctor import environment
from iai_daemon.doctor.finding import Finding, NotChecked, fail, ok, warn
from iai_daemon.doctor.patient import Patient
from iai_daemon.errors import AgentUnusable, DaemonMute
from iai_daemon.foreign import one_line
from iai_daemon.units import parse_stamp, say_duration, stamp_of

_DAY = 86_400_000
# More recalls than anybody has; of occurrences the newest so many are looked at.
_MANY, _NEWEST = 100_000, 200
# What is due is carried out within a tick; where the store was busy, somewhat later.
_TICKS, _SOME = 2, 60.0
# So many failures running are no accident.
_IN_VAIN, _WITHIN = 3, 30 * _DAY
_ENDS = {State.DONE, State.UNCONFIRMED, State.FAILED}
# Beyond its own time limit, for a guard to come and to end it.
_TO_COME_AND_GO = 30.0
_SHOWN = 120


def look(patient: Patient) -> Iterator[Finding]:
    settings = patient.require_settings()
    yield from _agents(patient, settings)
    if patient.has_no_memory:
        yield ok("agenda", "there is no memory yet, so no recalls")
        return
    with opened(patient) as agenda:
        store = agenda.store
        # Several hosts go by their server's clock.
        now = store.clock(patient.now.milliseconds)
        live = store.recalls(viewer(patient.home), Filter(live=True, limit=_MANY))
        yield _punctual(patient, settings, agenda, live, now)
        yield from _for_others(settings, store, now) if agenda.shared else _undefined(settings, live)
        yield from _missed(store, now)
        yield from _in_vain(settings, store, now)
        yield from _used_up(settings, store, live, now)


@contextlib.contextmanager
def opened(patient: Patient) -> Iterator[OpenedAgenda]:
    """What the memory keeps of recalls and slots; it is neither made nor brought to another schema. Raises NotChecked."""
    with patient.stores():
        agenda = open_agenda(patient.home)
        try:
            yield agenda
        finally:
            agenda.close()


# What is planned.


def _punctual(
    patient: Patient, settings: Settings, agenda: OpenedAgenda, live: Sequence[Recall], now: int
) -> Finding:
    # What this host does not know is for others to wake.
    due = agenda.store.due(now, _NEWEST, settings.agents if agenda.shared else None)
    if not due:
        next_at = min((each.next_at for each in live if each.next_at is not None), default=None)
        when = "" if next_at is None else f", the next at {stamp_of(next_at)}"
        return ok("agenda", f"recalls to come: {len(live)}{when}")
    oldest = due[0]
    late = (now - oldest.occurrence.next_try_at) / 1000
    seen = f"recall {oldest.recall.id} has been due for {say_duration(late)}"
    seen += f", and so have {len(due) - 1} more" if len(due) > 1 else ""
    soon = _TICKS * settings.lifecycle.tick + _SOME
    well = ok("agenda", f"recalls to come: {len(live)}, due now: {len(due)}")
    if patient.status is None:
        # Of another host's daemon nothing is known but that it is late.
        if agenda.shared and late <= soon:
            return well
        return warn("agenda", f"{seen}; no daemon is there to wake anybody", "`iai-daemon start`")
    at_work = len(patient.status["agenda"]["running"])
    if at_work >= settings.agenda.max_concurrent:
        return ok("agenda", f"{seen}: {at_work} agents are at work, which are all that may be")
    # What came due while the machine slept is seen by the next tick.
    ahead = (now - patient.now.milliseconds) / 1000
    seen_late = parse_stamp(patient.status["tick"]["at"]) + ahead - oldest.occurrence.next_try_at / 1000
    if min(late, seen_late) > soon:
        return fail("agenda", seen, "`iai-daemon logs` tells why; `iai-daemon restart` mends what hangs")
    return well


def _for_others(settings: Settings, store: AgendaStore, now: int) -> Iterator[Finding]:
    """What this host does not know, and no other one takes either."""
    for agent, since in sorted(store.waiting_for_others(settings.agents, now - LATE).items()):
        seen = f"recalls of agent {agent} are due since {stamp_of(since)}: this host does not know it, and no other has taken them"
        remedy = (
            f"define [agents.{agent}] in the settings of a host that shares this agenda, or start its daemon"
        )
        yield warn("agenda.recalls", seen, remedy)


def _undefined(settings: Settings, live: Sequence[Recall]) -> Iterator[Finding]:
    lost = [each for each in live if each.agent not in settings.agents]
    if lost:
        names = sorted({each.agent for each in lost})
        seen = f"{_recalls(lost)} for what the settings do not define: {', '.join(names)}"
        remedy = f"define [agents.{names[0]}] in the settings, or `iai-daemon recall cancel {lost[0].id}`"
        yield fail("agenda.recalls", seen, remedy)


def _recalls(some: Sequence[Recall]) -> str:
    ids = ", ".join(str(each.id) for each in some[:5]) + (" …" if len(some) > 5 else "")
    return f"recall {ids} is" if len(some) == 1 else f"recalls {ids} are"


def _missed(store: AgendaStore, now: int) -> Iterator[Finding]:
    if missed := store.missed_since(now - _DAY):
        seen = f"{missed} were missed in the last 24 h" if missed > 1 else "one was missed in the last 24 h"
        yield warn("agenda.missed", seen, "`iai-daemon recall history` tells which, and why")


def _in_vain(settings: Settings, store: AgendaStore, now: int) -> Iterator[Finding]:
    """The agents whose last runs all failed."""
    ends: dict[str, list[State]] = {}
    agents: dict[int, str] = {}
    for each in reversed(store.history(None, _NEWEST)):
        if each.state in _ENDS and each.started_at is not None and each.started_at > now - _WITHIN:
            if each.recall not in agents:
                agents[each.recall] = store.recall(each.recall).agent
            ends.setdefault(agents[each.recall], []).append(each.state)
    failing = [name for name, states in ends.items() if _all_in_vain(states) and name in settings.agents]
    if failing:
        seen = f"the last {_IN_VAIN} runs all failed of {', '.join(failing)}"
        remedy = f"`iai-daemon recall history` tells how; `iai-daemon doctor --wake-test {failing[0]}` tries it out"
        yield warn("agenda.runs", seen, remedy)


def _all_in_vain(newest_first: Sequence[State]) -> bool:
    last = newest_first[:_IN_VAIN]
    return len(last) == _IN_VAIN and State.DONE not in last


def _used_up(settings: Settings, store: AgendaStore, live: Sequence[Recall], now: int) -> Iterator[Finding]:
    """The limits that keep a recall waiting."""
    budget = Budget(store, {}, now)
    waited_for = {each.agent for each in live}
    reached = [
        obstacle.reason
        for name, agent in settings.agents.items()
        if name in waited_for and (obstacle := budget.exhausted(agent)) is not None
    ]
    if reached:
        remedy = "wait, or raise max_runs_per_day or max_minutes_per_day of that agent in the settings"
        yield warn("agenda.limits", "; ".join(reached), remedy)


# Who is to be woken.


def _agents(patient: Patient, settings: Settings) -> Iterator[Finding]:
    given = environment.of_daemon(patient)
    problems = [problem for each in settings.agents.values() if (problem := _problem(patient, each, given))]
    if problems:
        remedy = "give the program's whole path in `command`, and a `cwd` that there is; a service has another PATH"
        yield fail("agenda.agents", " ".join(problems), remedy)
    elif settings.agents:
        whose = "the daemon's" if patient.status is not None else "this terminal's"
        yield ok("agenda.agents", f"the programs of {', '.join(settings.agents)} are there, by {whose} PATH")
    if patient.status is None:
        return
    lacking = sorted({name for each in settings.agents.values() for name in each.env if name not in given})
    if lacking:
        seen = f"agents are to get {', '.join(lacking)}, which the daemon does not have"
        yield warn(
            "agenda.environment",
            seen,
            "set it where the daemon is started: a service has an environment of its own",
        )


def _problem(patient: Patient, agent: Agent, given: Mapping[str, str]) -> str | None:
    try:
        make_call(agent, "", "", "", patient.home, ours=given)
    except AgentUnusable as refused:
        return str(refused)
    return None


def wake(patient: Patient, agent: str) -> Iterator[Finding]:
    """Start this agent with a harmless message, and wait for its end. Raises NoSuchAgent, UsageError, AgentUnusable, and Refused
    where the daemon does not do it."""
    chosen = agent_of(agent, patient.require_settings().agents, patient.home.config)
    if isinstance(patient.away, DaemonMute):
        raise NotChecked("the daemon does not answer")
    if patient.status is None:
        how = "no daemon is running, so in this terminal's environment"
        trial = asyncio.run(
            try_out(chosen, patient.home, lambda call: SystemWaker().wake(call, lambda _: None))
        )
        told = trial.to_json()
    else:
        how = "by the daemon, as for a recall"
        longest = chosen.timeout + GRACE + _TO_COME_AND_GO
        told = client.ask(patient.home, "wake_test", {"agent": agent}, timeout=longest)
    yield _judged(chosen, told, how)


def _judged(agent: Agent, told: Mapping[str, Any], how: str) -> Finding:
    took, problem = say_duration(told["seconds"]), told["problem"]
    last = next(reversed(str(told["output"]).strip().splitlines()), "")
    said = f"; it said last: {one_line(last, _SHOWN)}" if last else "; it said nothing"
    if problem is None:
        return ok("agenda.wake-test", f"{agent.name} was woken {how}, and ended well after {took}{said}")
    seen = f"{agent.name} was woken {how}, and failed after {took}: {problem}{said}"
    if any("{session_id}" in each for each in agent.command):
        # What failed may be that its session is new.
        remedy = (
            f"`iai-daemon agents test {agent.name} --session ID`, with a session that there is, tells more"
        )
    else:
        remedy = f"mend `command` of [agents.{agent.name}], or what it needs; `iai-daemon agents test {agent.name}` tells more"
    return fail("agenda.wake-test", seen, remedy)
