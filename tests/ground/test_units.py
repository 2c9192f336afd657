"""Stamps, durations and sizes."""

from __future__ import annotations

import math
from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as some

from iai_daemon.units import (
    NEVER,
    format_duration,
    format_size,
    format_stamp,
    parse_duration,
    parse_size,
    parse_stamp,
    say_count,
    say_duration,
    stamp_of,
    to_local,
)

NOON = 1_795_262_400.0


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T12:00:00Z",
        "2026-11-21T12:00:00.000Z",
        "2026-11-21T12:00:00+00:00",
        "2026-11-21T13:30:00+01:30",
        "2026-11-21T07:00:00-05:00",
        "2026-11-21T12:00:00",
        "2026-11-21 12:00:00",
        "2026-11-21t12:00:00z",
    ],
)
def test_a_stamp_with_z_with_an_offset_or_naive_is_the_same_moment(text: str) -> None:
    assert parse_stamp(text) == NOON


def test_nanoseconds_are_read_to_the_microsecond() -> None:
    assert parse_stamp("2026-11-21T12:00:00.123456789Z") == pytest.approx(NOON + 0.123456, abs=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "12",
        "2026-13-01T00:00:00Z",
        "2026-11-21T12:00:60Z",
        "2026-11-21T12:00:00+25:00",
        "\ud800",
        "\0",
    ],
)
def test_what_is_no_stamp_is_refused_with_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- the message is Python's own
        parse_stamp(text)


@pytest.mark.parametrize(
    "text", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.9999Z"]
)
def test_a_stamp_that_could_not_be_written_back_is_out_of_range(text: str) -> None:
    with pytest.raises(ValueError, match="out of range"):
        parse_stamp(text)


@given(some.datetimes())
def test_every_stamp_that_is_read_can_be_written_and_read_again(moment: object) -> None:
    try:
        seconds = parse_stamp(f"{moment}")
    except ValueError:
        return
    assert parse_stamp(format_stamp(seconds)) == pytest.approx(seconds, abs=0.0006)


def test_stamps_are_written_in_utc_with_milliseconds_and_sort_as_text() -> None:
    assert format_stamp(NOON + 0.0014) == "2026-11-21T12:00:00.001Z"
    assert format_stamp(-62_135_596_800.0) == "0001-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("250ms", 0.25),
        ("2d", 172_800),
        ("1.5h", 5400),
        ("0s", 0),
        ("never", math.inf),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "5 m", "-5m", "m", "5M", "1h30", "Never", "٥m", "1e3s"])
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["99999999d", "9" * 400 + "h"])
def test_a_duration_that_no_calendar_holds_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match='say "never"'):
        parse_duration(text)


@given(some.integers(0, 10**11).map(lambda milliseconds: milliseconds / 1000))
def test_a_duration_that_is_written_reads_back_as_itself(seconds: float) -> None:
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "0 s"), (12.4, "12 s"), (90, "90 s"), (31 * 60, "31 min"), (9000, "2.5 h"), (3 * 86_400, "3 d")],
)
def test_a_duration_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert say_duration(seconds) == said


@pytest.mark.parametrize(
    ("text", "size"), [("600MB", 600_000_000), ("1.5 GB", 1_500_000_000), ("64KiB", 65_536), ("0B", 0)]
)
def test_a_size_is_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "5", "5mb", "-1MB", "9" * 400 + "MB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a size|larger than any disk"):
        parse_size(text)


@given(some.integers(0, 2**50))
def test_a_size_that_is_written_reads_back_as_itself(size: int) -> None:
    assert parse_size(format_size(size)) == size


def test_never_is_said_and_written() -> None:
    assert format_duration(NEVER) == "never"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (90, "90s"),
        (300, "5m"),
        (172_800, "48h"),
        (0.25, "250ms"),
        (1.5, "1500ms"),
        (90_000, "25h"),
        (5400, "90m"),
    ],
)
def test_a_duration_is_written_in_the_largest_unit_that_is_exact(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0B"),
        (10**9, "1GB"),
        (600 * 10**6, "600MB"),
        (7000, "7KB"),
        (2**30, "1GiB"),
        (3 * 2**20, "3MiB"),
        (65_536, "64KiB"),
        (1001, "1001B"),
    ],
)
def test_a_size_is_written_in_the_first_unit_that_is_exact(size: int, text: str) -> None:
    assert format_size(size) == text


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (119.4, "119 s"),
        (120, "2 min"),
        (7199, "120 min"),
        (7200, "2 h"),
        (9300, "2.6 h"),
        (172_800, "2 d"),
        (200_000, "2.3 d"),
    ],
)
def test_what_is_said_changes_its_unit_where_two_of_the_next_are_full(seconds: float, said: str) -> None:
    assert say_duration(seconds) == said


def test_a_moment_is_shown_as_the_clocks_of_a_zone_show_it() -> None:
    shown = to_local(NOON, timezone(timedelta(hours=5, minutes=30)))
    assert shown.isoformat() == "2026-11-21T17:30:00+05:30"


def test_one_is_said_without_an_s() -> None:
    assert [say_count(number, "night") for number in (0, 1, 2)] == ["0 nights", "1 night", "2 nights"]


def test_a_stamp_of_milliseconds_is_that_of_the_seconds() -> None:
    assert stamp_of(1_795_262_400_001) == "2026-11-21T12:00:00.001Z"


def test_the_longest_duration_and_the_largest_size_are_still_read() -> None:
    assert parse_duration("36600d") == 36_600 * 86_400
    assert parse_size(f"{2**30}GiB") == 2**60
    with pytest.raises(ValueError, match="a hundred years"):
        parse_duration("36600d1s")
