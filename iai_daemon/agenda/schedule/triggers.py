"""When recalls are due: one-off times, intervals, cron expressions and recurrence rules, each in an IANA zone.

All times are milliseconds since the epoch. What a change of the clocks does is told in `local_time`, and in `cron` for
jobs of every hour. No two firings fall on one instant, and none comes after the year 2199.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice, takewhile
from typing import TYPE_CHECKING

from iai_daemon.agenda.schedule import cron
from iai_daemon.agenda.schedule.local_time import DAY, END, SECOND, known_zone, to_instant, to_local
from iai_daemon.errors import BadTrigger
from iai_daemon.units import format_stamp, parse_duration, parse_stamp, stamp_of

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from iai_daemon.agenda.schedule.rrule import Rule

# Firings of a stretch of time are counted so far.
COUNTED = 10_000
_HOUR = 3600 * SECOND
_LONGEST = 100 * 366 * DAY
_TEXT = 100
_ABSOLUTE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,6})?)? ?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_LOCAL = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?", re.ASCII)
_CLOCK = re.compile(r"\d\d:\d\d(:\d\d)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Trigger:
    """When a recall is due. `kind`: at, every, cron or rrule. `zone`: an IANA name. `anchor`: when its plan begins, ms since the epoch.

    Everything fires later than its anchor, an `every` whole intervals later; only an `at` fires at it, and a rule that names
    its own start.
    """

    kind: str
    expression: str
    zone: str
    anchor: int


@dataclass(frozen=True, slots=True)
class Passed:
    """The firings of a stretch of time: the `last` one (ms), how many there were; `exact`: or only at least so many."""

    last: int
    count: int
    exact: bool


def next_after(trigger: Trigger, moment: int) -> int | None:
    """The first firing strictly later than `moment`; None: there is none any more."""
    return next(_firings(trigger, moment), None)


def upcoming(trigger: Trigger, after: int, number: int) -> list[int]:
    """The next firings later than `after`, so many of them, or fewer where there are no more."""
    return list(islice(_firings(trigger, after), number))


def passed(trigger: Trigger, after: int, until: int) -> Passed | None:
    """The firings later than `after` and not later than `until`; None where there are none."""
    step = _elapsed(trigger)
    if step is not None:
        first = next_after(trigger, after)
        if first is None or first > until:
            return None
        more = (min(until, END - 1) - first) // step
        return Passed(first + more * step, more + 1, exact=True)
    last, count = None, 0
    for firing in takewhile(lambda firing: firing <= until, _firings(trigger, after)):
        if count == COUNTED:
            return Passed(_last(trigger, until), COUNTED, exact=False)
        last, count = firing, count + 1
    return None if last is None else Passed(last, count, exact=True)


def made_at(text: str, zone: str, now: int) -> Trigger:
    """Once, at an RFC 3339 time, at a local time of the zone, or when its clocks next show a time such as 09:00.

    Raises BadTrigger, as all makers do, for what is no such thing or can never fire.
    """
    place = known_zone(zone)
    try:
        expression, instant = _read_at(text, place, now)
    except (ValueError, OverflowError) as cause:
        problem = f"{text[:60]!r} is no time: say one such as '2026-11-30 09:00', '2026-11-30T09:00:00Z' or '09:00'."
        raise BadTrigger(problem=problem) from cause
    if not now < instant < END:
        past = "in the past" if instant <= now else "after the year 2199"
        tomorrow = to_local(now, place) + timedelta(days=1)
        raise BadTrigger(problem=f"{text!r} is {past}: say a time such as '{tomorrow:%Y-%m-%d %H:%M}'.")
    return Trigger("at", expression, zone, instant)


def made_in(duration: str, zone: str, now: int) -> Trigger:
    """Once, so long from now."""
    known_zone(zone)
    try:
        instant = now + round(parse_duration(duration[:_TEXT]) * 1000)
    except (ValueError, OverflowError) as cause:
        problem = f"{duration[:60]!r} is no time to wait: say one such as 90s, 45m or 2h30m."
        raise BadTrigger(problem=problem) from cause
    return Trigger("at", stamp_of(instant), zone, instant)


def made_now(zone: str, now: int) -> Trigger:
    """Once, at this very moment: the anchor is its firing, which `next_after(trigger, now)` is past already."""
    known_zone(zone)
    return Trigger("at", stamp_of(now), zone, now)


def made_every(interval: str | float, zone: str, now: int, start: int | None = None) -> Trigger:
    """Again and again, first one interval from now, or at `start` (ms). Whole days go by the calendar of the zone."""
    place = known_zone(zone)
    milliseconds = _read_interval(interval)
    if start is not None and not now <= start < END:
        raise BadTrigger(problem="The start of an interval lies in the past: say a time after now.")
    seconds, rest = divmod(milliseconds, 1000)
    expression = f"{seconds}.{rest:03}".rstrip("0") if rest else str(seconds)
    if start is None:
        return Trigger("every", expression, zone, now)
    days = timedelta(milliseconds=milliseconds)
    before = to_instant(to_local(start, place).replace(tzinfo=None) - days, place)
    trigger = Trigger("every", expression, zone, before if milliseconds % DAY == 0 else start - milliseconds)
    if next_after(trigger, now - 1) != start:
        problem = "The clocks change between the start of this interval and one interval before it: begin it another day."
        raise BadTrigger(problem=problem)
    return trigger


def made_cron(expression: str, zone: str, now: int) -> Trigger:
    """By a cron expression, evaluated in the zone."""
    known_zone(zone)
    return _that_fires(Trigger("cron", cron.check(expression), zone, now), expression, now)


def made_rrule(text: str, zone: str, now: int) -> Trigger:
    """By a recurrence rule of RFC 5545. A DTSTART in it sets anchor and zone; without one the plan begins now."""
    from iai_daemon.agenda.schedule import rrule_text  # noqa: PLC0415 -- only who has such a recall pays for it

    known_zone(zone)
    read = rrule_text.read(text, zone, now)
    return _that_fires(Trigger("rrule", read.expression, read.zone, read.anchor), text, now)


def _that_fires(trigger: Trigger, text: str, now: int) -> Trigger:
    if next_after(trigger, now) is None:
        example = "0 9 * * 1-5" if trigger.kind == "cron" else "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9"
        problem = f"{text[:60]!r} never comes from now on: say what does, such as '{example}'."
        raise BadTrigger(problem=problem)
    return trigger


def _firings(trigger: Trigger, after: int) -> Iterator[int]:
    """All firings later than `after`, in their order, each a later instant than the one before."""
    if max(after, trigger.anchor) >= END - 1:
        return iter(())
    zone = known_zone(trigger.zone)
    match trigger.kind:
        case "at":
            instant = _instant_of(trigger.expression, zone)
            return iter([instant] if instant > after else [])
        case "every":
            after = max(after, trigger.anchor)
            step = _elapsed(trigger)
            return _by_days(trigger, zone, after) if step is None else _by_steps(trigger.anchor, step, after)
        case "cron":
            return cron.firings(trigger.expression, zone, max(after, trigger.anchor))
        case _:
            return _by_rule(trigger, zone, max(after, trigger.anchor - 1))


def _elapsed(trigger: Trigger) -> int | None:
    """The interval of an `every` in milliseconds, unless it goes by the calendar."""
    if trigger.kind != "every":
        return None
    step = round(float(trigger.expression) * 1000)
    return step if step % DAY else None


def _by_steps(anchor: int, step: int, after: int) -> Iterator[int]:
    first = anchor + ((after - anchor) // step + 1) * step
    return iter(range(first, END, step))


def _by_days(trigger: Trigger, zone: ZoneInfo, after: int) -> Iterator[int]:
    """At the local time of the anchor, whole numbers of days later."""
    days = round(float(trigger.expression) * 1000) // DAY
    start = to_local(trigger.anchor, zone).replace(tzinfo=None)
    number = max((to_local(after, zone).date() - start.date()).days // days - 1, 1)
    while (firing := to_instant(start + timedelta(days=number * days), zone)) < END:
        if firing > after:
            yield firing
            after = firing
        number += 1


def _by_rule(trigger: Trigger, zone: ZoneInfo, after: int) -> Iterator[int]:
    from iai_daemon.agenda.schedule import rrule  # noqa: PLC0415 -- as above

    rule = _rule_of(trigger)
    for local in rrule.local_times(rule, to_local(after, zone).replace(tzinfo=None, microsecond=0)):
        instant = to_instant(local, zone)
        if instant >= END:
            return
        if instant > after:
            yield instant
            after = instant


@lru_cache(maxsize=64)
def _rule_of(trigger: Trigger) -> Rule:
    from iai_daemon.agenda.schedule import rrule_text  # noqa: PLC0415 -- as above

    return rrule_text.read(trigger.expression, trigger.zone, trigger.anchor).rule


def _last(trigger: Trigger, until: int) -> int:
    """The last firing not later than `until`, of a trigger that has some: looked for in ever longer stretches before it."""
    stretch = _HOUR
    while True:
        found = None
        for firing in takewhile(lambda firing: firing <= until, _firings(trigger, until - stretch)):
            found = firing
        if found is not None:
            return found
        stretch *= 2


def _read_at(text: str, zone: ZoneInfo, now: int) -> tuple[str, int]:
    """What is kept of it, and the instant. Raises ValueError, OverflowError."""
    if len(text) > _TEXT:
        raise ValueError(text)
    text = text.strip()
    if _ABSOLUTE.fullmatch(text):
        stamp = format_stamp(parse_stamp(text.replace(" ", "T", 1).replace(" ", "")))
        return stamp, _instant_of(stamp, zone)
    if _LOCAL.fullmatch(text):
        local = datetime.fromisoformat(text.upper())
    elif _CLOCK.fullmatch(text):
        local = _next_showing(time.fromisoformat(text), zone, now)
    else:
        raise ValueError(text)
    if not 1970 <= local.year <= 9998:
        raise ValueError(text)
    return local.isoformat(), to_instant(local, zone)


def _next_showing(clock: time, zone: ZoneInfo, now: int) -> datetime:
    """Today, or the first day after it, at that time."""
    day: date = to_local(now, zone).date()
    while to_instant(datetime.combine(day, clock), zone) <= now:
        day += timedelta(days=1)
    return datetime.combine(day, clock)


def _instant_of(expression: str, zone: ZoneInfo) -> int:
    if expression.endswith("Z"):
        return round(parse_stamp(expression) * 1000)
    return to_instant(datetime.fromisoformat(expression), zone)


def _read_interval(interval: str | float) -> int:
    """Milliseconds."""
    try:
        seconds = parse_duration(interval[:_TEXT]) if isinstance(interval, str) else float(interval)
    except (ValueError, OverflowError) as cause:
        problem = f"{str(interval)[:60]!r} is no interval: say one such as 30s, 15m, 2h or 1d."
        raise BadTrigger(problem=problem) from cause
    if not math.isfinite(seconds) or not SECOND <= seconds * 1000 <= _LONGEST:
        problem = "An interval lasts from a second to a hundred years: say one such as 30s, 15m, 2h or 1d."
        raise BadTrigger(problem=problem)
    return round(seconds * 1000)
