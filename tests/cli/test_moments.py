"""Times as people say them, by plain values; the zone is handed in."""

from __future__ import annotations

import time
from zoneinfo import ZoneInfo

import pytest

from iai_daemon.cli.moments import ago, clock_time, coming, since
from tests.fakes import NOON

# A Saturday, and 13:00 there.
BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY = 3600.0, 86_400.0


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (-8, "2026-11-13 13:00"),
        (-7, "2026-11-14 13:00"),
        (-6, "Sun 13:00"),
        (-5, "Mon 13:00"),
        (-4, "Tue 13:00"),
        (-3, "Wed 13:00"),
        (-2, "Thu 13:00"),
        (-1, "yesterday 13:00"),
        (0, "13:00"),
        (1, "tomorrow 13:00"),
        (2, "Mon 13:00"),
        (3, "Tue 13:00"),
        (4, "Wed 13:00"),
        (5, "Thu 13:00"),
        (6, "Fri 13:00"),
        (7, "2026-11-28 13:00"),
        (8, "2026-11-29 13:00"),
    ],
)
def test_a_day_is_said_as_people_say_it(days: int, words: str) -> None:
    assert clock_time(NOON + days * DAY, NOON, BERLIN) == words


def test_a_saturday_within_the_week_is_called_so() -> None:
    assert clock_time(NOON, NOON + 2 * DAY, BERLIN) == "Sat 13:00"


def test_the_day_is_that_of_the_zone_and_not_that_of_utc() -> None:
    late = NOON + 11.5 * HOUR
    assert clock_time(late, NOON, BERLIN) == "tomorrow 00:30"
    assert clock_time(late, NOON, ZoneInfo("UTC")) == "23:30"
    assert clock_time(late, late, ZoneInfo("Asia/Tokyo")) == "08:30"


def test_without_a_zone_it_is_the_time_of_this_machine() -> None:
    local = time.strftime("%H:%M", time.localtime(NOON))
    assert clock_time(NOON, NOON) == local
    assert since(NOON, NOON) == f"{local} (just now)"
    assert coming(NOON + 120, NOON + 60).endswith(" (in 60 s)")


@pytest.mark.parametrize(
    ("seconds", "past", "ahead"),
    [
        (-60.0, "just now", "now"),
        (0.0, "just now", "now"),
        (1.25, "just now", "now"),
        (1.5, "2 s ago", "13:00 (in 2 s)"),
        (12.0, "12 s ago", "13:00 (in 12 s)"),
        (180.0, "3 min ago", "13:03 (in 3 min)"),
        (9000.0, "2.5 h ago", "15:30 (in 2.5 h)"),
        (3 * DAY, "3 d ago", "Tue 13:00 (in 3 d)"),
    ],
)
def test_how_far_away_it_is_is_said_in_either_direction(seconds: float, past: str, ahead: str) -> None:
    assert ago(NOON - seconds, NOON) == past
    assert coming(NOON + seconds, NOON, BERLIN) == ahead


def test_what_began_is_said_by_the_clock_and_from_now() -> None:
    assert since(NOON - 31 * 60, NOON, BERLIN) == "12:29 (31 min ago)"
    assert since(NOON - DAY, NOON, BERLIN) == "yesterday 13:00 (24 h ago)"
