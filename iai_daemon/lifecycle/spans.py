"""A line of time from entries that were written one after the other, whatever the clocks did meanwhile. Pure.

The hypnogram and the attendance are made of it.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

from iai_daemon.units import parse_stamp

Value = TypeVar("Value")


def stamp(value: object) -> float | None:
    """Seconds since the epoch, as a line of a file tells them; None for what is no stamp."""
    try:
        return parse_stamp(str(value))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Entry(Generic[Value]):
    """From `at` on (seconds since the epoch) `value` holds.

    `known_until`: until when the entry before it is known to hold, where that was not until `at`; between the two is `gap`.
    """

    at: float
    value: Value
    gap: Value
    known_until: float | None = None


@dataclass(frozen=True, slots=True)
class Span(Generic[Value]):
    """From `since` until just before `until` (seconds since the epoch) `value` holds."""

    since: float
    until: float
    value: Value


def spans(entries: Iterable[Entry[Value]], since: float, until: float, nothing: Value) -> list[Span[Value]]:
    """Every moment of the range in exactly one span, oldest first; `nothing` where no entry tells anything.

    The entries are in the order in which they were written, and the last one only ends the one before it. Where a clock was set
    back two of them tell of one moment: what was written later holds, and a gap hides nothing that was told.
    """
    line = _Line(since, until, nothing)
    for entry, following in pairwise(entries):
        told_until = following.at if following.known_until is None else following.known_until
        line.paint(entry.at, told_until, entry.value)
        line.fill(max(entry.at, told_until), following.at, following.gap)
    return list(line.spans())


class _Line(Generic[Value]):
    """The range, painted over piece by piece: piece `i` begins at `_starts[i]` and ends where the next one begins."""

    def __init__(self, since: float, until: float, nothing: Value) -> None:
        self._until = until
        self._nothing = nothing
        self._starts = [since] if until > since and math.isfinite(until - since) else []
        self._values = [nothing] * len(self._starts)

    def paint(self, since: float, until: float, value: Value) -> None:
        """What does not lie in the range is left out; nothing is painted where `until` is not after `since`."""
        if not self._starts:
            return
        since, until = max(since, self._starts[0]), min(until, self._until)
        if not since < until:
            return
        first, behind = bisect_left(self._starts, since), bisect_left(self._starts, until)
        starts, values = [since], [value]
        goes_on = until < self._until and self._starts[behind : behind + 1] != [until]
        if goes_on:
            starts.append(until)
            values.append(self._values[bisect_right(self._starts, until) - 1])
        self._starts[first:behind] = starts
        self._values[first:behind] = values

    def fill(self, since: float, until: float, value: Value) -> None:
        """The same where nothing has been painted yet."""
        if not since < until:
            return
        first = max(0, bisect_right(self._starts, since) - 1)
        last = bisect_left(self._starts, until)
        pieces = [
            self._span(number) for number in range(first, last) if self._values[number] == self._nothing
        ]
        for each in pieces:
            self.paint(max(since, each.since), min(until, each.until), value)

    def spans(self) -> Iterator[Span[Value]]:
        return (self._span(number) for number in range(len(self._starts)))

    def _span(self, number: int) -> Span[Value]:
        following = self._starts[number + 1 : number + 2] or [self._until]
        return Span(self._starts[number], following[0], self._values[number])
