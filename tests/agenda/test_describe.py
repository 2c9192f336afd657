"""What programs read of the agenda, word for word."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from iai_daemon.agenda.asking import describe
from iai_daemon.agenda.recall import (
    CallType,
    CatchUp,
    Deferral,
    Overlap,
    Policy,
    Run,
    Session,
    State,
    Status,
)
from iai_daemon.agenda.schedule.triggers import Trigger
from iai_daemon.agenda.slot import Slot, SlotState, Update
from iai_daemon.agenda.store.opening import OpenedAgenda, open_agenda
from iai_daemon.paths import Home
from tests.agenda.plans import HOUR, MINUTE, NOON, occurrence, recall
from tests.stores import recalls

BERLIN = Trigger("cron", "0 9 * * 1-5", "Europe/Berlin", NOON)
AT_NOON = "2026-11-21T12:00:00.000Z"
AT_ONE = "2026-11-21T13:00:00.000Z"
AT_TWO = "2026-11-21T14:00:00.000Z"
AT_THREE = "2026-11-21T15:00:00.000Z"
NOT_SET = {
    "catch_up": None,
    "catch_up_window": None,
    "overlap": "skip",
    "jitter": "0s",
    "retries": 0,
    "backoff": "1m",
    "max_defer": None,
}


@pytest.fixture
def kept(home: Home) -> Iterator[OpenedAgenda]:
    opened = open_agenda(home)
    yield opened
    opened.close()


def test_a_recall_is_told_in_full() -> None:
    policy = Policy(CatchUp.ALL, 90 * MINUTE, Overlap.QUEUE, 1500, 3, 30_000, 48 * HOUR)
    whole = replace(
        recall(),
        id=12,
        session_id="song",
        agent="writer",
        message="Sing.",
        trigger=BERLIN,
        owner="ann",
        made_by="agent: writer",
        comment="for the choir",
        policy=policy,
        expires_at=NOON + 3 * HOUR,
        status=Status.RUNNING,
        reason="it was asked for",
        paused_at=NOON,
        updated_at=NOON + HOUR,
        next_at=NOON + 2 * HOUR,
    )
    assert describe.describe_recall(whole) == {
        "id": 12,
        "session_id": "song",
        "call_type": "recurring",
        "trigger_at": AT_TWO,
        "interval_seconds": None,
        "internal_comment": "for the choir",
        "additional_context_message": "Sing.",
        "status": "running",
        "created_at": AT_NOON,
        "updated_at": AT_ONE,
        "local": "Sat 2026-11-21 15:00 CET",
        "agent": "writer",
        "trigger": {"kind": "cron", "expression": "0 9 * * 1-5", "tz": "Europe/Berlin"},
        "made_by": "agent: writer",
        "owner": "ann",
        "paused": True,
        "reason": "it was asked for",
        "expires_at": AT_THREE,
        "policy": {
            "catch_up": "all",
            "catch_up_window": "90m",
            "overlap": "queue",
            "jitter": "1500ms",
            "retries": 3,
            "backoff": "30s",
            "max_defer": "48h",
        },
    }


def test_a_recall_of_which_little_is_known_tells_null() -> None:
    assert describe.describe_recall(recall(call_type=CallType.ONCE, next_at=None)) == {
        "id": 1,
        "session_id": "s",
        "call_type": "once",
        "trigger_at": None,
        "interval_seconds": 3600,
        "internal_comment": None,
        "additional_context_message": "Look.",
        "status": "pending",
        "created_at": AT_NOON,
        "updated_at": AT_NOON,
        "local": None,
        "agent": "a",
        "trigger": {"kind": "every", "expression": "3600", "tz": "UTC"},
        "made_by": "user",
        "owner": "me",
        "paused": False,
        "reason": None,
        "expires_at": None,
        "policy": NOT_SET,
    }


def times_of(told: dict[str, Any]) -> tuple[object, object]:
    return told["trigger_at"], told["local"]


def test_a_recall_tells_when_it_is_tried_next_else_when_it_was_planned_last() -> None:
    over = recall(next_at=None)
    assert times_of(describe.describe_recall(recall(), NOON + HOUR)) == (AT_NOON, "Sat 2026-11-21 12:00 UTC")
    assert times_of(describe.describe_recall(over, NOON + HOUR)) == (AT_ONE, "Sat 2026-11-21 13:00 UTC")


def test_a_kept_recall_tells_the_time_of_its_own_last_occurrence_once_nothing_is_planned(
    kept: OpenedAgenda,
) -> None:
    one = recalls.add(kept.store, recalls.once())
    assert times_of(describe.describe_kept(kept.store, one)) == (AT_ONE, "Sat 2026-11-21 13:00 UTC")
    assert kept.store.cancel(one.id, "ann does not want it", recalls.NOW)
    recalls.add(kept.store, recalls.once("s2", recalls.NOW + 2 * HOUR))
    over = kept.store.recall(one.id)
    assert over.next_at is None
    assert times_of(describe.describe_kept(kept.store, over)) == (AT_ONE, "Sat 2026-11-21 13:00 UTC")


@pytest.mark.parametrize(
    ("kind", "expression", "seconds"),
    [
        ("every", "3600", "3600"),
        ("every", "1.5", "1.5"),
        ("cron", "0 9 * * *", "null"),
        ("at", AT_NOON, "null"),
        ("rrule", "FREQ=DAILY", "null"),
    ],
)
def test_what_has_a_fixed_interval_tells_it_in_seconds(kind: str, expression: str, seconds: str) -> None:
    trigger = Trigger(kind, expression, "UTC", NOON)
    assert json.dumps(describe.describe_recall(recall(trigger=trigger))["interval_seconds"]) == seconds


def test_a_time_is_told_to_programs_and_to_people() -> None:
    assert describe.describe_time(NOON + 5000, "America/New_York") == {
        "at": "2026-11-21T12:00:05.000Z",
        "local": "Sat 2026-11-21 07:00:05 EST",
    }


def test_a_stamp_is_in_utc_and_to_the_millisecond() -> None:
    assert describe.stamp(NOON + 7) == "2026-11-21T12:00:00.007Z"
    assert describe.stamp(0) == "1970-01-01T00:00:00.000Z"
    assert describe.stamp(None) is None


def test_an_occurrence_that_has_ended_is_told_in_full() -> None:
    ended = occurrence(
        state=State.FAILED,
        reason="exit status 3",
        next_try_at=NOON + HOUR,
        deferrals=2,
        attempts=4,
        swallowed=5,
        extra=True,
        started_at=NOON + HOUR,
        ended_at=NOON + 2 * HOUR,
        exit_status=3,
    )
    assert describe.describe_occurrence(ended) == {
        "id": 7,
        "recall": 1,
        "session_id": "s",
        "scheduled_for": AT_NOON,
        "state": "failed",
        "reason": "exit status 3",
        "deferrals": 2,
        "started_at": AT_ONE,
        "ended_at": AT_TWO,
        "exit_status": 3,
        "attempts": 4,
        "swallowed": 5,
        "extra": True,
        "next_try_at": None,
    }


def test_an_occurrence_that_is_planned_tells_when_it_is_tried() -> None:
    assert describe.describe_occurrence(occurrence(next_try_at=NOON + HOUR)) == {
        "id": 7,
        "recall": 1,
        "session_id": "s",
        "scheduled_for": AT_NOON,
        "state": "planned",
        "reason": None,
        "deferrals": 0,
        "started_at": None,
        "ended_at": None,
        "exit_status": None,
        "attempts": 0,
        "swallowed": 0,
        "extra": False,
        "next_try_at": AT_ONE,
    }


def test_a_deferral_tells_when_until_when_and_why() -> None:
    told = describe.describe_deferral(Deferral(NOON, NOON + HOUR, "ann is at work"))
    assert told == {"at": AT_NOON, "until": AT_ONE, "reason": "ann is at work"}


def test_a_run_is_told_in_full() -> None:
    run = Run(3, 7, "writer", "s", NOON, NOON + HOUR, 2, "la la", "it ended", True, NOON + 2 * HOUR, 4711, 99)
    assert describe.describe_run(run) == {
        "id": 3,
        "agent": "writer",
        "started_at": AT_NOON,
        "ended_at": AT_ONE,
        "exit_status": 2,
        "problem": "it ended",
        "confirmed_at": AT_TWO,
        "output": "la la",
    }


def test_a_session_is_told_in_full_with_whether_somebody_is_at_work_in_it() -> None:
    session = Session("s", "claude", NOON, NOON + HOUR, 12)
    told = {
        "id": "s",
        "client": "claude",
        "registered_at": AT_NOON,
        "closed_at": AT_ONE,
        "pending": 12,
        "active": True,
    }
    assert describe.describe_session(session, active=True) == told
    assert describe.describe_session(session, active=False) == {**told, "active": False}


SLOT = Slot(
    "u/1",
    "writer",
    "Sing",
    "la la",
    SlotState.PAUSED,
    NOON,
    NOON + HOUR,
    NOON + 2 * HOUR,
    "no voice",
    "half a song",
    12,
    True,
)


def test_a_slot_that_is_not_over_is_told_in_full() -> None:
    assert describe.describe_slot(SLOT) == {
        "slot": "u/1",
        "agent": "writer",
        "title": "Sing",
        "message": "la la",
        "state": "paused",
        "listed_at": AT_NOON,
        "started_at": AT_ONE,
        "reason": "no voice",
        "recall": 12,
        "agent_ended": True,
    }


def test_a_slot_that_is_over_is_told_in_full() -> None:
    assert describe.describe_past_slot(replace(SLOT, state=SlotState.ABORTED)) == {
        "slot": "u/1",
        "agent": "writer",
        "title": "Sing",
        "status": "aborted",
        "started_at": AT_ONE,
        "resolved_at": AT_TWO,
        "reason": "no voice",
        "summary": "half a song",
        "recall": 12,
    }


def test_an_update_is_told_in_full() -> None:
    update = Update(5, "u/1", SlotState.COMPLETED, "a song", "it was time", "k-1", NOON, 3, "no route")
    assert describe.describe_update(update) == {
        "slot": "u/1",
        "status": "completed",
        "summary": "a song",
        "reason": "it was time",
        "made_at": AT_NOON,
        "tries": 3,
        "problem": "no route",
    }


# What comes. Hours are counted from noon.


def hours(times: list[int]) -> list[float]:
    return [(each - NOON) / HOUR for each in times]


def planned(hour: float, state: State = State.PLANNED, *, extra: bool = False) -> Any:
    return occurrence(NOON + round(hour * HOUR), state=state, extra=extra)


@pytest.mark.parametrize(
    ("of_it", "number", "comes"),
    [
        ([planned(0)], 3, [0, 1, 2]),
        ([planned(0)], 1, [0]),
        ([planned(2), planned(0)], 4, [0, 2, 3, 4]),
        ([planned(0), planned(0)], 2, [0, 1]),
        ([planned(2), planned(0)], 1, [0]),
        ([planned(0, State.RUNNING), planned(1)], 2, [1, 2]),
        ([planned(5, State.CLAIMED), planned(1)], 3, [1, 2, 3]),
        ([planned(0.5, extra=True), planned(0)], 3, [0, 0.5, 1]),
        ([planned(1), planned(0.5, extra=True)], 3, [0.5, 1, 2]),
        ([planned(0.5, extra=True)], 3, [0.5]),
        ([planned(0, State.RUNNING)], 3, []),
        ([], 3, []),
    ],
)
def test_what_is_planned_comes_and_then_what_follows_by_the_plan(
    of_it: list[Any], number: int, comes: list[float]
) -> None:
    assert hours(describe.coming(recall(), of_it, number)) == comes


def test_what_comes_once_has_nothing_that_follows() -> None:
    assert hours(describe.coming(recall(call_type=CallType.ONCE), [planned(0)], 3)) == [0]


def test_nothing_follows_after_a_recall_has_expired() -> None:
    assert hours(describe.coming(recall(expires_at=NOON + 2 * HOUR), [planned(0)], 9)) == [0, 1, 2]
    assert hours(describe.coming(recall(expires_at=NOON + 2 * HOUR - 1), [planned(0)], 9)) == [0, 1]


def test_firings_are_later_than_one_moment_and_not_later_than_another() -> None:
    trigger = recall().trigger
    assert hours(describe.firings(trigger, NOON, 2, None)) == [1, 2]
    assert hours(describe.firings(trigger, NOON - 1, 3, NOON + HOUR)) == [0, 1]


def test_the_newest_of_some_occurrences_is_the_last_one() -> None:
    assert describe.newest([planned(0), planned(2), planned(1)]) == NOON + HOUR
    assert describe.newest([]) is None
