"""Each rule in plain words, at its threshold and one second past it."""

from __future__ import annotations

import pytest

from iai_daemon.config import Lifecycle
from iai_daemon.lifecycle.decide import Allowed, Overdue
from iai_daemon.lifecycle.states import State
from iai_daemon.presence.classify import Status
from iai_daemon.units import NEVER
from tests.lifecycle.world import DAY, HOUR, MINUTE, Life, wrapper

STRICT = Lifecycle(inactive_for=NEVER, overdue_after=NEVER, absent_for=0.0)
DUE = Overdue(now=True, in_seconds=0.0)


# --- settled, and clients that only probe


@pytest.mark.parametrize("state", State)
def test_a_new_wrapper_that_has_settled_wakes_from_every_state(state: State) -> None:
    life = Life(state, last_active=-DAY)
    decision = life.look(100, wrapper(settled=102))
    assert decision.standing.state is not State.WAKE
    assert decision.next_at == 102
    assert life.look(101.999, wrapper(settled=102)).standing.state is not State.WAKE
    assert life.sees(102, wrapper(settled=102)) == ("WAKE", "settled")
    assert life.standing.reason == "a new wrapper has settled, 1 wrapper open"
    assert life.sees(103, wrapper(settled=102)) == ("WAKE", "settled")


def test_settling_counts_as_one_activity_at_that_moment() -> None:
    life = Life(State.BEDTIME, last_active=-DAY)
    assert life.sees(102, wrapper(settled=102)) == ("WAKE", "settled")
    assert life.sees(401.999, wrapper(settled=102)) == ("WAKE", "settled")
    assert life.sees(402, wrapper(settled=102)) == ("IDLE", "idle")


@pytest.mark.parametrize("state", [State.IDLE, State.BEDTIME])
def test_a_probe_twin_that_dies_within_a_second_never_wakes(state: State) -> None:
    life = Life(state, last_active=-DAY)
    life.look(0)
    for at in (100.0, 100.5, 100.999):
        life.look(at, wrapper(settled=102))
        assert life.standing.state is state
    for at in (101, 102, 103, 220.9):
        life.look(at)
        assert life.standing.state is state
    assert life.sees(221) == ("BEDTIME", "absent")


def test_a_probe_twin_ends_no_night_but_while_it_is_here_nobody_is_absent() -> None:
    life = Life(State.BEDTIME, last_active=-DAY)
    life.look(0)
    assert life.look(120).allowed is Allowed.ALL
    assert life.look(200, wrapper(settled=202)).allowed is Allowed.NONE
    assert life.sees(200.5, wrapper(settled=202)) == ("BEDTIME", "absent")
    assert life.standing.reason == "a wrapper has just started, 1 wrapper open, absent before"
    assert life.sees(201) == ("BEDTIME", "absent")
    assert life.standing.reason == "no wrapper is open, absent before"
    assert life.look(201).allowed is Allowed.SHARED
    assert life.look(321).allowed is Allowed.ALL


def test_a_client_that_works_before_it_has_settled_is_here() -> None:
    life = Life(State.BEDTIME, last_active=-DAY)
    assert life.sees(100, wrapper(settled=102, active=100)) == ("WAKE", "active")


# --- active and idle


@pytest.mark.parametrize("state", State)
def test_any_activity_from_any_state_means_wake_at_once(state: State) -> None:
    life = Life(state, last_active=-DAY)
    assert life.sees(100, wrapper(active=100)) == ("WAKE", "active")
    assert life.standing.reason == "someone was active 0 s ago, 1 wrapper open"


def test_wake_becomes_idle_when_nobody_has_been_active_for_idle_after() -> None:
    life = Life()
    assert life.sees(299.999, wrapper(active=0)) == ("WAKE", "active")
    decision = life.look(0, wrapper(active=0))
    assert decision.next_at == 300
    assert life.sees(300, wrapper(active=0)) == ("IDLE", "idle")
    assert life.standing.reason == "nobody active for 5 min (limit 5 min), 1 wrapper open"
    assert life.sees(301, wrapper(active=0)) == ("IDLE", "idle")


