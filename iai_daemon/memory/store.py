"""What users of the memory need of a store: the protocol that every engine implements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from iai_daemon.memory.record import Draft, Record


@dataclass(frozen=True, slots=True)
class Query:
    """A search. `scopes` empty means all; `as_of` in milliseconds since the epoch asks what held then."""

    text: str
    limit: int = 10
    scopes: tuple[str, ...] = ()
    include_superseded: bool = False
    as_of: int | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """One result; `score` is in (0, 1], 1 for the best of its search."""

    record: Record
    score: float


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, in records."""

    added: int
    unchanged: int
    superseded: int


class MemoryStore(Protocol):
    """The users' side of a memory. Times are milliseconds since the epoch. Everything may raise StoreUnusable, StoreBusy."""

    def add(self, draft: Draft, now: int) -> Record:
        """Keep a new memory; what it replaces is left to search (at once) and to the night."""
        ...

    def import_many(self, drafts: Iterable[Draft], now: int) -> Imported:
        """Keep many. What is known in its scope by the same external id is left as it is where the content is the same, and
        superseded at once where it is another."""
        ...

    def get(self, record: int) -> Record:
        """Raises NoSuchRecord."""
        ...

    def search(self, query: Query, now: int) -> Sequence[Hit]:
        """By words, best first; of facts with the same key the newest comes first, whatever its words."""
        ...

    def history(self, subject: str, attribute: str | None, scopes: Sequence[str]) -> Sequence[Record]:
        """What was held true about a subject, oldest first; no scopes means all. Forgotten ones are left out."""
        ...

    def forget(self, record: int, now: int) -> Record:
        """Never find it again until it is restored. Raises NoSuchRecord."""
        ...

    def restore(self, record: int, now: int) -> Record:
        """Take a `forget` back. Raises NoSuchRecord."""
        ...

    def export(self) -> Iterator[Record]:
        """Every record, by id."""
        ...

    def replaced_by(self, record: int) -> Sequence[Record]:
        """What is superseded by this record or merged into it, by id."""
        ...

    def merged_ids(self, records: Sequence[int] | None = None) -> Mapping[int, tuple[str, ...]]:
        """The names of everything that was joined into each of these records (None: into any), transitively."""
        ...

    def memories(self) -> int:
        """How many records are current."""
        ...
