"""Columns side by side, each with others inside of it: what the search self-check found, for how long clients were open. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from iai_daemon.report.drawing.svg import along, element, picture, words

_HEAD, _FOOT = 4, 22
# Fewer columns are no wider than so many would be.
FULL = 12


@dataclass(frozen=True, slots=True)
class Column:
    """Its levels, the outermost first, with the class of each; `said` is what appears when it is pointed at."""

    levels: Sequence[tuple[float, str]]
    said: str


def draw(  # noqa: PLR0913 -- a drawing has that many sides
    name: str,
    title: str,
    told: str,
    columns: Sequence[Column],
    *,
    height: float,
    highest: float,
    names: Sequence[str] = (),
    kind: str = "",
) -> str:
    """`highest`: the level at the top; `names`: what stands below the first and the last one, or evenly between."""
    parts = [*_columns(columns, height, highest), _line(_HEAD + height), *_names(names, height)]
    return picture(name, title, told, _HEAD + height + (_FOOT if names else 2), parts, kind)


def _columns(columns: Sequence[Column], height: float, highest: float) -> Iterator[str]:
    for place, column in enumerate(columns):
        inside = [element("title", words(column.said))]
        for level, kind in column.levels:
            size = height * max(0.0, min(1.0, level / highest if highest > 0 else 0.0))
            if size:
                # What is there is seen, however little it is.
                size = max(size, 1.5)
                inside.append(_bar(place, len(columns), _HEAD + height - size, size, kind))
        if len(inside) > 1:
            yield element("g", *inside)


def _bar(place: int, number: int, top: float, size: float, kind: str) -> str:
    room = max(number, FULL)
    return element(
        "rect",
        x=along(place + 0.14, room),
        y=float(top),
        width=along(0.72, room),
        height=float(size),
        class_=kind,
        rx=1,
    )


def _line(y: float) -> str:
    return element("line", x1=0, x2="100%", y1=y, y2=y, class_="level")


def _names(names: Sequence[str], height: float) -> Iterator[str]:
    for place, name in enumerate(names):
        anchor = "start" if place == 0 else "end" if place == len(names) - 1 else "middle"
        x = along(place, max(len(names) - 1, 1))
        yield element("text", words(name), x=x, y=_HEAD + height + 16, text_anchor=anchor, class_="axis")
