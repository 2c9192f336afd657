"""Recalls and occurrences as values, for what is decided about them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from iai_daemon.agenda.recall import CallType, Draft, Occurrence, Policy, Recall, State, Status
from iai_daemon.agenda.schedule.triggers import Trigger

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z

HOURLY = Trigger("every", "3600", "UTC", NOON - 24 * HOUR)


def draft(session: str = "s", trigger: Trigger = HOURLY, **changes: Any) -> Draft:
    """An hourly recall of the agent "a" that says "Look."."""
    kind = CallType.ONCE if trigger.kind == "at" else CallType.RECURRING
    return replace(Draft(session, "a", "Look.", kind, trigger, "me"), **changes)


def recall(**changes: Any) -> Recall:
    """The same as the store keeps it."""
    kept = Recall(
        1,
        "s",
        "a",
        "Look.",
        CallType.RECURRING,
        HOURLY,
        "me",
        "user",
        "",
        Policy(),
        None,
        Status.PENDING,
        None,
        None,
        NOON,
        NOON,
        NOON,
    )
    return replace(kept, **changes)


def occurrence(scheduled_for: int = NOON, **changes: Any) -> Occurrence:
    """One that is planned, and has been seen in time."""
    kept = Occurrence(
        7,
        1,
        "s",
        scheduled_for,
        State.PLANNED,
        None,
        scheduled_for,
        scheduled_for,
        0,
        0,
        0,
        False,
        None,
        None,
        None,
        None,
        None,
    )
    return replace(kept, **changes)
