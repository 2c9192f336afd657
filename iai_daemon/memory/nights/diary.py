"""What a store keeps of nights: when they were, what they changed, and which passes have to wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from iai_daemon.progress import Tell, unheard

# The rule of a night that a person asked for.
ASKED = "asked"
# A pass that fails so often running is left out for a day.
QUARANTINE = 3


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


class Diary(Protocol):
    """The part of a NightStore that is about nights."""

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
        """Of one night, of one record, or of one record in one night; oldest first, the first `limit`."""
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
