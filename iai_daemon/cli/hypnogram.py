"""A hypnogram as rows of text: a row for each state, one for nights and naps, and an axis in local time. Pure.

A column stands for an equal share of the range; how high it is filled tells for how much of that time the state held.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo

from iai_daemon.lifecycle.hypnogram import Night, Stretch
from iai_daemon.lifecycle.states import State
from iai_daemon.units import to_local

# What stands before every row.
MARGIN = 9
_NARROWEST, _WIDEST = 10, 500
_HOUR, _DAY = 3600, 86_400
_STEPS = (60, 120, 300, 600, 900, 1800, _HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR)
# Every offset from UTC is a multiple of this.
_QUARTER = 900
# So long hours are told apart on the axis, beyond that days.
_HOURS_TELL = 3 * _DAY
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60, 120)
# So much less than a part of a column is a rounding error.
_TRACE = 1e-9


@dataclass(frozen=True, slots=True)
class Signs:
    """What it is drawn with. `heights` from a trace to all of the time."""

    heights: str
    unknown: str
    night: str
    nap: str
    line: str
    tick: str


BLOCKS = Signs("▁▂▃▄▅▆▇█", "░", "●", "○", "─", "┬")
PLAIN = Signs("_=#", ":", "N", "n", "-", "+")


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what it is about (the state's name, `nights`, or nothing), and the columns."""

    label: str
    text: str

    @property
    def line(self) -> str:
        return f"{self.label:{MARGIN}}{self.text}".rstrip()


def draw(
    stretches: Sequence[Stretch], nights: Sequence[Night], *, zone: tzinfo | None, width: int, signs: Signs
) -> list[Row]:
    """The rows from top to bottom, `width` columns each beside the margin; nothing for no time at all.

    `zone`: whose local time the axis shows, None for this machine's own.
    """
    if not stretches:
        return []
    scale = _Scale(stretches[0].since, stretches[-1].until, max(_NARROWEST, min(width, _WIDEST)))
    unknown = scale.shares(each for each in stretches if each.state is None)
    rows = [Row(state.value, _state_row(scale, stretches, state.value, unknown, signs)) for state in State]
    ticks = list(_ticks(scale, zone))
    line, labels = _axis(scale, ticks, signs)
    legend = f"{signs.night} night  {signs.nap} nap  {signs.unknown} not known"
    beside = [Row("", line), Row("", labels), Row("", legend)]
    return [*rows, Row("nights", _nights_row(scale, nights, signs)), *beside]


@dataclass(frozen=True, slots=True)
class _Scale:
    """The range in seconds since the epoch, and into how many columns it is cut."""

    since: float
    until: float
    width: int

    @property
    def column(self) -> float:
        """Seconds of one column."""
        return (self.until - self.since) / self.width

    def place(self, at: float) -> int:
        """In which column a moment lies; the nearest one where it is not in the range."""
        return max(0, min(self.width - 1, int((at - self.since) / self.column)))

    def columns(self, since: float, until: float) -> range:
        """Those that a time has a part in, one at least; what ends where a column begins has none in that one."""
        first = self.place(since)
        return range(
            first, max(first, min(self.width, math.ceil((until - self.since) / self.column)) - 1) + 1
        )

    def shares(self, stretches: Iterable[Stretch]) -> list[float]:
        """For each column which part of its time these take."""
        found = [0.0] * self.width
        for each in stretches:
            for number in self.columns(each.since, each.until):
                begin = self.since + number * self.column
                inside = min(each.until, begin + self.column) - max(each.since, begin)
                found[number] += max(0.0, inside) / self.column
        return found


def _state_row(
    scale: _Scale, stretches: Sequence[Stretch], state: str, unknown: Sequence[float], signs: Signs
) -> str:
    shares = scale.shares(each for each in stretches if each.state == state)
    cells = []
    for share, not_known in zip(shares, unknown, strict=True):
        if share > _TRACE:
            steps = len(signs.heights)
            cells.append(signs.heights[min(steps - 1, max(0, round(share * steps) - 1))])
        else:
            cells.append(signs.unknown if not_known >= 0.5 - _TRACE else " ")
    return "".join(cells)


