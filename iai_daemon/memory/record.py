"""What one memory is. Pure; used by the stores, the passes, the server and the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from iai_daemon.errors import UnreadableRecord
from iai_daemon.memory.trust import trust
from iai_daemon.units import format_stamp

GLOBAL_SCOPE = "global"
# The last second that a date can say: people write it where they mean never.
LAST_STAMP = 253_402_300_799.0


@dataclass(frozen=True, slots=True)
class Draft:
    """A memory as it is given to the store; stamps in seconds since the epoch. `redacted`: which kinds of secrets were taken out
    of it before."""

    content: str
    external_id: str | None = None
    kind: str | None = None
    subject: str | None = None
    attribute: str | None = None
    scope: str = GLOBAL_SCOPE
    tags: tuple[str, ...] = ()
    source: str | None = None
    session: str | None = None
    created_at: float | None = None
    expires_at: float | None = None
    client: str | None = None
    origin: str | None = None
    redacted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """A memory as the store keeps it; stamps in milliseconds since the epoch, as they are stored. `made_by`: the pass that
    added it; None: somebody told it. `client`: the program that did; `origin`: whose words they are (memory/trust.py), None as
    far as nobody said."""

    id: int
    external_id: str | None
    content: str
    kind: str | None
    subject: str | None
    attribute: str | None
    scope: str
    tags: tuple[str, ...]
    source: str | None
    session: str | None
    created_at: int
    expires_at: int | None
    valid_from: int
    valid_to: int | None
    superseded_by: int | None
    merged_into: int | None
    expired_at: int | None
    archived_at: int | None
    forgotten_at: int | None
    revision: int
    change: int
    made_by: str | None = None
    client: str | None = None
    origin: str | None = None

    @property
    def current(self) -> bool:
        """Not superseded, merged, expired, archived or forgotten. Does not depend on the time of asking."""
        return (
            self.valid_to is None
            and self.superseded_by is None
            and self.merged_into is None
            and self.expired_at is None
            and self.archived_at is None
            and self.forgotten_at is None
        )

    @property
    def key(self) -> tuple[str, str, str] | None:
        """(subject, attribute, scope), where a newer fact with the same key replaces an older one; None without both."""
        if self.subject is None or self.attribute is None:
            return None
        return (self.subject, self.attribute, self.scope)

    @property
    def age(self) -> tuple[int, int]:
        """The older of two records has the smaller one."""
        return self.valid_from, self.id

    @property
    def name(self) -> str:
        """How the outside knows it: the external id, else the id."""
        return self.external_id if self.external_id is not None else str(self.id)


def as_stamp(milliseconds: int) -> str:
    """A time of the store's as text. Other programs may have put a number there that no date can say: then it is the first or the
    last of those that may be told."""
    return format_stamp(min(max(0.0, milliseconds / 1000), LAST_STAMP))


def describe(record: Record, merged_ids: Sequence[str] = ()) -> dict[str, object]:
    """The record as `--json`, export and tools show it: stamps as text, nothing volatile."""

    def stamp(milliseconds: int | None) -> str | None:
        return None if milliseconds is None else as_stamp(milliseconds)

    return {
        "id": record.id,
        "external_id": record.external_id,
        "content": record.content,
        "kind": record.kind,
        "subject": record.subject,
        "attribute": record.attribute,
        "scope": record.scope,
        "tags": list(record.tags),
        "source": record.source,
        "session": record.session,
        "created_at": stamp(record.created_at),
        "expires_at": stamp(record.expires_at),
        "valid_from": stamp(record.valid_from),
        "valid_to": stamp(record.valid_to),
        "superseded_by": record.superseded_by,
        "merged_into": record.merged_into,
        "merged_ids": list(merged_ids),
        "expired_at": stamp(record.expired_at),
        "archived_at": stamp(record.archived_at),
        "forgotten_at": stamp(record.forgotten_at),
        "made_by": record.made_by,
        "client": record.client,
        "origin": record.origin,
        "trust": trust(record),
        "current": record.current,
    }


def from_row(row: Mapping[str, object]) -> Record:
    """The record of one row of the table `records` (a mapping by column name). Raises UnreadableRecord."""
    values = dict(row)
    try:
        # Most have none, and a night reads a record a dozen times.
        values["tags"] = () if values["tags"] == "[]" else tuple(json.loads(str(values["tags"])))
        return Record(**values)  # type: ignore[arg-type]
    except (TypeError, ValueError) as cause:
        raise UnreadableRecord(id=row.get("id"), cause=cause) from cause