def test_one_who_works_keeps_everybody_awake() -> None:
    life = Life()
    others = [wrapper() for _ in range(9)]
    assert life.sees(1000, *others, wrapper(active=701)) == ("WAKE", "active")
    assert life.standing.reason == "someone was active 5 min ago, 10 wrappers open"
    assert life.sees(1001, *others, wrapper(active=701)) == ("IDLE", "idle")


def test_whoever_has_left_keeps_wake_up_as_if_he_were_still_here_but_does_not_bring_it_back() -> None:
    life = Life()
    life.look(0, wrapper(), wrapper(active=0))
    assert life.sees(299, wrapper()) == ("WAKE", "active")
    assert life.sees(300, wrapper()) == ("IDLE", "idle")
    life = Life(State.IDLE)
    assert life.sees(100, wrapper()) == ("IDLE", "idle")


@pytest.mark.parametrize("state", State)
def test_a_call_in_flight_means_wake_however_long_it_takes(state: State) -> None:
    life = Life(state, last_active=-DAY)
    for minute in range(40):
        at = minute * MINUTE
        assert life.sees(at, wrapper(active=at, in_flight=1)) == ("WAKE", "active")
    answered = 39 * MINUTE
    assert life.sees(answered + 299, wrapper(active=0)) == ("WAKE", "active")
    assert life.sees(answered + 300, wrapper(active=0)) == ("IDLE", "idle")


def test_what_is_not_present_is_not_at_work() -> None:
    life = Life(State.IDLE, last_active=-DAY)
    for status in (Status.STALE, Status.ORPHAN, Status.INVALID):
        assert life.sees(100, wrapper(active=100, status=status)) == ("IDLE", "nobody")


# --- nobody and absent


def test_when_the_last_wrapper_leaves_it_is_idle_at_once() -> None:
    life = Life()
    life.look(10, wrapper(active=10))
    decision = life.look(11)
    assert (decision.standing.state, decision.standing.rule) == (State.IDLE, "nobody")
    assert decision.standing.reason == "no wrapper is open"
    assert decision.next_at == 131


def test_it_is_bedtime_when_every_wrapper_has_been_gone_for_absent_for() -> None:
    life = Life()
    gone = [wrapper(status=Status.STALE), wrapper(status=Status.ORPHAN)]
    life.look(11, *gone)
    assert life.sees(130.999, *gone) == ("IDLE", "nobody")
    decision = life.look(131, *gone)
    assert (decision.standing.state, decision.standing.rule) == (State.BEDTIME, "absent")
    assert decision.standing.reason == "no wrapper open for 2 min (limit 2 min)"
    assert decision.allowed is Allowed.ALL
    assert decision.figures["absent_seconds"] == 120
    assert decision.figures["limit_seconds"] == 120
    assert (decision.figures["stale"], decision.figures["orphan"], decision.figures["fresh"]) == (1, 1, 0)
    assert life.sees(132, *gone) == ("BEDTIME", "absent")


def test_a_wrapper_that_shows_itself_starts_absence_anew() -> None:
    life = Life()
    life.look(0)
    life.look(100, wrapper())
    life.look(101)
    assert life.sees(220) == ("IDLE", "nobody")
    assert life.sees(221) == ("BEDTIME", "absent")


def test_passes_that_need_the_store_alone_run_only_when_everybody_is_absent() -> None:
    life = Life(State.BEDTIME, last_active=-DAY)
    assert life.look(0, wrapper()).allowed is Allowed.SHARED
    assert life.look(1).allowed is Allowed.SHARED
    assert life.look(121).allowed is Allowed.ALL
    assert life.look(122, wrapper()).allowed is Allowed.SHARED
    assert life.look(123, wrapper(active=123)).allowed is Allowed.NONE


