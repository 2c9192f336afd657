"""What a store counts of itself. The protocol is in memory/figures.py."""

from __future__ import annotations

from iai_daemon.memory.figures import Figures
from iai_daemon.memory.sql.part import SqlPart


class SqlFigures(SqlPart):
    """Counts on one connection."""

    def figures(self) -> Figures:
        memories, *_ = self._all(
            """
            SELECT
                COUNT(*) FILTER (
                    WHERE valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
                    AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
                ) AS current,
                COUNT(superseded_by) AS superseded,
                COUNT(merged_into) AS merged,
                COUNT(expired_at) AS expired,
                COUNT(archived_at) AS archived,
                COUNT(forgotten_at) AS forgotten
            FROM records
            """,
            {},
        )
        nights = self._all(
            """
            SELECT kind, outcome, COUNT(*) AS n FROM nights WHERE outcome IS NOT NULL GROUP BY kind, outcome
            """,
            {},
        )
        last = self._first(
            """
            SELECT started_at, ended_at FROM nights WHERE outcome = 'completed' AND kind = 'night'
            ORDER BY id DESC LIMIT 1
            """,
            {},
        )
        return Figures(
            memories=dict(memories),
            nights={(row["kind"], row["outcome"]): row["n"] for row in nights},
            changes=self._counted("SELECT effect AS name, COUNT(*) AS n FROM journal GROUP BY effect"),
            held=self._counted("SELECT why AS name, COUNT(*) AS n FROM held GROUP BY why"),
            night_began=None if last is None else last["started_at"],
            night_ended=None if last is None else last["ended_at"],
        )

    def _counted(self, statement: str) -> dict[str, int]:
        return {row["name"]: row["n"] for row in self._all(statement, {})}
