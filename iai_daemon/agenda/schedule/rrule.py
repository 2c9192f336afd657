"""Recurrence rules of RFC 5545 in naive local time: read strictly, and walked period by period. `triggers` calls it. Pure.

A walk can begin anywhere, since periods are counted from the start of the plan; and it ends, since it looks a hundred years
ahead for the next match and no longer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache

FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY")
# A walk gives up after so many years, or days whose hours and minutes were looked at, without a match.
_YEARS_AHEAD = 100
_BARREN_DAYS = 3000
_LAST_YEAR = 2200
_DAY = timedelta(days=1)
_UNITS = {"DAILY": _DAY, "HOURLY": timedelta(hours=1), "MINUTELY": timedelta(minutes=1)}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as the RFC names its parts. Weekdays count from Monday = 0, with the ordinal before them or 0.

    `counts_start`: whether the start itself is one of its times where it matches, which a start that nobody named is not.
    """

    frequency: str
    start: datetime
    counts_start: bool = True
    interval: int = 1
    until: datetime | None = None
    count: int | None = None
    week_start: int = 0
    months: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()
    year_days: frozenset[int] = frozenset()
    weeks: frozenset[int] = frozenset()
    weekdays: frozenset[tuple[int, int]] = frozenset()
    hours: tuple[int, ...] = ()
    minutes: tuple[int, ...] = ()
    seconds: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()
    left_out: frozenset[datetime] = frozenset()
    days_left_out: frozenset[date] = frozenset()


def local_times(rule: Rule, after: datetime) -> Iterator[datetime]:
    """The local times of the rule later than `after`, in their order."""
    rule = completed(rule)
    until = _last_counted(rule) if rule.count else rule.until
    for local in _walk(rule, after):
        if until is not None and local > until:
            return
        if local not in rule.left_out and local.date() not in rule.days_left_out:
            yield local


@lru_cache(maxsize=64)
def _last_counted(rule: Rule) -> datetime:
    """The last local time that `count` allows; it counts from the start, and what is left out counts."""
    last = rule.start
    for number, local in enumerate(_walk(rule, rule.start - _DAY), 1):
        last = local
        if number == rule.count:
            break
    return last


@lru_cache(maxsize=64)
def completed(rule: Rule) -> Rule:
    """What the rule leaves open is as in its start (RFC 5545, 3.3.10)."""
    start, rank = rule.start, FREQUENCIES.index(rule.frequency)
    if not (rule.weeks or rule.year_days or rule.month_days or rule.weekdays):
        if rule.frequency == "WEEKLY":
            rule = replace(rule, weekdays=frozenset([(0, start.weekday())]))
        elif rank <= 1:
            months = rule.months or (frozenset([start.month]) if rank == 0 else frozenset())
            rule = replace(rule, months=months, month_days=frozenset([start.day]))
    hours = rule.hours or ((start.hour,) if rank <= 3 else tuple(range(24)))
    minutes = rule.minutes or ((start.minute,) if rank <= 4 else tuple(range(60)))
    return replace(rule, hours=hours, minutes=minutes, seconds=rule.seconds or (start.second,))


def _walk(rule: Rule, after: datetime) -> Iterator[datetime]:
    """The local times of a completed rule, later than `after`, its end and what is left out aside."""
    days = _by_days_together if rule.frequency in ("YEARLY", "MONTHLY", "WEEKLY") else _by_single_days
    earliest = rule.start if rule.counts_start else rule.start + timedelta(seconds=1)
    for local in days(rule, after.date()):
        if local > after and local >= earliest:
            yield local


