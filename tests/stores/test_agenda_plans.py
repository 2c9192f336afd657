"""What becomes of the plans of recalls, on every engine: changed by people, ended by runs, or made by a clock that was wrong."""

from __future__ import annotations

import pytest

from iai_daemon.agenda.recall import CallType, Planned, State, Status
from iai_daemon.agenda.schedule.triggers import made_every
from iai_daemon.agenda.store.recalls import AgendaStore, Outcome, Settle
from iai_daemon.errors import RecallOver
from tests.stores.recalls import (
    DONE,
    FAILED,
    HOUR,
    MINUTE,
    NOW,
    RUN,
    add,
    at,
    begin,
    claim,
    hourly,
    in_hours,
    occurrences,
    once,
    recurring,
    run,
    states,
    the_last,
)

# Cancelling, pausing, skipping, another plan.


def test_a_cancelled_recall_says_why_and_nothing_comes_of_it(agenda: AgendaStore) -> None:
    recall = add(agenda, recurring())
    assert agenda.cancel(recall.id, "not needed", NOW + 5)
    told = agenda.recall(recall.id)
    assert (told.status, told.reason, told.next_at) == (Status.CANCELLED, "not needed", None)
    assert told.updated_at == NOW + 5
    (occurrence,) = occurrences(agenda, recall)
    assert (occurrence.state, occurrence.reason, occurrence.settled_at) == (
        State.CANCELLED,
        "not needed",
        NOW + 5,
    )
    assert not agenda.cancel(recall.id, "again", NOW + 6)
    assert agenda.recall(recall.id) == told


def test_what_was_claimed_and_has_not_begun_does_not_begin_after_a_cancel(agenda: AgendaStore) -> None:
    recall = add(agenda, once())
    occurrence = the_last(agenda, recall)
    assert claim(agenda, occurrence, NOW + HOUR)
    assert agenda.cancel(recall.id, "stop", NOW + HOUR)
    assert agenda.begin(occurrence.id, "me", RUN, NOW + HOUR) is None
    assert the_last(agenda, recall).state is State.CANCELLED


def test_of_a_cancelled_recall_a_failed_run_is_not_tried_again(agenda: AgendaStore) -> None:
    recall = add(agenda, once())
    begun = begin(agenda, the_last(agenda, recall), NOW + HOUR)
    assert agenda.cancel(recall.id, "stop", NOW + HOUR)
    again = Outcome(State.PLANNED, 3, "", "exit status 3", retry_at=NOW + 2 * HOUR)
    agenda.end(begun, again, NOW + HOUR + 1)
    assert (the_last(agenda, recall).state, the_last(agenda, recall).reason) == (
        State.FAILED,
        "exit status 3",
    )
    assert agenda.next_try_at(0) is None


def test_a_recall_is_paused_once_and_stays_planned(agenda: AgendaStore) -> None:
    recall = add(agenda, recurring())
    assert agenda.pause(recall.id, NOW + 1)
    assert not agenda.pause(recall.id, NOW + 2)
    told = agenda.recall(recall.id)
    assert (told.paused_at, told.updated_at, told.next_at) == (NOW + 1, NOW + 1, NOW + HOUR)


def test_what_is_resumed_goes_on_with_what_follows_in_place_of_what_was_planned(agenda: AgendaStore) -> None:
    recall = add(agenda, recurring())
    assert not agenda.resume(recall.id, in_hours(5), NOW)
    agenda.pause(recall.id, NOW)
    assert agenda.resume(recall.id, in_hours(3), NOW + 2 * HOUR)
    assert agenda.recall(recall.id).paused_at is None
    assert states(agenda, recall) == [(1, State.CANCELLED), (3, State.PLANNED)]


def test_what_is_resumed_in_time_has_lost_nothing(agenda: AgendaStore) -> None:
    recall = add(agenda, recurring())
    before = occurrences(agenda, recall)
    agenda.pause(recall.id, NOW)
    assert agenda.resume(recall.id, in_hours(1), NOW + MINUTE)
    assert occurrences(agenda, recall) == before


def test_what_somebody_wants_beside_the_plan_stays_when_the_plan_is_resumed_or_changed(
    agenda: AgendaStore,
) -> None:
    recall = add(agenda, recurring())
    agenda.pause(recall.id, NOW)
    agenda.run_now(recall.id, NOW)
    agenda.resume(recall.id, in_hours(2), NOW + HOUR)
    agenda.reschedule(recall.id, hourly(), in_hours(3), NOW + HOUR)
    assert states(agenda, recall) == [
        (1, State.CANCELLED),
        (0, State.PLANNED),
        (2, State.CANCELLED),
        (3, State.PLANNED),
    ]


