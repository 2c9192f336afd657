"""An oracle for local times: what the clocks of a zone show, minute by minute, and no arithmetic with zones but that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

NEW_YORK = "America/New_York"
# A whole hour on both nights, half an hour, the hour after midnight, a day that never was.
YEARS = (
    (NEW_YORK, 2026),
    ("Australia/Lord_Howe", 2026),
    ("America/Sao_Paulo", 2018),
    ("Pacific/Apia", 2011),
)
_MINUTE = timedelta(minutes=1)
# Zones have changed their clocks on a quarter of an hour, if at all.
_STEADY = 15
_STEPS = [(number, number * _MINUTE) for number in range(1, _STEADY)]


class Minute(NamedTuple):
    """One minute of the world: its instant in ms, what the clocks show, whether they did before, and what they skipped just now."""

    instant: int
    shows: datetime
    again: bool
    skipped: tuple[datetime, ...]


def ms(text: str) -> int:
    """Milliseconds since the epoch of a stamp with an offset."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def minutes(zone: str, year: int) -> Iterator[Minute]:
    """The minutes of a year in UTC."""
    place = ZoneInfo(zone)
    quarter = datetime(year, 1, 1, tzinfo=UTC)
    before = (quarter - _MINUTE).astimezone(place).replace(tzinfo=None)
    while quarter.year == year:
        there = quarter.astimezone(place)
        shows = there.replace(tzinfo=None, fold=0)
        instant = round(quarter.timestamp() * 1000)
        missing = max((shows - before) // _MINUTE - 1, 0)
        skipped = tuple(before + number * _MINUTE for number in range(1, missing + 1))
        yield Minute(instant, shows, there.fold == 1, skipped)
        for number, later in _STEPS:
            yield Minute(instant + number * 60_000, shows + later, there.fold == 1, ())
        before = shows + (_STEADY - 1) * _MINUTE
        quarter += _STEADY * _MINUTE


def instants(zone: str, year: int) -> dict[datetime, int]:
    """What each local minute of the year stands for: the first time that it is shown, or the end of its gap."""
    found: dict[datetime, int] = {}
    for minute in minutes(zone, year):
        for local in minute.skipped:
            found.setdefault(local, minute.instant)
        found.setdefault(minute.shows, minute.instant)
    return found


@dataclass(frozen=True, slots=True)
class Job:
    """A cron job as the sets of what it matches, so that the oracle need not read expressions. `expression`: the same as text."""

    expression: str
    minutes: frozenset[int]
    hours: frozenset[int] = frozenset(range(24))
    days: frozenset[int] = frozenset(range(1, 32))

    def matches(self, local: datetime) -> bool:
        return local.minute in self.minutes and local.hour in self.hours and local.day in self.days

    def fires(self, minute: Minute) -> bool:
        if len(self.hours) < 24:
            left_out = any(map(self.matches, minute.skipped))
            return left_out or (not minute.again and self.matches(minute.shows))
        shift = len(minute.skipped) * _MINUTE
        left_out = any(self.matches(each) and not self.matches(each + shift) for each in minute.skipped)
        return left_out or self.matches(minute.shows)


def _each(step: int) -> frozenset[int]:
    return frozenset(range(0, 60, step))


JOBS = (
    Job("*/15 * * * *", _each(15)),
    Job("7 * * * *", frozenset([7])),
    Job("0 0-23 * * *", frozenset([0])),
    Job("*/30 1-3 * * *", _each(30), frozenset([1, 2, 3])),
    Job("30 2 * * *", frozenset([30]), frozenset([2])),
    Job("45 1 * * *", frozenset([45]), frozenset([1])),
    Job("0 */2 * * *", frozenset([0]), frozenset(range(0, 24, 2))),
    Job("0 0 * * *", frozenset([0]), frozenset([0])),
    Job("20 9 30 * *", frozenset([20]), frozenset([9]), frozenset([30])),
    Job("10 * 30 * *", frozenset([10]), days=frozenset([30])),
)


def firings(zone: str, year: int) -> dict[str, list[int]]:
    """When each job fires, by going through all the minutes of the year."""
    found: dict[str, list[int]] = {job.expression: [] for job in JOBS}
    of_minute = [[job for job in JOBS if number in job.minutes] for number in range(60)]
    for minute in minutes(zone, year):
        for job in JOBS if minute.skipped else of_minute[minute.shows.minute]:
            if job.fires(minute):
                found[job.expression].append(minute.instant)
    return found
