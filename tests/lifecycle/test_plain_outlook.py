"""What comes if nobody does anything, by plain values: whom it depends on, and how far it looks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iai_daemon.config import Lifecycle
from iai_daemon.lifecycle.decide import Allowed, Overdue, Standing
from iai_daemon.lifecycle.outlook import Outlook, look_ahead
from iai_daemon.lifecycle.states import State
from iai_daemon.presence.classify import Presence, Wrapper
from iai_daemon.units import NEVER
from tests.lifecycle.world import MINUTE, wrapper

NOW = 100_000.0
# Idle after 5 minutes, inactive after 30.
PLAN = Lifecycle()
AT_WORK = Standing(State.WAKE, NOW - 100, NOW - MINUTE)
QUIET = Standing(State.IDLE, NOW - 100, NOW - 20 * MINUTE)
NOTHING_DUE = Overdue()


def ahead(standing: Standing, *here: Wrapper, overdue: Overdue = NOTHING_DUE) -> Outlook:
    return look_ahead(standing, Presence(here), NOW, PLAN, overdue)


def test_what_stands_already_does_not_come() -> None:
    asleep = Standing(State.BEDTIME, NOW - 100, NOW - 60 * MINUTE, rule="inactive")
    found = ahead(asleep, wrapper(active=NOW - 60 * MINUTE))
    assert found == Outlook(None, NOW, "inactive", Allowed.SHARED)
    found = ahead(QUIET, wrapper(active=NOW - 20 * MINUTE))
    assert found == Outlook(None, NOW + 10 * MINUTE, "inactive", Allowed.SHARED)


def test_of_several_times_that_idle_comes_the_first_is_told() -> None:
    soon = Standing(State.WAKE, NOW - 100, NOW - 5 * MINUTE + 10)
    here = wrapper(active=NOW - 5 * MINUTE + 10), wrapper(settled=NOW + 20)
    found = ahead(soon, *here)
    assert found == Outlook(NOW + 10, NOW + 20 + 30 * MINUTE, "inactive", Allowed.SHARED)


def test_a_client_that_settles_now_begins_the_evening_anew() -> None:
    found = ahead(QUIET, wrapper(active=NOW - 20 * MINUTE), wrapper(settled=NOW + 2))
    assert found == Outlook(NOW + 2 + 5 * MINUTE, NOW + 2 + 30 * MINUTE, "inactive", Allowed.SHARED)


def test_who_settled_last_counts_though_he_did_nothing_yet() -> None:
    worked = wrapper(active=NOW - 4 * MINUTE, settled=NOW - 90 * MINUTE)
    opened = wrapper(settled=NOW - MINUTE)
    for here in ((worked, opened), (opened, worked)):
        assert ahead(AT_WORK, *here).idle_at == NOW + 4 * MINUTE
    later = Standing(State.WAKE, NOW - 100, NOW - 4 * MINUTE)
    for here in ((worked, opened), (opened, worked)):
        assert ahead(later, *here).bedtime_at == NOW + 29 * MINUTE


def test_who_did_something_last_counts_whoever_is_named_before_him() -> None:
    remembered = Standing(State.WAKE, NOW - 100, NOW - 4 * MINUTE)
    early, late, never = wrapper(active=NOW - 4 * MINUTE), wrapper(active=NOW - MINUTE), wrapper()
    for here in ((early, late, never), (never, early, late), (late, never, early)):
        found = ahead(remembered, *here)
        assert (found.idle_at, found.bedtime_at) == (NOW + 4 * MINUTE, NOW + 29 * MINUTE)


def test_who_is_too_old_to_say_what_he_does_stays_at_work() -> None:
    assert ahead(AT_WORK, wrapper(active=NOW - MINUTE), wrapper(legacy=True)) == Outlook()
    assert ahead(AT_WORK, wrapper(legacy=True), wrapper(legacy=True)) == Outlook()


def test_a_wrapper_whose_heartbeat_is_not_known_counts_by_its_times() -> None:
    unknown = replace(wrapper(active=NOW - MINUTE), beat=None)
    found = ahead(AT_WORK, unknown)
    assert (found.idle_at, found.bedtime_at) == (NOW + 4 * MINUTE, NOW + 29 * MINUTE)


def test_whoever_is_here_stays_though_his_heartbeat_would_be_stale_by_then() -> None:
    here = wrapper(active=NOW - MINUTE, stale_at=NOW + 10)
    assert ahead(AT_WORK, here).rule == "inactive"
    for elsewhere in (wrapper(active=NOW - MINUTE, stale_at=NOW + 10), wrapper(settled=NOW + 5)):
        found = look_ahead(AT_WORK, Presence((), elsewhere=(elsewhere,)), NOW, PLAN, NOTHING_DUE)
        assert found.rule == "inactive"


@pytest.mark.parametrize(("out_of_sight", "allowed"), [(False, Allowed.SHARED), (True, Allowed.NONE)])
def test_while_other_hosts_cannot_be_seen_no_pass_may_run(out_of_sight: bool, allowed: Allowed) -> None:
    here = Presence((wrapper(active=NOW - MINUTE),), out_of_sight=out_of_sight)
    assert look_ahead(AT_WORK, here, NOW, PLAN, NOTHING_DUE).allowed is allowed


@pytest.mark.parametrize(
    ("others", "allowed"),
    [
        ((), Allowed.SHARED),
        ((wrapper(active=NOW, headless=True),), Allowed.NONE),
        ((wrapper(headless=True), wrapper(headless=True)), Allowed.NONE),
    ],
)
def test_an_agent_that_was_woken_holds_the_passes_up(others: tuple[Wrapper, ...], allowed: Allowed) -> None:
    found = ahead(AT_WORK, wrapper(active=NOW - MINUTE), *others)
    assert (found.idle_at, found.rule, found.allowed) == (NOW + 4 * MINUTE, "inactive", allowed)


def test_a_night_that_is_overdue_comes_as_soon_as_it_is_idle() -> None:
    here = wrapper(active=NOW - MINUTE)
    at_idle = Outlook(None, NOW + 4 * MINUTE, "overdue", Allowed.SHARED)
    for overdue in (Overdue(now=True), Overdue(now=True, in_seconds=0.0), Overdue(now=True, in_seconds=1e6)):
        assert ahead(AT_WORK, here, overdue=overdue) == at_idle
    later = ahead(AT_WORK, here, overdue=Overdue(in_seconds=600.0))
    assert later == Outlook(NOW + 4 * MINUTE, NOW + 600, "overdue", Allowed.SHARED)
    assert ahead(AT_WORK, here, overdue=Overdue(in_seconds=10.0)) == at_idle
    found = ahead(AT_WORK, here, overdue=Overdue(in_seconds=600.4))
    assert found.bedtime_at == pytest.approx(NOW + 600.4, abs=0.001)


def test_so_many_thresholds_are_looked_at_and_no_more() -> None:
    """The first look, one for each client that settles, one when it is idle, one when it is bedtime: 32 in all."""
    here = [wrapper(settled=NOW + number, stale_at=NOW + 100 + number) for number in range(1, 31)]
    evening = Outlook(NOW + 29 + 5 * MINUTE, NOW + 29 + 30 * MINUTE, "inactive", Allowed.SHARED)
    assert ahead(AT_WORK, *here[:29]) == evening
    assert ahead(AT_WORK, *here) == Outlook(NOW + 30 + 5 * MINUTE)
    elsewhere = Presence((), elsewhere=tuple(here[:29]))
    assert look_ahead(AT_WORK, elsewhere, NOW, PLAN, NOTHING_DUE) == evening


def test_nothing_is_told_of_what_never_comes() -> None:
    never = Lifecycle(idle_after=NEVER, inactive_for=NEVER)
    found = look_ahead(AT_WORK, Presence((wrapper(active=NOW),)), NOW, never, NOTHING_DUE)
    assert found == Outlook(None, None, None, Allowed.NONE)