def test_of_what_is_resumed_after_its_only_time_nothing_comes(agenda: AgendaStore) -> None:
    recall = add(agenda, once())
    agenda.pause(recall.id, NOW)
    assert agenda.resume(recall.id, None, NOW + 2 * HOUR)
    told = agenda.recall(recall.id)
    assert (told.status, told.reason) == (Status.CANCELLED, "it was paused then")


def test_skipping_says_for_when_it_was_planned_and_goes_on_after_that(agenda: AgendaStore) -> None:
    recall = add(agenda, recurring())
    assert agenda.skip_next(recall.id, in_hours(2), "holiday", NOW) == NOW + HOUR
    assert states(agenda, recall) == [(1, State.SKIPPED), (2, State.PLANNED)]
    assert occurrences(agenda, recall)[0].reason == "holiday"
    assert agenda.recall(recall.id).status is Status.PENDING
    assert agenda.skip_next(recall.id, None, "holiday", NOW) == NOW + 2 * HOUR
    assert agenda.recall(recall.id).status is Status.FIRED


def test_skipping_what_is_tried_again_leaves_what_follows_it(agenda: AgendaStore) -> None:
    recall = add(agenda, recurring())
    run(agenda, the_last(agenda, recall), NOW + HOUR, _again(NOW + HOUR + 5 * MINUTE))
    assert agenda.skip_next(recall.id, in_hours(2), "enough", NOW + HOUR + 2 * MINUTE) == NOW + HOUR
    assert states(agenda, recall) == [(1, State.SKIPPED), (2, State.PLANNED)]


def test_a_skipped_one_that_would_have_come_once_is_cancelled_for_that_reason(agenda: AgendaStore) -> None:
    recall = add(agenda, once())
    agenda.skip_next(recall.id, None, "holiday", NOW)
    told = agenda.recall(recall.id)
    assert (told.status, told.reason) == (Status.CANCELLED, "holiday")


def test_another_plan_takes_the_place_of_what_was_planned(agenda: AgendaStore) -> None:
    recall = add(agenda, once())
    told = agenda.reschedule(recall.id, at(NOW + 3 * HOUR), in_hours(3), NOW + 1)
    assert (told.trigger, told.next_at, told.status) == (at(NOW + 3 * HOUR), NOW + 3 * HOUR, Status.PENDING)
    assert told.updated_at == NOW + 1
    assert states(agenda, recall) == [(1, State.CANCELLED), (3, State.PLANNED)]


def test_a_plan_may_go_back_to_the_time_that_it_had_before(agenda: AgendaStore) -> None:
    """A row never leaves its end, so the same time comes a millisecond later."""
    recall = add(agenda, once())
    agenda.reschedule(recall.id, at(NOW + 3 * HOUR), in_hours(3), NOW)
    told = agenda.reschedule(recall.id, at(NOW + HOUR), in_hours(1), NOW)
    assert (told.status, told.next_at) == (Status.PENDING, NOW + HOUR + 1)
    assert [each.state for each in occurrences(agenda, recall)] == [
        State.CANCELLED,
        State.CANCELLED,
        State.PLANNED,
    ]


def test_another_plan_says_whether_the_recall_recurs(agenda: AgendaStore) -> None:
    recall = add(agenda, once(call_type=CallType.IMMEDIATE))
    assert agenda.reschedule(recall.id, hourly(), in_hours(1), NOW).call_type is CallType.RECURRING
    assert agenda.reschedule(recall.id, at(NOW + HOUR), in_hours(2), NOW).call_type is CallType.ONCE


def test_a_recurring_plan_does_not_lose_a_time_at_which_an_earlier_plan_was_cancelled(
    agenda: AgendaStore,
) -> None:
    recall = add(agenda, recurring())
    half_hourly = made_every(1800, "UTC", NOW)
    agenda.reschedule(recall.id, half_hourly, Planned(NOW + 30 * MINUTE, NOW + 30 * MINUTE), NOW + MINUTE)
    run(agenda, the_last(agenda, recall), NOW + 30 * MINUTE)
    told = agenda.recall(recall.id)
    assert (told.status, told.next_at) == (Status.PENDING, NOW + HOUR + 1)


