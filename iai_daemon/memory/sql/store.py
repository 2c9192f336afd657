"""The users' side of a store: every statement that remembers and forgets; search.py finds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice

from iai_daemon.memory.record import Draft, Record, from_row
from iai_daemon.memory.sql.contradictions import SqlContradictions
from iai_daemon.memory.sql.links import SqlLinks
from iai_daemon.memory.sql.part import with_beside
from iai_daemon.memory.sql.search import SqlSearch
from iai_daemon.memory.sql.similar import SqlSimilar
from iai_daemon.memory.store import Correction, Imported
from iai_daemon.memory.trust import may_end
from iai_daemon.progress import Tell, unheard
from iai_daemon.storage.database import Row

# Small enough that a writer beside an import waits for milliseconds, large enough that the import is fast.
_ROWS_A_TRANSACTION = 200
# What is told is compared with so many records at most that share rare words with it.
_COMPARED = 20


class SqlStore(SqlSearch, SqlSimilar, SqlContradictions, SqlLinks):
    """A MemoryStore. The protocol, with the meaning of every method, is in memory/store.py."""

    # Remember.

    def add(self, draft: Draft, now: int) -> Record:
        # What is known of words takes 50 ms to load, and most who open a memory only ask it.
        from iai_daemon.memory.contradictions import contradictions  # noqa: PLC0415

        with self._writing():
            record = self._record(self._insert(draft, now))
            others = self.sharing(record, _COMPARED)
            self._contradict(contradictions(record, others), now)
        return record

    def corrected_by(self, record: int) -> Sequence[Correction]:
        rows = self._all(
            """
            SELECT records.*, 'it is newer, about the same subject and attribute' AS evidence
            FROM records JOIN records AS newer USING (subject, attribute, scope)
            WHERE newer.id = :record AND records.id <> newer.id
            AND (records.valid_from, records.id) < (newer.valid_from, newer.id)
            AND records.valid_to IS NULL AND records.superseded_by IS NULL AND records.merged_into IS NULL
            AND records.expired_at IS NULL AND records.archived_at IS NULL AND records.forgotten_at IS NULL
            UNION ALL
            SELECT records.*, contradictions.words
            FROM contradictions JOIN records ON records.id = contradictions.older
            WHERE contradictions.newer = :record
            AND records.valid_to IS NULL AND records.superseded_by IS NULL AND records.merged_into IS NULL
            AND records.expired_at IS NULL AND records.archived_at IS NULL AND records.forgotten_at IS NULL
            ORDER BY valid_from DESC, id DESC
            """,
            {"record": record},
        )
        newer = self._record(record)
        found = [with_beside(row, "evidence") for row in rows]
        return [Correction(older, said, outranked=not may_end(newer, older)) for older, said in found]

    def import_many(self, drafts: Iterable[Draft], now: int, tell: Tell = unheard) -> Imported:
        counts = {"added": 0, "unchanged": 0, "superseded": 0}
        waiting, done = iter(drafts), 0
        while portion := list(islice(waiting, _ROWS_A_TRANSACTION)):
            with self._writing():
                for draft in portion:
                    self._import(draft, now, counts)
            done += len(portion)
            tell("importing", done, None)
        return Imported(**counts)

    def _import(self, draft: Draft, now: int, counts: dict[str, int]) -> None:
        known = self._newest_of(draft)
        if known is not None and known.content == draft.content:
            counts["unchanged"] += 1
            return
        added = self._insert(draft, now)
        counts["added"] += 1
        if known is not None and known.current:
            self._supersede(known.id, added)
            counts["superseded"] += 1

    def _newest_of(self, draft: Draft) -> Record | None:
        """What was last kept under the same external id. Two projects may use the same ids: theirs stay apart."""
        if draft.external_id is None:
            return None
        row = self._first(
            """
            SELECT * FROM records WHERE external_id = :external_id AND scope = :scope
            ORDER BY id DESC LIMIT 1
            """,
            {"external_id": draft.external_id, "scope": draft.scope},
        )
        return None if row is None else _record_of(row)

    def _supersede(self, older: int, newer: int) -> None:
        self._database.execute(
            """
            UPDATE records
            SET superseded_by = :newer,
                valid_to = MAX(valid_from, (SELECT valid_from FROM records WHERE id = :newer)),
                revision = revision + 1,
                change = (SELECT change FROM next_change)
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
            self._database.execute(
                """
                UPDATE records
                SET forgotten_at = :at,
                    revision = revision + 1,
                    change = (SELECT change FROM next_change)
                WHERE id = :id AND (forgotten_at IS NULL) <> (:at IS NULL)
                """,
                {"id": record, "at": at},
            )
            return self._record(record)

    # Find.

    def get(self, record: int) -> Record:
        return self._record(record)

    def history(self, subject: str, attribute: str | None, scopes: Sequence[str]) -> Sequence[Record]:
        rows = self._all(
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

    def recent(self, scopes: Sequence[str], limit: int, now: int) -> Sequence[Record]:
        rows = self._all(
            """
            SELECT * FROM records
            WHERE scope IN (SELECT value FROM json_each(:scopes)) AND made_by IS NULL
            AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
            AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
            AND (expires_at IS NULL OR expires_at > :now)
            ORDER BY id DESC LIMIT :limit
            """,
            {"scopes": json.dumps(list(scopes)), "limit": limit, "now": now},
        )
        return [_record_of(row) for row in rows]

    # All of it.

    def export(self) -> Iterator[Record]:
        with self._database.translated():
            for row in self._database.stream("SELECT * FROM records ORDER BY id"):
                yield _record_of(row)

    def replaced_by(self, record: int) -> Sequence[Record]:
        rows = self._all(
            """
            SELECT * FROM records WHERE superseded_by = :record
            UNION SELECT * FROM records WHERE merged_into = :record
            ORDER BY id
            """,
            {"record": record},
        )
        return [_record_of(row) for row in rows]

    def merged_ids(self, records: Sequence[int] | None = None) -> Mapping[int, tuple[str, ...]]:
        roots = self._merge_roots() if records is None else records
        rows = self._all(
            """
            WITH RECURSIVE joined (root, id) AS (
                SELECT merged_into, id FROM records
                WHERE merged_into IN (SELECT CAST(value AS BIGINT) FROM json_each(:roots))
                UNION
                SELECT joined.root, records.id FROM joined JOIN records ON records.merged_into = joined.id
            )
            SELECT joined.root, COALESCE(records.external_id, CAST(records.id AS TEXT)) AS name
            FROM joined JOIN records ON records.id = joined.id
            ORDER BY joined.root, records.id
            """,
            {"roots": json.dumps(list(roots))},
        )
        return {
            root: tuple(row["name"] for row in group)
            for root, group in groupby(rows, key=lambda row: int(row["root"]))
        }

    def _merge_roots(self) -> list[int]:
        rows = self._all("SELECT DISTINCT merged_into FROM records WHERE merged_into IS NOT NULL", {})
        return [row["merged_into"] for row in rows]

    def memories(self) -> int:
        (row,) = self._all(
            """
            SELECT COUNT(*) AS n FROM records
            WHERE valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
            AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
            """,
            {},
        )
        return int(row["n"])


def _record_of(row: Row) -> Record:
    return from_row(dict(row))
