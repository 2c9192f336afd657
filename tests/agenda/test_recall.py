"""The words of the agenda, by plain values: how a recall is carried out that says nothing about it, and what may become of what."""

from __future__ import annotations

import pytest

from iai_daemon.agenda.recall import (
    TRANSITIONS,
    CallType,
    Draft,
    NewRun,
    Overlap,
    Policy,
    Spent,
    State,
    Status,
)
from tests.agenda.plans import HOURLY, recall


def test_a_recall_that_says_nothing_goes_by_the_settings_is_not_repeated_and_skips_what_overlaps() -> None:
    assert Policy() == Policy(
        catch_up=None,
        catch_up_window=None,
        overlap=Overlap.SKIP,
        jitter=0,
        retries=0,
        backoff=60_000,
        max_defer=None,
    )


def test_a_draft_is_the_users_own_without_an_end_unless_it_says_otherwise() -> None:
    drafted = Draft("s", "a", "Look.", CallType.RECURRING, HOURLY, "me")
    assert drafted == Draft(
        "s", "a", "Look.", CallType.RECURRING, HOURLY, "me", "user", "", Policy(), expires_at=None
    )


def test_a_run_needs_no_confirmation_unless_it_has_a_token() -> None:
    assert NewRun("a", "s").token is None


def test_an_agent_that_never_ran_has_used_nothing() -> None:
    assert Spent() == Spent(runs=0, milliseconds=0)


@pytest.mark.parametrize(
    ("status", "live"),
    [
        (Status.PENDING, True),
        (Status.RUNNING, True),
        (Status.WAITING, True),
        (Status.FIRED, False),
        (Status.FAILED, False),
        (Status.CANCELLED, False),
    ],
)
def test_of_a_recall_that_is_live_more_is_to_come(status: Status, live: bool) -> None:
    assert recall(status=status).is_live is live


def test_an_occurrence_moves_only_so() -> None:
    assert {state.value: {after.value for after in to} for state, to in TRANSITIONS.items()} == {
        "planned": {"claimed", "missed", "skipped", "cancelled"},
        "claimed": {"running", "planned", "missed", "cancelled"},
        "running": {"done", "unconfirmed", "failed", "planned"},
        "done": set(),
        "unconfirmed": set(),
        "failed": set(),
        "missed": set(),
        "skipped": set(),
        "cancelled": set(),
    }
    assert set(TRANSITIONS) == set(State)
