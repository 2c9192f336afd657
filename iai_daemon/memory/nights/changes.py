"""What a night writes: changes, additions, links and vectors, batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from iai_daemon.memory.record import Draft
from iai_daemon.memory.store import Contradiction

# The effect of an addition on what it replaces.
RENEWED = "renewed"
# What a night may set. A text is never among them: what a user said stays as it was said.
SETTABLE = frozenset({"valid_to", "superseded_by", "merged_into", "expired_at", "archived_at"})


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
class HeldRow:
    """A planned change that waits, as the store keeps it: which night planned it, in which pass."""

    night: int
    round: int
    pass_name: str
    planned: Change | Addition
    why: Why
    at: int


@dataclass(frozen=True, slots=True)
class Vector:
    """The embedding of one record: `data` is `dimension` numbers, little-endian, each float32 or each float16."""

    record: int
    model: str
    dimension: int
    data: bytes


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
