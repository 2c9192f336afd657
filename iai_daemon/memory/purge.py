"""What it is to erase a memory for good, or only the secrets in it; what is found to hold some. The embedded store does it in
sql/purge.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from iai_daemon.memory.record import Record
from iai_daemon.progress import Tell, unheard

# What stands in the place of a text that was erased.
PURGED = "[purged]"


@dataclass(frozen=True, slots=True)
class Purged:
    """What was erased: the ids of `records` and of the `gists` made of them. `holding_again`: what they had replaced holds again.
    `emptied`: nothing of them is left in the file or its log; False: it was in use by others, or the disk had no room."""

    records: tuple[int, ...]
    gists: tuple[int, ...]
    holding_again: tuple[int, ...]
    emptied: bool


class Purge(Protocol):
    """The only part of a store that rewrites what was said. The caller holds the consolidation lock."""

    def marks(self, records: Sequence[int]) -> Mapping[int, int]:
        """When each of these records and of the gists made of them was created, in milliseconds since the epoch: in a copy of
        the store an id alone may be another record's. Raises NoSuchRecord."""
        ...

    def holds(self, marks: Mapping[int, int]) -> bool:
        """Whether anything of these records is left, be it only in the journal."""
        ...

    def purge(self, marks: Mapping[int, int], now: int) -> Purged:
        """Erase what is there of these records, and the gists made of them. What they had replaced holds again, and nights look
        at it anew; the journal tells of them still, without a word of theirs, so that an undo works for all others. Without
        records only the file is made anew."""
        ...

    def redact(self, record: int) -> tuple[tuple[str, ...], bool]:
        """Take the secrets out of a record and of all that quotes it; which kinds there were, and `emptied` as in Purged. Raises
        NoSuchRecord."""
        ...

    def secrets(self, tell: Tell = unheard) -> Iterator[tuple[Record, tuple[str, ...]]]:
        """Every record that holds secrets, by id, with their kinds. `tell` hears of the records that were looked at."""
        ...
