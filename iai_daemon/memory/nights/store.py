"""The night's side of a memory store: what there is to do, what is done, and how the store itself is kept well.

Times are milliseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from iai_daemon.memory.nights.changes import Applied, Batch, HeldRow, Link, SelfCheck, Vector, Why
from iai_daemon.memory.nights.diary import Diary
from iai_daemon.memory.record import Record
from iai_daemon.memory.store import Contradiction, Traces
from iai_daemon.progress import Tell, unheard

# A store that was looked after is left alone so long, in milliseconds.
MAINTAINED_FOR = 86_400_000
# The pass `embed` notes under this name whose vectors are wanted, so that the store may let go of those before them.
EMBEDDING = "model"


@dataclass(frozen=True, slots=True)
class Said:
    """What a current record says, and about what, as far as passes that compare all of them need it. `vector`: as Vector has it
    (None: it has none), of `dimension` numbers."""

    record: int
    change: int
    scope: str
    kind: str | None
    subject: str | None
    attribute: str | None
    content: str
    vector: bytes | None
    dimension: int | None = None


@dataclass(frozen=True, slots=True)
class Sharing:
    """A question for what shares rare words with a record, at most `limit`; `much`: a third of those that any other record has."""

    record: Record
    limit: int
    much: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a question about work is about: these passes, each with its cursor.

    The pass `expire` has none: it wants records past their time. The pass `maintain` wants nothing for MAINTAINED_FOR.
    `taken_back`: what a user has taken back counts too, and so does a pass that was deferred, because a person asks.
    `model`: whose vectors are counted. `inputs`: what passes read outside of the store, by pass: they want to work when it
    is not as it was.
    """

    passes: Mapping[str, str | None]
    taken_back: bool = False
    model: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outlook:
    """Whether a night would find anything, how many records there are, and how many of them have a vector."""

    work: bool
    total: int
    embedded: int


