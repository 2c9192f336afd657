"""How several daemons change one agenda at once without getting into each other's way.

Whoever changes what is planned holds the sessions that it is of until his transaction ends, always in the order of their ids; so
what he reads of them holds until then. Whoever may take any of many (what is due, what was left behind) passes over what others hold.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from iai_daemon.agenda.store.sql.part import SqlPart, is_an_id
from iai_daemon.storage.database import Row


class PostgresPart(SqlPart):
    """Leases are judged by the server's clock alone: those of the hosts may differ by minutes."""

    def clock(self, now: int) -> int:  # noqa: ARG002 -- that is the host's
        (found,) = self._all("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) AS now", {})
        return int(found["now"])

    def _hold_session(self, session_id: str) -> None:
        self._all("SELECT 1 FROM sessions WHERE id = :session FOR NO KEY UPDATE", {"session": session_id})

    def _hold_recalls(self, recalls: Collection[int]) -> None:
        self._all(
            """
            SELECT 1 FROM sessions
            WHERE id IN (SELECT session_id FROM recalls WHERE id = ANY(CAST(:ids AS BIGINT[])))
            ORDER BY id FOR NO KEY UPDATE
            """,
            {"ids": _known(recalls)},
        )

    def _hold_occurrences(self, occurrences: Collection[int]) -> None:
        self._all(
            """
            SELECT 1 FROM sessions
            WHERE id IN (
                SELECT recalls.session_id FROM occurrences JOIN recalls ON recalls.id = occurrences.recall
                WHERE occurrences.id = ANY(CAST(:ids AS BIGINT[]))
            )
            ORDER BY id FOR NO KEY UPDATE
            """,
            {"ids": _known(occurrences)},
        )

    def _hold_run(self, run: int) -> None:
        self._all(
            """
            SELECT 1 FROM sessions
            WHERE id = (
                SELECT recalls.session_id FROM runs
                JOIN occurrences ON occurrences.id = runs.occurrence
                JOIN recalls ON recalls.id = occurrences.recall
                WHERE runs.id = :run
            )
            FOR NO KEY UPDATE
            """,
            {"run": run},
        )

    def _free(self, sql: str, parameters: Mapping[str, object], of: str = "occurrences") -> list[Row]:
        return self._all(f"{sql} FOR NO KEY UPDATE OF {of} SKIP LOCKED", parameters)


def _known(ids: Collection[int]) -> list[int]:
    return [each for each in ids if is_an_id(each)]
