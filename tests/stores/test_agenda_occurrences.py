"""Occurrences of the agenda and their runs, on every engine: what each method of the protocol promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from iai_daemon.agenda.recall import Deferral, NewRun, Planned, Recall, Spent, State, Status
from iai_daemon.agenda.store.opening import OpenedAgenda
from iai_daemon.agenda.store.recalls import AgendaStore, Defer, Outcome, Settle
from tests.stores.recalls import (
    DONE,
    FAILED,
    HOUR,
    LEASE,
    MINUTE,
    NOW,
    RUN,
    add,
    begin,
    claim,
    in_hours,
    occurrences,
    once,
    recurring,
    run,
    states,
    the_last,
)

TOKEN = "a token that nobody guesses"


def again(retry_at: int) -> Outcome:
    return Outcome(State.PLANNED, 3, "oh no", "exit status 3", retry_at=retry_at)


def due(agenda: AgendaStore, now: int, limit: int = 100) -> list[int]:
    return [each.recall.id for each in agenda.due(now, limit)]


# What is due.


def test_the_next_try_is_the_earliest_after_a_moment(agenda: AgendaStore) -> None:
    assert agenda.next_try_at(0) is None
    for name, hours in (("a", 3), ("b", 1), ("c", 2)):
        add(agenda, once(name, NOW + hours * HOUR))
    assert agenda.next_try_at(0) == NOW + HOUR
    assert agenda.next_try_at(NOW + HOUR) == NOW + 2 * HOUR
    assert agenda.next_try_at(NOW + 3 * HOUR) is None


def test_what_is_planned_is_due_from_its_time_on_the_oldest_try_first(agenda: AgendaStore) -> None:
    late, soon, same = (add(agenda, once(name, NOW + when)) for name, when in (("a", 3), ("b", 1), ("c", 1)))
    assert due(agenda, NOW) == []
    assert due(agenda, NOW + 1) == [soon.id, same.id]
    assert due(agenda, NOW + 3) == [soon.id, same.id, late.id]
    assert due(agenda, NOW + 3, limit=2) == [soon.id, same.id]


def test_what_is_due_comes_with_its_recall_and_whether_its_session_was_closed(agenda: AgendaStore) -> None:
    recall = add(agenda, once())
    (found,) = agenda.due(NOW + HOUR, 5)
    assert (found.recall, found.closed, found.occurrence) == (recall, False, the_last(agenda, recall))
    occurrence = found.occurrence
    assert (occurrence.recall, occurrence.session_id, occurrence.state) == (recall.id, "s1", State.PLANNED)
    assert (occurrence.scheduled_for, occurrence.next_try_at) == (NOW + HOUR, NOW + HOUR)
    assert (occurrence.deferrals, occurrence.attempts, occurrence.swallowed, occurrence.extra) == (
        0,
        0,
        0,
        False,
    )
    told = (occurrence.reason, occurrence.seen_at, occurrence.holder, occurrence.started_at)
    assert told == (None, None, None, None)
    assert (occurrence.ended_at, occurrence.exit_status, occurrence.settled_at) == (None, None, None)


def test_what_is_tried_again_in_a_closed_session_is_due_as_such(agenda: AgendaStore) -> None:
    recall = add(agenda, once())
    run(agenda, the_last(agenda, recall), NOW + HOUR, again(NOW + 2 * HOUR))
    agenda.register("s1", None, NOW)
    assert [each.closed for each in agenda.due(NOW + 2 * HOUR, 5)] == [False]
    agenda.close_session("s1", NOW + HOUR)
    assert agenda.due(NOW + 2 * HOUR, 5) == []


def test_what_is_claimed_running_or_over_is_not_due(agenda: AgendaStore) -> None:
    recall = add(agenda, once())
    occurrence = the_last(agenda, recall)
    claim(agenda, occurrence, NOW + HOUR)
    assert due(agenda, NOW + HOUR) == []
    begun = agenda.begin(occurrence.id, "me", RUN, NOW + HOUR)
    assert begun
    assert due(agenda, NOW + HOUR) == []
    agenda.end(begun, DONE, NOW + HOUR)
    assert due(agenda, NOW + HOUR) == []
    assert agenda.next_try_at(0) is None


def test_what_has_come_due_lately_is_seen_in_time_once(agenda: AgendaStore) -> None:
    old, new, later = (
        add(agenda, once(name, NOW + when)) for name, when in (("a", 1), ("b", 2 * MINUTE), ("c", HOUR))
    )
    agenda.see(NOW + 2 * MINUTE + 5, NOW + MINUTE)
    assert the_last(agenda, old).seen_at is None
    assert the_last(agenda, new).seen_at == NOW + 2 * MINUTE + 5
    assert the_last(agenda, later).seen_at is None
    agenda.see(NOW + 2 * MINUTE + 9, NOW + MINUTE)
    assert the_last(agenda, new).seen_at == NOW + 2 * MINUTE + 5


def test_what_is_due_at_the_very_edges_is_seen_too(agenda: AgendaStore) -> None:
    first, last = (add(agenda, once(name, NOW + when)) for name, when in (("a", 1), ("b", MINUTE)))
    agenda.see(NOW + MINUTE, NOW + 1)
    assert the_last(agenda, first).seen_at == the_last(agenda, last).seen_at == NOW + MINUTE


# What is decided.


@pytest.mark.parametrize("state", [State.MISSED, State.SKIPPED, State.CANCELLED])
def test_what_is_settled_says_why_and_what_follows_is_planned(agenda: AgendaStore, state: State) -> None:
    recall = add(agenda, recurring())
    wanted = Settle(the_last(agenda, recall).id, state, "away", 4, Planned(NOW + 6 * HOUR, NOW + 7 * HOUR), 2)
    agenda.settle([wanted], NOW + 6 * HOUR)
    settled, planned = occurrences(agenda, recall)
    assert (settled.state, settled.reason, settled.swallowed) == (state, "away", 4)
    assert settled.settled_at == NOW + 6 * HOUR
    assert (planned.state, planned.scheduled_for, planned.swallowed) == (State.PLANNED, NOW + 6 * HOUR, 2)
    assert planned.next_try_at == agenda.recall(recall.id).next_at == NOW + 7 * HOUR


def test_what_stands_for_others_and_is_missed_in_turn_stands_for_more(agenda: AgendaStore) -> None:
    recall = add(agenda, recurring())
    skipped = Settle(the_last(agenda, recall).id, State.SKIPPED, "", following=in_hours(3), stands_for=2)
    agenda.settle([skipped], NOW + 3 * HOUR)
    agenda.settle([Settle(the_last(agenda, recall).id, State.MISSED, "", 3, in_hours(7))], NOW + 7 * HOUR)
    assert [each.swallowed for each in occurrences(agenda, recall)] == [0, 5, 0]
    assert agenda.missed_since(NOW + 7 * HOUR) == 6
    assert agenda.missed_since(NOW + 7 * HOUR + 1) == 0


def test_a_deferral_puts_off_and_is_kept(agenda: AgendaStore) -> None:
    recall = add(agenda, once())
    occurrence = the_last(agenda, recall)
    for number in (1, 2):
        until = NOW + HOUR + number * MINUTE
        agenda.settle([Defer(occurrence.id, until, f"busy {number}")], until - MINUTE)
    told = the_last(agenda, recall)
    assert (told.state, told.next_try_at, told.deferrals) == (State.PLANNED, NOW + HOUR + 2 * MINUTE, 2)
    assert (told.scheduled_for, told.reason) == (NOW + HOUR, "busy 2")
    assert agenda.deferrals(occurrence.id) == [
        Deferral(NOW + HOUR, NOW + HOUR + MINUTE, "busy 1"),
        Deferral(NOW + HOUR + MINUTE, NOW + HOUR + 2 * MINUTE, "busy 2"),
    ]
    assert agenda.next_try_at(0) == NOW + HOUR + 2 * MINUTE


def test_what_is_no_longer_planned_is_left_as_it_is_and_the_rest_is_settled(agenda: AgendaStore) -> None:
    gone, here = add(agenda, recurring("a")), add(agenda, recurring("b"))
    occurrence = the_last(agenda, gone)
    agenda.cancel(gone.id, "enough", NOW)
    before = occurrences(agenda, gone)
    agenda.settle(
        [
            Settle(occurrence.id, State.MISSED, "away", following=in_hours(2)),
            Defer(occurrence.id, NOW + 9 * HOUR, "busy"),
            Settle(12345, State.MISSED, "away"),
            Defer(12345, NOW, "busy"),
            Settle(the_last(agenda, here).id, State.MISSED, "away", following=in_hours(2)),
        ],
        NOW + HOUR,
    )
    assert occurrences(agenda, gone) == before
    assert agenda.deferrals(occurrence.id) == []
    assert states(agenda, here) == [(1, State.MISSED), (2, State.PLANNED)]
    agenda.settle([], NOW)


# Claiming, beginning, ending.


def test_a_claim_plans_what_follows_and_nobody_else_gets_it(
    open_the_agenda: Callable[[], OpenedAgenda],
) -> None:
    one, other = open_the_agenda().store, open_the_agenda().store
    recall = add(one, recurring())
    occurrence = the_last(one, recall)
    assert claim(one, occurrence, NOW + HOUR, "one")
    assert not claim(other, occurrence, NOW + HOUR, "other")
    assert not claim(one, occurrence, NOW + HOUR, "one")
    assert states(other, recall) == [(1, State.CLAIMED), (2, State.PLANNED)]
    assert occurrences(other, recall)[0].holder == "one"
    told = other.recall(recall.id)
    assert (told.status, told.next_at) == (Status.RUNNING, NOW + 2 * HOUR)
    assert other.begin(occurrence.id, "other", RUN, NOW + HOUR) is None
    assert one.begin(occurrence.id, "one", RUN, NOW + HOUR) is not None
    assert one.begin(occurrence.id, "one", RUN, NOW + HOUR) is None


def test_an_unknown_occurrence_is_nobodys(agenda: AgendaStore) -> None:
    assert not agenda.claim(1, "me", NOW, None, NOW)
    assert agenda.begin(1, "me", RUN, NOW) is None
    agenda.release(1, "me", "", NOW, NOW)
    agenda.started(1, 1, 1)
    agenda.end(1, DONE, NOW)
    assert agenda.renew("me", [1], NOW, NOW) == set()
    with agenda.deciding(NOW, 5) as decisions:
        assert decisions.due == ()
    assert agenda.under_way() == []


def test_what_follows_is_not_planned_where_the_plan_has_got_farther(agenda: AgendaStore) -> None:
    recall = add(agenda, recurring())
    run(agenda, the_last(agenda, recall), NOW + HOUR, again(NOW + 4 * HOUR))
    agenda.settle(
        [Settle(the_last(agenda, recall).id, State.MISSED, "", 1, in_hours(4))], NOW + 3 * HOUR + MINUTE
    )
    tried_again = occurrences(agenda, recall)[0]
    assert claim(agenda, tried_again, NOW + 4 * HOUR)
    assert states(agenda, recall) == [(1, State.CLAIMED), (2, State.MISSED), (4, State.PLANNED)]


def test_a_run_is_kept_with_its_process_and_how_it_ended(agenda: AgendaStore) -> None:
    recall = add(agenda, once())
    occurrence = the_last(agenda, recall)
    begun = begin(agenda, occurrence, NOW + HOUR)
    (found,) = agenda.runs(occurrence.id)
    assert (found.id, found.occurrence, found.agent) == (begun, occurrence.id, "claude")
    assert (found.session_id, found.started_at) == ("s1", NOW + HOUR)
    assert (found.ended_at, found.exit_status, found.output, found.problem) == (None, None, "", None)
    assert (found.needs_confirmation, found.confirmed_at) == (True, None)
    assert (found.pid, found.process_start) == (None, None)
    agenda.started(begun, 4711, 1 << 40)
    assert agenda.under_way() == [(agenda.recall(recall.id), replace(found, pid=4711, process_start=1 << 40))]
    agenda.end(begun, FAILED, NOW + 2 * HOUR)
    assert agenda.under_way() == []
    (ended,) = agenda.runs(occurrence.id)
    assert (ended.ended_at, ended.exit_status, ended.output) == (NOW + 2 * HOUR, 3, "oh no")
    assert ended.problem == "exit status 3"
    told = the_last(agenda, recall)
    assert (told.state, told.reason, told.attempts) == (State.FAILED, "exit status 3", 1)
    assert (told.started_at, told.ended_at, told.exit_status) == (NOW + HOUR, NOW + 2 * HOUR, 3)
    assert told.settled_at == NOW + 2 * HOUR


def test_what_has_ended_does_not_end_again(agenda: AgendaStore) -> None:
    recall = add(agenda, once())
    begun = run(agenda, the_last(agenda, recall), NOW + HOUR)
    before = occurrences(agenda, recall), agenda.runs(the_last(agenda, recall).id)
    agenda.end(begun, FAILED, NOW + 3 * HOUR)
    agenda.end(begun, again(NOW + 5 * HOUR), NOW + 3 * HOUR)
    agenda.started(begun, 5, 5)
    assert (occurrences(agenda, recall), agenda.runs(the_last(agenda, recall).id)) == before


def test_what_is_known_to_have_failed_may_be_tried_again(agenda: AgendaStore) -> None:
    recall = add(agenda, once())
    occurrence = the_last(agenda, recall)
    for attempt in (1, 2):
        run(agenda, occurrence, NOW + attempt * HOUR, again(NOW + (attempt + 1) * HOUR))
        told = the_last(agenda, recall)
        assert (told.id, told.state, told.attempts) == (occurrence.id, State.PLANNED, attempt)
        assert (told.next_try_at, told.seen_at) == (NOW + (attempt + 1) * HOUR, NOW + attempt * HOUR + MINUTE)
        assert (told.holder, told.exit_status, told.reason) == (None, 3, "exit status 3")
        assert agenda.recall(recall.id).status is Status.PENDING
    run(agenda, occurrence, NOW + 3 * HOUR)
    told = the_last(agenda, recall)
    assert (told.state, told.attempts, told.exit_status, told.reason) == (State.DONE, 3, 0, None)
    assert [each.problem for each in agenda.runs(occurrence.id)] == ["exit status 3", "exit status 3", None]


def test_what_is_known_not_to_have_started_is_put_off(agenda: AgendaStore) -> None:
    recall = add(agenda, recurring())
    occurrence = the_last(agenda, recall)
    claim(agenda, occurrence, NOW + HOUR)
    agenda.release(occurrence.id, "another", "no", NOW + 2 * HOUR, NOW + HOUR)
    assert occurrences(agenda, recall)[0].state is State.CLAIMED
    agenda.release(occurrence.id, "me", "no claude here", NOW + HOUR + MINUTE, NOW + HOUR)
    told = occurrences(agenda, recall)[0]
    assert (told.state, told.holder, told.reason) == (State.PLANNED, None, "no claude here")
    assert (told.next_try_at, told.deferrals, told.attempts) == (NOW + HOUR + MINUTE, 1, 0)
    assert agenda.deferrals(occurrence.id) == [Deferral(NOW + HOUR, NOW + HOUR + MINUTE, "no claude here")]
    assert agenda.recall(recall.id).status is Status.PENDING
    assert claim(agenda, told, NOW + HOUR + MINUTE)
    assert states(agenda, recall) == [(1, State.CLAIMED), (2, State.PLANNED)]


# What somebody has left behind.


def left_behind(agenda: AgendaStore) -> tuple[Recall, Recall]:
    """One that was claimed, and one that ran."""
    claimed, running = add(agenda, recurring("a")), add(agenda, once("b"))
    agenda.see(NOW + HOUR, NOW + HOUR)
    claim(agenda, the_last(agenda, claimed), NOW + HOUR)
    begin(agenda, the_last(agenda, running), NOW + HOUR)
    return claimed, running


@pytest.mark.parametrize("alone", [False, True])
def test_what_was_claimed_is_planned_again_and_what_ran_has_failed(agenda: AgendaStore, alone: bool) -> None:
    claimed, running = left_behind(agenda)
    before = [occurrences(agenda, claimed)[0], the_last(agenda, running)]
    now = NOW + HOUR + (MINUTE if alone else LEASE)
    agenda.renew("me", [each.id for each in before], now + (MINUTE if alone else 0), now)
    assert agenda.recover("another", "lost", now, alone=alone) == before
    planned, failed = occurrences(agenda, claimed)[0], the_last(agenda, running)
    assert (planned.state, planned.seen_at, planned.holder) == (State.PLANNED, None, None)
    assert (planned.next_try_at, planned.attempts) == (NOW + HOUR, 0)
    assert agenda.recall(claimed.id).status is Status.PENDING
    assert (failed.state, failed.reason, failed.exit_status) == (State.FAILED, "lost", None)
    assert failed.settled_at == now
    assert failed.ended_at == pytest.approx(now, abs=1000), "as far as its lease goes"
    (run_left,) = agenda.runs(failed.id)
    assert run_left.problem == "lost"
    told = agenda.recall(running.id)
    assert (told.status, told.reason) == (Status.FAILED, "lost")
    assert agenda.recover("another", "lost", now, alone=True) == []


def test_what_is_our_own_or_still_leased_is_left_alone(agenda: AgendaStore) -> None:
    left_behind(agenda)
    held, now = {each.id for each in agenda.history(None, 9) if each.holder == "me"}, NOW + HOUR + MINUTE
    assert len(held) == 2
    assert agenda.recover("another", "lost", now, alone=False) == []
    assert agenda.recover("me", "lost", NOW + 9 * HOUR, alone=True) == []
    assert agenda.renew("me", held, NOW + 5 * HOUR, now) == held
    assert agenda.renew("another", held, now, now) == set()
    assert agenda.recover("another", "lost", now + MINUTE, alone=False) == []
    assert agenda.renew("me", held, now, now) == held
    assert {each.id for each in agenda.recover("another", "lost", now, alone=False)} == held
    assert agenda.renew("me", held, NOW + 5 * HOUR, now) == set(), "it is not its own any more"


def test_who_lost_it_cannot_go_on_with_it(agenda: AgendaStore) -> None:
    claimed, running = left_behind(agenda)
    ((_, under_way),) = agenda.under_way()
    agenda.recover("another", "lost", NOW + HOUR, alone=True)
    occurrence = occurrences(agenda, claimed)[0]
    assert agenda.begin(occurrence.id, "me", RUN, NOW + HOUR) is None
    agenda.release(occurrence.id, "me", "", NOW + 3 * HOUR, NOW + HOUR)
    assert occurrences(agenda, claimed)[0] == occurrence
    assert not agenda.end(under_way.id, DONE, NOW + HOUR)
    assert not agenda.end(under_way.id, DONE, NOW + HOUR, "me")
    assert the_last(agenda, running).state is State.FAILED


def test_what_somebody_else_runs_is_not_ours_to_end(agenda: AgendaStore) -> None:
    recall = add(agenda, once())
    begun = begin(agenda, the_last(agenda, recall), NOW + HOUR)
    agenda.started(begun, 4711, None, "another")
    assert not agenda.end(begun, DONE, NOW + HOUR, "another")
    (found,) = agenda.runs(the_last(agenda, recall).id)
    assert (found.pid, found.ended_at) == (None, None)
    agenda.started(begun, 4711, None, "me")
    assert agenda.end(begun, DONE, NOW + HOUR, "me")
    (found,) = agenda.runs(the_last(agenda, recall).id)
    assert (found.pid, the_last(agenda, recall).state) == (4711, State.DONE)


# Deciding.


def test_what_is_decided_on_together_happens_together(agenda: AgendaStore) -> None:
    recalls = [add(agenda, recurring(session)) for session in "abcd"]
    with agenda.deciding(NOW + HOUR, 3) as decisions:
        one, two, three = decisions.due
        assert [each.recall.id for each in decisions.due] == [each.id for each in recalls[:3]]
        assert decisions.claim(one, "me", LEASE, in_hours(2))
        assert not decisions.claim(one, "me", LEASE, in_hours(2)), "once"
        decisions.change(Settle(two.occurrence.id, State.MISSED, "so", following=in_hours(3)))
        decisions.cancel(three, "enough")
        decisions.cancel(three, "again")
    assert [states(agenda, each) for each in recalls] == [
        [(1, State.CLAIMED), (2, State.PLANNED)],
        [(1, State.MISSED), (3, State.PLANNED)],
        [(1, State.CANCELLED)],
        [(1, State.PLANNED)],
    ]
    assert agenda.recall(recalls[2].id).reason == "enough"
    assert [agenda.recall(each.id).status for each in recalls] == [
        Status.RUNNING,
        Status.PENDING,
        Status.CANCELLED,
        Status.PENDING,
    ]


def test_of_what_was_decided_nothing_happens_where_deciding_fails(agenda: AgendaStore) -> None:
    recall = add(agenda, recurring())

    def decide() -> None:
        with agenda.deciding(NOW + HOUR, 3) as decisions:
            assert decisions.claim(decisions.due[0], "me", LEASE, in_hours(2))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        decide()
    assert states(agenda, recall) == [(1, State.PLANNED)]


def test_only_what_an_agent_that_is_asked_for_is_to_do_is_due(agenda: AgendaStore) -> None:
    add(agenda, once("a", agent="claude"))
    other = add(agenda, once("b", NOW + 2 * HOUR, agent="codex"))
    now = NOW + 3 * HOUR
    with agenda.deciding(now, 5, ["codex", "gemini"]) as decisions:
        assert [each.recall.id for each in decisions.due] == [other.id]
    with agenda.deciding(now, 5, []) as decisions:
        assert not decisions.due
    assert agenda.next_try_at(0, ["codex"]) == NOW + 2 * HOUR
    assert agenda.next_try_at(0, ["gemini"]) is None
    assert agenda.next_try_at(0) == NOW + HOUR
    agenda.see(now, 0, ["codex"])
    assert [each.seen_at for each in agenda.history(None, 5)] == [None, now]
    assert agenda.waiting_for_others(["codex"], now) == {"claude": NOW + HOUR}
    assert agenda.waiting_for_others(["codex", "claude"], now) == {}
    assert agenda.waiting_for_others([], NOW) == {}


# What happened.


def test_history_is_the_newest_in_the_order_in_which_they_were_planned(agenda: AgendaStore) -> None:
    recall, other = add(agenda, recurring()), add(agenda, once("s2"))
    for hour in (1, 2, 3):
        run(agenda, the_last(agenda, recall), NOW + hour * HOUR)
    every = [each.id for each in agenda.history(None, 100)]
    assert every == sorted(every)
    assert len(every) == 5
    assert [each.recall for each in agenda.history(other.id, 100)] == [other.id]
    assert [each.id for each in agenda.history(None, 2)] == every[-2:]
    assert [each.id for each in agenda.history(None, 2, before=every[-2])] == every[-4:-2]
    assert [each.id for each in agenda.history(recall.id, 2, before=1 << 70)] == every[-2:]
    assert agenda.history(recall.id, 2, before=-(1 << 70)) == []


def test_an_agent_confirms_its_run_by_its_token(agenda: AgendaStore, tmp_path: Path) -> None:
    recall = add(agenda, once())
    occurrence = the_last(agenda, recall)
    begun = begin(agenda, occurrence, NOW + HOUR, NewRun("claude", "s1", TOKEN))
    assert agenda.confirm("another", NOW + HOUR) is None
    confirmed = agenda.confirm(TOKEN, NOW + HOUR + 5)
    assert confirmed is not None
    assert (confirmed.id, confirmed.confirmed_at) == (begun, NOW + HOUR + 5)
    assert agenda.confirm(TOKEN, NOW + HOUR + 9) == confirmed
    assert not any(TOKEN.encode() in path.read_bytes() for path in (tmp_path / "home").glob("memory.db*"))
    agenda.end(begun, DONE, NOW + 2 * HOUR)
    assert agenda.confirm(TOKEN, NOW + 2 * HOUR) is None


def test_what_was_confirmed_in_the_last_moment_is_done(agenda: AgendaStore) -> None:
    recall = add(agenda, once())
    begun = begin(agenda, the_last(agenda, recall), NOW + HOUR)
    agenda.confirm("token-1", NOW + HOUR)
    agenda.end(begun, Outcome(State.UNCONFIRMED, 0, "", "it did not say so"), NOW + HOUR)
    assert (the_last(agenda, recall).state, the_last(agenda, recall).reason) == (State.DONE, None)


def test_a_run_without_a_token_is_confirmed_by_nobody(agenda: AgendaStore) -> None:
    recall = add(agenda, once())
    begin(agenda, the_last(agenda, recall), NOW + HOUR, NewRun("claude", "s1"))
    assert agenda.confirm("", NOW) is None
    assert not agenda.under_way()[0][1].needs_confirmation


def test_what_an_agent_spent_are_the_runs_that_began_since_then(agenda: AgendaStore) -> None:
    for hours, minutes in ((1, 10), (2, 20), (3, None)):
        recall = add(agenda, once(f"s{hours}", NOW + hours * HOUR))
        begun = begin(agenda, the_last(agenda, recall), NOW + hours * HOUR)
        if minutes:
            agenda.end(begun, DONE, NOW + hours * HOUR + minutes * MINUTE)
    now = NOW + 3 * HOUR + 5 * MINUTE
    assert agenda.spent("claude", NOW + HOUR, now) == Spent(3, 35 * MINUTE)
    assert agenda.spent("claude", NOW + HOUR + 1, now) == Spent(2, 25 * MINUTE)
    assert agenda.spent("codex", NOW, now) == Spent()
    assert agenda.spent("claude", NOW, NOW) == Spent(3, 30 * MINUTE), (
        "a clock that went back takes nothing off"
    )
    assert agenda.oldest_run_since("claude", NOW) == NOW + HOUR
    assert agenda.oldest_run_since("claude", NOW + HOUR + 1) == NOW + 2 * HOUR
    assert agenda.oldest_run_since("codex", NOW) is None


def test_what_is_old_is_dropped_first_the_outputs_and_then_all_of_it(agenda: AgendaStore) -> None:
    recall = add(agenda, recurring())
    first = the_last(agenda, recall)
    agenda.settle([Defer(first.id, NOW + HOUR, "busy")], NOW + HOUR)
    run(agenda, first, NOW + HOUR)
    second = the_last(agenda, recall)
    run(agenda, second, NOW + 2 * HOUR)
    agenda.prune(NOW + HOUR + MINUTE, NOW)
    assert agenda.runs(first.id)[0].output == "all is well", "it ended at that very moment"
    agenda.prune(NOW + 2 * HOUR, NOW)
    assert [agenda.runs(each.id)[0].output for each in (first, second)] == ["", "all is well"]
    agenda.prune(NOW + 2 * HOUR, NOW + 2 * HOUR)
    assert states(agenda, recall) == [(2, State.DONE), (3, State.PLANNED)]
    assert (agenda.runs(first.id), agenda.deferrals(first.id)) == ([], [])
    agenda.prune(NOW + 99 * HOUR, NOW + 99 * HOUR)
    assert states(agenda, recall) == [(3, State.PLANNED)]
    assert agenda.recall(recall.id).status is Status.PENDING


def test_what_tells_that_a_later_time_has_been_is_kept(agenda: AgendaStore) -> None:
    recall = add(agenda, recurring())
    agenda.skip_next(recall.id, in_hours(2), "holiday", NOW)
    agenda.prune(NOW + MINUTE, NOW + MINUTE)
    assert states(agenda, recall) == [(1, State.SKIPPED), (2, State.PLANNED)]
