"""What a store counts of itself, for the metrics. Pure; the statements stand in sql/figures.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Figures:
    """`memories` by status, `nights` that have ended by (kind, outcome), `changes` by effect (those that were taken back count,
    too), `held` by why; when the newest completed night that was no nap began and ended, in milliseconds since the epoch."""

    memories: Mapping[str, int]
    nights: Mapping[tuple[str, str], int]
    changes: Mapping[str, int]
    held: Mapping[str, int]
    night_began: int | None
    night_ended: int | None


class Counts(Protocol):
    """Asked of one store. May raise StoreUnusable, StoreBusy."""

    def figures(self) -> Figures:
        """All of them. Nights and changes are never deleted, so that what is counted of them only grows."""
        ...