def _nights_row(scale: _Scale, nights: Sequence[Night], signs: Signs) -> str:
    cells = [" "] * scale.width
    # A night stands out where a nap falls into the same column.
    for each in sorted(nights, key=lambda night: night.kind != "nap"):
        sign = signs.nap if each.kind == "nap" else signs.night
        for number in scale.columns(each.since, each.until):
            cells[number] = sign
    for each in sorted(nights, key=lambda night: night.kind == "nap"):
        _write(cells, scale.columns(each.since, each.until).stop, str(each.id))
    return "".join(cells)


def _write(cells: list[str], begin: int, text: str) -> bool:
    """Into free columns that leave one free behind them, or not at all."""
    end = begin + len(text)
    free = end <= len(cells) and all(each == " " for each in cells[begin : end + 1])
    if free:
        cells[begin:end] = text
    return free


def _axis(scale: _Scale, ticks: Sequence[tuple[float, str]], signs: Signs) -> tuple[str, str]:
    line, labels = [signs.line] * scale.width, [" "] * scale.width
    for at, label in ticks:
        place = scale.place(at)
        line[place] = signs.tick
        _write(labels, place, label)
    return "".join(line), "".join(labels)


def _ticks(scale: _Scale, zone: tzinfo | None) -> Iterator[tuple[float, str]]:
    """The moments that the axis names, and how; as many as have room."""
    whole = scale.until - scale.since
    if whole <= _HOURS_TELL:
        yield from _hours(scale, zone, _step(scale, len("00:00")))
    else:
        yield from _dates(scale, zone)


def _step(scale: _Scale, length: int) -> int:
    """The smallest step whose labels of this length stand apart."""
    return next((each for each in _STEPS if each / scale.column >= length + 2), _STEPS[-1])


def _hours(scale: _Scale, zone: tzinfo | None, step: int) -> Iterator[tuple[float, str]]:
    # By instants and not by what clocks show: an hour that they show twice is two.
    stride = min(step, _QUARTER)
    at = -(-scale.since // stride) * stride
    while at < scale.until:
        local = to_local(at, zone)
        seconds = local.hour * _HOUR + local.minute * 60 + local.second
        if seconds % step == 0:
            yield at, f"{local:%H:%M}" if seconds else _DAYS[local.weekday()]
        at += stride


def _dates(scale: _Scale, zone: tzinfo | None) -> Iterator[tuple[float, str]]:
    first, last = to_local(scale.since, zone).date(), to_local(scale.until, zone).date()
    columns = _DAY / scale.column
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(ordinal)
        if label := _label(day, columns):
            at = datetime.combine(day, time(), zone).timestamp()
            if scale.since <= at < scale.until:
                yield at, label


def _label(day: date, columns: float) -> str | None:
    """How a day is named that takes so many columns; None: only others are."""
    if columns >= len("Mon 16") + 2:
        return f"{_DAYS[day.weekday()]} {day.day}"
    if columns >= len("Mon") + 1:
        return _DAYS[day.weekday()]
    weeks = next((each for each in (1, 2) if 7 * each * columns >= len("16 Nov") + 2), None)
    if weeks:
        # Weeks begin on Mondays: the first day of all was one.
        return f"{day.day} {_MONTHS[day.month - 1]}" if (day.toordinal() - 1) % (7 * weeks) == 0 else None
    months = next((each for each in _MONTH_STEPS if 28 * each * columns >= len("Nov 2026") + 2), 1200)
    begins = day.day == 1 and (12 * day.year + day.month - 1) % months == 0
    return f"{_MONTHS[day.month - 1]} {day.year}" if begins else None


def say_date(day: date) -> str:
    """`Sun 22 Nov 2026`"""
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"
