"""Recurrence rules against an independent reader of RFC 5545, and walks that begin late or find nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.agenda.schedule.rrule import FREQUENCIES, Rule, local_times
from iai_daemon.agenda.schedule.rrule_text import read

START = datetime.fromisoformat("2026-11-21 09:30:15")
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_COMPARED = 30


def rule_of(text: str, start: datetime = START) -> Rule:
    return read(f"DTSTART:{start:%Y%m%dT%H%M%S}\nRRULE:{text}", "UTC", 0).rule


def found(text: str, number: int = 4, after: datetime = START - timedelta(days=1)) -> list[str]:
    return [f"{each:%Y-%m-%d %H:%M}" for each in islice(local_times(rule_of(text), after), number)]


def _some(least: int, largest: int, *, signed: bool = False) -> st.SearchStrategy[str]:
    numbers = st.integers(least, largest)
    if signed:
        numbers = numbers | st.integers(-largest, -least)
    return st.lists(numbers, min_size=1, max_size=4, unique=True).map(lambda each: ",".join(map(str, each)))


@st.composite
def rules(draw: st.DrawFn) -> str:
    """Rules that the two read alike: ordinals and plain weekdays apart, week numbers away from the turn of the year, and no
    positions in weeks, of which dateutil counts the first one from its start."""
    frequency = draw(st.sampled_from(FREQUENCIES))
    parts = {"FREQ": frequency}
    optional = {
        "INTERVAL": st.integers(1, 40).map(str),
        "BYMONTH": _some(1, 12),
        "BYMONTHDAY": _some(1, 31, signed=True),
        "BYHOUR": _some(0, 23),
        "BYMINUTE": _some(0, 59),
        "BYSECOND": st.just("20"),
        "BYSETPOS": _some(1, 3, signed=True),
        "WKST": st.sampled_from(_DAYS),
        "BYDAY": st.lists(st.sampled_from(_DAYS), min_size=1, max_size=3, unique=True).map(",".join),
    }
    if frequency == "WEEKLY":
        del optional["BYSETPOS"]
    if frequency in ("MONTHLY", "YEARLY"):
        with_ordinal = st.tuples(st.sampled_from(["1", "-1", "+2", "-3"]), st.sampled_from(_DAYS)).map(
            "".join
        )
        optional["BYDAY"] |= st.lists(with_ordinal, min_size=1, max_size=3, unique=True).map(",".join)
    if frequency == "YEARLY":
        optional["BYWEEKNO"] = _some(3, 50)
        optional["BYYEARDAY"] = _some(1, 365, signed=True)
    for name in draw(st.lists(st.sampled_from(sorted(optional)), max_size=4, unique=True)):
        parts[name] = draw(optional[name])
    return ";".join(f"{name}={value}" for name, value in parts.items())


@given(rules(), st.integers(0, 3000), st.integers(0, 86_399))
def test_rules_mean_what_another_reader_of_the_standard_makes_of_them(
    text: str, days: int, seconds: int
) -> None:
    start = datetime.fromisoformat("2024-01-01") + timedelta(days=days, seconds=seconds)
    ours = list(islice(local_times(rule_of(text, start), start - timedelta(days=1)), _COMPARED))
    # Where nothing comes the other one looks on for as long as there are years.
    theirs = list(islice(rrulestr(text, dtstart=start), len(ours))) if ours else []
    assert ours == theirs


@given(rules(), st.integers(0, 60), st.booleans())
def test_a_walk_that_begins_late_finds_what_one_from_the_start_finds(
    text: str, late: int, counted: bool
) -> None:
    rule = rule_of(text + ";COUNT=50" if counted else text)
    whole = list(islice(local_times(rule, START - timedelta(days=1)), 80))
    assert not counted or len(whole) <= 50
    for after in whole[late : late + 1]:
        assert list(islice(local_times(rule, after), 10)) == whole[late + 1 : late + 11]


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("FREQ=DAILY", ["2026-11-21 09:30", "2026-11-22 09:30"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SA;WKST=MO", ["2026-11-21 09:30", "2026-11-30 09:30"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SA;WKST=SU", ["2026-11-21 09:30", "2026-11-30 09:30"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU;WKST=SA", ["2026-11-22 09:30", "2026-12-06 09:30"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU;WKST=SU", ["2026-11-29 09:30", "2026-12-13 09:30"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31", ["2026-12-31 09:30", "2027-01-31 09:30", "2027-03-31 09:30"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", ["2026-11-30 09:30", "2026-12-31 09:30", "2027-01-31 09:30"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", ["2026-11-30 09:30", "2026-12-31 09:30"]),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", ["2027-08-13 09:30", "2028-10-13 09:30"]),
        (
            "FREQ=MONTHLY;BYDAY=SU,1MO",
            ["2026-11-22 09:30", "2026-11-29 09:30", "2026-12-06 09:30", "2026-12-07 09:30"],
        ),
        ("FREQ=YEARLY", ["2026-11-21 09:30", "2027-11-21 09:30"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", ["2028-02-29 09:30", "2032-02-29 09:30"]),
        (
            "FREQ=YEARLY;BYMONTH=2;BYDAY=-1MO,2TU",
            ["2027-02-09 09:30", "2027-02-22 09:30", "2028-02-08 09:30"],
        ),
        ("FREQ=YEARLY;BYDAY=20MO", ["2027-05-17 09:30", "2028-05-15 09:30"]),
        ("FREQ=YEARLY;BYWEEKNO=53;BYDAY=TH", ["2026-12-31 09:30", "2032-12-30 09:30"]),
        ("FREQ=YEARLY;BYWEEKNO=-1;BYDAY=MO", ["2026-12-28 09:30", "2027-12-27 09:30"]),
        ("FREQ=YEARLY;BYYEARDAY=366", ["2028-12-31 09:30", "2032-12-31 09:30"]),
        (
            "FREQ=HOURLY;INTERVAL=5",
            ["2026-11-21 09:30", "2026-11-21 14:30", "2026-11-21 19:30", "2026-11-22 00:30"],
        ),
        ("FREQ=HOURLY;BYMINUTE=0,30;BYSETPOS=-1;BYHOUR=9,10", ["2026-11-21 09:30", "2026-11-21 10:30"]),
        ("FREQ=MINUTELY;INTERVAL=50;BYHOUR=9", ["2026-11-21 09:30", "2026-11-22 09:40", "2026-11-23 09:00"]),
    ],
)
def test_rules_of_the_standard(text: str, times: list[str]) -> None:
    assert found(text, len(times)) == times


def test_a_count_is_of_all_times_and_what_is_left_out_is_among_them() -> None:
    assert found("FREQ=DAILY;COUNT=3") == ["2026-11-21 09:30", "2026-11-22 09:30", "2026-11-23 09:30"]
    assert found("FREQ=DAILY;COUNT=3", after=START + timedelta(days=1)) == ["2026-11-23 09:30"]
    assert found("FREQ=DAILY;COUNT=3\nEXDATE:20261122T093015") == ["2026-11-21 09:30", "2026-11-23 09:30"]


def test_a_start_that_nobody_named_is_none_of_its_times() -> None:
    named = read("DTSTART:20261121T093015\nRRULE:FREQ=DAILY;COUNT=2", "UTC", 0).rule
    unnamed = read("FREQ=DAILY;COUNT=2", "UTC", round(START.replace(tzinfo=UTC).timestamp() * 1000)).rule
    before = START - timedelta(days=1)
    assert [each.day for each in local_times(named, before)] == [21, 22]
    assert [each.day for each in local_times(unnamed, before)] == [22, 23]


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("FREQ=DAILY;BYHOUR=9", "09:00:00"),
        ("FREQ=DAILY;BYHOUR=9;BYSECOND=5", "09:00:05"),
        ("FREQ=HOURLY;BYMINUTE=20", "10:20:00"),
        ("FREQ=DAILY", "09:30:15"),
        ("FREQ=DAILY;BYMINUTE=20", "09:20:00"),
        ("FREQ=MINUTELY;BYHOUR=11", "11:00:00"),
    ],
)
def test_an_hour_alone_is_sharp_where_nobody_named_a_start(text: str, clock: str) -> None:
    # dateutil's reader would take minutes and seconds from the moment at which the rule was made.
    rule = read(text, "UTC", round(START.replace(tzinfo=UTC).timestamp() * 1000)).rule
    assert f"{next(local_times(rule, START)):%H:%M:%S}" == clock
