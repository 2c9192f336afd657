"""Stamps age by what our own clocks know: steps of the wall clock and sleep of the machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from iai_daemon.presence.ageing import Ageing, Sighting
from iai_daemon.presence.heartbeat import REFRESH
from tests.fakes import NOON, FakeClock

TICK = 30.0
STALE_AFTER = 90.0
GRACE = REFRESH + TICK

# What may happen between two looks: so many seconds pass, the wall clock is set, the machine sleeps.
EVENTS = some.lists(
    some.tuples(
        some.floats(0.0, TICK),
        some.sampled_from((0.0, 0.0, 7200.0, -7200.0, 3.0)),
        some.sampled_from((0.0, 0.0, 3600.0, 20.0)),
    ),
    max_size=20,
)


def _seen(clock: FakeClock, age: float = 0.0) -> tuple[Ageing, Sighting]:
    ageing = Ageing(TICK)
    ageing.observe(clock.now())
    return ageing, ageing.sight(clock.wall - age, clock.now())


def test_a_stamp_ages_with_the_clocks() -> None:
    clock = FakeClock()
    ageing, sighting = _seen(clock, 12.0)
    ageing.observe(clock.advance(30))
    assert ageing.age(sighting, clock.now()) == pytest.approx(42)
    assert sighting.stamped_at == FakeClock().awake - 12


@pytest.mark.parametrize("step", [7200, -7200, 2, -2])
def test_a_step_of_the_wall_clock_ages_nothing(step: float) -> None:
    clock = FakeClock()
    ageing, sighting = _seen(clock)
    clock.step(step)
    ageing.observe(clock.advance(10))
    assert ageing.clock_stepped
    assert ageing.disturbed
    assert ageing.age(sighting, clock.now()) == pytest.approx(10)
    ageing.observe(clock.advance(10))
    assert ageing.clock_stepped
    assert not ageing.disturbed


@pytest.mark.parametrize("step", [7200, -7200])
@pytest.mark.parametrize("written", ["before", "after"])
def test_a_stamp_written_on_either_side_of_a_step_is_as_old_as_it_is(step: float, written: str) -> None:
    clock = FakeClock()
    ageing, _ = _seen(clock)
    clock.advance(5)
    stamp = clock.wall if written == "before" else clock.wall + step
    clock.step(step)
    ageing.observe(clock.advance(7))
    assert ageing.age(ageing.sight(stamp, clock.now()), clock.now()) == pytest.approx(7)


def test_time_asleep_counts_only_when_the_writer_has_had_time_to_refresh() -> None:
    clock = FakeClock()
    ageing, sighting = _seen(clock)
    clock.advance(10)
    ageing.observe(clock.suspend(3600))
    assert ageing.age(sighting, clock.now()) == pytest.approx(10)
    assert ageing.reaches(sighting, STALE_AFTER) == clock.awake + GRACE
    ageing.observe(clock.advance(GRACE - 1))
    assert ageing.age(sighting, clock.now()) == pytest.approx(10 + GRACE - 1)
    ageing.observe(clock.advance(1))
    assert ageing.age(sighting, clock.now()) == pytest.approx(10 + GRACE + 3600)


def test_a_second_sleep_does_not_make_a_stale_heartbeat_fresh_again() -> None:
    clock = FakeClock()
    ageing, sighting = _seen(clock)
    ageing.observe(clock.suspend(3600))
    ageing.observe(clock.advance(GRACE))
    ageing.observe(clock.suspend(600))
    assert ageing.age(sighting, clock.now()) == pytest.approx(GRACE + 3600)
    ageing.observe(clock.advance(GRACE))
    assert ageing.age(sighting, clock.now()) == pytest.approx(2 * GRACE + 4200)


def test_a_stamp_from_before_the_sleep_that_is_seen_after_it_is_young() -> None:
    clock = FakeClock()
    ageing, _ = _seen(clock)
    stamp = clock.advance(5).wall
    ageing.observe(clock.suspend(3600))
    assert ageing.age(ageing.sight(stamp, clock.now()), clock.now()) == pytest.approx(0)


@pytest.mark.parametrize(
    ("ahead", "age"), [(10.0, -10.0), (30.0, -30.0), (30.1, 0.0), (3600.0, 0.0), (3e8, 0.0)]
)
def test_a_stamp_in_the_future_by_more_than_a_tick_is_taken_as_now(ahead: float, age: float) -> None:
    clock = FakeClock()
    ageing, sighting = _seen(clock, -ahead)
    assert ageing.age(sighting, clock.now()) == pytest.approx(age)


@given(EVENTS)
def test_a_wrapper_that_refreshes_is_never_stale_whatever_the_clocks_do(
    events: list[tuple[float, float, float]],
) -> None:
    """It refreshes every 30 s that it is awake; we look at any time."""
    clock = FakeClock()
    ageing, sighting = _seen(clock)
    refresh_in = REFRESH
    for seconds, step, sleep in events:
        stamp = None
        while refresh_in <= seconds:
            seconds -= refresh_in  # noqa: PLW2901 -- what is left of it
            stamp = clock.advance(refresh_in).wall
            refresh_in = REFRESH
        refresh_in -= seconds
        clock.advance(seconds)
        clock.step(step)
        ageing.observe(clock.suspend(sleep))
        if stamp is not None:
            sighting = ageing.sight(stamp, clock.now())
        assert ageing.age(sighting, clock.now()) <= STALE_AFTER


@given(EVENTS)
def test_a_stamp_never_becomes_younger_and_is_stale_when_it_was_foretold(
    events: list[tuple[float, float, float]],
) -> None:
    clock = FakeClock()
    ageing, sighting = _seen(clock)
    age = 0.0
    for seconds, step, sleep in events:
        foretold = ageing.reaches(sighting, STALE_AFTER)
        clock.advance(seconds)
        clock.step(step)
        ageing.observe(clock.suspend(sleep))
        before, age = age, ageing.age(sighting, clock.now())
        assert age >= before - 1e-6
        assert age >= clock.awake - FakeClock().awake - 1e-6
        if age > STALE_AFTER + 1e-6:
            assert clock.awake >= foretold - 1e-6
        if clock.awake >= foretold:
            assert age >= STALE_AFTER - 1e-6


def test_noon_is_noon() -> None:
    assert FakeClock().now().wall == NOON
