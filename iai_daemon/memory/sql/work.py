"""What there is for a night to do, pass by pass.

The protocol, with the meaning of every method, is in memory/nights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from iai_daemon.memory.nights import MAINTAINED_FOR, QUARANTINE, Outlook, Wanted
from iai_daemon.memory.record import Record, from_row
from iai_daemon.memory.sql.part import SqlPart, with_beside
from iai_daemon.memory.strength import UNUSED_FOR

_OUTLOOK = """
WITH wanted AS (
    SELECT key AS pass, value AS cursor FROM json_each(:passes)
    WHERE NOT EXISTS (
        SELECT 1 FROM hindrances
        WHERE hindrances.pass = key AND not_before > :now
        AND (failures >= :quarantine OR NOT :taken_back)
    )
    AND NOT (key = 'maintain' AND EXISTS (
        SELECT 1 FROM facts
        WHERE name = 'maintained_at' AND CAST(value AS BIGINT) <= :now
        AND CAST(value AS BIGINT) > :now - :maintained_for
    ))
)
SELECT
    (EXISTS (SELECT 1 FROM wanted WHERE pass = 'expire') AND EXISTS (
        SELECT 1 FROM records
        WHERE expires_at IS NOT NULL AND expires_at <= :now
        AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
        AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
        AND (:taken_back OR NOT EXISTS (
            SELECT 1 FROM taken_back
            WHERE pass = 'expire' AND record = records.id AND revision = records.revision
        ))
        AND NOT EXISTS (
            SELECT 1 FROM held
            WHERE pass = 'expire' AND record = records.id AND revision = records.revision
        )
    ))
    OR EXISTS (
        SELECT 1 FROM records
        WHERE change > (
            SELECT MIN(COALESCE(position, 0)) FROM wanted
            LEFT JOIN cursors ON cursors.pass = wanted.cursor WHERE wanted.cursor IS NOT NULL
        )
        AND (
            :taken_back
            OR NOT EXISTS (
                SELECT 1 FROM taken_back
                WHERE record = records.id AND revision = records.revision
            )
            OR (:model IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM vectors WHERE record = records.id AND model = :model
            ))
        )
    )
    OR (:taken_back AND EXISTS (
        SELECT 1 FROM taken_back
        JOIN records ON records.id = taken_back.record AND records.revision = taken_back.revision
        WHERE taken_back.pass IN (SELECT cursor FROM wanted)
    ))
    OR EXISTS (
        SELECT 1 FROM json_each(:inputs) AS input JOIN wanted ON wanted.pass = input.key
        WHERE input.value <> COALESCE(
            (SELECT value FROM pass_notes WHERE pass_notes.pass = input.key AND name = 'input'), ''
        )
    )
    OR (EXISTS (SELECT 1 FROM wanted WHERE pass = 'decay') AND EXISTS (
        SELECT 1 FROM disputed WHERE quiet_since <= :now - :unused_for
        AND (:taken_back OR NOT EXISTS (
            SELECT 1 FROM taken_back
            WHERE pass = 'decay' AND record = disputed.record AND revision = disputed.revision
        ))
        AND NOT EXISTS (
            SELECT 1 FROM held
            WHERE pass = 'decay' AND record = disputed.record AND revision = disputed.revision
        )
    ))
    OR (EXISTS (SELECT 1 FROM wanted WHERE pass = 'summarize') AND EXISTS (
        SELECT 1 FROM records
        JOIN links ON links.one = records.id AND links.kind = 'source' AND links.undone_at IS NULL
        JOIN records AS source ON source.id = links.other
        WHERE records.made_by = 'summarize'
        AND records.valid_to IS NULL AND records.superseded_by IS NULL AND records.merged_into IS NULL
        AND records.expired_at IS NULL AND records.archived_at IS NULL AND records.forgotten_at IS NULL
        AND (
            source.valid_to IS NOT NULL OR source.superseded_by IS NOT NULL OR source.merged_into IS NOT NULL
            OR source.expired_at IS NOT NULL OR source.archived_at IS NOT NULL OR source.forgotten_at IS NOT NULL
        )
        AND NOT EXISTS (
            SELECT 1 FROM taken_back
            WHERE pass = 'summarize' AND record = records.id AND revision = records.revision
        )
        AND NOT EXISTS (SELECT 1 FROM held WHERE pass = 'summarize')
    ))
    OR (:taken_back AND EXISTS (
        SELECT 1 FROM links
        JOIN records AS a ON a.id = links.one JOIN records AS b ON b.id = links.other
        WHERE links.undone_at IS NOT NULL AND links.pass IN (SELECT pass FROM wanted) AND links.kind = 'related'
        AND a.valid_to IS NULL AND a.superseded_by IS NULL AND a.merged_into IS NULL
        AND a.expired_at IS NULL AND a.archived_at IS NULL AND a.forgotten_at IS NULL
        AND b.valid_to IS NULL AND b.superseded_by IS NULL AND b.merged_into IS NULL
        AND b.expired_at IS NULL AND b.archived_at IS NULL AND b.forgotten_at IS NULL
    ))
    OR EXISTS (SELECT 1 FROM held WHERE why = 'budget' AND pass IN (SELECT pass FROM wanted))
    OR EXISTS (SELECT 1 FROM nights WHERE ended_at IS NULL) AS work,
    (SELECT COUNT(*) FROM records) AS total,
    (SELECT COUNT(*) FROM vectors WHERE model = :model) AS embedded
