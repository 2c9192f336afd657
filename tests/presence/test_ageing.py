"""Stamps age by what our own clocks know: steps of the wall clock and sleep of the machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from iai_daemon.clock import Now
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


# --- stamps from before a step or a sleep that was seen long ago


def _lived(*events: tuple[float, float, float]) -> tuple[Ageing, FakeClock, list[tuple[float, Now]]]:
    """What is known after these events, and a stamp from the end of each with its moment, by clocks that are never set."""
    clock = FakeClock()
    ageing = Ageing(TICK)
    ageing.observe(clock.now())
    stamps = []
    for seconds, step, sleep in events:
        ageing.observe(clock.advance(seconds))
        clock.step(step)
        ageing.observe(clock.suspend(sleep))
        stamps.append((clock.wall, clock.now()))
    return ageing, clock, stamps


@pytest.mark.parametrize("step", [7200, -7200, 60, -60])
def test_a_stamp_from_before_a_step_that_was_seen_long_ago_is_as_old_as_it_is(step: float) -> None:
    ageing, clock, stamps = _lived((300, 0, 0), (300, step, 0), (300, 0, 0))
    for stamp, at in stamps:
        assert ageing.age(ageing.sight(stamp, clock.now()), clock.now()) == pytest.approx(
            clock.awake - at.awake
        )
        assert ageing.on_boot_clock(stamp, clock.now()) == pytest.approx(at.boot)


def test_a_stamp_from_before_a_sleep_that_was_seen_long_ago_is_older_by_the_sleep() -> None:
    ageing, clock, stamps = _lived((300, 0, 0), (300, 0, 3600), (300, 0, 0))
    sightings = [ageing.sight(stamp, clock.now()) for stamp, _ in stamps]
    assert [round(ageing.age(each, clock.now())) for each in sightings] == [600 + 3600, 300, 0]
    assert [round(clock.awake - each.stamped_at) for each in sightings] == [600, 300, 0]
    assert ageing.on_boot_clock(stamps[0][0], clock.now()) == pytest.approx(stamps[0][1].boot)


def test_a_stamp_from_between_the_waking_and_a_step_is_as_old_as_it_is() -> None:
    """A wrapper wakes before us and refreshes, and then the clock is set, all before we look."""
    clock = FakeClock()
    ageing, _ = _seen(clock)
    clock.suspend(3600)
    stamp = clock.advance(1).wall
    clock.step(-7200)
    ageing.observe(clock.advance(1))
    assert ageing.age(ageing.sight(stamp, clock.now()), clock.now()) == pytest.approx(1)


def test_a_stamp_that_was_rounded_up_is_not_taken_for_one_from_before_a_step() -> None:
    ageing, clock, _ = _lived((300, -7200, 0), (300, 0, 0))
    assert ageing.age(ageing.sight(clock.wall + 0.0005, clock.now()), clock.now()) == pytest.approx(
        -0.0005, abs=1e-5
    )


def test_a_clock_that_was_never_seen_to_stand_so_is_read_as_now_or_as_it_stands() -> None:
    ageing, clock, _ = _lived((300, 7200, 0), (300, 0, 0))
    assert ageing.age(ageing.sight(clock.wall + 300, clock.now()), clock.now()) == 0
    assert ageing.age(ageing.sight(clock.wall - 3600, clock.now()), clock.now()) == pytest.approx(3600)


def test_only_so_much_is_remembered_and_what_is_older_is_still_read() -> None:
    ageing, clock, stamps = _lived(*[(60, 0, 600)] * 100)
    assert len(ageing.clocks.eras) == 32
    assert ageing.age(ageing.sight(stamps[-1][0], clock.now()), clock.now()) == pytest.approx(0)
    assert ageing.age(ageing.sight(stamps[0][0], clock.now()), clock.now()) > 32 * 60


LONG_EVENTS = some.lists(
    some.tuples(
        some.floats(40, 400),
        some.sampled_from((0.0, 7200.0, -7200.0, 15.0, -15.0)),
        some.sampled_from((0.0, 3600.0)),
    ),
    min_size=1,
    max_size=10,
)


@given(LONG_EVENTS, some.integers(0, 9))
def test_a_later_daemon_reads_every_stamp_as_the_one_that_saw_it_all(
    events: list[tuple[float, float, float]], restart: int
) -> None:
    first, clock, stamps = _lived(*events[: restart + 1])
    later = Ageing(TICK)
    later.resume(first.clocks)
    for ageing in (first, later):
        ageing.observe(clock.now())
    clock.advance(GRACE + 1)
    clock.step(7200)
    for ageing in (first, later):
        ageing.observe(clock.suspend(0))
    assert later.clocks == first.clocks
    for stamp, at in stamps:
        seen = [ageing.sight(stamp, clock.now()) for ageing in (first, later)]
        assert seen[0] == seen[1]
        assert first.age(seen[0], clock.now()) == later.age(seen[1], clock.now())
        assert seen[0].stamped_at == pytest.approx(at.awake, abs=15)


def test_noon_is_noon() -> None:
    assert FakeClock().now().wall == NOON
