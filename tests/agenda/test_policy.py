"""What is to become of an occurrence whose time has come."""

from __future__ import annotations

import pytest

from iai_daemon.agenda.policy import LATE, Do, Obstacle, Rules, Situation, judge
from iai_daemon.agenda.recall import CallType, CatchUp, Overlap, Policy
from iai_daemon.agenda.schedule.triggers import Passed
from tests.agenda.plans import DAY, HOUR, MINUTE, NOON, occurrence, recall

RULES = Rules()
BUSY = Obstacle("its session is at work in claude-code")
ALL = recall(policy=Policy(catch_up=CatchUp.ALL))
SKIP = recall(policy=Policy(catch_up=CatchUp.SKIP))
ONCE = recall(call_type=CallType.ONCE)


def test_what_is_due_runs() -> None:
    assert judge(occurrence(), recall(), Situation(NOON), RULES).do is Do.RUN


def test_a_busy_session_puts_it_off_by_a_minute_and_says_why() -> None:
    verdict = judge(occurrence(), recall(), Situation(NOON + 5, obstacle=BUSY), RULES)
    assert (verdict.do, verdict.until, verdict.reason) == (Do.DEFER, NOON + 5 + MINUTE, BUSY.reason)


def test_an_obstacle_that_knows_its_end_puts_it_off_until_then() -> None:
    verdict = judge(occurrence(), recall(), Situation(NOON, obstacle=Obstacle("full", NOON + HOUR)), RULES)
    assert (verdict.do, verdict.until) == (Do.DEFER, NOON + HOUR)


def test_a_closed_session_cancels_it() -> None:
    verdict = judge(occurrence(), recall(), Situation(NOON, closed=True, obstacle=BUSY), RULES)
    assert verdict.do is Do.CANCEL
    assert "closed" in verdict.reason


def test_a_paused_recall_skips_what_is_due_and_all_that_is_past() -> None:
    verdict = judge(occurrence(), recall(paused_at=NOON - DAY), Situation(NOON + HOUR), RULES)
    assert (verdict.do, verdict.until) == (Do.SKIP, NOON + HOUR)


def test_what_somebody_wants_now_runs_also_while_the_recall_is_paused() -> None:
    extra = occurrence(extra=True)
    assert judge(extra, recall(paused_at=NOON - DAY), Situation(NOON), RULES).do is Do.RUN


def test_an_expired_recall_is_missed() -> None:
    assert judge(occurrence(), recall(expires_at=NOON), Situation(NOON), RULES).do is Do.RUN
    verdict = judge(occurrence(), recall(expires_at=NOON), Situation(NOON + 1), RULES)
    assert verdict.do is Do.MISS
    assert "expired" in verdict.reason


@pytest.mark.parametrize("kept", [recall(), ONCE, ALL])
def test_what_was_late_by_a_downtime_is_made_up_for_within_the_window(kept: object) -> None:
    late = occurrence(NOON, seen_at=None)
    assert judge(late, kept, Situation(NOON + DAY), RULES).do is Do.RUN  # type: ignore[arg-type]
    verdict = judge(late, kept, Situation(NOON + DAY + 1), RULES)  # type: ignore[arg-type]
    assert verdict.do is Do.MISS
    assert verdict.reason.startswith("nothing ran at its time, 24 h ago")


def test_under_skip_nothing_is_made_up_for() -> None:
    late = occurrence(NOON, seen_at=None)
    assert judge(late, SKIP, Situation(NOON + LATE), RULES).do is Do.RUN
    assert judge(late, SKIP, Situation(NOON + LATE + 1), RULES).do is Do.MISS


def test_what_waited_for_a_free_agent_was_not_late() -> None:
    waiting = occurrence(NOON, seen_at=NOON)
    assert judge(waiting, SKIP, Situation(NOON + 2 * HOUR), RULES).do is Do.RUN


def test_under_skip_it_is_missed_after_the_longest_deferral_and_says_how_often_it_was_put_off() -> None:
    deferred = occurrence(deferrals=360, reason=BUSY.reason)
    seen = Situation(NOON + 6 * HOUR - 1, obstacle=BUSY)
    assert judge(deferred, SKIP, seen, RULES).do is Do.DEFER
    verdict = judge(deferred, SKIP, Situation(NOON + 6 * HOUR, obstacle=BUSY), RULES)
    assert verdict.do is Do.MISS
    assert verdict.reason == f"it was put off 360 times, since 6 h ago: {BUSY.reason}"


