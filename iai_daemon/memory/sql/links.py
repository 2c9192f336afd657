"""What a store knows of records that belong together, and of what agents were given. Both its sides use it.

The protocols, with the meaning of every method, are in memory/nights and memory/store.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from iai_daemon.memory.nights import Link, LinkKind
from iai_daemon.memory.record import Record, from_row
from iai_daemon.memory.sql.part import SqlPart, all_or, with_beside
from iai_daemon.memory.store import Gist, Related, Traces
from iai_daemon.memory.strength import UNUSED_FOR
from iai_daemon.storage.database import Row

# A gist of fewer of the results than that says nothing new about them.
_SEVERAL = 2


class SqlLinks(SqlPart):
    """The part of the store that is about links, gists, and uses."""

    # Users.

    def related(self, record: int) -> list[Related]:
        rows = self._all(
            """
            WITH sides (id, kind, weight, reason, night) AS (
                SELECT other, kind, weight, reason, night FROM links
                WHERE one = :record AND undone_at IS NULL
                UNION ALL
                SELECT one, CASE WHEN kind = 'source' THEN 'source_of' ELSE kind END, weight, reason, night FROM links
                WHERE other = :record AND undone_at IS NULL
            )
            SELECT sides.kind AS link_kind, weight, reason AS link_reason, night, records.*
            FROM sides JOIN records ON records.id = sides.id
            WHERE valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
            AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
            ORDER BY link_kind, weight DESC, records.id
            """,
            {"record": record},
        )
        return [_related(row) for row in rows]

    def gists(self, records: Sequence[int], limit: int) -> list[Gist]:
        rows = self._all(
            """
            SELECT records.*, links.other AS source_id
            FROM links JOIN records ON records.id = links.one
            WHERE links.other IN (SELECT CAST(value AS BIGINT) FROM json_each(:records))
            AND links.kind = 'source' AND links.undone_at IS NULL AND made_by = 'summarize'
            AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
            AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
            ORDER BY records.id DESC, links.other
            """,
            {"records": json.dumps(list(records))},
        )
        found = [_gist(list(group)) for _, group in groupby(rows, key=lambda row: int(row["id"]))]
        summing_up = [gist for gist in found if len(gist.sources) >= _SEVERAL]
        return sorted(summing_up, key=lambda gist: -len(gist.sources))[:limit]

    def note_use(self, records: Sequence[int], now: int) -> None:
        with self._writing(at_once=True):
            self._database.execute(
                """
                WITH given AS MATERIALIZED (SELECT CAST(value AS BIGINT) AS id FROM json_each(:records))
                INSERT INTO uses (record, times, last_at)
                SELECT records.id, COUNT(*), :now
                FROM given JOIN records ON records.id = given.id GROUP BY records.id
                ON CONFLICT (record) DO UPDATE SET
                    times = uses.times + excluded.times, last_at = MAX(uses.last_at, excluded.last_at)
                """,
                {"records": json.dumps(list(records)), "now": now},
            )

    def traces(self, record: int) -> Traces:
        row, *_ = self._all(
            """
            SELECT
                COALESCE((SELECT times FROM uses WHERE record = :record), 0) AS times,
                (SELECT last_at FROM uses WHERE record = :record) AS last_at,
                (
                    SELECT MIN(at) FROM contradictions JOIN records ON records.id = contradictions.newer
                    WHERE contradictions.older = :record AND outranked = 0
                    AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
                    AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
                ) AS contradicted_at
            """,
            {"record": record},
        )
        return Traces(row["times"], row["last_at"], row["contradicted_at"])

    # Nights.

    def undone_links(self, pass_name: str, limit: int) -> list[Link]:
        rows = self._all(
            """
            SELECT links.* FROM links
            JOIN records AS a ON a.id = links.one JOIN records AS b ON b.id = links.other
            WHERE links.undone_at IS NOT NULL AND links.pass = :pass AND links.kind = 'related'
            AND a.valid_to IS NULL AND a.superseded_by IS NULL AND a.merged_into IS NULL
            AND a.expired_at IS NULL AND a.archived_at IS NULL AND a.forgotten_at IS NULL
            AND b.valid_to IS NULL AND b.superseded_by IS NULL AND b.merged_into IS NULL
            AND b.expired_at IS NULL AND b.archived_at IS NULL AND b.forgotten_at IS NULL
            ORDER BY links.one, links.other LIMIT :limit
            """,
            {"pass": pass_name, "limit": limit},
        )
        return [_link(row) for row in rows]

    def links_of_night(self, night: int, limit: int | None = None) -> list[dict[str, Any]]:
        rows = self._all(
            """
            SELECT links.*, a.content AS one_content, b.content AS other_content FROM links
            JOIN records AS a ON a.id = links.one JOIN records AS b ON b.id = links.other
            WHERE links.night = :night AND links.kind = 'related' ORDER BY round, one, other LIMIT :limit
            """,
            {"night": night, "limit": all_or(limit)},
        )
        return [dict(row) for row in rows]

    def related_within(
        self, scopes: Sequence[str], after: tuple[int, int], limit: int
    ) -> list[tuple[int, int, float]]:
        rows = self._all(
            """
            SELECT links.one, links.other, links.weight FROM links
            JOIN records AS a ON a.id = links.one JOIN records AS b ON b.id = links.other
            WHERE (links.one, links.other) > (:one, :other)
            AND links.kind = 'related' AND links.undone_at IS NULL
            AND a.scope IN (SELECT value FROM json_each(:scopes)) AND b.scope = a.scope
            AND a.made_by IS NULL AND b.made_by IS NULL
            AND a.valid_to IS NULL AND a.superseded_by IS NULL AND a.merged_into IS NULL
            AND a.expired_at IS NULL AND a.archived_at IS NULL AND a.forgotten_at IS NULL
            AND b.valid_to IS NULL AND b.superseded_by IS NULL AND b.merged_into IS NULL
            AND b.expired_at IS NULL AND b.archived_at IS NULL AND b.forgotten_at IS NULL
            ORDER BY links.one, links.other LIMIT :limit
            """,
            {"scopes": json.dumps(list(scopes)), "one": after[0], "other": after[1], "limit": limit},
        )
        return [(row["one"], row["other"], row["weight"]) for row in rows]

    def made_from(self, records: Sequence[int]) -> dict[int, tuple[int, ...]]:
        rows = self._all(
            """
            SELECT one, other FROM links
            WHERE one IN (SELECT CAST(value AS BIGINT) FROM json_each(:records)) AND kind = 'source' AND undone_at IS NULL
            ORDER BY one, other
            """,
            {"records": json.dumps(list(records))},
        )
        return {
            record: tuple(row["other"] for row in group)
            for record, group in groupby(rows, key=lambda row: int(row["one"]))
        }

    def outdated(self, pass_name: str) -> list[Record]:
        rows = self._all(
            """
            SELECT * FROM records WHERE made_by = :pass
            AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
            AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
            AND EXISTS (
                SELECT 1 FROM links JOIN records AS source ON source.id = links.other
                WHERE links.one = records.id AND links.kind = 'source' AND links.undone_at IS NULL
                AND (
                    source.valid_to IS NOT NULL OR source.superseded_by IS NOT NULL
                    OR source.merged_into IS NOT NULL OR source.expired_at IS NOT NULL
                    OR source.archived_at IS NOT NULL OR source.forgotten_at IS NOT NULL
                )
            )
            ORDER BY id
            """,
            {"pass": pass_name},
        )
        return [from_row(dict(row)) for row in rows]

    def due_to_archive(
        self, now: int, limit: int, *, taken_back: bool
    ) -> list[tuple[Record, Traces, Mapping[int, int]]]:
        rows = self._all(
            """
            WITH first AS (
                SELECT *, ROW_NUMBER() OVER (PARTITION BY record ORDER BY contradicted_at, newer) AS place
                FROM disputed WHERE quiet_since <= :now - :unused_for
            )
            SELECT records.*, newer, newer_revision, contradicted_at, times, last_at
            FROM first JOIN records ON records.id = first.record
            WHERE first.place = 1 AND quiet_since <= :now - :unused_for
            AND (:taken_back OR NOT EXISTS (
                SELECT 1 FROM taken_back
                WHERE pass = 'decay' AND record = records.id AND revision = records.revision
            ))
            AND NOT EXISTS (
                SELECT 1 FROM held
                WHERE pass = 'decay' AND record = records.id AND revision = records.revision
            )
            ORDER BY records.id LIMIT :limit
            """,
            {"now": now, "unused_for": UNUSED_FOR, "limit": limit, "taken_back": taken_back},
        )
        return [_due(row) for row in rows]


def _link(row: Row) -> Link:
    kind = LinkKind(row["kind"])
    return Link(row["change_id"], row["one"], row["other"], kind, row["weight"], row["reason"])


def _related(row: Row) -> Related:
    values = dict(row)
    kind, reason = values.pop("link_kind"), values.pop("link_reason")
    weight, night = values.pop("weight"), values.pop("night")
    return Related(from_row(values), kind, weight, reason, night)


def _gist(rows: Sequence[Row]) -> Gist:
    """One gist, from a row for each of its sources."""
    record, _ = with_beside(rows[0], "source_id")
    return Gist(record, tuple(int(row["source_id"]) for row in rows))


def _due(row: Row) -> tuple[Record, Traces, Mapping[int, int]]:
    values = dict(row)
    newer = {int(values.pop("newer")): int(values.pop("newer_revision"))}
    traces = Traces(values.pop("times"), values.pop("last_at"), values.pop("contradicted_at"))
    return from_row(values), traces, newer
