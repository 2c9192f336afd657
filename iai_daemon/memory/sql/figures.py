"""What a store counts of itself. The protocol is in memory/figures.py."""

from __future__ import annotations

from iai_daemon.memory.figures import Figures
from iai_daemon.memory.nights import NightStore
from iai_daemon.memory.sql.part import SqlPart
from iai_daemon.storage.database import Database

_STATUSES = ("current", "superseded", "merged", "expired", "archived", "forgotten")


class SqlFigures(SqlPart):
    """What its nights count already, and what only metrics ask for."""

    def __init__(self, database: Database, nights: NightStore) -> None:
        super().__init__(database)
        self._nights = nights

    def figures(self) -> Figures:
        memories, last = self._nights.counts(), self._nights.last_completed(kind="night")
        ended = self._all(
            """
            SELECT kind, outcome, COUNT(*) AS n FROM nights WHERE outcome IS NOT NULL GROUP BY kind, outcome
            """,
            {},
        )
        changes = self._all("SELECT effect, COUNT(*) AS n FROM journal GROUP BY effect", {})
        return Figures(
            memories={status: memories[status] for status in _STATUSES},
            nights={(row["kind"], row["outcome"]): row["n"] for row in ended},
            changes={row["effect"]: row["n"] for row in changes},
            held={why.value: number for why, number in self._nights.waiting().items()},
            night_began=None if last is None else last.started_at,
            night_ended=None if last is None else last.ended_at,
        )
