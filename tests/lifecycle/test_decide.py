"""What the lifecycle decides of one look, by plain values: in which words, with which figures, and until when. test_rules.py asks of
whole evenings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iai_daemon.config import Lifecycle
from iai_daemon.lifecycle.decide import Allowed, Asked, Decision, Overdue, Standing, decide
from iai_daemon.lifecycle.states import State
from iai_daemon.presence.classify import Presence, Status, Wrapper
from iai_daemon.units import NEVER
from tests.lifecycle.world import HOUR, MINUTE, wrapper

NOW = 100_000.0
# Idle after 5 minutes, absent for 2, inactive for 30, overdue after 2 days.
PLAN = Lifecycle()
LONG_AGO = NOW - HOUR
AT_WORK = Standing(State.WAKE, LONG_AGO, NOW - MINUTE)
QUIET = Standing(State.IDLE, LONG_AGO, LONG_AGO)
GONE = Standing(State.IDLE, LONG_AGO, LONG_AGO, absent_since=NOW - MINUTE)
NOTHING_DUE, DUE = Overdue(), Overdue(now=True)


def look(
    standing: Standing,
    *here: Wrapper,
    elsewhere: tuple[Wrapper, ...] = (),
    out_of_sight: bool = False,
    overdue: Overdue = NOTHING_DUE,
) -> Decision:
    return decide(standing, Presence(here, (), elsewhere, out_of_sight), NOW, PLAN, overdue)


def on(host: str | None, **of: float) -> Wrapper:
    return replace(wrapper(**of), host=host)  # type: ignore[arg-type]


def reason(decision: Decision) -> str:
    return decision.standing.reason


@pytest.mark.parametrize(
    ("standing", "here", "said"),
    [
        (AT_WORK, [wrapper(active=NOW - 60)], "someone was active 60 s ago, 1 wrapper open"),
        (AT_WORK, [wrapper(active=NOW - 90), wrapper(active=NOW - 60)], "someone was active 60 s ago, 2 wrappers open"),
        (QUIET, [wrapper(settled=NOW - 1)], "a new wrapper has settled, 1 wrapper open"),
        (QUIET, [wrapper(settled=NOW + 1)], "a wrapper has just started, 1 wrapper open"),
        (QUIET, [wrapper(legacy=True)], "1 wrapper open, 1 too old to report activity, so being open counts"),
        (QUIET, [wrapper(legacy=True, active=NOW - 20)], "someone was active 0 s ago, 1 wrapper open"),
        (QUIET, [wrapper(legacy=True), wrapper()], "2 wrappers open, 1 too old to report activity, so being open counts"),
        (QUIET, [wrapper()], "nobody active for 60 min (limit 30 min), 1 wrapper open"),
        (replace(QUIET, last_active=NOW - 600), [wrapper(active=NOW - 600)], "nobody active for 10 min (limit 5 min), 1 wrapper open"),
        (replace(QUIET, last_active=NOW - 60), [wrapper()], "nobody here is active, 1 wrapper open"),
        (QUIET, [], "no wrapper is open"),
        (GONE, [], "no wrapper is open"),
        (replace(GONE, absent_since=NOW - 120), [], "no wrapper open for 2 min (limit 2 min)"),
        (replace(GONE, asked=Asked(State.BEDTIME, NOW)), [], "asked to sleep until someone is active"),
        (replace(GONE, asked=Asked(State.WAKE, NOW, NOW + 90)), [], "asked to stay awake for 90 s more"),
    ],
)  # fmt: skip
def test_why_is_said_in_words(standing: Standing, here: list[Wrapper], said: str) -> None:
    assert reason(look(standing, *here)) == said


def test_an_overdue_night_says_so() -> None:
    said = "no night has completed for 2 d and something is due, 1 wrapper open"
    assert reason(look(QUIET, wrapper(), overdue=DUE)) == said


@pytest.mark.parametrize(
    ("here", "elsewhere", "said"),
    [
        ([], ["pi"], "1 wrapper open on pi"),
        ([None], ["pi"], "2 wrappers open, 1 of them on pi"),
        ([None], ["pi", "pi"], "3 wrappers open, 2 of them on pi"),
        ([], ["pi", "pi", "nas"], "3 wrappers open on pi and nas"),
        ([], ["pi", "nas", "mac"], "3 wrappers open on 3 other hosts"),
        ([None], ["pi", "nas", "mac", "mac"], "5 wrappers open, 4 of them on 3 other hosts"),
    ],
)
def test_other_hosts_are_named_up_to_two_of_them(
    here: list[str | None], elsewhere: list[str], said: str
) -> None:
    open_ = look(QUIET, *map(on, here), elsewhere=tuple(map(on, elsewhere)))
    assert reason(open_) == f"nobody active for 60 min (limit 30 min), {said}"


@pytest.mark.parametrize(
    ("here", "elsewhere", "said"),
    [
        ([], [on("pi", active=NOW - 60)], "someone was active 60 s ago on pi, 1 wrapper open on pi"),
        ([on(None, active=NOW - 60)], [on("pi", active=NOW - 60)], "someone was active 60 s ago, 2 wrappers open, 1 of them on pi"),
        ([on(None, active=NOW - 90)], [on("pi", active=NOW - 60)], "someone was active 60 s ago on pi, 2 wrappers open, 1 of them on pi"),
        ([], [on("pi", active=NOW - 90, settled=NOW - 60)], "a new wrapper has settled on pi, 1 wrapper open on pi"),
        ([on(None, active=NOW - 60)], [on("pi", settled=NOW - 90)], "someone was active 60 s ago, 2 wrappers open, 1 of them on pi"),
        ([on(None, active=NOW - 90)], [on("pi", settled=NOW - 60)], "a new wrapper has settled on pi, 2 wrappers open, 1 of them on pi"),
        ([on(None, settled=NOW - 60)], [on("pi", active=NOW - 90)], "a new wrapper has settled, 2 wrappers open, 1 of them on pi"),
    ],
)  # fmt: skip
def test_it_is_said_on_which_host_somebody_was(
    here: list[Wrapper], elsewhere: list[Wrapper], said: str
) -> None:
    assert reason(look(QUIET, *here, elsewhere=tuple(elsewhere))) == said


@pytest.mark.parametrize(
    ("agents", "hidden", "said"),
    [
        (0, False, ""),
        (1, False, ", held up while an agent that we woke is at work"),
        (2, False, ", held up while 2 agents that we woke are at work"),
        (0, True, ", no night while other hosts cannot be seen"),
        (1, True, ", held up while an agent that we woke is at work, no night while other hosts cannot be seen"),
    ],
)  # fmt: skip
def test_it_is_said_what_holds_a_night_up(agents: int, hidden: bool, said: str) -> None:
    woken = [wrapper(headless=True) for _ in range(agents)]
    held = look(replace(GONE, absent_since=NOW - HOUR), *woken, out_of_sight=hidden)
    assert reason(held) == f"no wrapper open for 60 min (limit 2 min){said}"
    assert held.allowed is (Allowed.NONE if said else Allowed.ALL)


def test_what_nobody_being_there_does_not_end_stays_the_rule() -> None:
    asleep = Standing(State.BEDTIME, LONG_AGO, LONG_AGO, rule="inactive", reason="nobody active")
    found = look(asleep)
    assert (found.standing.state, found.standing.rule, found.changed) == (State.BEDTIME, "inactive", False)
    assert reason(found) == "no wrapper is open, inactive before"
    assert found.standing.since == LONG_AGO
    assert found.allowed is Allowed.SHARED


def test_figures_are_the_wrappers_the_quiet_and_the_limit() -> None:
    counts = {"fresh": 1, "stale": 0, "orphan": 1, "invalid": 0}
    dead = wrapper(status=Status.ORPHAN, active=NOW)
    quiet = replace(QUIET, last_active=NOW - 600.12345)
    assert look(quiet, wrapper(), dead).figures == {
        **counts,
        "quiet_seconds": 600.123,
        "limit_seconds": 300.0,
    }
    seen = look(quiet, dead, wrapper(), elsewhere=(on("pi"), on("nas")))
    assert seen.figures == {**counts, "quiet_seconds": 600.123, "elsewhere": 2, "limit_seconds": 300.0}
    gone = replace(quiet, absent_since=NOW - 30.98765)
    nobody = {**counts, "fresh": 0}
    assert look(gone, dead).figures == {**nobody, "quiet_seconds": 600.123, "absent_seconds": 30.988}
    long_gone = replace(quiet, absent_since=NOW - 600)
    assert look(long_gone, dead).figures["limit_seconds"] == 120.0
    assert look(QUIET, wrapper()).figures["limit_seconds"] == 1800.0
    assert look(QUIET, wrapper(), overdue=DUE).figures["limit_seconds"] == 172_800.0
    assert "limit_seconds" not in look(AT_WORK, wrapper(active=NOW)).figures


@pytest.mark.parametrize(
    ("standing", "here", "overdue", "due"),
    [
        (AT_WORK, [wrapper(active=NOW - 60)], NOTHING_DUE, NOW + 240),
        (AT_WORK, [wrapper(active=NOW - 60, stale_at=NOW + 30)], NOTHING_DUE, NOW + 30),
        (AT_WORK, [wrapper(active=NOW - 60), wrapper(settled=NOW + 2)], NOTHING_DUE, NOW + 2),
        (AT_WORK, [wrapper(active=NOW - 60)], Overdue(in_seconds=7.0), NOW + 7),
        (replace(QUIET, last_active=NOW - 600), [wrapper(active=NOW - 600)], NOTHING_DUE, NOW + 1200),
        (QUIET, [wrapper()], NOTHING_DUE, NEVER),
        (QUIET, [wrapper(stale_at=NOW)], NOTHING_DUE, NEVER),
        (QUIET, [wrapper(legacy=True)], NOTHING_DUE, NEVER),
        (GONE, [], NOTHING_DUE, NOW + 60),
        (QUIET, [], NOTHING_DUE, NOW + 120),
        (replace(GONE, absent_since=LONG_AGO, asked=Asked(State.WAKE, NOW, NOW + 9)), [], NOTHING_DUE, NOW + 9),
    ],
)  # fmt: skip
def test_the_next_look_is_when_the_first_threshold_falls_due(
    standing: Standing, here: list[Wrapper], overdue: Overdue, due: float
) -> None:
    assert look(standing, *here, overdue=overdue).next_at == due


def test_what_is_remembered_is_the_latest_activity_and_since_when_nobody_is_here() -> None:
    assert look(AT_WORK, wrapper(active=NOW - 5)).standing.last_active == NOW - 5
    assert look(AT_WORK, wrapper(active=NOW - 500)).standing.last_active == NOW - MINUTE
    assert look(AT_WORK, wrapper(active=NOW + 500)).standing.last_active == NOW
    assert look(AT_WORK, wrapper(legacy=True)).standing.last_active == NOW
    assert look(AT_WORK, wrapper()).standing.absent_since is None
    assert look(AT_WORK).standing.absent_since == NOW
    assert look(GONE).standing.absent_since == NOW - MINUTE
    assert look(GONE, wrapper()).standing.absent_since is None


def test_what_was_done_before_somebody_asked_to_sleep_does_not_count() -> None:
    asked = Asked(State.BEDTIME, NOW - 100)
    asleep = Standing(State.BEDTIME, NOW - 100, NOW - 200, asked=asked, slept_at=NOW - 100)
    assert look(asleep, wrapper(active=NOW - 100)).standing.asked == asked
    awake = look(asleep, wrapper(active=NOW - 99))
    assert (awake.standing.asked, awake.standing.state, awake.changed) == (None, State.WAKE, True)
    assert awake.standing.since == NOW
    assert reason(awake) == "someone was active 99 s ago, 1 wrapper open"


def test_a_wish_ends_when_its_time_is_over() -> None:
    kept = replace(AT_WORK, asked=Asked(State.WAKE, NOW - 100, NOW + 0.001))
    assert look(kept).standing.asked is not None
    over = replace(AT_WORK, asked=Asked(State.WAKE, NOW - 100, NOW))
    assert look(over).standing.asked is None


@pytest.mark.parametrize(
    ("standing", "here", "allowed"),
    [
        (AT_WORK, [wrapper(active=NOW)], Allowed.NONE),
        (QUIET, [wrapper()], Allowed.SHARED),
        (QUIET, [wrapper(), wrapper(headless=True)], Allowed.NONE),
        (QUIET, [wrapper(), wrapper(settled=NOW + 1)], Allowed.NONE),
        (QUIET, [wrapper(), wrapper(active=LONG_AGO, settled=NOW + 1)], Allowed.SHARED),
        (GONE, [], Allowed.SHARED),
        (replace(GONE, absent_since=NOW - 120), [], Allowed.ALL),
        (replace(GONE, absent_since=NOW - 120, asked=Asked(State.BEDTIME, NOW)), [], Allowed.SHARED),
    ],
)
def test_only_an_absence_leaves_the_store_alone(
    standing: Standing, here: list[Wrapper], allowed: Allowed
) -> None:
    assert look(standing, *here).allowed is allowed