def test_the_last_client_closing_during_a_night_does_not_end_it() -> None:
    life = Life(State.BEDTIME, last_active=-DAY)
    assert life.sees(0, wrapper()) == ("BEDTIME", "inactive")
    assert life.sees(1) == ("BEDTIME", "inactive")
    assert life.sees(120.999) == ("BEDTIME", "inactive")
    assert life.sees(121) == ("BEDTIME", "absent")


# --- inactive


def test_ten_clients_that_are_never_closed_have_their_night_by_the_inactive_rule() -> None:
    life = Life()
    clients = [wrapper() for _ in range(10)]
    life.look(300, *clients)
    assert life.sees(1799.999, *clients) == ("IDLE", "idle")
    decision = life.look(1800, *clients)
    assert (decision.standing.state, decision.standing.rule) == (State.BEDTIME, "inactive")
    assert decision.standing.reason == "nobody active for 30 min (limit 30 min), 10 wrappers open"
    assert decision.allowed is Allowed.SHARED
    assert decision.next_at == NEVER
    assert life.sees(1801, *clients) == ("BEDTIME", "inactive")
    assert life.sees(DAY, *clients) == ("BEDTIME", "inactive")


# --- overdue


def test_a_night_that_is_overdue_comes_in_idle_and_not_while_somebody_is_active() -> None:
    life = Life()
    assert life.sees(299, wrapper(active=0), overdue=DUE) == ("WAKE", "active")
    assert life.sees(300, wrapper(active=0), overdue=DUE) == ("BEDTIME", "overdue")
    assert life.standing.reason == "no night has completed for 2 d and something is due, 1 wrapper open"
    assert life.sees(301, wrapper(active=301), overdue=DUE) == ("WAKE", "active")


def test_it_comes_at_the_moment_it_falls_due() -> None:
    life = Life()
    decision = life.look(400, wrapper(active=0), overdue=Overdue(now=False, in_seconds=50))
    assert (decision.standing.rule, decision.next_at) == ("idle", 450)
    assert life.sees(450, wrapper(active=0), overdue=DUE) == ("BEDTIME", "overdue")


def test_when_the_overdue_night_has_completed_the_day_goes_on() -> None:
    life = Life()
    assert life.sees(300, wrapper(active=0), overdue=DUE) == ("BEDTIME", "overdue")
    assert life.sees(400, wrapper(active=0)) == ("IDLE", "idle")


def test_wrappers_too_old_to_report_activity_do_not_hold_an_overdue_night_up() -> None:
    life = Life()
    assert life.sees(DAY, wrapper(legacy=True)) == ("WAKE", "active")
    assert life.sees(2 * DAY, wrapper(legacy=True), overdue=DUE) == ("BEDTIME", "overdue")
    assert life.sees(2 * DAY + 1, wrapper(legacy=True), wrapper(active=2 * DAY), overdue=DUE) == (
        "WAKE",
        "active",
    )
    assert life.sees(2 * DAY + HOUR, wrapper(legacy=True)) == ("WAKE", "active")


def test_an_overdue_night_does_not_wait_for_an_absence_that_never_counts() -> None:
    life = Life(settings=Lifecycle(absent_for=NEVER))
    assert life.sees(10) == ("IDLE", "nobody")
    assert life.sees(DAY, overdue=DUE) == ("BEDTIME", "overdue")


# --- older wrappers


def test_a_wrapper_too_old_to_report_activity_counts_as_active_while_it_is_open() -> None:
    life = Life(State.BEDTIME, last_active=-DAY)
    assert life.sees(DAY, wrapper(legacy=True)) == ("WAKE", "active")
    assert life.standing.reason == "1 wrapper open, 1 too old to report activity, so being open counts"


