"""The sessions of the agenda. The protocol, with the meaning of every method, is in recalls.py."""

from __future__ import annotations

import json
from collections.abc import Collection

from iai_daemon.agenda.recall import Session
from iai_daemon.agenda.store.sql.part import to_recall
from iai_daemon.agenda.store.sql.plans import SqlPlans
from iai_daemon.errors import NoSuchSession


class SqlSessions(SqlPlans):
    """Sessions, on one connection."""

    def register(self, session_id: str, client: str | None, now: int) -> bool:
        known = "SELECT 1 FROM sessions WHERE id = :session AND closed_at IS NULL"
        if self._first(known, {"session": session_id}) is not None:
            return False
        with self._writing():
            return self._register(session_id, client, now)

    def _register(self, session_id: str, client: str | None, now: int) -> bool:
        """Within a transaction."""
        return self._changed(
            """
            INSERT INTO sessions (id, client, registered_at) VALUES (:session, :client, :now)
            ON CONFLICT (id) DO UPDATE
            SET closed_at = NULL, registered_at = excluded.registered_at,
                client = COALESCE(sessions.client, excluded.client)
            WHERE sessions.closed_at IS NOT NULL
            """,
            {"session": session_id, "client": client, "now": now},
        )

    def sessions(self, *, closed: bool = False) -> list[Session]:
        rows = self._all(
            """
            SELECT
                sessions.id, sessions.client, sessions.registered_at, sessions.closed_at, recalls.id AS pending
            FROM sessions
            LEFT JOIN recalls ON recalls.session_id = sessions.id AND recalls.status = 'pending'
            WHERE :closed = 1 OR sessions.closed_at IS NULL
            ORDER BY sessions.registered_at, sessions.id
            """,
            {"closed": int(closed)},
        )
        return [Session(**row) for row in rows]

    def close_session(self, session_id: str, now: int) -> list[int]:
        with self._writing():
            found = self._first("SELECT 1 FROM sessions WHERE id = :session", {"session": session_id})
            if found is None:
                raise NoSuchSession(id=session_id)
            return self._close(session_id, "its session was closed", now)

    def _close(self, session_id: str, reason: str, now: int) -> list[int]:
        """Within a transaction. `reason`: why what is still to come in it is cancelled."""
        self._hold_session(session_id)
        self._database.execute(
            "UPDATE sessions SET closed_at = :now WHERE id = :session AND closed_at IS NULL",
            {"session": session_id, "now": now},
        )
        rows = self._all(
            """
            SELECT * FROM recalls_told
            WHERE session_id = :session AND status IN ('pending', 'waiting', 'running') ORDER BY id
            """,
            {"session": session_id},
        )
        for row in rows:
            self._cancel(to_recall(row), reason, now)
        return [row["id"] for row in rows]

    def with_pending(self, session_ids: Collection[str]) -> set[str]:
        rows = self._all(
            """
            SELECT session_id FROM json_each(:sessions) AS asked
            JOIN recalls ON recalls.session_id = asked.value AND recalls.status = 'pending'
            """,
            {"sessions": json.dumps(list(session_ids))},
        )
        return {row["session_id"] for row in rows}
