"""How the memory has grown: what is current, and above it what is not any more. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from iai_daemon.report.drawing.scale import ticks
from iai_daemon.report.drawing.svg import along, element, picture, words

KINDS = ("current", "superseded", "archived", "expired", "forgotten")
_HEIGHT, _FOOT, _HEAD = 190, 26, 14


def draw(points: Sequence[Mapping[str, int]], names: Sequence[str], told: str) -> str:
    """`points`: one for each time, how many of each kind; `names`: what stands below the first, the middle and the last one."""
    highest = ticks(max((sum(each[kind] for kind in KINDS) for each in points), default=0))
    parts = [*_levels(highest), _areas(points, highest[-1]), *_names(names)]
    return picture("growth", "How many memories there are", told, _HEAD + _HEIGHT + _FOOT, parts)


def describe(points: Sequence[Mapping[str, int]]) -> str:
    """What the drawing shows, for who does not see it."""
    if not points:
        return "Nothing is known yet."
    first, last = points[0], points[-1]
    return f"From {first['current']} current memories to {last['current']} now. The figures are in the table below."


def _levels(highest: Sequence[int]) -> Iterator[str]:
    for level in highest:
        y = _HEAD + _HEIGHT * (1 - level / highest[-1])
        yield element("line", x1=0, x2="100%", y1=y, y2=y, class_="level")
        yield element("text", f"{level:,}", x=0, y=y - 3, class_="axis")


def _areas(points: Sequence[Mapping[str, int]], highest: int) -> str:
    """Stacked, in a square that is stretched to the width."""
    shown = list(points) if len(points) > 1 else [*points, *points]
    width = max(len(shown) - 1, 1)
    below, parts = [0.0] * len(shown), []
    for kind in KINDS:
        above = [low + each[kind] for low, each in zip(below, shown, strict=True)]
        if any(each[kind] for each in shown):
            parts.append(_area(below, above, width, highest, kind))
        below = above
    return element(
        "svg",
        *parts,
        x=0,
        y=_HEAD,
        width="100%",
        height=_HEIGHT,
        view_box="0 0 100 100",
        preserve_aspect_ratio="none",
    )


def _area(below: Sequence[float], above: Sequence[float], width: int, highest: int, kind: str) -> str:
    def point(place: int, level: float) -> str:
        return f"{place / width * 100:.3f},{100 - level / highest * 100:.3f}"

    there = [point(place, level) for place, level in enumerate(above)]
    back = [point(place, level) for place, level in enumerate(below)][::-1]
    return element("path", d=f"M{' L'.join([*there, *back])} Z", class_=kind) + element(
        "path", d=f"M{' L'.join(there)}", class_=f"edge {kind}-edge", vector_effect="non-scaling-stroke"
    )


def _names(names: Sequence[str]) -> Iterator[str]:
    """One at each end, the others between them."""
    for place, name in enumerate(names):
        anchor = "start" if place == 0 else "end" if place == len(names) - 1 else "middle"
        x = along(place, max(len(names) - 1, 1))
        yield element("text", words(name), x=x, y=_HEAD + _HEIGHT + 18, text_anchor=anchor, class_="axis")