"""


class SqlWork(SqlPart):
    """The part of a NightStore that is about what its passes have not seen yet."""

    def outlook(self, wanted: Wanted, now: int) -> Outlook:
        row, *_ = self._all(
            _OUTLOOK,
            {
                "passes": json.dumps(dict(wanted.passes)),
                "now": now,
                "quarantine": QUARANTINE,
                "maintained_for": MAINTAINED_FOR,
                "unused_for": UNUSED_FOR,
                "taken_back": wanted.taken_back,
                "model": wanted.model,
                "inputs": json.dumps(dict(wanted.inputs)),
            },
        )
        return Outlook(bool(row["work"]), row["total"], row["embedded"])

    def cursor(self, name: str) -> int:
        row = self._first("SELECT position FROM cursors WHERE pass = :name", {"name": name})
        return row["position"] if row else 0

    def notes(self, pass_name: str) -> dict[str, str]:
        rows = self._all("SELECT name, value FROM pass_notes WHERE pass = :pass", {"pass": pass_name})
        return {row["name"]: row["value"] for row in rows}

    def made_by(self, pass_name: str) -> list[Record]:
        return self._records(
            """
            SELECT * FROM records WHERE made_by = :pass
            AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
            AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
            ORDER BY id
            """,
            {"pass": pass_name},
        )

    def count_changed_since(self, position: int) -> int:
        row, *_ = self._all(
            "SELECT COUNT(*) AS n FROM records WHERE change > :position", {"position": position}
        )
        return int(row["n"])

    def changed_since(self, position: int, limit: int) -> list[Record]:
        return self._records(
            "SELECT * FROM records WHERE change > :position ORDER BY change LIMIT :limit",
            {"position": position, "limit": limit},
        )

    def count_due_to_expire(self, now: int) -> int:
        row, *_ = self._all(
            """
            SELECT COUNT(*) AS n FROM records
            WHERE expires_at IS NOT NULL AND expires_at <= :now
            AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
            AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
            """,
            {"now": now},
        )
        return int(row["n"])

    def due_to_expire(self, now: int, limit: int, *, taken_back: bool) -> list[Record]:
        return self._records(
            """
            SELECT * FROM records
            WHERE expires_at IS NOT NULL AND expires_at <= :now
            AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
            AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
            AND (:taken_back OR NOT EXISTS (
                SELECT 1 FROM taken_back
                WHERE pass = 'expire' AND record = records.id AND revision = records.revision
            ))
            AND NOT EXISTS (
                SELECT 1 FROM held
                WHERE pass = 'expire' AND record = records.id AND revision = records.revision
            )
            ORDER BY expires_at, id LIMIT :limit
            """,
            {"now": now, "limit": limit, "taken_back": taken_back},
        )

    def taken_back(self, pass_name: str, limit: int) -> list[Record]:
        return self._records(
            """
            SELECT records.* FROM taken_back
            JOIN records ON records.id = taken_back.record AND records.revision = taken_back.revision
            WHERE taken_back.pass = :pass ORDER BY taken_back.record LIMIT :limit
            """,
            {"pass": pass_name, "limit": limit},
        )

    def same_key(
        self, keys: Sequence[tuple[str, str, str]], now: int, limit: int, *, pass_name: str, taken_back: bool
    ) -> list[Record]:
        found: list[Record] = []
        for subject, attribute, scope in keys:
            if len(found) == limit:
                break
            found += self._records(
                """
                SELECT * FROM records
                WHERE subject = :subject AND attribute = :attribute AND scope = :scope
                AND subject IS NOT NULL AND attribute IS NOT NULL
                AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
                AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
                AND (expires_at IS NULL OR expires_at > :now)
                AND (:taken_back OR NOT EXISTS (
                    SELECT 1 FROM taken_back
                    WHERE pass = :pass AND record = records.id AND revision = records.revision
                ))
                AND NOT EXISTS (
                    SELECT 1 FROM held
                    WHERE pass = :pass AND record = records.id AND revision = records.revision
                )
                ORDER BY valid_from, id LIMIT :limit
                """,
                {
                    "subject": subject,
                    "attribute": attribute,
                    "scope": scope,
                    "now": now,
                    "taken_back": taken_back,
                    "pass": pass_name,
                    "limit": limit - len(found),
                },
            )
        return found

    def followed(self, records: Sequence[int]) -> dict[int, Record]:
        rows = self._all(
            """
            WITH following AS MATERIALIZED (
                SELECT older.id AS one, (
                    SELECT id FROM records AS next
                    WHERE next.subject = older.subject AND next.attribute = older.attribute AND next.scope = older.scope
                    AND next.subject IS NOT NULL AND next.attribute IS NOT NULL AND next.superseded_by IS NOT NULL
                    AND (next.valid_from, next.id) > (older.valid_from, older.id)
                    AND (next.expires_at IS NULL OR next.expires_at >= next.valid_to)
                    AND next.forgotten_at IS NULL
                    ORDER BY next.valid_from, next.id LIMIT 1
                ) AS next
                FROM records AS older WHERE older.id IN (SELECT CAST(value AS BIGINT) FROM json_each(:records))
            )
            SELECT following.one, newer.* FROM following JOIN records AS newer ON newer.id = following.next
            """,
            {"records": json.dumps(list(records))},
        )
        return {row["one"]: with_beside(row, "one")[0] for row in rows}

    def without_vector(self, records: Sequence[int], model: str) -> frozenset[int]:
        # Counted one by one: a join that was planned while there were no vectors yet would go on reading all of them.
        rows = self._all(
            """
            WITH asked AS MATERIALIZED (SELECT CAST(value AS BIGINT) AS id FROM json_each(:records))
            SELECT id FROM asked
            WHERE (SELECT COUNT(*) FROM vectors WHERE record = asked.id AND model = :model) = 0
            """,
            {"records": json.dumps(list(records)), "model": model},
        )
        return frozenset(row["id"] for row in rows)

    def _records(self, sql: str, parameters: Mapping[str, object]) -> list[Record]:
        return [from_row(dict(row)) for row in self._all(sql, parameters)]