def test_what_has_run_is_not_repeated_by_another_plan_that_comes_to_its_time(agenda: AgendaStore) -> None:
    """Its run has failed, and it was to be tried again when the plan was changed: it is known to have run."""
    recall = add(agenda, recurring())
    early = NOW + MINUTE
    agenda.run_now(recall.id, early)
    run(agenda, the_last(agenda, recall), early, _again(NOW + 9 * HOUR))
    begun = begin(agenda, occurrences(agenda, recall)[0], NOW + HOUR)
    agenda.end(begun, _again(NOW + 9 * HOUR), NOW + HOUR)
    agenda.reschedule(recall.id, hourly(), Planned(early, early), early)
    run(agenda, the_last(agenda, recall), early)
    assert [each.scheduled_for for each in occurrences(agenda, recall) if each.state is State.PLANNED] == [
        early,
        NOW + 2 * HOUR + 1,
    ]


def test_what_is_wanted_now_is_one_more_of_what_recurs(agenda: AgendaStore) -> None:
    recall = add(agenda, recurring())
    assert agenda.run_now(recall.id, NOW + MINUTE) == Planned(NOW + MINUTE, NOW + MINUTE)
    plan, extra = occurrences(agenda, recall)
    assert (plan.extra, plan.state, plan.scheduled_for) == (False, State.PLANNED, NOW + HOUR)
    assert (extra.extra, extra.state, extra.scheduled_for) == (True, State.PLANNED, NOW + MINUTE)
    assert agenda.recall(recall.id).next_at == NOW + MINUTE
    assert agenda.run_now(recall.id, NOW + MINUTE).scheduled_for == NOW + MINUTE + 1
    run(agenda, extra, NOW + MINUTE)
    assert agenda.recall(recall.id).status is Status.PENDING


def test_what_comes_once_is_only_tried_now(agenda: AgendaStore) -> None:
    recall = add(agenda, once())
    assert agenda.run_now(recall.id, NOW + MINUTE) == Planned(NOW + HOUR, NOW + MINUTE)
    (occurrence,) = occurrences(agenda, recall)
    assert (occurrence.next_try_at, occurrence.extra) == (NOW + MINUTE, False)


def test_nothing_more_comes_of_a_recall_that_is_over(agenda: AgendaStore) -> None:
    recall = add(agenda, once())
    run(agenda, the_last(agenda, recall), NOW + HOUR)
    before = agenda.recall(recall.id)
    assert before.status is Status.FIRED
    assert not agenda.cancel(recall.id, "late", NOW + 2 * HOUR)
    for ask in (
        lambda: agenda.pause(recall.id, NOW),
        lambda: agenda.resume(recall.id, None, NOW),
        lambda: agenda.skip_next(recall.id, None, "", NOW),
        lambda: agenda.reschedule(recall.id, hourly(), in_hours(1), NOW),
        lambda: agenda.run_now(recall.id, NOW),
    ):
        with pytest.raises(RecallOver, match=f"recall {recall.id} \\(fired\\)"):
            ask()
    agenda.plan_anew(recall.id, in_hours(5), NOW)
    assert agenda.recall(recall.id) == before


def test_of_a_run_that_is_the_only_one_there_is_nothing_to_skip_or_to_run_now(agenda: AgendaStore) -> None:
    recall = add(agenda, once())
    begin(agenda, the_last(agenda, recall), NOW + HOUR)
    with pytest.raises(RecallOver, match="running"):
        agenda.skip_next(recall.id, None, "", NOW)
    with pytest.raises(RecallOver, match="running"):
        agenda.run_now(recall.id, NOW)


# Where a recall stands.


@pytest.mark.parametrize(
    ("state", "status", "reason"),
    [
        (State.DONE, Status.FIRED, None),
        (State.FAILED, Status.FAILED, "why"),
        (State.UNCONFIRMED, Status.FAILED, "why"),
    ],
)
def test_what_came_once_stands_as_its_run_ended(
    agenda: AgendaStore, state: State, status: Status, reason: str | None
) -> None:
    recall = add(agenda, once(call_type=CallType.IMMEDIATE))
    run(agenda, the_last(agenda, recall), NOW + HOUR, Outcome(state, 0, "", "why"))
    told = agenda.recall(recall.id)
    assert (told.status, told.reason) == (status, reason)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (State.MISSED, Status.FAILED),
        (State.SKIPPED, Status.CANCELLED),
        (State.CANCELLED, Status.CANCELLED),
    ],
)
def test_what_came_once_and_did_not_run_says_so(agenda: AgendaStore, state: State, status: Status) -> None:
    recall = add(agenda, once())
    agenda.settle([Settle(the_last(agenda, recall).id, state, "why")], NOW + HOUR)
    told = agenda.recall(recall.id)
    assert (told.status, told.reason) == (status, "why")


