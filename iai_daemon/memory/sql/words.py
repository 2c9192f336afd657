"""What search needs of an engine's index of words; each engine has its own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from iai_daemon.memory.store import Query
from iai_daemon.storage.database import Row

# Which records hold: now, or at the moment `as_of` that is asked about.
HOLDS = """
forgotten_at IS NULL
AND CASE
    WHEN :as_of IS NOT NULL THEN
        valid_from <= :as_of
        AND (valid_to IS NULL OR valid_to > :as_of)
        AND (expires_at IS NULL OR expires_at > :as_of)
    ELSE
        valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
        AND expired_at IS NULL AND archived_at IS NULL
        AND (expires_at IS NULL OR expires_at > :now)
END
"""


class WordIndex(Protocol):
    """The words of all records, as their stems. What it raises is the engine's own; the caller translates it."""

    def stems(self, words: Collection[str]) -> dict[str, str]:
        """The stem of each word that has one."""
        ...

    def frequencies(self, stems: Collection[str]) -> dict[str, int]:
        """How many records have each of these stems; left out are those that none has."""
        ...

    def having(self, words: Sequence[Sequence[str]], limit: int) -> list[list[int]]:
        """For each of these the newest `limit` records that have all of its words."""
        ...

    def rare(self, words: Sequence[str], most: int) -> dict[str, list[int]]:
        """Those of these words that at most so many records have, and which."""
        ...

    def matching(
        self, words: Sequence[str], query: Query, now: int, limit: int, *, with_past: bool
    ) -> list[Row]:
        """The best `limit` records that have any of these words and may answer the query, each with its `score`, the best first,
        then the newest; `with_past`: also what had been superseded or merged by then. Gists are never among them."""
        ...

    def later(self, records: Sequence[int], as_of: int | None, now: int) -> list[Row]:
        """Which records take the place of these, or are said against them, or come after such a one, however many steps that is:
        those that hold now, or held at `as_of`. Each with the one of `records` that led there as `one`."""
        ...
