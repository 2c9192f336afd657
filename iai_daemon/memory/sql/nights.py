"""The night's side of a store. The protocol, with the meaning of every method, is in memory/nights."""

from __future__ import annotations

from iai_daemon.memory.sql.batches import SqlBatches
from iai_daemon.memory.sql.likeness import SqlLikeness
from iai_daemon.memory.sql.links import SqlLinks
from iai_daemon.memory.sql.work import SqlWork


class SqlNights(SqlWork, SqlBatches, SqlLikeness, SqlLinks):
    """A NightStore, but for what keeps the engine itself well."""

    def counts(self, model: str | None = None) -> dict[str, int]:
        rows = self._all(
            """
            SELECT
                COUNT(*) AS total,
                COUNT(*) FILTER (
                    WHERE valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
                    AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
                ) AS current,
                COUNT(superseded_by) AS superseded,
                COUNT(merged_into) AS merged,
                COUNT(expired_at) AS expired,
                COUNT(archived_at) AS archived,
                COUNT(forgotten_at) AS forgotten,
                (SELECT COUNT(*) FROM vectors WHERE model = :model) AS embedded
            FROM records
            """,
            {"model": model},
        )
        return dict(rows[0])

    def first_started_at(self, now: int) -> int:
        known = "SELECT value FROM facts WHERE name = 'first_started_at'"
        row = self._first(known, {})
        if row is None:
            with self._writing():
                self._database.execute(
                    "INSERT INTO facts (name, value) VALUES ('first_started_at', :now) ON CONFLICT DO NOTHING",
                    {"now": str(now)},
                )
            row = self._first(known, {})
        return now if row is None else int(row["value"])

    def newest_change(self) -> int:
        (row,) = self._all("SELECT change - 1 AS newest FROM next_change", {})
        return int(row["newest"])

    def maintained_at(self) -> int | None:
        row = self._first("SELECT value FROM facts WHERE name = 'maintained_at'", {})
        return None if row is None else int(row["value"])
