"""Local times and instants, on ordinary days and on the nights that change the clocks."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.agenda.schedule.local_time import (
    END,
    first_shift,
    known_zone,
    say_local,
    to_instant,
    to_local,
)
from iai_daemon.errors import BadTrigger
from tests.agenda.zones import NEW_YORK, YEARS, instants, minutes, ms

ZONES = st.sampled_from(
    [zone for zone, _ in YEARS] + ["UTC", "Europe/Berlin", "Africa/Casablanca", "Asia/Kathmandu"]
)


@pytest.mark.parametrize(
    ("zone", "local", "stamp"),
    [
        (NEW_YORK, "2026-11-30 09:00", "2026-11-30T09:00:00-05:00"),
        (NEW_YORK, "2026-03-08 02:30", "2026-03-08T03:00:00-04:00"),
        (NEW_YORK, "2026-11-01 01:30", "2026-11-01T01:30:00-04:00"),
        ("Australia/Lord_Howe", "2026-10-04 02:10", "2026-10-04T02:30:00+11:00"),
        ("Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-05T01:45:00+11:00"),
        ("America/Sao_Paulo", "2018-11-04 00:00", "2018-11-04T01:00:00-02:00"),
        ("Pacific/Apia", "2011-12-30 09:00", "2011-12-31T00:00:00+14:00"),
        ("Pacific/Apia", "2011-12-29 23:59", "2011-12-29T23:59:00-10:00"),
    ],
)
def test_a_local_time_stands_for_the_first_instant_that_has_it_or_ends_its_gap(
    zone: str, local: str, stamp: str
) -> None:
    assert to_instant(datetime.fromisoformat(local), known_zone(zone)) == ms(stamp)


@pytest.mark.parametrize(("zone", "year"), YEARS)
def test_every_minute_of_a_year_is_what_the_clocks_say(zone: str, year: int) -> None:
    place = known_zone(zone)
    wanted = instants(zone, year)
    odd = {
        local
        for each in minutes(zone, year)
        if each.skipped or each.again
        for local in (each.shows, *each.skipped)
    }
    # Away from the changes one minute in 97 is enough.
    checked = [local for number, local in enumerate(wanted) if number % 97 == 0 or local in odd]
    assert odd
    assert {local: to_instant(local, place) for local in checked} == {
        local: wanted[local] for local in checked
    }


@given(st.integers(0, END - 1), ZONES)
def test_what_clocks_show_leads_back_to_the_instant_or_to_the_first_that_showed_it(
    instant: int, zone: str
) -> None:
    place = known_zone(zone)
    local = to_local(instant, place)
    back = to_instant(local.replace(tzinfo=None), place)
    assert back < instant if local.fold else back == instant


@given(st.integers(0, END - 1), st.integers(0, 10 * 86_400_000), ZONES)
def test_later_local_times_never_stand_for_earlier_instants(instant: int, more: int, zone: str) -> None:
    place = known_zone(zone)
    local = to_local(instant, place).replace(tzinfo=None)
    assert to_instant(local, place) <= to_instant(local + timedelta(milliseconds=more), place)


def test_a_shift_is_found_to_the_millisecond_and_none_where_there_is_none() -> None:
    place, spring = known_zone(NEW_YORK), ms("2026-03-08T07:00:00Z")
    assert first_shift(place, ms("2025-12-01T00:00:00Z"), ms("2026-06-01T00:00:00Z")) == spring
    assert first_shift(place, spring - 1, spring) == spring
    assert first_shift(place, spring, ms("2026-06-01T00:00:00Z")) is None
    assert first_shift(place, spring, spring) is None
    assert first_shift(known_zone("UTC"), 0, END) is None


def test_a_shift_that_another_one_takes_back_weeks_later_is_found_too() -> None:
    # Morocco goes back an hour for Ramadan.
    january, july = ms("2026-01-01T00:00:00Z"), ms("2026-07-01T00:00:00Z")
    assert first_shift(known_zone("Africa/Casablanca"), january, july) == ms("2026-02-15T02:00:00Z")


def test_a_time_is_said_in_words_that_people_use() -> None:
    assert say_local(ms("2026-11-23T14:00:00Z"), known_zone(NEW_YORK)) == "Mon 2026-11-23 09:00 EST"
    assert say_local(ms("2026-07-05T13:00:30Z"), known_zone(NEW_YORK)) == "Sun 2026-07-05 09:00:30 EDT"
    assert (
        say_local(ms("2026-11-23T14:00:00Z"), known_zone("America/Sao_Paulo")) == "Mon 2026-11-23 11:00 -03"
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Europe/Berln", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("New York", "such as"),
        ("America/New York", "America/New_York"),
        ("", "Europe/Berlin or UTC"),
        ("../../etc/passwd", "such as"),
        ("/etc/localtime", "such as"),
        ("localtime", "such as"),
        ("right/UTC", "such as"),
        ("America", "such as"),
        ("UTC\0", "UTC"),
        ("\ud800", "such as"),
        ("Z" * 100_000, "such as"),
    ],
)
def test_an_unknown_zone_is_refused_with_the_nearest_names(name: str, hint: str) -> None:
    with pytest.raises(BadTrigger) as refused:
        known_zone(name)
    assert hint in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("Qqqqq", "such as Europe/Berlin or UTC."),
        ("Europe/Berln", "such as Europe/Berlin or "),
        ("america/new york", "such as America/New_York"),
    ],
)
def test_the_advice_names_zones_as_they_are_written(name: str, advice: str) -> None:
    with pytest.raises(BadTrigger) as refused:
        known_zone(name)
    assert advice in str(refused.value)
