"""The hypnogram: a row for each day, in it three lanes for the states, and the nights and naps where they were. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from iai_daemon.report.drawing.svg import along, element, picture, words
from iai_daemon.units import say_count

# In pixels: a row is its name, three lanes, and some room.
_NAME, _LANE, _ROOM = 20, 12, 20
_ROW = _NAME + 3 * _LANE + _ROOM
_FOOT = 20
_LANES: Mapping[str | None, int] = {"WAKE": 0, "IDLE": 1, "BEDTIME": 2}
_SAID = {"WAKE": "awake", "IDLE": "idle", "BEDTIME": "bedtime"}


@dataclass(frozen=True, slots=True)
class Row:
    """One day, in seconds since the epoch; `name` as people call it, `hours` where the axis has a mark and what it says there."""

    name: str
    since: float
    until: float
    hours: Sequence[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class Stretch:
    """One state within the week; `said` is what appears when it is pointed at."""

    since: float
    until: float
    state: str | None
    said: str


@dataclass(frozen=True, slots=True)
class Night:
    """A night or a nap, marked where it began; `failed`: it did not get to its end."""

    since: float
    kind: str
    failed: bool
    said: str


def draw(rows: Sequence[Row], stretches: Sequence[Stretch], nights: Sequence[Night], told: str) -> str:
    """`told` says in words what is to be seen."""
    parts = (each for place, row in enumerate(rows) for each in _row(place * _ROW, row, stretches, nights))
    height = len(rows) * _ROW + _FOOT
    title = "How the last days went"
    return picture("hypnogram", title, told, height, [_unknown(), *parts, *_axis(rows)])


def describe(rows: Sequence[Row], totals: Mapping[str, float], nights: Sequence[Night]) -> str:
    """What the drawing shows, for who does not see it."""
    naps = sum(each.kind == "nap" for each in nights)
    hours = ", ".join(f"{_SAID[state]} {seconds / 3600:.0f} h" for state, seconds in totals.items())
    counts = f"{say_count(len(nights) - naps, 'night')}, {say_count(naps, 'nap')}"
    return f"{say_count(len(rows), 'day')}, a row each: {hours}; {counts}. The nights are listed below."


def _unknown() -> str:
    """What is hatched is not known: so it is told from what is empty without a colour."""
    line = element("path", d="M-2,2 L2,-2 M0,8 L8,0 M6,10 L10,6", class_="hatch")
    pattern = element("pattern", line, id="unknown", width=8, height=8, patternUnits="userSpaceOnUse")
    return element("defs", pattern)


def _row(top: float, row: Row, stretches: Sequence[Stretch], nights: Sequence[Night]) -> Iterator[str]:
    length = row.until - row.since
    yield element("text", words(row.name), x=0, y=top + 13, class_="day")
    yield element("rect", x=0, y=top + _NAME, width="100%", height=3 * _LANE, class_="ground", rx=2)
    for moment, _ in row.hours:
        x = along(moment - row.since, length)
        yield element("line", x1=x, x2=x, y1=top + _NAME, y2=top + _NAME + 3 * _LANE, class_="hour")
    for each in stretches:
        if each.since < row.until and each.until > row.since:
            yield _stretch(top + _NAME, row, each)
    for night in nights:
        if row.since <= night.since < row.until:
            yield _night(top + _NAME, row, night)


def _stretch(top: float, row: Row, each: Stretch) -> str:
    length = row.until - row.since
    since, until = max(each.since, row.since), min(each.until, row.until)
    lane = _LANES.get(each.state)
    return element(
        "rect",
        element("title", words(each.said)),
        x=along(since - row.since, length),
        y=top if lane is None else top + lane * _LANE,
        width=along(until - since, length),
        height=3 * _LANE if lane is None else _LANE,
        class_="unknown" if lane is None else str(each.state).lower(),
    )


def _night(top: float, row: Row, each: Night) -> str:
    """A mark that can be seen however short it was: round, larger for a night, with a cross where it did not get to its end."""
    x = along(each.since - row.since, row.until - row.since)
    middle, radius = top + 3 * _LANE + 2, 6.0 if each.kind == "night" else 3.5
    ring = element("circle", cx=x, cy=middle, r=radius, class_=each.kind)
    parts = [element("title", words(each.said)), ring]
    if each.kind == "night":
        parts.append(
            element(
                "text", "×" if each.failed else "☾", x=x, y=middle + 3.5, text_anchor="middle", class_="moon"
            )
        )
    return element("g", *parts, class_="failed" if each.failed else None)


def _axis(rows: Sequence[Row]) -> Iterator[str]:
    """The hours, below the last row."""
    if rows:
        row, y = rows[-1], len(rows) * _ROW + 10
        for moment, name in row.hours:
            x = along(moment - row.since, row.until - row.since)
            yield element("text", words(name), x=x, y=y, text_anchor="middle", class_="axis")