def test_when_it_closes_the_timers_of_those_who_stay_begin_then() -> None:
    life = Life()
    life.look(3 * HOUR, wrapper(), wrapper(legacy=True))
    assert life.sees(3 * HOUR + 299, wrapper()) == ("WAKE", "active")
    assert life.sees(3 * HOUR + 300, wrapper()) == ("IDLE", "idle")
    assert life.sees(3 * HOUR + 1799, wrapper()) == ("IDLE", "idle")
    assert life.sees(3 * HOUR + 1800, wrapper()) == ("BEDTIME", "inactive")


@pytest.mark.parametrize("rule", ["idle", "inactive", "absent"])
def test_a_threshold_has_passed_at_the_very_moment_that_was_foretold(rule: str) -> None:
    """In binary fractions 0.1 + 0.2 - 0.1 is not 0.2: a moment's difference would wait for the next tick."""
    settings = Lifecycle(
        idle_after=299.9, inactive_for=299.9 if rule == "inactive" else NEVER, absent_for=299.9
    )
    for tenth in range(100):
        begun = 100_000 + tenth / 10
        life = Life(last_active=begun, settings=settings)
        here = () if rule == "absent" else (wrapper(active=begun),)
        decision = life.look(begun, *here)
        assert life.look(decision.next_at, *here).standing.rule == rule


# --- asked


def test_asked_to_sleep_what_was_done_before_no_longer_counts() -> None:
    life = Life()
    life.look(10, wrapper(active=10))
    life.ask(State.BEDTIME, at=11)
    assert life.sees(11, wrapper(active=11)) == ("BEDTIME", "asked")
    assert life.standing.reason == "asked to sleep until someone is active"
    assert life.look(12, wrapper(active=10)).allowed is Allowed.SHARED
    assert life.sees(DAY, wrapper(active=10)) == ("BEDTIME", "asked")


@pytest.mark.parametrize("deed", [wrapper(active=20), wrapper(active=20, in_flight=1), wrapper(settled=20)])
def test_sleep_ends_at_the_next_activity_for_good(deed: object) -> None:
    life = Life()
    life.ask(State.BEDTIME, at=11)
    life.look(11, wrapper(active=10))
    assert life.look(20, deed).standing.state is State.WAKE  # type: ignore[arg-type]
    assert life.standing.asked is None
    assert life.sees(320, wrapper(active=20)) == ("IDLE", "idle")


def test_sleep_for_a_time_ends_after_it_and_the_ordinary_rules_hold_again() -> None:
    life = Life()
    life.ask(State.BEDTIME, at=11, until=611)
    decision = life.look(11, wrapper(active=10))
    assert decision.next_at == 300  # nothing comes of it: what was done before does not count
    assert decision.standing.reason == "asked to sleep for 10 min more"
    assert life.sees(610.999, wrapper(active=10)) == ("BEDTIME", "asked")
    assert life.sees(611, wrapper(active=10)) == ("IDLE", "idle")
    assert life.standing.asked is None


def test_what_was_done_before_a_short_sleep_does_not_count_after_it_either() -> None:
    life = Life()
    life.ask(State.BEDTIME, at=11, until=71)
    assert life.sees(11, wrapper(active=10)) == ("BEDTIME", "asked")
    assert life.sees(71, wrapper(active=10)) == ("IDLE", "idle")
    assert life.standing.reason == "nobody here is active, 1 wrapper open"
    assert life.sees(72, wrapper(active=72)) == ("WAKE", "active")


def test_sleep_holds_when_everybody_leaves() -> None:
    life = Life()
    life.ask(State.BEDTIME, at=11)
    life.look(11, wrapper(active=10))
    assert life.sees(12) == ("BEDTIME", "asked")
    assert life.sees(DAY) == ("BEDTIME", "asked")


@pytest.mark.parametrize("state", State)
def test_asked_to_wake_it_holds_wake_whoever_is_there(state: State) -> None:
    life = Life(state, last_active=-DAY)
    life.ask(State.WAKE, at=0, until=2 * HOUR)
    assert life.sees(0) == ("WAKE", "asked")
    assert life.standing.reason == "asked to stay awake for 2 h more"
    assert life.sees(HOUR, wrapper(), overdue=DUE) == ("WAKE", "asked")
    assert life.sees(2 * HOUR - 1, wrapper()) == ("WAKE", "asked")
    assert life.sees(2 * HOUR, wrapper()) == ("BEDTIME", "inactive")


