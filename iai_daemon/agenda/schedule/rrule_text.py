"""RFC 5545 recurrence rules as text, strictly read into a `Rule`. `triggers` calls it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from iai_daemon.agenda.schedule.local_time import known_zone, to_instant, to_local
from iai_daemon.agenda.schedule.rrule import FREQUENCIES, Rule, completed
from iai_daemon.errors import BadTrigger

_LONGEST = 4000
# Times of a day, which is one a minute.
_OFTEN = 1440
_EXAMPLE = "say a rule such as 'FREQ=WEEKLY;BYDAY=MO,WE;BYHOUR=9;BYMINUTE=0'"
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WEEKDAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,6}", re.ASCII)
_STAMP = re.compile(r"(\d{8})(?:T(\d{6})(Z)?)?", re.ASCII)
_LINE = re.compile(r"(RRULE|DTSTART|EXDATE|[A-Z-]+)((?:;[A-Z-]+=[^;:]+)*):(.+)", re.ASCII | re.IGNORECASE)
# The largest of each; and whether it also counts from the end, with a minus.
_NUMBERS = {
    "INTERVAL": (1, 100_000, False),
    "COUNT": (1, 10_000, False),
    "BYMONTH": (1, 12, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYHOUR": (0, 23, False),
    "BYMINUTE": (0, 59, False),
    "BYSECOND": (0, 59, False),
    "BYSETPOS": (1, 366, True),
}
_PARTS = {*_NUMBERS, "FREQ", "UNTIL", "WKST", "BYDAY"}


@dataclass(frozen=True, slots=True)
class Read:
    """A rule, and what stands for it: `expression`, with `zone` and `anchor` (ms), makes the same rule again."""

    rule: Rule
    expression: str
    zone: str
    anchor: int


def read(text: str, zone: str, anchor: int) -> Read:
    """The rule begins at its DTSTART, which may name another zone, else right after `anchor` (ms). Raises BadTrigger.

    Without a DTSTART, BYHOUR=9 alone means nine sharp.
    """
    unfolded = re.sub(r"\r?\n[ \t]", "", text[: _LONGEST + 1])
    words = unfolded.split()
    if len(text) > _LONGEST or not words or not all(word.isascii() and word.isprintable() for word in words):
        raise _bad(f"{text[:60]!r} is no recurrence rule")
    lines = _lines(words)
    start = None
    if "DTSTART" in lines:
        zone, start = _start(lines["DTSTART"], zone)
        anchor = to_instant(start, known_zone(zone))
    parts = _parts(lines["RRULE"][1])
    local = start or to_local(anchor, known_zone(zone)).replace(tzinfo=None, microsecond=0)
    moments, days = _left_out(lines.get("EXDATE"), zone)
    rule = replace(_rule(parts, local, zone), left_out=moments, days_left_out=days)
    if start is None:
        rule = _sharp(replace(rule, counts_start=False))
    whole = completed(rule)
    if len(whole.hours) * len(whole.minutes) * len(whole.seconds) > _OFTEN:
        problem = "A rule comes at most once a minute: use --every for that, for instance --every 30s."
        raise BadTrigger(problem=problem)
    kept = [] if start is None else [f"DTSTART:{start:%Y%m%dT%H%M%S}"]
    kept.append("RRULE:" + ";".join(f"{name}={value}" for name, value in parts.items()))
    if moments or days:
        stamps = [f"{each:%Y%m%dT%H%M%S}" for each in sorted(moments)] + [
            f"{each:%Y%m%d}" for each in sorted(days)
        ]
        kept.append("EXDATE:" + ",".join(stamps))
    expression = kept[0].removeprefix("RRULE:") if len(kept) == 1 else "\n".join(kept)
    return Read(rule, expression, zone, anchor)


def _lines(words: list[str]) -> dict[str, tuple[str, str]]:
    """Parameters and value of each property, at most one of each; without a name it is the rule."""
    lines: dict[str, tuple[str, str]] = {}
    for word in words:
        match = _LINE.fullmatch(word)
        name, parameters, value = (match[1].upper(), match[2], match[3]) if match else ("RRULE", "", word)
        if name == "RRULE" and (parameters or "=" not in value):
            raise _bad(f"{word[:40]!r} is no part of a recurrence rule")
        if name not in ("RRULE", "DTSTART", "EXDATE"):
            raise _bad(f"{name[:20]} is not taken over, only DTSTART, one RRULE and EXDATE are")
        if name in lines:
            raise _bad(f"There is more than one {name}")
        lines[name] = (parameters, value)
    if "RRULE" not in lines:
        raise _bad("There is no RRULE in it")
    return lines


def _start(line: tuple[str, str], zone: str) -> tuple[str, datetime]:
    parameters, value = line
    match = _STAMP.fullmatch(value.upper())
    zone = "UTC" if match and match[3] else _zone_of(parameters, zone)
    start, _ = _moment("DTSTART", value, zone, zone)
    return zone, start


def _left_out(line: tuple[str, str] | None, zone: str) -> tuple[frozenset[datetime], frozenset[date]]:
    """The local times of EXDATE, and its whole days."""
    moments, days = set(), set()
    if line is not None:
        theirs = _zone_of(line[0], zone)
        for each in line[1].split(","):
            moment, whole_day = _moment("EXDATE", each, zone, theirs)
            if whole_day:
                days.add(moment.date())
            else:
                moments.add(moment)
    return frozenset(moments), frozenset(days)


def _zone_of(parameters: str, otherwise: str) -> str:
    zone = otherwise
    for parameter in parameters.split(";")[1:]:
        name, value = parameter.split("=", 1)
        if name.upper() == "TZID":
            zone = known_zone(value).key
        elif (name.upper(), value.upper()) not in (("VALUE", "DATE"), ("VALUE", "DATE-TIME")):
            raise _bad(f"{parameter[:40]} is not known")
    return zone


def _moment(name: str, text: str, zone: str, theirs: str) -> tuple[datetime, bool]:
    """A local time of `zone`, written as one of `theirs` or in UTC; and whether it is a whole day, given as its midnight."""
    match = _STAMP.fullmatch(text.upper())
    try:
        if match is None:
            raise ValueError(text)
        moment = datetime.combine(_date(match[1]), _time(match[2] or "000000"))
        if not 1970 <= moment.year <= 2199:
            raise ValueError(text)
    except ValueError as cause:
        problem = f"{name} {text[:40]} is no date from 1970 to 2199: write it as 20261130T090000 or 20261130T140000Z."
        raise BadTrigger(problem=problem) from cause
    if match[3]:
        theirs = "UTC"
    if theirs != zone and match[2]:
        instant = to_instant(moment, known_zone(theirs))
        moment = to_local(instant, known_zone(zone)).replace(tzinfo=None)
    return moment, match[2] is None


def _date(digits: str) -> date:
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))


def _time(digits: str) -> time:
    return time(int(digits[:2]), int(digits[2:4]), int(digits[4:]))


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for pair in text.upper().rstrip(";").split(";"):
        name, equals, value = pair.partition("=")
        if not equals or not value or name not in _PARTS:
            raise _bad(f"{pair[:40]!r} is no part of a recurrence rule")
        if name in parts:
            raise _bad(f"{name} is given twice")
        parts[name] = value
    if parts.get("FREQ") == "SECONDLY":
        raise BadTrigger(
            problem="FREQ=SECONDLY is not taken: use --every for that, for instance --every 30s."
        )
    if parts.get("FREQ") not in FREQUENCIES:
        raise _bad(f"The rule needs a FREQ, one of {', '.join(FREQUENCIES)}")
    if "COUNT" in parts and "UNTIL" in parts:
        raise _bad("A rule has a COUNT or an UNTIL, not both")
    return parts


def _rule(parts: Mapping[str, str], start: datetime, zone: str) -> Rule:
    numbers = {name: _numbers(name, parts[name]) for name in _NUMBERS if name in parts}
    week_start = parts.get("WKST", "MO")
    if week_start not in _DAYS:
        raise _bad(f"WKST={week_start[:20]} is no weekday")
    return Rule(
        frequency=parts["FREQ"],
        start=start,
        interval=numbers.get("INTERVAL", (1,))[0],
        until=_until(parts["UNTIL"], zone) if "UNTIL" in parts else None,
        count=numbers.get("COUNT", (None,))[0],
        week_start=_DAYS.index(week_start),
        months=frozenset(numbers.get("BYMONTH", ())),
        month_days=frozenset(numbers.get("BYMONTHDAY", ())),
        year_days=frozenset(numbers.get("BYYEARDAY", ())),
        weeks=frozenset(numbers.get("BYWEEKNO", ())),
        weekdays=_weekdays(parts["BYDAY"], parts["FREQ"]) if "BYDAY" in parts else frozenset(),
        hours=numbers.get("BYHOUR", ()),
        minutes=numbers.get("BYMINUTE", ()),
        seconds=numbers.get("BYSECOND", ()),
        positions=numbers.get("BYSETPOS", ()),
    )


def _sharp(rule: Rule) -> Rule:
    """Minutes and seconds that are finer than what the rule names are 0."""
    if rule.hours and not rule.minutes and rule.frequency != "MINUTELY":
        rule = replace(rule, minutes=(0,))
    return replace(rule, seconds=(0,)) if (rule.hours or rule.minutes) and not rule.seconds else rule


def _until(text: str, zone: str) -> datetime:
    """A date alone counts to its end."""
    until, whole_day = _moment("UNTIL", text, zone, zone)
    return until + timedelta(days=1, seconds=-1) if whole_day else until


def _numbers(name: str, text: str) -> tuple[int, ...]:
    least, largest, signed = _NUMBERS[name]
    found = set()
    for each in text.split(","):
        number = int(each) if _NUMBER.fullmatch(each) else None
        if number is None or not least <= (abs(number) if signed else number) <= largest:
            also = f" (or -{least} to -{largest})" if signed else ""
            raise _bad(f"{name}={each[:20]} is not a number from {least} to {largest}{also}")
        found.add(number)
    if name in ("INTERVAL", "COUNT") and len(found) > 1:
        raise _bad(f"{name} is one number")
    return tuple(sorted(found))


def _weekdays(text: str, frequency: str) -> frozenset[tuple[int, int]]:
    found = set()
    for each in text.split(","):
        match = _WEEKDAY.fullmatch(each)
        ordinal = int(match[1] or 0) if match else 0
        if match is None or abs(ordinal) > 53 or (match[1] and not ordinal):
            raise _bad(f"BYDAY={each[:20]} is no weekday such as MO, 1MO or -1FR")
        if ordinal and frequency not in ("MONTHLY", "YEARLY"):
            raise _bad(f"BYDAY={each} has a number, which only MONTHLY and YEARLY rules have")
        found.add((ordinal, _DAYS.index(match[2])))
    return frozenset(found)


def _bad(what: str) -> BadTrigger:
    return BadTrigger(problem=f"{what}: {_EXAMPLE}.")
