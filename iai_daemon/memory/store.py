"""What users of the memory need of a store: the protocol that every engine implements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from iai_daemon.memory.record import Draft, Record
from iai_daemon.progress import Tell, unheard

# So many gists are told beside the results of a search.
GISTS = 2


@dataclass(frozen=True, slots=True)
class Query:
    """A search. `scopes` empty means all; `own_words`: nothing leads to another record, be it over or contradicted.

    `as_of`, in milliseconds since the epoch, asks what held at that moment according to all that is known today, not what was
    believed then: a record holds from `valid_from` until right before `valid_to` or `expires_at`. One that has been archived
    does so, too; one that its user has forgotten is never answered.
    """

    text: str
    limit: int = 10
    scopes: tuple[str, ...] = ()
    include_superseded: bool = False
    as_of: int | None = None
    own_words: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """One result; `score` is in (0, 1], 1 for the best of its search."""

    record: Record
    score: float


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What the record `newer` says against the record `older`: by which rule, and in words. Not `certain`: the two may hold
    side by side after all. `outranked`: the newer one is trusted less, so nothing goes by it but what shows it to people."""

    older: int
    newer: int
    rule: str
    words: str
    certain: bool
    outranked: bool = False


@dataclass(frozen=True, slots=True)
class Correction:
    """A record that a newer one seems to correct, and which of its words say so. `outranked`: it is trusted more than the newer
    one, so that it holds all the same."""

    record: Record
    evidence: str
    outranked: bool = False

    def as_json(self) -> dict[str, object]:
        """As it is told to who has just told the newer one."""
        return {"id": self.record.id, "content": self.record.content, "evidence": self.evidence}


@dataclass(frozen=True, slots=True)
class Related:
    """A current record that belongs to another, and why. `kind`: related; source (the other was made from this one); source_of
    (this one was made from the other). `night`: which found it."""

    record: Record
    kind: str
    weight: float
    reason: str
    night: int

    def as_json(self) -> dict[str, object]:
        """As `memory show` and the memory's resource tell it."""
        return {
            "id": self.record.id,
            "content": self.record.content,
            "kind": self.kind,
            "weight": self.weight,
            "reason": self.reason,
            "night": self.night,
        }


@dataclass(frozen=True, slots=True)
class Similar:
    """A current record whose vector is near to another's; `similarity`: the cosine of the two, in (0, 1]."""

    record: Record
    similarity: float


@dataclass(frozen=True, slots=True)
class Gist:
    """What a night has summed up, and those of the records asked about that it sums up."""

    record: Record
    sources: tuple[int, ...]

    def as_json(self) -> dict[str, object]:
        """As searches answer it beside their results."""
        return {"id": self.record.id, "content": self.record.content, "sources": list(self.sources)}


@dataclass(frozen=True, slots=True)
class Traces:
    """How often an agent was given a record and when last, and since when a current one says something against it. Times are
    milliseconds since the epoch."""

    times: int = 0
    last_at: int | None = None
    contradicted_at: int | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, in records."""

    added: int
    unchanged: int
    superseded: int


class MemoryStore(Protocol):
    """The users' side of a memory. Times are milliseconds since the epoch. Everything may raise StoreUnusable, StoreBusy."""

    def add(self, draft: Draft, now: int) -> Record:
        """Keep a new memory. What it says against others is noted, so that search puts it before them at once; whether they
        are over is left to the night."""
        ...

    def corrected_by(self, record: int) -> Sequence[Correction]:
        """What a record seems to correct, read from their words, and what it replaces by its key; the newest first. Left out
        is what is forgotten."""
        ...

    def import_many(self, drafts: Iterable[Draft], now: int, tell: Tell = unheard) -> Imported:
        """Keep many. What is known in its scope by the same external id is left as it is where the content is the same, and
        superseded at once where it is another. They are kept in portions; `tell` hears after each how many are, no more drafts having
        been asked for than those."""
        ...

    def get(self, record: int) -> Record:
        """Raises NoSuchRecord."""
        ...

    def search(self, query: Query, now: int) -> Sequence[Hit]:
        """By words, best first; of facts with the same key the newest comes first, whatever its words, and what says something
        against another comes before it."""
        ...

    def history(self, subject: str, attribute: str | None, scopes: Sequence[str]) -> Sequence[Record]:
        """What was held true about a subject, oldest first; no scopes means all. Forgotten ones are left out."""
        ...

    def recent(self, scopes: Sequence[str], limit: int, now: int) -> Sequence[Record]:
        """What users told last in these scopes and is current, the newest first."""
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

    def related(self, record: int) -> Sequence[Related]:
        """What belongs to this record and is current; by kind, then what belongs to it most first."""
        ...

    def similar(self, record: int, limit: int) -> Sequence[Similar]:
        """The current records whose vectors are nearest to this one's, the nearest first; of the model that the last night went
        by. What is nothing like it is left out. Raises NoSuchRecord and NoVector."""
        ...

    def gists(self, records: Sequence[int], limit: int) -> Sequence[Gist]:
        """The current gists that sum up at least two of these records, at most `limit`; those that sum up most of them first.

        Search never finds gists by their words: they would stand before what they are made of.
        """
        ...

    def note_use(self, records: Sequence[int], now: int) -> None:
        """An agent was given these records, one each time that it stands here. Makes no work for nights."""
        ...

    def traces(self, record: int) -> Traces:
        """What tells how strong a record is."""
        ...

    def merged_ids(self, records: Sequence[int] | None = None) -> Mapping[int, tuple[str, ...]]:
        """The names of everything that was joined into each of these records (None: into any), transitively."""
        ...

    def memories(self) -> int:
        """How many records are current."""
        ...


class Deliveries(Protocol):
    """Notes that reach the memory by a name of their own: a try whose outcome is not known may be made again."""

    def add(self, note: str, draft: Draft, now: int) -> Record:
        """Keep a new memory as `MemoryStore.add` does, unless this note has been kept before: then that one is given. Raises
        StoreUnusable, StoreBusy; NoSuchRecord where it has been purged since."""
        ...
