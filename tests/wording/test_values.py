"""Quantities in words and figures, and the one form that each is told in."""

from __future__ import annotations

import pytest

from iai_daemon.wording.features import features
from iai_daemon.wording.tokens import tokens
from iai_daemon.wording.values import Value, begins_quantity, quantity


def read(text: str, at: int = 0) -> Value | None:
    return quantity(tokens(text, 99), at)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5 ns", ("5e-09 time", "time", 2)),
        ("5 nanoseconds", ("5e-09 time", "time", 2)),
        ("5us", ("5e-06 time", "time", 1)),
        ("5 µs", ("5e-06 time", "time", 2)),
        ("5 microseconds", ("5e-06 time", "time", 2)),
        ("5 ms", ("0.005 time", "time", 2)),
        ("5 msec", ("0.005 time", "time", 2)),
        ("3 milliseconds", ("0.003 time", "time", 2)),
        ("3 Millisekunden", ("0.003 time", "time", 2)),
        ("5 s", ("5 time", "time", 2)),
        ("5s", ("5 time", "time", 1)),
        ("5 sec", ("5 time", "time", 2)),
        ("5 secs", ("5 time", "time", 2)),
        ("5 seconds", ("5 time", "time", 2)),
        ("5 Sekunden", ("5 time", "time", 2)),
        ("5 min", ("300 time", "time", 2)),
        ("5 mins", ("300 time", "time", 2)),
        ("5 minutes", ("300 time", "time", 2)),
        ("5 Minuten", ("300 time", "time", 2)),
        ("5 h", ("18000 time", "time", 2)),
        ("5h", ("18000 time", "time", 1)),
        ("5 hr", ("18000 time", "time", 2)),
        ("5 hours", ("18000 time", "time", 2)),
        ("5 Stunden", ("18000 time", "time", 2)),
        ("5 std", ("18000 time", "time", 2)),
        ("5 d", ("432000 time", "time", 2)),
        ("5d", ("432000 time", "time", 1)),
        ("1 day", ("86400 time", "time", 2)),
        ("5 days", ("432000 time", "time", 2)),
        ("5 Tage", ("432000 time", "time", 2)),
        ("5 Tagen", ("432000 time", "time", 2)),
        ("3 nights", ("259200 time", "time", 2)),
        ("2 weeks", ("1209600 time", "time", 2)),
        ("2 wk", ("1209600 time", "time", 2)),
        ("2 Wochen", ("1209600 time", "time", 2)),
        ("1 fortnight", ("1209600 time", "time", 2)),
        ("3 months", ("3 calendar", "calendar", 2)),
        ("2 Monate", ("2 calendar", "calendar", 2)),
        ("2 Monaten", ("2 calendar", "calendar", 2)),
        ("3 Stunden", ("10800 time", "time", 2)),
        ("1 quarter", ("3 calendar", "calendar", 2)),
        ("2 quarters", ("6 calendar", "calendar", 2)),
        ("2 years", ("24 calendar", "calendar", 2)),
        ("2 yr", ("24 calendar", "calendar", 2)),
        ("1 Jahr", ("12 calendar", "calendar", 2)),
        ("2 Jahre", ("24 calendar", "calendar", 2)),
        ("100 bytes", ("100 size", "size", 2)),
        ("1 kB", ("1024 size", "size", 2)),
        ("1 KiB", ("1024 size", "size", 2)),
        ("2Ki", ("2048 size", "size", 1)),
        ("1 kilobyte", ("1024 size", "size", 2)),
        ("2 MB", ("2097152 size", "size", 2)),
        ("2 MiB", ("2097152 size", "size", 2)),
        ("2Mi", ("2097152 size", "size", 1)),
        ("2 megabytes", ("2097152 size", "size", 2)),
        ("1 GB", ("1073741824 size", "size", 2)),
        ("1 gib", ("1073741824 size", "size", 2)),
        ("1Gi", ("1073741824 size", "size", 1)),
        ("1 gigabyte", ("1073741824 size", "size", 2)),
        ("2 gigs", ("2147483648 size", "size", 2)),
        ("1 TB", ("1.09951162778e+12 size", "size", 2)),
        ("1TiB", ("1.09951162778e+12 size", "size", 1)),
        ("1Ti", ("1.09951162778e+12 size", "size", 1)),
        ("1 terabyte", ("1.09951162778e+12 size", "size", 2)),
        ("80%", ("80 share", "share", 1)),
        ("80 %", ("80 share", "share", 2)),
        ("80 percent", ("80 share", "share", 2)),
        ("80 Prozent", ("80 share", "share", 2)),
        ("5‰", ("0.5 share", "share", 1)),
        ("5 ‰", ("0.5 share", "share", 2)),
        ("5m", ("300 time", "time", 1)),
        ("one day", ("86400 time", "time", 2)),
        ("two weeks", ("1209600 time", "time", 2)),
        ("2.5 h", ("9000 time", "time", 2)),
        ("1,5 h", ("5400 time", "time", 2)),
        ("1_000 ms", ("1 time", "time", 2)),
        ("1,2,3 s", ("123 time", "time", 2)),
        ("1..2 s", ("12 time", "time", 2)),
    ],
)
def test_a_measure_is_told_in_its_smallest_unit(text: str, value: Value | None) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5 m", ("5", "number", 1)),
        ("5 us", ("5", "number", 1)),
        ("5 ki", ("5", "number", 1)),
        ("5 mi", ("5", "number", 1)),
        ("5 gi", ("5", "number", 1)),
        ("5 ti", ("5", "number", 1)),
        ("5 apples", ("5", "number", 1)),
        ("5 newer", ("5", "number", 1)),
        ("5 or", ("5", "number", 1)),
        ("5", ("5", "number", 1)),
    ],
)
def test_what_is_no_unit_when_it_stands_alone_measures_nothing(text: str, value: Value | None) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10k", ("10000", "number", 1)),
        ("10K", ("10000", "number", 1)),
        ("3mio", ("3000000", "number", 1)),
        ("2bn", ("2000000000", "number", 1)),
        ("3x", ("3", "number", 1)),
        ("2.5k", ("2500", "number", 1)),
        ("1.5x", ("1.5", "number", 1)),
        ("1234.567k", ("1234567", "number", 1)),
        ("2 million", ("2000000", "number", 2)),
        ("3 thousand", ("3000", "number", 2)),
        ("5 hundred", ("500", "number", 2)),
        ("2 dozen", ("24", "number", 2)),
        ("three million", ("3000000", "number", 2)),
        ("2.5 million", ("2500000", "number", 2)),
        ("1 million", ("1000000", "number", 2)),
        ("million", ("1000000", "number", 1)),
        ("1234567 million", ("1.234567e+12", "number", 2)),
    ],
)
def test_a_scale_makes_a_number_greater(text: str, value: Value | None) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$5", ("$5", "money", 1)),
        ("€5", ("€5", "money", 1)),
        ("5€", ("€5", "money", 1)),
        ("£5", ("£5", "money", 1)),
        ("¥5", ("¥5", "money", 1)),
        ("$1,000", ("$1000", "money", 1)),
        ("$1.5k", ("$1500", "money", 1)),
        ("$5k", ("$5000", "money", 1)),
        ("$2M", ("$2000000", "money", 1)),
        ("$1234567", ("$1234567", "money", 1)),
        ("5 USD", ("$5", "money", 2)),
        ("5 dollars", ("$5", "money", 2)),
        ("5 dollar", ("$5", "money", 2)),
        ("5 euros", ("€5", "money", 2)),
        ("5 euro", ("€5", "money", 2)),
        ("5 eur", ("€5", "money", 2)),
        ("5 GBP", ("£5", "money", 2)),
        ("5 chf", ("chf5", "money", 2)),
        ("50 cents", ("cent50", "money", 2)),
        ("50 cent", ("cent50", "money", 2)),
        ("1234567 USD", ("$1234567", "money", 2)),
        ("$5.", ("$5", "money", 1)),
    ],
)
def test_money_is_told_with_its_currency(text: str, value: Value | None) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("May 3", ("5-3", "date", 2)),
        ("May 3rd", ("5-3", "date", 2)),
        ("3 May", ("5-3", "date", 2)),
        ("3rd of May", ("5-3", "date", 3)),
        ("3rd May", ("5-3", "date", 2)),
        ("3 of May", ("5-3", "date", 3)),
        ("31 December", ("12-31", "date", 2)),
        ("Jan 1st", ("1-1", "date", 2)),
        ("1 jan", ("1-1", "date", 2)),
        ("2 Januar", ("1-2", "date", 2)),
        ("3 feb", ("2-3", "date", 2)),
        ("1 februar", ("2-1", "date", 2)),
        ("1 march", ("3-1", "date", 2)),
        ("1 März", ("3-1", "date", 2)),
        ("1 apr", ("4-1", "date", 2)),
        ("1 mai", ("5-1", "date", 2)),
        ("1 june", ("6-1", "date", 2)),
        ("1 jun", ("6-1", "date", 2)),
        ("1 juni", ("6-1", "date", 2)),
        ("1 july", ("7-1", "date", 2)),
        ("1 jul", ("7-1", "date", 2)),
        ("1 juli", ("7-1", "date", 2)),
        ("1 aug", ("8-1", "date", 2)),
        ("1 sep", ("9-1", "date", 2)),
        ("1 sept", ("9-1", "date", 2)),
        ("1 october", ("10-1", "date", 2)),
        ("1 oct", ("10-1", "date", 2)),
        ("1 Oktober", ("10-1", "date", 2)),
        ("1 nov", ("11-1", "date", 2)),
        ("1 december", ("12-1", "date", 2)),
        ("Dez 1", None),
        ("Dezember 1", ("12-1", "date", 2)),
        ("2024-05-01", ("2024-05-01", "date", 1)),
        ("1.5.2024", ("1.5.2024", "date", 1)),
    ],
)
def test_a_day_of_a_month_is_a_date(text: str, value: Value | None) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("32 May", ("32", "number", 1)),
        ("May", None),
        ("May be", None),
        ("May 3am", None),
        ("3 of", ("3", "number", 1)),
        ("3 of them", ("3", "number", 1)),
    ],
)
def test_what_is_no_day_of_a_month_is_no_date(text: str, value: Value | None) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3 am", ("3:00", "clock", 2)),
        ("3 pm", ("15:00", "clock", 2)),
        ("12 am", ("0:00", "clock", 2)),
        ("12 pm", ("12:00", "clock", 2)),
        ("3am", ("3:00", "clock", 1)),
        ("3:30", ("3:30", "clock", 1)),
        ("03:30", ("3:30", "clock", 1)),
        ("09:30", ("9:30", "clock", 1)),
        ("9:30am", ("9:30", "clock", 1)),
        ("9:30pm", ("21:30", "clock", 1)),
        ("12:15am", ("0:15", "clock", 1)),
        ("12:15pm", ("12:15", "clock", 1)),
        ("9:30:15", ("9:30", "clock", 1)),
        ("9:00–17:00", ("9:00–17:00", "clock", 1)),
        ("23:59", ("23:59", "clock", 1)),
        ("0:05", ("0:05", "clock", 1)),
        ("midnight", ("0:00", "clock", 1)),
        ("noon", ("12:00", "clock", 1)),
        ("Mitternacht", ("0:00", "clock", 1)),
        ("Mittag", ("12:00", "clock", 1)),
    ],
)
def test_a_time_of_day_is_told_by_24_hours(text: str, value: Value | None) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("hourly", ("per hour", "rate", 1)),
        ("daily", ("per day", "rate", 1)),
        ("nightly", ("per night", "rate", 1)),
        ("weekly", ("per week", "rate", 1)),
        ("biweekly", ("per 2 weeks", "rate", 1)),
        ("fortnightly", ("per 2 weeks", "rate", 1)),
        ("monthly", ("per month", "rate", 1)),
        ("quarterly", ("per quarter", "rate", 1)),
        ("yearly", ("per year", "rate", 1)),
        ("annually", ("per year", "rate", 1)),
        ("annual", ("per year", "rate", 1)),
        ("stündlich", ("per hour", "rate", 1)),
        ("täglich", ("per day", "rate", 1)),
        ("wöchentlich", ("per week", "rate", 1)),
        ("monatlich", ("per month", "rate", 1)),
        ("jährlich", ("per year", "rate", 1)),
        ("every minute", ("per minute", "rate", 2)),
        ("every hour", ("per hour", "rate", 2)),
        ("every day", ("per day", "rate", 2)),
        ("every night", ("per night", "rate", 2)),
        ("every week", ("per week", "rate", 2)),
        ("every month", ("per month", "rate", 2)),
        ("every quarter", ("per quarter", "rate", 2)),
        ("every year", ("per year", "rate", 2)),
        ("each second", ("per second", "rate", 2)),
        ("per second", ("per second", "rate", 2)),
        ("per s", ("per second", "rate", 2)),
        ("per sec", ("per second", "rate", 2)),
        ("per min", ("per minute", "rate", 2)),
        ("per h", ("per hour", "rate", 2)),
        ("any day", ("per day", "rate", 2)),
    ],
)
def test_how_often_is_a_rate(text: str, value: Value | None) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("an hour", ("3600 time", "time", 2)),
        ("a minute", ("60 time", "time", 2)),
        ("a month", ("1 calendar", "calendar", 2)),
        ("a fortnight", ("1209600 time", "time", 2)),
        ("a week", ("604800 time", "time", 2)),
        ("a byte", ("1 size", "size", 2)),
        ("half an hour", ("1800 time", "time", 3)),
        ("half a day", ("43200 time", "time", 3)),
        ("half a gigabyte", ("536870912 size", "size", 3)),
    ],
)
def test_one_of_a_unit_is_a_measure_where_nothing_says_how_often(text: str, value: Value | None) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("every second", None),
        ("a day", None),
        ("a ms", None),
        ("every other", None),
        ("each", None),
        ("a", None),
        ("a hundred", None),
        ("half the day", None),
        ("half an", None),
        ("half", None),
        ("half an apple", None),
        ("hello", None),
        ("foo()", None),
        ("/etc/x", None),
        ("#x", None),
    ],
)
def test_words_that_begin_no_quantity_are_none(text: str, value: Value | None) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3.10", ("3.10", "number", 1)),
        ("3.1", ("3.1", "number", 1)),
        ("3.", ("3", "number", 1)),
        ("1,000", ("1000", "number", 1)),
        ("1,000,000", ("1000000", "number", 1)),
        ("1_000", ("1000", "number", 1)),
        ("1_000_000.5", ("1000000.5", "number", 1)),
        ("1,5", ("1,5", "number", 1)),
        ("1.000", ("1.000", "number", 1)),
        ("1,000.50", ("1000.5", "number", 1)),
        ("1,00", ("1,00", "number", 1)),
        ("1,2,3", ("1,2,3", "number", 1)),
        ("12,345,678.9", ("12345678.9", "number", 1)),
        ("5+", ("5", "number", 1)),
        ("5th", ("5th", "number", 1)),
        ("1st", ("1st", "number", 1)),
        ("2nd", ("2nd", "number", 1)),
        ("3rd", ("3rd", "number", 1)),
        ("5xyz", ("5xyz", "number", 1)),
        ("5/day", ("5", "number", 1)),
        ("1..2", ("1..2", "number", 1)),
        ("5,", ("5", "number", 1)),
        ("007", ("007", "number", 1)),
        ("100,000 calls", ("100000", "number", 1)),
        ("1.0", ("1.0", "number", 1)),
        ("0", ("0", "number", 1)),
        ("twelve", ("12", "number", 1)),
        ("once", ("1", "number", 1)),
        ("9-17", ("9-17", "range", 1)),
        ("9–17h", ("9–17h", "range", 1)),
        ("v1.2", ("1.2", "version", 1)),
        ("1.2.3", ("1.2.3", "version", 1)),
        ("2.x", ("2.x", "version", 1)),
        ("5to", ("5to", "number", 1)),
    ],
)
def test_a_number_without_a_unit_stays_as_it_is_written(text: str, value: Value | None) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("text", "at", "value"),
    [
        ("5 requests a second", 2, ("per second", "rate", 2)),
        ("5 calls an hour", 2, ("per hour", "rate", 2)),
        ("5 a day", 1, ("per day", "rate", 2)),
        ("once a day", 1, ("per day", "rate", 2)),
        ("5 big calls a minute", 3, ("60 time", "time", 2)),
        ("runs a day", 1, None),
        ("runs a minute", 1, ("60 time", "time", 2)),
        ("a minute 5", 0, ("60 time", "time", 2)),
    ],
)
def test_a_unit_behind_a_number_of_things_says_how_often(text: str, at: int, value: Value | None) -> None:
    assert read(text, at) == value


@pytest.mark.parametrize(
    ("word", "begins"),
    [
        ("two", True),
        ("Two", True),
        ("half", True),
        ("every", True),
        ("daily", True),
        ("may", True),
        ("noon", True),
        ("per", True),
        ("second", False),
        ("other", False),
    ],
)
def test_a_quantity_begins_with_words_of_number_rate_or_time(word: str, begins: bool) -> None:
    assert begins_quantity(tokens(word, 1)[0]) is begins


@pytest.mark.parametrize(
    ("one", "other"),
    [("$5k", "$5"), ("$1.5k", "$15"), ("$1,234,567", "$1,234,568"), ("1234567 USD", "1234568 USD")],
)
def test_two_sums_of_money_are_two(one: str, other: str) -> None:
    assert features(one).heavy != features(other).heavy


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1 million rows", "1,000,000 rows"),
        ("$5k", "5000 USD"),
        ("5 Tage", "5 days"),
        ("2 Jahre", "24 Monate"),
    ],
)
def test_one_quantity_in_two_ways_of_writing_is_one(one: str, other: str) -> None:
    assert features(one).heavy == features(other).heavy
