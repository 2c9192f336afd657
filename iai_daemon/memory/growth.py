"""How a memory has grown, and what its records say, for who tells of many at once: the report. The protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

# Moments that are asked for are multiples of so many milliseconds: at these every zone's days begin.
QUARTER_HOUR = 900_000


@dataclass(frozen=True, slots=True)
class Standing:
    """How many records there were at a moment, each counted once: `superseded` are those that were joined into others, too.

    `at` in milliseconds since the epoch.
    """

    at: int
    current: int
    superseded: int
    archived: int
    expired: int
    forgotten: int


class Growth(Protocol):
    """Asked of one store. May raise StoreUnusable, StoreBusy."""

    def standings(self, moments: Sequence[int], now: int) -> Sequence[Standing]:
        """How many records stood how at each of these moments, oldest first, and last of all now.

        A record is there since it was told, or since the date that it was told with; it stops being current when a night
        changed it, or its user did, whatever it says about when it held. What was taken back stood otherwise until then.
        `moments` are multiples of QUARTER_HOUR and not later than `now`.
        """
        ...

    def contents(self, records: Sequence[int], most: int) -> Mapping[int, str]:
        """The first `most` characters of each of these records, by id; those that are gone are left out."""
        ...
