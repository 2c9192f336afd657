"""What a night needs of a store. Every engine implements it; the runner and the passes know nothing else of the store.

Times are milliseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from iai_daemon.memory.record import Record

# The rule of a night that a person asked for.
ASKED = "asked"


@dataclass(frozen=True, slots=True)
class Change:
    """One change to one record: what to set, why in words, and the revision that it was planned on.

    `change_id` is the same for the same input, so a change is known again after an undo or a crash. `rests_on` names
    other records, with their revisions, without which the change makes no sense: a fact is not superseded by one that
    its user has just forgotten.
    """

    change_id: str
    effect: str
    record: int
    revision: int
    reason: str
    sets: Mapping[str, int]
    rests_on: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Vector:
    """The embedding of one record: `data` is little-endian float32."""

    record: int
    model: str
    dimension: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction of a pass writes.

    `cursor` and `position`: which cursor stands where afterwards (None: it stays). `lifted`: the records whose taking
    back ends with this batch, because a person has asked for the pass again.
    """

    changes: Sequence[Change] = ()
    vectors: Sequence[Vector] = ()
    cursor: str | None = None
    position: int | None = None
    lifted: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch really did: records changed, vectors stored, and changes left out because their records had moved on."""

    changed: int
    embedded: int
    moved_on: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a question about work is about: these cursors and, if `expiry`, records past their time.

    `taken_back`: what a user has taken back counts too, because a person asks. `model`: whose vectors are counted.
    """

    cursors: Sequence[str]
    expiry: bool
    taken_back: bool = False
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """Whether a night would find anything, how many records there are, and how many of them have a vector."""

    work: bool
    total: int
    embedded: int


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One journal row: the record's whole row before (None: the night added it) and after."""

    id: int
    night: int
    round: int
    pass_name: str
    change_id: str
    effect: str
    record: int
    reason: str
    before: Mapping[str, object] | None
    after: Mapping[str, object]
    at: int
    undone_at: int | None


@dataclass(frozen=True, slots=True)
class NightRow:
    """One night as the store keeps it. Without `ended_at` it is running, or its process was killed."""

    id: int
    kind: str
    rule: str
    started_at: int
    ended_at: int | None
    outcome: str | None
    reason: str | None
    report: Mapping[str, object] | None
    undone_at: int | None


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo did: how many records were put back, which had changed since that night, and which are gone."""

    restored: int
    changed_since: Sequence[int] = ()
    gone: Sequence[int] = ()


class NightStore(Protocol):
    """The night's side of a memory store."""

    def outlook(self, wanted: Wanted, now: int) -> Outlook:
        """Whether there is anything to do: one query, no write.

        What an undo put back is no work unless `taken_back`. A night without an end is work: it has to be closed.
        """
        ...

    def cursor(self, name: str) -> int:
        """The `change` up to which a pass has worked; 0 for one that never did."""
        ...

    def count_changed_since(self, position: int) -> int: ...

    def changed_since(self, position: int, limit: int) -> Sequence[Record]:
        """Records with `change` > position, by `change`, at most `limit`."""
        ...

    def count_due_to_expire(self, now: int) -> int: ...

    def due_to_expire(self, now: int, limit: int, *, taken_back: bool) -> Sequence[Record]:
        """Current records whose `expires_at` has come; `taken_back`: also those whose expiry a user has undone."""
        ...

    def taken_back(self, pass_name: str, limit: int) -> Sequence[Record]:
        """Records that an undo put back to before this pass and that nobody has changed since, by id."""
        ...

    def same_key(
        self, keys: Sequence[tuple[str, str, str]], limit: int, *, pass_name: str, taken_back: bool
    ) -> Sequence[Record]:
        """The current records of each (subject, attribute, scope) in turn, oldest (`valid_from`, `id`) first.

        At most `limit`; without `taken_back` those are left out for which a user has undone this pass.
        """
        ...

    def without_vector(self, records: Sequence[int], model: str) -> frozenset[int]:
        """Those of these record ids that have no vector of this model."""
        ...

    def apply(self, night: int, round_number: int, pass_name: str, batch: Batch, now: int) -> Applied:
        """Changes, journal rows, vectors and cursor in one transaction; revisions are checked."""
        ...

    def begin_night(self, kind: str, rule: str, now: int) -> int:
        """A new row; returns the night's id."""
        ...

    def end_night(
        self, night: int, outcome: str, reason: str | None, report: Mapping[str, object], now: int
    ) -> None: ...

    def nights(self, limit: int | None = None) -> Sequence[NightRow]:
        """Oldest first; with `limit` the newest so many."""
        ...

    def unfinished_nights(self) -> Sequence[NightRow]:
        """Those without an end: under the consolidation lock, nights whose process was killed."""
        ...

    def night(self, night: int) -> NightRow:
        """Raises NoSuchNight."""
        ...

    def last_completed(self, *, kind: str | None = None, asked: bool | None = None) -> NightRow | None:
        """The newest completed one, of this kind, and (`asked`) by a person's wish or (not `asked`) because it was due."""
        ...

    def effects(self, night: int) -> Mapping[tuple[int, str], int]:
        """How many journal rows this night has, by (round, effect)."""
        ...

    def journal(self, *, night: int | None = None, record: int | None = None) -> Sequence[JournalEntry]:
        """Of one night, or of one record, or all of it; oldest first."""
        ...

    def last_entry(self, night: int) -> JournalEntry | None:
        """The newest journal row of a night."""
        ...

    def undo(self, night: int, now: int, *, force: bool) -> Undone:
        """Put every record back to its row before this night, in one transaction, and remember it as taken back.

        When records have changed since, nothing is put back without `force`; they are named either way. Raises
        NoSuchNight.
        """
        ...

    def counts(self, model: str | None = None) -> Mapping[str, int]:
        """total, current, superseded, merged, expired, archived, forgotten, and embedded (with a vector of `model`)."""
        ...

    def first_started_at(self, now: int) -> int:
        """When this store was first opened by a daemon or a night; remembered the first time it is asked."""
        ...

    def back_up(self, path: Path, may_go_on: Callable[[], bool]) -> bool:
        """Copy the whole store, as it is at this moment, into the empty file `path`, in small steps.

        False when `may_go_on` answered no between two steps; the file is of no use then.
        """
        ...

    def rehearsal(self) -> AbstractContextManager[NightStore]:
        """A throwaway copy of the store, on which a night may do what it likes: what `--dry-run` shows."""
        ...