def test_under_once_it_is_made_up_for_after_the_longest_deferral_as_long_as_the_window_lasts() -> None:
    deferred = occurrence(deferrals=360, reason=BUSY.reason)
    assert judge(deferred, ONCE, Situation(NOON + 7 * HOUR, obstacle=BUSY), RULES).do is Do.DEFER
    assert judge(deferred, ONCE, Situation(NOON + 7 * HOUR), RULES).do is Do.RUN
    assert judge(deferred, ONCE, Situation(NOON + DAY + 1, obstacle=BUSY), RULES).do is Do.MISS


def test_a_later_occurrence_takes_its_place_unless_each_is_to_be_made_up_for() -> None:
    seen = Situation(NOON + HOUR, passed=Passed(NOON + HOUR, 1, exact=True))
    assert judge(occurrence(), recall(), seen, RULES).do is Do.SUPERSEDE
    assert judge(occurrence(), SKIP, seen, RULES).do is Do.SUPERSEDE
    assert judge(occurrence(), ALL, seen, RULES).do is Do.RUN


def test_what_each_is_made_up_for_is_missed_in_one_piece_where_it_is_too_old() -> None:
    seen = Situation(NOON + 3 * DAY, passed=Passed(NOON + 3 * DAY, 72, exact=True))
    verdict = judge(occurrence(seen_at=None), ALL, seen, RULES)
    assert (verdict.do, verdict.until) == (Do.MISS, NOON + 2 * DAY)


@pytest.mark.parametrize(
    ("overlap", "do"), [(Overlap.SKIP, Do.SKIP), (Overlap.QUEUE, Do.DEFER), (Overlap.ALLOW, Do.RUN)]
)
def test_the_run_before_it_still_runs(overlap: Overlap, do: Do) -> None:
    seen = Situation(NOON, running_since=NOON - HOUR)
    assert judge(occurrence(), recall(policy=Policy(overlap=overlap)), seen, RULES).do is do


def test_what_is_made_up_for_is_no_overlap() -> None:
    seen = Situation(NOON + 3 * HOUR, running_since=NOON + 2 * HOUR)
    assert judge(occurrence(), ALL, seen, RULES).do is Do.DEFER


def test_a_recall_may_say_otherwise_than_the_settings() -> None:
    own = recall(policy=Policy(max_defer=MINUTE, catch_up_window=2 * MINUTE, catch_up=CatchUp.SKIP))
    assert judge(occurrence(), own, Situation(NOON + MINUTE, obstacle=BUSY), RULES).do is Do.MISS
    endless = Rules(max_defer=None, catch_up_window=None)
    old = occurrence(NOON - 300 * DAY, seen_at=None)
    assert judge(old, ONCE, Situation(NOON), endless).do is Do.RUN


def test_an_obstacle_without_end_ends_with_the_window() -> None:
    seen = Situation(NOON + DAY + 1, obstacle=Obstacle("there is no [agents.a] in the settings"))
    deferred = occurrence(deferrals=9, reason="there is no [agents.a] in the settings")
    verdict = judge(deferred, ONCE, seen, RULES)
    assert verdict.do is Do.MISS
    assert "no [agents.a]" in verdict.reason


def test_what_has_expired_takes_all_with_it_that_was_planned_until_now() -> None:
    assert judge(occurrence(), recall(expires_at=NOON), Situation(NOON + 9), RULES).until == NOON + 9


def test_the_longest_deferral_counts_from_when_it_was_first_seen_to_be_due() -> None:
    seen_late = occurrence(NOON - HOUR, seen_at=NOON)
    seen = Situation(NOON + 6 * HOUR - 1, obstacle=BUSY)
    assert judge(seen_late, SKIP, seen, RULES).do is Do.DEFER
    assert judge(seen_late, SKIP, Situation(NOON + 6 * HOUR, obstacle=BUSY), RULES).do is Do.MISS


def test_without_a_window_everything_is_made_up_for_since_the_beginning_of_time() -> None:
    assert Rules(catch_up_window=None).oldest(recall(), NOON) == 0
    assert Rules().oldest(recall(policy=Policy(catch_up_window=HOUR)), NOON) == NOON - HOUR