def _by_days_together(rule: Rule, since: date) -> Iterator[datetime]:
    """From `since` on, for periods of several days."""
    times = [time(h, m, s) for h in rule.hours for m in rule.minutes for s in rule.seconds]
    matched = since.year
    number = _period_of(rule, max(since, rule.start.date()))
    while True:
        first, last = _days_of(rule, number)
        if first.year > min(_LAST_YEAR, matched + _YEARS_AHEAD):
            return
        days = [day for day in _between(rule, first, last) if _matches(rule, day)]
        for at in _indexes(len(days) * len(times), rule.positions):
            matched = first.year
            day = days[at // len(times)]
            if day >= since:
                yield datetime.combine(day, times[at % len(times)])
        number += 1


def _by_single_days(rule: Rule, since: date) -> Iterator[datetime]:
    """From `since` on, for periods of a day and less: slots of a day, counted in them from the start."""
    slots, within = _slots(rule)
    unit = _UNITS[rule.frequency]
    of_day = timedelta(days=1) // unit
    day = max(since, rule.start.date())
    into_day = (rule.start - datetime.combine(rule.start.date(), time())) // unit
    before = (day - rule.start.date()) // unit - into_day
    barren, end = 0, day.year + _YEARS_AHEAD
    while within and barren < _BARREN_DAYS and day.year <= min(end, _LAST_YEAR):
        # The first slot from this midnight on that is whole intervals away from the start, perhaps days ahead.
        first = -before % rule.interval
        if first < of_day and _matches(rule, day):
            found = [slot for slot in range(first, of_day, rule.interval) if slot in slots]
            barren, end = (0, day.year + _YEARS_AHEAD) if found else (barren + 1, end)
            midnight = datetime.combine(day, time())
            for slot in found:
                for rest in within:
                    yield midnight + slot * unit + rest
        ahead = max(first // of_day, 1)
        day += ahead * _DAY
        before += ahead * of_day


def _slots(rule: Rule) -> tuple[frozenset[int], Sequence[timedelta]]:
    """Which periods of a day the rule allows, and what of each it means."""
    match rule.frequency:
        case "DAILY":
            slots, hours, minutes = [0], rule.hours, rule.minutes
        case "HOURLY":
            slots, hours, minutes = list(rule.hours), (0,), rule.minutes
        case _:
            slots, hours, minutes = [h * 60 + m for h in rule.hours for m in rule.minutes], (0,), (0,)
    within = [timedelta(hours=h, minutes=m, seconds=s) for h in hours for m in minutes for s in rule.seconds]
    return frozenset(slots), [within[at] for at in _indexes(len(within), rule.positions)]


def _period_of(rule: Rule, day: date) -> int:
    """The number of the period, counted in intervals, that `day` falls into or that comes before it."""
    start = rule.start.date()
    match rule.frequency:
        case "YEARLY":
            units = day.year - start.year
        case "MONTHLY":
            units = (day.year - start.year) * 12 + day.month - start.month
        case _:
            units = (day - _week_of(start, rule.week_start)).days // 7
    return units // rule.interval


def _days_of(rule: Rule, number: int) -> tuple[date, date]:
    """The first and the last day of a period; both in the year after the last where it would lie even farther ahead."""
    start, units = rule.start.date(), number * rule.interval
    beyond = date(_LAST_YEAR + 1, 1, 1)
    if rule.frequency == "WEEKLY":
        week = _week_of(start, rule.week_start)
        if units > (beyond - week).days // 7:
            return beyond, beyond
        week += timedelta(days=units * 7)
        return week, week + timedelta(days=6)
    year, month, months = start.year + units, 1, 12
    if rule.frequency == "MONTHLY":
        years, month = divmod(start.month - 1 + units, 12)
        year, month, months = start.year + years, month + 1, 1
    if year > _LAST_YEAR:
        return beyond, beyond
    return date(year, month, 1), _month_end(year, month + months - 1)


def _between(rule: Rule, first: date, last: date) -> Iterator[date]:
    """The days from first to last; months that the rule does not name are passed over."""
    day = first
    while day <= last:
        if rule.months and day.month not in rule.months:
            day = _month_end(day.year, day.month)
        else:
            yield day
        day += _DAY


def _matches(rule: Rule, day: date) -> bool:
    """Whether the rule's parts for days all hold."""
    if rule.months and day.month not in rule.months:
        return False
    if rule.month_days:
        length = _month_end(day.year, day.month).day
        if day.day not in rule.month_days and day.day - length - 1 not in rule.month_days:
            return False
    if rule.weekdays and not _is_weekday(rule, day):
        return False
    if rule.year_days:
        ordinal, length = _day_of_year(day), _day_of_year(date(day.year, 12, 31))
        if ordinal not in rule.year_days and ordinal - length - 1 not in rule.year_days:
            return False
    return not rule.weeks or _is_in_weeks(rule, day)


def _is_weekday(rule: Rule, day: date) -> bool:
    """Ordinals count within the month, within the year only where a yearly rule names no months."""
    weekday = day.weekday()
    if (0, weekday) in rule.weekdays:
        return True
    if not any(each == weekday for _, each in rule.weekdays):
        return False
    yearly = rule.frequency == "YEARLY" and not rule.months
    first = date(day.year, 1, 1) if yearly else day.replace(day=1)
    last = date(day.year, 12, 31) if yearly else _month_end(day.year, day.month)
    from_first, from_last = (day - first).days // 7 + 1, -((last - day).days // 7) - 1
    return (from_first, weekday) in rule.weekdays or (from_last, weekday) in rule.weekdays


def _is_in_weeks(rule: Rule, day: date) -> bool:
    """A week belongs to the year that most of its days lie in (RFC 5545, BYWEEKNO)."""
    middle = _week_of(day, rule.week_start) + timedelta(days=3)
    number = (_day_of_year(middle) - 1) // 7 + 1
    return number in rule.weeks or number - _weeks_of(middle.year, rule.week_start) - 1 in rule.weeks


@lru_cache(maxsize=1024)
def _weeks_of(year: int, week_start: int) -> int:
    """How many weeks a year has: the last one is that of the 28th of December, whatever day weeks begin on."""
    middle = _week_of(date(year, 12, 28), week_start) + timedelta(days=3)
    return (_day_of_year(middle) - 1) // 7 + 1


def _day_of_year(day: date) -> int:
    return day.toordinal() - date(day.year, 1, 1).toordinal() + 1


def _indexes(length: int, positions: tuple[int, ...]) -> Sequence[int]:
    """Which of so many are meant by BYSETPOS, which counts from 1 and from the end from -1."""
    if not positions:
        return range(length)
    indexes = {at - 1 if at > 0 else length + at for at in positions}
    return sorted(at for at in indexes if 0 <= at < length)


def _week_of(day: date, week_start: int) -> date:
    return day - timedelta(days=(day.weekday() - week_start) % 7)


@lru_cache(maxsize=4096)
def _month_end(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1) - _DAY
