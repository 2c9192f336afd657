"""The users' side of the embedded store: every statement that remembers, finds and forgets."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from iai_daemon.errors import NoSuchRecord
from iai_daemon.memory.ranking import Key, holds, rank, words_of
from iai_daemon.memory.record import Draft, Record, from_row
from iai_daemon.memory.sqlite_part import SqlitePart
from iai_daemon.memory.store import Hit, Imported, Query
from iai_daemon.storage.sqlite import translated

# Small enough that a writer beside an import waits for milliseconds, large enough that the import is fast.
_ROWS_A_TRANSACTION = 200
_FIRST_POOL = 50
_LARGEST_POOL = 50_000


class SqliteStore(SqlitePart):
    """A MemoryStore. The protocol, with the meaning of every method, is in store.py."""

    # Remember.

    def add(self, draft: Draft, now: int) -> Record:
        with self._writing():
            return self._record(self._insert(draft, now))

    def import_many(self, drafts: Iterable[Draft], now: int) -> Imported:
        counts = {"added": 0, "unchanged": 0, "superseded": 0}
        waiting = iter(drafts)
        while portion := list(islice(waiting, _ROWS_A_TRANSACTION)):
            with self._writing():
                for draft in portion:
                    self._import(draft, now, counts)
        return Imported(**counts)

    def _import(self, draft: Draft, now: int, counts: dict[str, int]) -> None:
        known = self._newest_by_external_id(draft.external_id)
        if known is not None and known["content"] == draft.content:
            counts["unchanged"] += 1
            return
        added = self._insert(draft, now)
        counts["added"] += 1
        if known is not None and from_row(dict(known)).current:
            self._supersede(known["id"], added)
            counts["superseded"] += 1

    def _newest_by_external_id(self, external_id: str | None) -> sqlite3.Row | None:
        if external_id is None:
            return None
        found: sqlite3.Row | None = self._connection.execute(
            "SELECT * FROM records WHERE external_id = ? ORDER BY id DESC LIMIT 1", (external_id,)
        ).fetchone()
        return found

    def _insert(self, draft: Draft, now: int) -> int:
        created = now if draft.created_at is None else round(draft.created_at * 1000)
        inserted = self._connection.execute(
            """
            INSERT INTO records (
                external_id, content, kind, subject, attribute, scope, tags, source, session,
                created_at, expires_at, valid_from, change
            )
            VALUES (
                :external_id, :content, :kind, :subject, :attribute, :scope, :tags, :source, :session,
                :created_at, :expires_at, :created_at, (SELECT COALESCE(MAX(change), 0) + 1 FROM records)
            )
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
            },
        )
        return int(inserted.lastrowid or 0)

    def _supersede(self, older: int, newer: int) -> None:
        self._connection.execute(
            """
            UPDATE records
            SET superseded_by = :newer,
                valid_to = MAX(valid_from, (SELECT valid_from FROM records WHERE id = :newer)),
                revision = revision + 1,
                change = (SELECT MAX(change) + 1 FROM records)
            WHERE id = :older
            """,
            {"older": older, "newer": newer},
        )

    # Forget.

    def forget(self, record: int, now: int) -> Record:
        return self._set_forgotten(record, now)

    def restore(self, record: int, now: int) -> Record:  # noqa: ARG002 -- the protocol's; nothing here tells the time
        return self._set_forgotten(record, None)

    def _set_forgotten(self, record: int, at: int | None) -> Record:
        """One that already is as wanted stays untouched."""
        with self._writing():
            self._record(record)
            self._connection.execute(
                """
                UPDATE records
                SET forgotten_at = :at,
                    revision = revision + 1,
                    change = (SELECT MAX(change) + 1 FROM records)
                WHERE id = :id AND (forgotten_at IS NULL) <> (:at IS NULL)
                """,
                {"id": record, "at": at},
            )
            return self._record(record)

    # Find.

    def get(self, record: int) -> Record:
        with translated(self._path):
            return self._record(record)

    def _record(self, record: int) -> Record:
        row = None
        if abs(record) < 1 << 63:
            row = self._connection.execute("SELECT * FROM records WHERE id = ?", (record,)).fetchone()
        if row is None:
            raise NoSuchRecord(id=record)
        return from_row(dict(row))

    def search(self, query: Query, now: int) -> Sequence[Hit]:
        words = words_of(query.text)
        if not words:
            return []
        match = " OR ".join(f'"{word}"' for word in words)
        with translated(self._path):
            found = self._matching(match, query, now)
            return rank(found, self._newest(found, query, now), query.limit)

    def _matching(self, match: str, query: Query, now: int) -> list[tuple[Record, float]]:
        """The best records for these words that answer the question. Most searches are content with the first pool."""
        pool = _FIRST_POOL
        while True:
            rows = self._connection.execute(
                """
                SELECT records.*, best.rank AS score
                FROM (SELECT rowid, rank FROM words WHERE words MATCH :match ORDER BY rank LIMIT :pool) AS best
                JOIN records ON records.id = best.rowid
                """,
                {"match": match, "pool": pool},
            ).fetchall()
            found = [
                (record, -score) for record, score in map(_with_score, rows) if _answers(record, query, now)
            ]
            if len(found) >= query.limit or len(rows) < pool or pool >= _LARGEST_POOL:
                return found
            pool *= 10

    def _newest(self, found: Sequence[tuple[Record, float]], query: Query, now: int) -> Mapping[Key, Record]:
        """For each key among these records the one that holds, at the moment that is asked about."""
        newest = {}
        for key in {record.key for record, _ in found if record.key is not None}:
            rows = self._connection.execute(
                """
                SELECT * FROM records
                WHERE subject = ? AND attribute = ? AND scope = ?
                AND forgotten_at IS NULL AND archived_at IS NULL AND merged_into IS NULL
                ORDER BY valid_from DESC, id DESC
                """,
                key,
            )
            holder = next(
                (record for record in map(_record_of, rows) if _holds_now(record, query, now)), None
            )
            if holder is not None:
                newest[key] = holder
        return newest

    def history(self, subject: str, attribute: str | None, scopes: Sequence[str]) -> Sequence[Record]:
        with translated(self._path):
            rows = self._connection.execute(
                """
                SELECT * FROM records
                WHERE subject = :subject AND (:attribute IS NULL OR attribute = :attribute)
                AND (:scopes = '[]' OR scope IN (SELECT value FROM json_each(:scopes)))
                AND forgotten_at IS NULL
                ORDER BY valid_from, id
                """,
                {"subject": subject, "attribute": attribute, "scopes": json.dumps(list(scopes))},
            )
            return [_record_of(row) for row in rows]

    # All of it.

    def export(self) -> Iterator[Record]:
        with translated(self._path):
            for row in self._connection.execute("SELECT * FROM records ORDER BY id"):
                yield from_row(dict(row))

    def merged_ids(self, records: Sequence[int] | None = None) -> Mapping[int, tuple[str, ...]]:
        with translated(self._path):
            rows = self._connection.execute(
                """
                WITH RECURSIVE joined (root, id) AS (
                    SELECT merged_into, id FROM records
                    WHERE merged_into IS NOT NULL
                    AND (:roots IS NULL OR merged_into IN (SELECT value FROM json_each(:roots)))
                    UNION
                    SELECT joined.root, records.id FROM joined JOIN records ON records.merged_into = joined.id
                )
                SELECT joined.root, records.id, records.external_id
                FROM joined JOIN records ON records.id = joined.id
                ORDER BY joined.root, records.id
                """,
                {"roots": None if records is None else json.dumps(list(records))},
            )
            merged: dict[int, tuple[str, ...]] = {}
            for row in rows:
                name = str(row["id"]) if row["external_id"] is None else row["external_id"]
                merged[row["root"]] = (*merged.get(row["root"], ()), name)
            return merged

    def memories(self) -> int:
        with translated(self._path):
            row = self._connection.execute(
                """
                SELECT COUNT(*) FROM records
                WHERE valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
                AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
                """
            ).fetchone()
            return int(row[0])


def _record_of(row: sqlite3.Row) -> Record:
    return from_row(dict(row))


def _with_score(row: sqlite3.Row) -> tuple[Record, float]:
    values = dict(row)
    score = values.pop("score")
    return from_row(values), score


def _answers(record: Record, query: Query, now: int) -> bool:
    in_scope = not query.scopes or record.scope in query.scopes
    return in_scope and holds(record, now, as_of=query.as_of, include_superseded=query.include_superseded)


def _holds_now(record: Record, query: Query, now: int) -> bool:
    """What was replaced never holds, also where a search shows it."""
    return holds(record, now, as_of=query.as_of, include_superseded=False)
