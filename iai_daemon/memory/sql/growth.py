"""How a store has grown. The protocol, with the meaning of every method, is in memory/growth.py."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from iai_daemon.memory.growth import QUARTER_HOUR, Standing
from iai_daemon.memory.sql.part import SqlPart

# What a record is counted as, and at what quarter of an hour that changed; added up in `standings`.
#
# `gone`: the records that are not current, since when, and as what. A night's journal says when; what users did themselves, the
# row does. `returned`: what was not current until it was taken back; of spans that meet, each moment counts once, and what is gone
# since is not gone twice. `undone`: what nights had added until that was taken back.
_CHANGES = """
WITH gone AS (
    SELECT
        records.id AS record,
        CASE
            WHEN superseded_by IS NOT NULL OR merged_into IS NOT NULL THEN 'superseded'
            WHEN archived_at IS NOT NULL THEN 'archived'
            WHEN expired_at IS NOT NULL THEN 'expired'
            WHEN forgotten_at IS NOT NULL THEN 'forgotten'
            ELSE 'superseded'
        END AS kind,
        created_at AS since,
        MAX(created_at, COALESCE(
            (
                SELECT MIN(journal.at) FROM journal
                WHERE journal.record = records.id AND journal.undone_at IS NULL AND journal.before IS NOT NULL
            ),
            valid_to, archived_at, expired_at, forgotten_at, created_at
        )) AS at
    FROM records
    WHERE valid_to IS NOT NULL OR superseded_by IS NOT NULL OR merged_into IS NOT NULL
    OR expired_at IS NOT NULL OR archived_at IS NOT NULL OR forgotten_at IS NOT NULL
),
taken_out AS (
    SELECT
        journal.record, journal.at, journal.undone_at, journal.effect,
        MAX(journal.undone_at) OVER (
            PARTITION BY journal.record ORDER BY journal.at, journal.id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS returned_at
    FROM journal JOIN records ON records.id = journal.record
    WHERE journal.night IN (SELECT id FROM nights WHERE undone_at IS NOT NULL)
    AND journal.undone_at IS NOT NULL AND journal.before IS NOT NULL
),
returned AS (
    SELECT
        CASE WHEN effect IN ('archived', 'expired') THEN effect ELSE 'superseded' END AS kind,
        MAX(taken_out.at, COALESCE(returned_at, taken_out.at)) AS since,
        CASE WHEN gone.at IS NOT NULL AND gone.at < undone_at THEN gone.at ELSE undone_at END AS until
    FROM taken_out LEFT JOIN gone ON gone.record = taken_out.record
),
undone AS (
    SELECT at AS since, undone_at AS until FROM journal
    WHERE night IN (SELECT id FROM nights WHERE undone_at IS NOT NULL)
    AND undone_at IS NOT NULL AND before IS NULL
    AND NOT EXISTS (SELECT 1 FROM records WHERE records.id = journal.record)
),
changes (kind, at, number) AS (
    SELECT 'current', created_at, 1 FROM records
    UNION ALL SELECT 'current', at, -1 FROM gone
    UNION ALL SELECT kind, at, 1 FROM gone
    UNION ALL SELECT 'current', since, -1 FROM returned WHERE since < until
    UNION ALL SELECT kind, since, 1 FROM returned WHERE since < until
    UNION ALL SELECT 'current', until, 1 FROM returned WHERE since < until
    UNION ALL SELECT kind, until, -1 FROM returned WHERE since < until
    UNION ALL SELECT 'current', since, 1 FROM undone
    UNION ALL SELECT 'current', until, -1 FROM undone
)
SELECT kind, (MAX(at, :since) + :quarter - 1) / :quarter AS quarter, SUM(number) AS number
FROM changes GROUP BY kind, (MAX(at, :since) + :quarter - 1) / :quarter ORDER BY quarter
"""
_KINDS = ("current", "superseded", "archived", "expired", "forgotten")


class SqlGrowth(SqlPart):
    """A Growth on any engine."""

    def standings(self, moments: Sequence[int], now: int) -> list[Standing]:
        since = min(moments, default=now)
        rows = self._all(_CHANGES, {"since": since, "quarter": QUARTER_HOUR})
        changes = [(int(row["quarter"]) * QUARTER_HOUR, row["kind"], int(row["number"])) for row in rows]
        counted: Counter[str] = Counter()
        found, place = [], 0
        for moment in sorted(moments):
            while place < len(changes) and changes[place][0] <= moment:
                _, kind, number = changes[place]
                counted[kind] += number
                place += 1
            found.append(_standing(moment, counted))
        # A date of its own may lie ahead of the clock: what is there is there.
        for _, kind, number in changes[place:]:
            counted[kind] += number
        return [*found, _standing(now, counted)]

    def contents(self, records: Sequence[int], most: int) -> dict[int, str]:
        rows = self._all(
            """
            SELECT id, SUBSTR(content, 1, :most) AS content FROM records
            WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(:records))
            """,
            {"records": json.dumps(list(records)), "most": most},
        )
        return {row["id"]: row["content"] for row in rows}


def _standing(at: int, counted: Counter[str]) -> Standing:
    return Standing(at, *(counted[kind] for kind in _KINDS))
