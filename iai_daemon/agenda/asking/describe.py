"""The agenda as JSON tells it: recalls, occurrences, runs, sessions and slots, with RFC 3339 stamps. Used by the command line
and the memory server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from iai_daemon.agenda.recall import (
    CallType,
    Deferral,
    Occurrence,
    Policy,
    Recall,
    Run,
    Session,
    State,
)
from iai_daemon.agenda.schedule.local_time import known_zone, say_local
from iai_daemon.agenda.schedule.triggers import Trigger, upcoming
from iai_daemon.agenda.slot import Slot, Update
from iai_daemon.agenda.store.recalls import AgendaStore
from iai_daemon.units import format_duration, stamp_of


def describe_kept(store: AgendaStore, recall: Recall) -> dict[str, Any]:
    """A recall with its time: when it is tried next, or was planned last."""
    last = None if recall.next_at is not None else newest(store.history(recall.id, 1))
    return describe_recall(recall, last)


def describe_recall(recall: Recall, last: int | None = None) -> dict[str, Any]:
    """`last`: when it was planned last, which tells its time once nothing is planned any more."""
    moment = last if recall.next_at is None else recall.next_at
    return {
        "id": recall.id,
        "session_id": recall.session_id,
        "call_type": recall.call_type.value,
        "trigger_at": stamp(moment),
        "interval_seconds": _interval(recall.trigger),
        "internal_comment": recall.comment or None,
        "additional_context_message": recall.message,
        "status": recall.status.value,
        "created_at": stamp(recall.created_at),
        "updated_at": stamp(recall.updated_at),
        "local": None if moment is None else local(moment, recall.trigger.zone),
        "agent": recall.agent,
        "trigger": describe_trigger(recall.trigger),
        "made_by": recall.made_by,
        "owner": recall.owner,
        "paused": recall.paused_at is not None,
        "reason": recall.reason,
        "expires_at": stamp(recall.expires_at),
        "policy": _describe_policy(recall.policy),
    }


def describe_trigger(trigger: Trigger) -> dict[str, Any]:
    return {"kind": trigger.kind, "expression": trigger.expression, "tz": trigger.zone}


def describe_time(moment: int, zone: str) -> dict[str, Any]:
    """One firing that is to come, as programs and as people read it."""
    return {"at": stamp(moment), "local": local(moment, zone)}


def local(moment: int, zone: str) -> str:
    """A moment as the clocks of the zone show it."""
    return say_local(moment, known_zone(zone))


def describe_occurrence(occurrence: Occurrence) -> dict[str, Any]:
    return {
        "id": occurrence.id,
        "recall": occurrence.recall,
        "session_id": occurrence.session_id,
        "scheduled_for": stamp(occurrence.scheduled_for),
        "state": occurrence.state.value,
        "reason": occurrence.reason,
        "deferrals": occurrence.deferrals,
        "started_at": stamp(occurrence.started_at),
        "ended_at": stamp(occurrence.ended_at),
        "exit_status": occurrence.exit_status,
        "attempts": occurrence.attempts,
        "swallowed": occurrence.swallowed,
        "extra": occurrence.extra,
        "next_try_at": stamp(occurrence.next_try_at) if occurrence.state is State.PLANNED else None,
    }


def describe_deferral(deferral: Deferral) -> dict[str, Any]:
    return {"at": stamp(deferral.at), "until": stamp(deferral.until), "reason": deferral.reason}


def describe_run(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "agent": run.agent,
        "started_at": stamp(run.started_at),
        "ended_at": stamp(run.ended_at),
        "exit_status": run.exit_status,
        "problem": run.problem,
        "confirmed_at": stamp(run.confirmed_at),
        "output": run.output,
    }


def describe_session(session: Session, *, active: bool) -> dict[str, Any]:
    """`active`: whether its user, or an agent in it, is at work now."""
    return {
        "id": session.id,
        "client": session.client,
        "registered_at": stamp(session.registered_at),
        "closed_at": stamp(session.closed_at),
        "pending": session.pending,
        "active": active,
    }


def describe_slot(slot: Slot) -> dict[str, Any]:
    """A slot that is not over. `agent_ended`: nobody is at work on it any more, somebody has to say what became of it."""
    return {
        "slot": slot.id,
        "agent": slot.agent,
        "title": slot.title,
        "message": slot.message,
        "state": slot.state.value,
        "listed_at": stamp(slot.listed_at),
        "started_at": stamp(slot.started_at),
        "reason": slot.reason,
        "recall": slot.recall,
        "agent_ended": slot.agent_ended,
    }


def describe_past_slot(slot: Slot) -> dict[str, Any]:
    return {
        "slot": slot.id,
        "agent": slot.agent,
        "title": slot.title,
        "status": slot.state.value,
        "started_at": stamp(slot.started_at),
        "resolved_at": stamp(slot.resolved_at),
        "reason": slot.reason,
        "summary": slot.summary,
        "recall": slot.recall,
    }


def describe_update(update: Update) -> dict[str, Any]:
    """`problem`: why the backend was not told at the last of the `tries`."""
    return {
        "slot": update.slot,
        "status": update.status.value,
        "summary": update.summary,
        "reason": update.reason,
        "made_at": stamp(update.made_at),
        "tries": update.tries,
        "problem": update.problem,
    }


def coming(recall: Recall, planned: Sequence[Occurrence], number: int) -> list[int]:
    """When it fires next, by the plan: what is `planned` of it, then what follows."""
    times = sorted({each.scheduled_for for each in planned if each.state is State.PLANNED})
    of_plan = [each.scheduled_for for each in planned if each.state is State.PLANNED and not each.extra]
    if of_plan and recall.call_type is CallType.RECURRING:
        times += firings(recall.trigger, max(of_plan), number, recall.expires_at)
    return times[:number]


def firings(trigger: Trigger, after: int, number: int, until: int | None) -> list[int]:
    """So many firings at most, later than `after` and not later than `until`."""
    return [each for each in upcoming(trigger, after, number) if until is None or each <= until]


def newest(occurrences: Sequence[Occurrence]) -> int | None:
    """When the newest of these was planned for."""
    return occurrences[-1].scheduled_for if occurrences else None


def stamp(moment: int | None) -> str | None:
    """RFC 3339 of milliseconds since the epoch."""
    return None if moment is None else stamp_of(moment)


def _interval(trigger: Trigger) -> int | float | None:
    """Seconds; of what has no fixed interval there is none."""
    if trigger.kind != "every":
        return None
    seconds = float(trigger.expression)
    return int(seconds) if seconds.is_integer() else seconds


def _describe_policy(policy: Policy) -> dict[str, Any]:
    """What is null goes by the settings."""
    return {
        "catch_up": policy.catch_up and policy.catch_up.value,
        "catch_up_window": _duration(policy.catch_up_window),
        "overlap": policy.overlap.value,
        "jitter": _duration(policy.jitter),
        "retries": policy.retries,
        "backoff": _duration(policy.backoff),
        "max_defer": _duration(policy.max_defer),
    }


def _duration(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else format_duration(milliseconds / 1000)