def test_what_recurs_has_fired_when_its_plan_ends_however_it_went(agenda: AgendaStore) -> None:
    recall = add(agenda, recurring(expires_at=NOW + HOUR))
    run(agenda, the_last(agenda, recall), NOW + HOUR, FAILED)
    told = agenda.recall(recall.id)
    assert (told.status, told.reason) == (Status.FIRED, None)


def test_what_recurs_waits_while_another_is_pending_and_takes_its_place_after_it(agenda: AgendaStore) -> None:
    first = add(agenda, recurring())
    begun = begin(agenda, the_last(agenda, first), NOW + HOUR)
    second = add(agenda, recurring(), NOW + HOUR)
    agenda.end(begun, DONE, NOW + HOUR + 1)
    assert agenda.recall(first.id).status is Status.WAITING
    begun = begin(agenda, the_last(agenda, second), NOW + 2 * HOUR)
    assert agenda.recall(second.id).status is Status.RUNNING
    assert agenda.recall(first.id).status is Status.PENDING
    agenda.end(begun, DONE, NOW + 2 * HOUR + 1)
    assert agenda.recall(second.id).status is Status.WAITING
    agenda.cancel(first.id, "", NOW + 2 * HOUR + 2)
    assert agenda.recall(second.id).status is Status.PENDING
    assert agenda.with_pending(["s1"]) == {"s1"}


def test_what_waits_is_tried_all_the_same(agenda: AgendaStore) -> None:
    first = add(agenda, recurring())
    begun = begin(agenda, the_last(agenda, first), NOW + HOUR)
    add(agenda, once(when=NOW + 9 * HOUR), NOW + HOUR)
    agenda.end(begun, DONE, NOW + HOUR + 1)
    begun = begin(agenda, the_last(agenda, first), NOW + 2 * HOUR)
    assert agenda.recall(first.id).status is Status.RUNNING
    agenda.end(begun, DONE, NOW + 2 * HOUR + 1)
    assert agenda.recall(first.id).status is Status.WAITING


# A clock that was wrong.


def test_what_acted_later_than_now_is_planned_anew_in_place_of_what_is_later(agenda: AgendaStore) -> None:
    recall, other = add(agenda, recurring()), add(agenda, recurring("s2"))
    week = 7 * 24
    agenda.settle(
        [Settle(the_last(agenda, recall).id, State.MISSED, "away", week, in_hours(week))], NOW + week * HOUR
    )
    assert [each.id for each in agenda.acted_after(NOW)] == [recall.id]
    assert agenda.acted_after(NOW + week * HOUR) == []
    agenda.plan_anew(recall.id, in_hours(2), NOW + HOUR)
    assert states(agenda, recall) == [(1, State.MISSED), (week, State.CANCELLED), (2, State.PLANNED)]
    agenda.plan_anew(recall.id, in_hours(3), NOW + HOUR)
    assert agenda.recall(recall.id).next_at == NOW + 2 * HOUR, "that is sooner"
    agenda.plan_anew(other.id, in_hours(1), NOW)
    assert agenda.recall(other.id).next_at == NOW + HOUR


def test_what_has_been_before_is_not_planned_anew(agenda: AgendaStore) -> None:
    recall = add(agenda, recurring())
    run(agenda, the_last(agenda, recall), NOW + HOUR)
    agenda.plan_anew(recall.id, in_hours(1), NOW)
    assert states(agenda, recall) == [(1, State.DONE), (2, State.PLANNED)]


def test_what_has_been_under_a_wrong_clock_is_passed_over_and_the_recall_goes_on(agenda: AgendaStore) -> None:
    """Or it would be left without anything planned, as if its plan were at its end."""
    recall = add(agenda, recurring())
    for _ in range(3):
        last = the_last(agenda, recall)
        run(agenda, last, last.scheduled_for)
    agenda.reschedule(recall.id, hourly(), Planned(NOW + MINUTE, NOW + MINUTE), NOW)
    run(agenda, the_last(agenda, recall), NOW + MINUTE)
    told = agenda.recall(recall.id)
    assert (told.status, told.next_at) == (Status.PENDING, NOW + 4 * HOUR + 1)


def test_who_has_done_something_of_a_recall_that_is_over_is_not_asked_again(agenda: AgendaStore) -> None:
    recall = add(agenda, once())
    run(agenda, the_last(agenda, recall), NOW + HOUR)
    assert agenda.acted_after(NOW) == []


def _again(retry_at: int) -> Outcome:
    return Outcome(State.PLANNED, 3, "", "exit status 3", retry_at=retry_at)
