"""What a night needs of a store. Every engine implements it; the runner and the passes know nothing else of the store.

Times are milliseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from iai_daemon.memory.record import Draft, Record
from iai_daemon.memory.store import Contradiction, Traces
from iai_daemon.progress import Tell, unheard

# The rule of a night that a person asked for.
ASKED = "asked"
# A store that was looked after is left alone so long, in milliseconds.
MAINTAINED_FOR = 86_400_000
# The pass `embed` notes under this name whose vectors are wanted, so that the store may let go of those before them.
EMBEDDING = "model"
# The effect of an addition on what it replaces.
RENEWED = "renewed"
# What a night may set. A text is never among them: what a user said stays as it was said.
SETTABLE = frozenset({"valid_to", "superseded_by", "merged_into", "expired_at", "archived_at"})
# A pass that fails so often running is left out for a day.
QUARANTINE = 3


@dataclass(frozen=True, slots=True)
class Change:
    """One change to one record: what to set, why in words, and the revision that it was planned on.

    `change_id` is the same for the same input, so a change is known again after an undo or a crash. `rests_on` names
    other records, with their revisions, without which the change makes no sense: a fact is not superseded by one that
    its user has just forgotten. `inferred`: it is a loss that was read from words or likeness, not said by anybody, so it
    counts against the loss budget.
    """

    change_id: str
    effect: str
    record: int
    revision: int
    reason: str
    sets: Mapping[str, int]
    rests_on: Mapping[int, int]
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class Addition:
    """One record that a night adds beside those of its users, such as a gist. The fields are those of Change.

    `sources`: the records that it was made from. `replaces`: the records, with their revisions, whose place it takes, such
    as what an earlier night added in its stead; they are not current any more.
    """

    change_id: str
    effect: str
    draft: Draft
    reason: str
    rests_on: Mapping[int, int]
    sources: Sequence[int] = ()
    replaces: Mapping[int, int] = field(default_factory=dict)


class LinkKind(StrEnum):
    """RELATED: the two belong together, the smaller id is `one`. SOURCE: `one` was made from `other`."""

    RELATED = "related"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Link:
    """Two records that belong together, why in words, and how much (`weight`, in (0, 1]). Nothing is lost by it, so it waits
    for nobody; it counts as long as both are current. `change_id` as in Change."""

    change_id: str
    one: int
    other: int
    kind: LinkKind
    weight: float
    reason: str


class Why(StrEnum):
    """Why a planned change waits: for a person, for the next night, or until search does not lose by it."""

    REVIEW = "review"
    BUDGET = "budget"
    RECALL = "recall"


@dataclass(frozen=True, slots=True)
class Held:
    """A planned change that waits."""

    planned: Change | Addition
    why: Why


@dataclass(frozen=True, slots=True)
class Vector:
    """The embedding of one record: `data` is `dimension` numbers, little-endian, each float32 or each float16."""

    record: int
    model: str
    dimension: int
    data: bytes


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
class Outside:
    """What a pass did outside of the store, for the report: how much it looked at and changed, and in words."""

    examined: int = 0
    changed: int = 0
    said: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction of a pass writes.

    `held`: what is planned and has to wait. `cursor` and `position`: which cursor stands where afterwards (None: it
    stays). `lifted`: the records whose taking back ends with this batch, because a person has asked for the pass again;
    `insists`: so does the taking back of its additions and links. `upkeep`: before it, the store itself is looked after
    (`maintain`). `notes`: what the pass keeps for itself, by name; None as value: no longer. `outside`: what it has done
    already that no transaction holds. `contradictions`: what records say against older ones; search goes by it, whatever
    becomes of the changes.
    """

    changes: Sequence[Change] = ()
    vectors: Sequence[Vector] = ()
    additions: Sequence[Addition] = ()
    links: Sequence[Link] = ()
    held: Sequence[Held] = ()
    cursor: str | None = None
    position: int | None = None
    lifted: Sequence[int] = ()
    insists: bool = False
    upkeep: bool = False
    notes: Mapping[str, str | None] = field(default_factory=dict)
    outside: Outside | None = None
    contradictions: Sequence[Contradiction] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch really did: records changed or added, vectors stored, changes left out because their records had moved
    on, how many of the changes were inferred losses, and links added; `left_out` names the changes and additions that were
    not made because what they rest on had moved on."""

    changed: int
    embedded: int
    moved_on: int
    losses: int = 0
    linked: int = 0
    left_out: frozenset[str] = frozenset()


class SelfCheck(Protocol):
    """Asked within a batch's transaction about each of its inferred losses."""

    def before(self, change: Change) -> None:
        """It is about to be made."""
        ...

    def stands(self, change: Change) -> bool:
        """Whether it may stay, now that it is made."""
        ...


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A planned change that waits, as the store keeps it: which night planned it, in which pass."""

    night: int
    round: int
    pass_name: str
    planned: Change | Addition
    why: Why
    at: int


@dataclass(frozen=True, slots=True)
class Hindrance:
    """What stands between a pass and its next attempt.

    `failures` and `deferrals` running, `not_before` (None: it may run), `portion` how many records it may take at a time
    (None: as many as it likes), `reason` in words.
    """

    failures: int = 0
    deferrals: int = 0
    not_before: int | None = None
    portion: int | None = None
    reason: str = ""


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
    inferred: bool


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

    def hindrances(self) -> Mapping[str, Hindrance]:
        """What stands between passes and their next attempt, by pass."""
        ...

    def hinder(self, pass_name: str, hindrance: Hindrance | None) -> None:
        """Note it; None: the pass is free to run."""
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

    def embedded(self, night: int) -> Mapping[int, int]:
        """How many vectors this night stored, by round."""
        ...

    def linked(self, night: int) -> Mapping[int, int]:
        """How many links this night added, by round."""
        ...

    def links_of_night(self, night: int, limit: int | None = None) -> Sequence[Mapping[str, Any]]:
        """The related links that a night added, the first `limit`: the columns of `links`, and `one_content`, `other_content`."""
        ...

    def losses(self, night: int) -> int:
        """How many inferred losses this night made and nobody took back."""
        ...

    def journal(
        self, *, night: int | None = None, record: int | None = None, limit: int | None = None
    ) -> Sequence[JournalEntry]:
        """Of one night, or of one record, or all of it; oldest first, the first `limit`."""
        ...

    def first_of(self, night: int, effect: str, limit: int) -> Sequence[JournalEntry]:
        """The first changes of this kind that a night made and nobody took back, at most `limit`."""
        ...

    def successions(self, record: int) -> Sequence[JournalEntry]:
        """The journal rows that let this record take the place of another, oldest first."""
        ...

    def last_entry(self, night: int) -> JournalEntry | None:
        """The newest journal row of a night."""
        ...

    def undo(self, night: int, now: int, *, force: bool, tell: Tell = unheard) -> Undone:
        """Put every record back to its row before this night, in one transaction, and remember it as taken back.

        When records have changed since, nothing is put back without `force`; they are named either way. `tell` hears of records;
        what it raises leaves all as it was. Raises NoSuchNight.
        """
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
