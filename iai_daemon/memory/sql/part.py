"""What every part of the memory stands on: its records, and how one is added."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from iai_daemon.errors import NoSuchRecord
from iai_daemon.memory.record import Draft, Record, from_row
from iai_daemon.storage.database import Row
from iai_daemon.storage.part import Part


class SqlPart(Part):
    """Raises StoreBusy and StoreUnusable."""

    def _row(self, record: int) -> dict[str, object] | None:
        """The whole row of a record, as the journal keeps it."""
        row = self._first("SELECT * FROM records WHERE id = :id", {"id": record})
        return None if row is None else dict(row)

    def _rows(self, records: Iterable[int]) -> dict[int, dict[str, object]]:
        """The whole rows of these records, by id."""
        rows = self._all(
            "SELECT * FROM records WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(:records))",
            {"records": json.dumps(list(records))},
        )
        return {row["id"]: dict(row) for row in rows}

    def _record(self, record: int) -> Record:
        """Raises NoSuchRecord."""
        row = self._row(record) if 0 < record < 1 << 63 else None
        if row is None:
            raise NoSuchRecord(id=record)
        return from_row(row)

    def _newest(self) -> int:
        """The last id that was given: about how many records there are."""
        (row,) = self._all("SELECT COALESCE(MAX(id), 0) AS newest FROM records", {})
        return int(row["newest"])

    def _hold_again(self, records: Iterable[int]) -> None:
        """What took their place goes, so these hold as if nothing had, and nights look at them anew; within a transaction."""
        self._database.executemany(
            """
            UPDATE records
            SET superseded_by = NULL, merged_into = NULL, valid_to = NULL, revision = revision + 1,
                change = (SELECT change FROM next_change)
            WHERE id = ?
            """,
            [(record,) for record in records],
        )

    def _insert(self, draft: Draft, now: int, made_by: str | None = None) -> int:
        """A new record at the end of the sequence of writes; its id. `made_by`: by a pass, not by a user."""
        created = now if draft.created_at is None else round(draft.created_at * 1000)
        inserted = self._database.execute(
            """
            INSERT INTO records (
                external_id, content, kind, subject, attribute, scope, tags, source, session,
                created_at, expires_at, valid_from, change, made_by, client, origin
            )
            VALUES (
                :external_id, :content, :kind, :subject, :attribute, :scope, :tags, :source, :session,
                :created_at, :expires_at, :created_at, (SELECT change FROM next_change), :made_by,
                :client, :origin
            )
            RETURNING id
            """,
            {
                "external_id": draft.external_id,
                "content": draft.content,
                "kind": draft.kind,
                "subject": draft.subject,
                "attribute": draft.attribute,
                "scope": draft.scope,
                "tags": json.dumps(draft.tags, ensure_ascii=False),
                "source": draft.source,
                "session": draft.session,
                "created_at": created,
                "expires_at": None if draft.expires_at is None else round(draft.expires_at * 1000),
                "made_by": made_by,
                "client": draft.client,
                "origin": draft.origin,
            },
        )
        return int(inserted.fetchone()["id"])


def with_beside(row: Row, extra: str) -> tuple[Record, Any]:
    """The record of a row, and what stands beside it; None where nothing does."""
    values = dict(row)
    value = values.pop(extra, None)
    return from_row(values), value


def all_or(limit: int | None) -> int:
    """The limit of a statement: None means more than there can be."""
    return (1 << 63) - 1 if limit is None else limit


def to_json(row: Mapping[str, object]) -> str:
    """The row of a record as the journal keeps it."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))
