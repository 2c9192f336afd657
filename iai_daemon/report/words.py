"""How the page says things: times on the clocks here, durations, numbers, and what others wrote, made safe to show. For templates."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from markupsafe import Markup, escape

from iai_daemon.units import parse_stamp, say_duration, to_local

# What would turn the direction of a line around, or is no character at all; line breaks and tabs stay.
_TURNING = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C}


class Words:
    """In the zone of one report."""

    def __init__(self, zone: str) -> None:
        self._zone: tzinfo
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            self._zone = ZoneInfo("UTC")

    def local(self, stamp: str) -> datetime:
        return to_local(parse_stamp(stamp), self._zone)

    def time(self, stamp: str | None) -> Markup:
        """`Sat 21 Nov, 03:12`"""
        return self._time(stamp, "%a %-d %b, %H:%M")

    def clock(self, stamp: str | None) -> Markup:
        """`03:12`"""
        return self._time(stamp, "%H:%M")

    def day(self, stamp: str) -> str:
        """`Saturday 21 November`"""
        return self.local(stamp).strftime("%A %-d %B")

    def full(self, stamp: str) -> Markup:
        """`Saturday 21 November 2026, 03:12 CET`"""
        return self._time(stamp, "%A %-d %B %Y, %H:%M %Z")

    def value(self, stamp: str | None) -> float:
        """A number to sort by."""
        return parse_stamp(stamp) if stamp else 0.0

    def _time(self, stamp: str | None, form: str) -> Markup:
        if stamp is None:
            return Markup("–")
        shown = self.local(stamp).strftime(form)
        return Markup('<time datetime="{}">{}</time>').format(stamp, shown)


def duration(seconds: float | None) -> str:
    """`12 s`, `31 min`, `2.5 h`"""
    if seconds is None:
        return "–"
    return "under 1 s" if 0 < seconds < 1 else say_duration(seconds)


def hours(seconds: float) -> str:
    """`45 min`, `12.5 h`, `120 h`: what is added up over days stays comparable."""
    if seconds < 5400:
        return duration(seconds)
    return f"{seconds / 3600:,.{0 if seconds >= 36_000 else 1}f} h"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 memory`, `2,100 memories`"""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def shown(text: Any) -> Markup:
    """What somebody wrote, on its own direction's terms: nothing in it reaches beyond it."""
    clean = "".join(each if _is_shown(each) else "\ufffd" for each in str(text))
    return Markup('<bdi dir="auto">{}</bdi>').format(clean)


def plain(text: Any) -> str:
    """The same for an attribute, where no element can stand."""
    return "".join(each if _is_shown(each) else "\ufffd" for each in str(text))


def _is_shown(character: str) -> bool:
    if character in "\n\t":
        return True
    return unicodedata.category(character) not in ("Cc", "Cs") and ord(character) not in _TURNING


def by_day(told: Iterable[Mapping[str, Any]], words: Words) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """What follows one another on the same day, together, with the day's name; each has `at`."""
    days = groupby(told, key=lambda each: words.day(each["at"]))
    return [(day, list(group)) for day, group in days]


def code(command: str) -> Markup:
    """A command to copy."""
    return Markup("<code>{}</code>").format(command)


def marked(line: str) -> Markup:
    """A line of the morning note: what stands between backticks is a command."""
    pieces = plain(line).split("`")
    return Markup("").join(
        code(piece) if place % 2 and place < len(pieces) - 1 else escape(piece)
        for place, piece in enumerate(pieces)
    )
