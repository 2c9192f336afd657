"""What a store knows of what records say, for passes that compare them.

The protocol, with the meaning of every method, is in memory/nights.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator, Sequence
from itertools import groupby

from iai_daemon.memory.nights import Said, Vector
from iai_daemon.memory.record import Record
from iai_daemon.memory.sql.contradictions import SqlContradictions
from iai_daemon.memory.sql.part import with_beside
from iai_daemon.memory.store import Contradiction
from iai_daemon.storage.database import Row

# Of long records fewer are read at a time.
_CHARACTERS_AT_ONCE = 1_000_000


class SqlLikeness(SqlContradictions):
    """The part of a NightStore that is about likeness."""

    def scopes_changed_since(self, position: int) -> list[str]:
        rows = self._all(
            """
            SELECT DISTINCT scope FROM records
            WHERE change > :position
            AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
            AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL AND made_by IS NULL
            ORDER BY scope
            """,
            {"position": position},
        )
        return [row["scope"] for row in rows]

    def count_said(self, scopes: Sequence[str]) -> int:
        row, *_ = self._all(
            """
            SELECT COUNT(*) AS n FROM records
            WHERE scope IN (SELECT value FROM json_each(:scopes))
            AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
            AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL AND made_by IS NULL
            """,
            {"scopes": json.dumps(list(scopes))},
        )
        return int(row["n"])

    def said(self, scopes: Sequence[str], after: int, limit: int, *, model: str | None) -> list[Said]:
        found, characters = [], 0
        with self._database.translated(), contextlib.closing(self._said(scopes, after, limit, model)) as rows:
            for row in rows:
                found.append(Said(*row))
                characters += len(found[-1].content)
                if characters > _CHARACTERS_AT_ONCE:
                    break
        return found

    def _said(self, scopes: Sequence[str], after: int, limit: int, model: str | None) -> Generator[Row]:
        return self._database.stream(
            """
            SELECT records.id AS record, change, scope, kind, subject, attribute, content, vector, dimension
            FROM records LEFT JOIN vectors ON vectors.record = records.id AND vectors.model = :model
            WHERE change > :after AND scope IN (SELECT value FROM json_each(:scopes))
            AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
            AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL AND made_by IS NULL
            ORDER BY change LIMIT :limit
            """,
            {"scopes": json.dumps(list(scopes)), "after": after, "limit": limit, "model": model},
        )

    def vectors(self, model: str, after: int, limit: int) -> list[Vector]:
        rows = self._all(
            """
            SELECT record, model, dimension, vector FROM vectors JOIN records ON records.id = record
            WHERE record > :after AND model = :model
            AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
            AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
            ORDER BY record LIMIT :limit
            """,
            {"model": model, "after": after, "limit": limit},
        )
        return [Vector(*row) for row in rows]

    def standing(self, records: Sequence[int], *, pass_name: str, taken_back: bool) -> dict[int, Record]:
        rows = self._all(
            """
            WITH RECURSIVE way (start, id) AS (
                SELECT CAST(value AS BIGINT), CAST(value AS BIGINT) FROM json_each(:records)
                UNION
                SELECT way.start, records.merged_into FROM way JOIN records ON records.id = way.id
                WHERE records.merged_into IS NOT NULL
            )
            SELECT way.start, records.* FROM way JOIN records ON records.id = way.id
            WHERE valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
            AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
            AND (:taken_back OR NOT EXISTS (
                SELECT 1 FROM taken_back
                WHERE pass = :pass AND record = records.id AND revision = records.revision
            ))
            AND NOT EXISTS (
                SELECT 1 FROM held
                WHERE pass = :pass AND record = records.id AND revision = records.revision
            )
            """,
            {"records": json.dumps(list(records)), "pass": pass_name, "taken_back": taken_back},
        )
        return {row["start"]: with_beside(row, "start")[0] for row in rows}

    def settled(self, records: Sequence[int], *, pass_name: str, taken_back: bool) -> frozenset[int]:
        rows = self._all(
            """
            SELECT id FROM records
            WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(:records))
            AND (
                valid_to IS NOT NULL OR superseded_by IS NOT NULL OR merged_into IS NOT NULL
                OR expired_at IS NOT NULL OR archived_at IS NOT NULL OR forgotten_at IS NOT NULL
                OR (NOT :taken_back AND EXISTS (
                    SELECT 1 FROM taken_back
                    WHERE pass = :pass AND record = records.id AND revision = records.revision
                ))
                OR EXISTS (
                    SELECT 1 FROM held
                    WHERE pass = :pass AND record = records.id AND revision = records.revision
                )
            )
            """,
            {"records": json.dumps(list(records)), "pass": pass_name, "taken_back": taken_back},
        )
        return frozenset(row["id"] for row in rows)

    def contradicted_by(self, records: Sequence[int]) -> list[Contradiction]:
        rows = self._all(
            """
            SELECT * FROM contradictions
            WHERE newer IN (SELECT CAST(value AS BIGINT) FROM json_each(:records)) ORDER BY newer, older
            """,
            {"records": json.dumps(list(records))},
        )
        return [
            Contradiction(
                row["older"],
                row["newer"],
                row["rule"],
                row["words"],
                certain=bool(row["certain"]),
                outranked=bool(row["outranked"]),
            )
            for row in rows
        ]

    def joined(self, records: Sequence[int], limit: int) -> dict[int, list[Record]]:
        rows = self._all(
            """
            WITH RECURSIVE joined (root, id) AS (
                SELECT merged_into, id FROM records
                WHERE merged_into IN (SELECT CAST(value AS BIGINT) FROM json_each(:roots))
                UNION
                SELECT joined.root, records.id FROM joined JOIN records ON records.merged_into = joined.id
            ),
            counted AS (
                SELECT root, id, ROW_NUMBER() OVER (PARTITION BY root ORDER BY id) AS place FROM joined
            )
            SELECT counted.root, records.* FROM counted JOIN records ON records.id = counted.id
            WHERE counted.place <= :limit
            ORDER BY counted.root, records.id
            """,
            {"roots": json.dumps(list(records)), "limit": limit},
        )
        return {
            root: [with_beside(row, "root")[0] for row in group]
            for root, group in groupby(rows, key=lambda row: int(row["root"]))
        }
