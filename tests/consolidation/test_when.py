"""When a night is due, on a clock in seconds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.consolidation.when import due_in

HOUR = 3600.0
times = st.floats(0, 1e6)


def test_the_first_start_of_a_store_is_due_at_once() -> None:
    assert due_in(now=100, interval=HOUR, last_began=None, first_started=100) == 0


def test_the_next_is_due_an_interval_after_the_last_began() -> None:
    assert due_in(now=1000, interval=HOUR, last_began=400, first_started=0) == HOUR - 600
    assert due_in(now=400 + HOUR, interval=HOUR, last_began=400, first_started=0) == 0


def test_one_that_somebody_asked_for_in_the_second_half_of_the_interval_stands_in() -> None:
    asked = 0.6 * HOUR
    assert due_in(HOUR, HOUR, last_began=0, first_started=0, last_asked=asked) == asked


def test_one_that_somebody_asked_for_in_the_first_half_changes_nothing() -> None:
    assert due_in(HOUR, HOUR, last_began=0, first_started=0, last_asked=0.4 * HOUR) == 0


def test_one_that_somebody_asked_for_stands_in_for_the_first() -> None:
    assert due_in(now=1000, interval=HOUR, last_began=None, first_started=0, last_asked=900) == HOUR - 100


@given(now=times, interval=times, later=st.floats(1, 1e6))
def test_a_time_in_the_future_never_blocks(now: float, interval: float, later: float) -> None:
    future = now + later
    assert due_in(now, interval, last_began=future, first_started=future, last_asked=future) == 0


@given(now=times, interval=times, began=times, asked=st.none() | times)
def test_nobody_waits_longer_than_an_interval(
    now: float, interval: float, began: float, asked: float | None
) -> None:
    assert 0 <= due_in(now, interval, began, 0.0, asked) <= interval + 1e-6


@given(now=times, back=times)
def test_an_interval_of_zero_is_always_due(now: float, back: float) -> None:
    assert due_in(now, 0.0, now - back, 0.0, now) == 0