def test_the_newer_wish_holds() -> None:
    life = Life()
    life.ask(State.WAKE, at=0, until=HOUR)
    life.look(0)
    life.ask(State.BEDTIME, at=1)
    assert life.sees(1) == ("BEDTIME", "asked")


# --- strict


def test_under_the_strict_settings_nothing_runs_until_every_wrapper_is_stale_or_orphaned() -> None:
    life = Life(settings=STRICT)
    for at in (0, HOUR, DAY, 30 * DAY):
        decision = life.look(at, wrapper(), wrapper(status=Status.STALE))
        assert decision.standing.state in (State.WAKE, State.IDLE)
    assert decision.standing.state is State.IDLE
    decision = life.look(30 * DAY + 1, wrapper(status=Status.ORPHAN), wrapper(status=Status.STALE))
    assert (decision.standing.state, decision.standing.rule) == (State.BEDTIME, "absent")
    assert decision.allowed is Allowed.ALL
    assert life.sees(30 * DAY + 2, wrapper()) == ("IDLE", "idle")


def test_strictly_not_even_a_wrapper_that_has_not_settled_yet_is_nobody() -> None:
    life = Life(State.BEDTIME, last_active=-DAY, settings=STRICT)
    assert life.look(0).allowed is Allowed.ALL
    assert life.look(1, wrapper(settled=3)).allowed is Allowed.NONE
    assert life.look(2).allowed is Allowed.ALL


# --- agents that we woke


def test_an_agent_that_we_woke_holds_a_night_up_and_moves_no_timer_of_the_user() -> None:
    life = Life()
    user, agent = wrapper(active=0), wrapper(active=1000, settled=902, headless=True)
    assert life.sees(1000, user, agent) == ("IDLE", "idle")
    decision = life.look(1800, user, agent)
    assert (decision.standing.state, decision.standing.rule) == (State.BEDTIME, "inactive")
    assert decision.allowed is Allowed.NONE
    assert decision.standing.reason == (
        "nobody active for 30 min (limit 30 min), 1 wrapper open, held up while an agent that we woke is at work"
    )
    assert life.look(1801, user).allowed is Allowed.SHARED


@pytest.mark.parametrize("state", [State.IDLE, State.BEDTIME])
def test_an_agent_that_we_woke_wakes_nobody_even_while_it_calls(state: State) -> None:
    life = Life(state, last_active=-DAY)
    life.look(0)
    agents = [wrapper(active=at, settled=2, in_flight=1, headless=True) for at in (1, 2)]
    assert life.look(2, *agents).standing.state is state
    decision = life.look(120, *agents)
    assert (decision.standing.rule, decision.allowed) == ("absent", Allowed.NONE)
    assert decision.standing.reason.endswith("held up while 2 agents that we woke are at work")
    assert life.look(121).allowed is Allowed.ALL


# --- what is said


def test_a_decision_carries_the_figures_behind_it() -> None:
    life = Life()
    here = [wrapper(), wrapper(), wrapper(), wrapper(status=Status.STALE), wrapper(status=Status.INVALID)]
    decision = life.look(31 * MINUTE, *here)
    assert decision.standing.reason == "nobody active for 31 min (limit 30 min), 3 wrappers open"
    assert decision.figures == {
        "fresh": 3, "stale": 1, "orphan": 0, "invalid": 1, "quiet_seconds": 1860, "limit_seconds": 1800
    }  # fmt: skip


def test_a_transition_is_told_once() -> None:
    life = Life()
    assert life.look(300, wrapper()).changed
    again = life.look(301, wrapper())
    assert not again.changed
    assert again.standing.since == 300