class NightStore(Diary, Protocol):
    """The night's side of a memory store."""

    def alone(
        self, who: str, home: Path, lost: Callable[[str], None] = lambda _: None
    ) -> AbstractContextManager[None]:
        """Of all hosts that share the store, be the one that runs a night or changes what one did; `who` does what, for people.

        `lost` is told, from another thread, why it is so no longer. Raises NightBusy. What is written after another has begun
        raises Fenced.
        """
        ...

    def outlook(self, wanted: Wanted, now: int) -> Outlook:
        """Whether there is anything to do: one query, no write.

        What an undo put back is no work unless `taken_back`. A night without an end is work: it has to be closed.
        """
        ...

    def cursor(self, name: str) -> int:
        """The `change` up to which a pass has worked; 0 for one that never did."""
        ...

    def notes(self, pass_name: str) -> Mapping[str, str]:
        """What a pass keeps for itself."""
        ...

    def made_by(self, pass_name: str) -> Sequence[Record]:
        """The current records that a pass has added, by id."""
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
        self, keys: Sequence[tuple[str, str, str]], now: int, limit: int, *, pass_name: str, taken_back: bool
    ) -> Sequence[Record]:
        """The current records of each (subject, attribute, scope) in turn, oldest (`valid_from`, `id`) first.

        Left out is what is past its time though no night has noted it: it ends nothing that lasts longer. At most `limit`; without `taken_back` those are left out for which a user has undone this pass.
        """
        ...

    def followed(self, records: Sequence[int]) -> Mapping[int, Record]:
        """For each of these records the next newer one with the same key that has been superseded, where there is one.

        Left out is what did not hold until its successor began, and what is forgotten.
        """
        ...

    def without_vector(self, records: Sequence[int], model: str) -> frozenset[int]:
        """Those of these record ids that have no vector of this model."""
        ...

    def vectors(self, model: str, after: int, limit: int) -> Sequence[Vector]:
        """Those of current records with a greater id, by id, at most `limit`."""
        ...

    def scopes_changed_since(self, position: int) -> Sequence[str]:
        """The scopes of current records with `change` > position, in alphabetical order."""
        ...

    def count_said(self, scopes: Sequence[str]) -> int:
        """How many current records these scopes have."""
        ...

    def said(self, scopes: Sequence[str], after: int, limit: int, *, model: str | None) -> Sequence[Said]:
        """The current records of these scopes with `change` > after, by `change`, at most `limit` (fewer where they are long),
        each with its vector of this model."""
        ...

    def standing(self, records: Sequence[int], *, pass_name: str, taken_back: bool) -> Mapping[int, Record]:
        """For each of these record ids the current record that says it now: itself, or what it was merged into.

        Left out are those that are not current, those whose change by this pass waits, and without `taken_back` those for
        which a user has undone this pass.
        """
        ...

    def sharing(self, record: Record, limit: int, *, much: bool = False) -> Sequence[Record]:
        """Records of users in the same scope that share rare words with this one, the rarest first; at most `limit`. `much`: a
        third of those that any other record has.

        Current ones, and superseded ones, which may have ended this one while they were current. What is newer and was
        written later is left out: it will be asked for itself.
        """
        ...

    def sharing_each(self, asked: Sequence[Sharing]) -> Mapping[int, Sequence[Record]]:
        """The same for many at once, by the id of each of their records: to ask one by one takes longer."""
        ...

    def newest_age(self, after: int, until: int) -> tuple[int, int]:
        """The age (`Record.age`) of the newest record with after < `change` <= until; (0, 0) where there is none."""
        ...

    def settled(self, records: Sequence[int], *, pass_name: str, taken_back: bool) -> frozenset[int]:
        """Those of these records that a pass leaves as they are: not current, or their change waits, or (without
        `taken_back`) a user has undone it."""
        ...

    def contradicted_by(self, records: Sequence[int]) -> Sequence[Contradiction]:
        """What these records are known to say against older ones."""
        ...

    def joined(self, records: Sequence[int], limit: int) -> Mapping[int, Sequence[Record]]:
        """What was merged into each of these records, transitively, by id; at most `limit` of each."""
        ...

    def undone_links(self, pass_name: str, limit: int) -> Sequence[Link]:
        """Related links of this pass between current records that a user has taken back, by `one` and `other`."""
        ...

    def related_within(
        self, scopes: Sequence[str], after: tuple[int, int], limit: int
    ) -> Sequence[tuple[int, int, float]]:
        """(one, other, weight) of the related links between current records of users within one of these scopes, in the order
        of (one, other), those behind `after`."""
        ...

    def made_from(self, records: Sequence[int]) -> Mapping[int, tuple[int, ...]]:
        """For each of these records the ones that it was made from, by id."""
        ...

    def outdated(self, pass_name: str) -> Sequence[Record]:
        """The current records that a pass has added and of whose sources one is not current any more, by id."""
        ...

    def due_to_archive(
        self, now: int, limit: int, *, taken_back: bool
    ) -> Sequence[tuple[Record, Traces, Mapping[int, int]]]:
        """Current records of users that a current record (its id, with its revision) says something against, and that have not been used for so
        long that they are weak; `taken_back`: also those whose archiving a user has undone."""
        ...

    def apply(
        self,
        night: int,
        round_number: int,
        pass_name: str,
        batch: Batch,
        now: int,
        self_check: SelfCheck | None = None,
    ) -> Applied:
        """Changes, journal rows, vectors, what is held, and the cursor in one transaction; revisions are checked.

        An inferred loss that does not stand the self-check is not made but held. A plan that waited waits no longer: where
        its record has moved on, the passes will look at that again.
        """
        ...

    def held(
        self,
        *,
        night: int | None = None,
        pass_name: str | None = None,
        why: Why | None = None,
        record: int | None = None,
        limit: int | None = None,
    ) -> Sequence[HeldRow]:
        """What waits, in the order in which it was planned, the first `limit`."""
        ...

    def count_held(self, night: int) -> Mapping[tuple[int, Why], int]:
        """How many of the changes that a night planned wait, by (round, why)."""
        ...

    def waiting(self) -> Mapping[Why, int]:
        """How many planned changes wait, of all nights, by why."""
        ...

    def counts(self, model: str | None = None) -> Mapping[str, int]:
        """total, current, superseded, merged, expired, archived, forgotten, and embedded (with a vector of `model`)."""
        ...

    def first_started_at(self, now: int) -> int:
        """When this store was first opened by a daemon or a night; remembered the first time it is asked."""
        ...

    def back_up(self, path: Path, may_go_on: Callable[[], bool], tell: Tell = unheard) -> bool:
        """Copy the whole store, as it is at this moment, into the new file `path`, and read the copy through.

        False when `may_go_on` answered no on the way; there is no file then, nor after an error. Raises OSError, NoBackup,
        and CorruptStore when what was copied is damaged. The consolidation lock is held meanwhile. `tell` hears of bytes.
        """
        ...

    def newest_change(self) -> int:
        """The last `change` that was given."""
        ...

    def maintained_at(self) -> int | None:
        """When the store was last looked after; None: never."""
        ...

    def maintain(self, now: int, may_go_on: Callable[[], bool]) -> Sequence[str] | None:
        """Look after the store itself: is it sound, is it fast, does it take more room than it needs. What was done, in words.

        Nothing that anybody stored changes; vectors go once every record has one of the model that came after theirs. None when `may_go_on` answered no on the way; what was done stays. Raises
        CorruptStore.
        """
        ...

    def rehearsal(
        self, may_go_on: Callable[[], bool] = lambda: True
    ) -> AbstractContextManager[NightStore | None]:
        """A throwaway copy of the store, on which a night may do what it likes: what `--dry-run` shows.

        None when `may_go_on` answered no before it was whole.
        """
        ...
