"""What is told to come if nobody does anything, held against a lifecycle that really goes on so, looked at whenever one likes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from iai_daemon.config import Lifecycle
from iai_daemon.lifecycle.decide import Allowed, Asked, Decision, Overdue, Standing, decide
from iai_daemon.lifecycle.outlook import Outlook, look_ahead
from iai_daemon.lifecycle.states import State
from iai_daemon.presence.classify import Presence, Wrapper
from iai_daemon.units import NEVER
from tests.lifecycle.test_properties import NOW, future, past, settings, standings
from tests.lifecycle.world import MINUTE, wrapper

# Nothing lies farther ahead by the settings that are drawn here.
FAR = 50_000.0

# Whole milliseconds: what is smaller is rounded away.
due = some.integers(0, round(FAR * 1000)).map(lambda number: number / 1000) | some.just(NEVER)
wrappers = some.lists(
    some.builds(
        wrapper,
        active=some.none() | past,
        settled=past | future,
        stale_at=future,
        legacy=some.booleans(),
        headless=some.booleans(),
    ),
    max_size=6,
).map(tuple)
looks = some.lists(some.floats(0.001, FAR), max_size=20).map(sorted)


def goes_on(
    standing: Standing,
    here: Sequence[Wrapper],
    looks: Sequence[float],
    end: float,
    plan: Lifecycle,
    due_in: float,
) -> Iterator[tuple[float, Standing, Decision]]:
    """What becomes of it until `end`, looked at when a threshold falls due and at these times after NOW, too, if everybody stays
    and nobody does anything: when, how it stood before, and what was decided."""
    staying = Presence(tuple(replace(each, stale_at=NEVER) for each in here))
    at, others = NOW, [NOW + each for each in looks if NOW + each < end - 0.001]
    while True:
        left = max(0.0, round(due_in - (at - NOW), 6)) if due_in < NEVER else NEVER
        overdue = Overdue(left == 0, left)
        decision = decide(standing, staying, at, plan, overdue)
        yield at, standing, decision
        if at >= end:
            return
        standing = decision.standing
        at = min(end, decision.next_at, *(each for each in others if each > at))


@given(standings, wrappers, settings, due, looks)
def test_what_is_told_to_come_comes_then_and_not_before(
    standing: Standing, here: tuple[Wrapper, ...], plan: Lifecycle, due_in: float, later: list[float]
) -> None:
    ahead = look_ahead(standing, Presence(here), NOW, plan, Overdue(due_in <= 0, due_in))
    end = NOW + FAR * 4 if ahead.bedtime_at is None else ahead.bedtime_at
    *steps, (_, _, last) = goes_on(standing, here, later, end, plan, due_in)
    # Sums of seconds may differ in their last bit.
    before = [step for step in steps if step[0] < end - 1e-6]
    assert State.BEDTIME not in {decision.standing.state for _, _, decision in before}
    if ahead.bedtime_at is None:
        assert last.standing.state is not State.BEDTIME
    else:
        assert (last.standing.state, last.standing.rule) == (State.BEDTIME, ahead.rule)
        assert last.allowed is ahead.allowed
    idle = [at for at, was, decision in steps if was.state is not State.IDLE is decision.standing.state]
    assert idle[:1] == pytest.approx([] if ahead.idle_at is None else [ahead.idle_at])


def ahead(
    standing: Standing, *here: Wrapper, plan: Lifecycle | None = None, in_seconds: float = NEVER
) -> Outlook:
    return look_ahead(standing, Presence(here), NOW, plan or Lifecycle(), Overdue(in_seconds=in_seconds))


def test_one_who_is_at_work_now_leaves_the_evening_to_come() -> None:
    found = ahead(Standing(State.WAKE, NOW - 100, NOW - MINUTE), wrapper(active=NOW - MINUTE))
    assert found == Outlook(NOW + 4 * MINUTE, NOW + 29 * MINUTE, "inactive", Allowed.SHARED)


def test_who_goes_leaves_the_store_alone() -> None:
    found = ahead(Standing(State.IDLE, NOW, NOW - MINUTE, absent_since=NOW))
    assert found == Outlook(None, NOW + 2 * MINUTE, "absent", Allowed.ALL)


def test_of_several_who_did_something_the_last_one_decides_and_who_did_nothing_yet_never_does() -> None:
    early, late, never = wrapper(active=NOW - 3 * MINUTE), wrapper(active=NOW - MINUTE), wrapper()
    for here in ((early, late, never), (never, late, early), (late, never, early)):
        found = ahead(Standing(State.WAKE, NOW - 100, NOW - MINUTE), *here)
        assert (found.idle_at, found.bedtime_at) == (NOW + 4 * MINUTE, NOW + 29 * MINUTE)


def test_people_on_other_hosts_stay_as_well() -> None:
    elsewhere = Presence((), elsewhere=(wrapper(active=NOW - MINUTE, stale_at=NOW + 10),))
    standing = Standing(State.WAKE, NOW - 100, NOW - MINUTE)
    found = look_ahead(standing, elsewhere, NOW, Lifecycle(), Overdue())
    assert (found.bedtime_at, found.rule) == (NOW + 29 * MINUTE, "inactive")


def test_where_no_threshold_leads_there_bedtime_does_not_come() -> None:
    plan = Lifecycle(inactive_for=NEVER)
    found = ahead(Standing(State.WAKE, NOW, NOW), wrapper(active=NOW), plan=plan)
    assert (found.idle_at, found.bedtime_at) == (NOW + 5 * MINUTE, None)


def test_a_night_that_will_be_overdue_is_counted_on_to_have_something_to_do() -> None:
    plan = Lifecycle(inactive_for=NEVER)
    found = ahead(Standing(State.WAKE, NOW, NOW), wrapper(active=NOW), plan=plan, in_seconds=1000.1)
    assert (round(found.bedtime_at or 0, 3), found.rule) == (NOW + 1000.1, "overdue")


def test_a_wish_to_stay_awake_is_over_some_day() -> None:
    standing = Standing(State.WAKE, NOW, NOW - 7200, asked=Asked(State.WAKE, NOW, NOW + 600))
    assert ahead(standing, wrapper(active=NOW - 7200)).bedtime_at == NOW + 600


def test_an_agent_at_work_holds_the_night_up_and_not_bedtime() -> None:
    standing = Standing(State.IDLE, NOW, NOW - 7200, absent_since=NOW - 10)
    found = ahead(standing, wrapper(active=NOW, headless=True))
    assert (found.rule, found.allowed) == ("absent", Allowed.NONE)


def test_dozens_of_new_clients_at_once_do_not_keep_the_status_waiting() -> None:
    here = [wrapper(settled=NOW + number / 1000) for number in range(1, 500)]
    assert ahead(Standing(State.WAKE, NOW, NOW), *here) == Outlook()
