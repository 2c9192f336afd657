"""The occurrences of the embedded agenda until an agent starts. The protocol, with the meaning of every method, is in recalls.py."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from iai_daemon.agenda.recall import Deferral, NewRun, Occurrence, Planned
from iai_daemon.agenda.store.recalls import Defer, Due, Settle
from iai_daemon.agenda.store.sqlite_part import GREATEST, is_an_id, to_occurrence, to_recall
from iai_daemon.agenda.store.sqlite_plans import SqlitePlans


class SqliteOccurrences(SqlitePlans):
    """Occurrences, on one connection."""

    def next_try_at(self, after: int) -> int | None:
        self.go_on_after_restore()
        found = self._first(
            "SELECT MIN(next_try_at) AS at FROM occurrences WHERE state = 'planned' AND next_try_at > :after",
            {"after": after},
        )
        return None if found is None else found["at"]

    def see(self, now: int, not_before: int) -> None:
        come_due = {"now": now, "not_before": not_before}
        # Nothing is written, and nobody's lock waited for, where there is nothing to note.
        unseen = self._first(
            """
            SELECT 1 FROM occurrences
            WHERE state = 'planned' AND seen_at IS NULL AND next_try_at BETWEEN :not_before AND :now LIMIT 1
            """,
            come_due,
        )
        if unseen is None:
            return
        with self._writing():
            self._connection.execute(
                """
                UPDATE occurrences SET seen_at = :now
                WHERE state = 'planned' AND seen_at IS NULL AND next_try_at BETWEEN :not_before AND :now
                """,
                come_due,
            )

    def due(self, now: int, limit: int) -> list[Due]:
        with self._reading():
            rows = self._all(
                """
                SELECT * FROM occurrences_told
                WHERE state = 'planned' AND next_try_at <= :now ORDER BY next_try_at, id LIMIT :limit
                """,
                {"now": now, "limit": limit},
            )
            return [self._due(to_occurrence(row)) for row in rows]

    def _due(self, occurrence: Occurrence) -> Due:
        row = self._connection.execute(
            """
            SELECT recalls_told.*, sessions.closed_at FROM recalls_told
            JOIN sessions ON sessions.id = recalls_told.session_id
            WHERE recalls_told.id = :recall
            """,
            {"recall": occurrence.recall},
        ).fetchone()
        return Due(occurrence, to_recall(row), closed=row["closed_at"] is not None)

    def settle(self, decided: Sequence[Settle | Defer], now: int) -> None:
        if not decided:
            return
        with self._writing():
            for each in decided:
                if isinstance(each, Settle):
                    self._settle(each, now)
                else:
                    self._defer(each, now)

    def _settle(self, what: Settle, now: int) -> None:
        settled = self._connection.execute(
            """
            UPDATE occurrences
            SET state = :state, reason = :reason, swallowed = swallowed + :swallowed, settled_at = :now
            WHERE id = :id AND state = 'planned'
            RETURNING recall, scheduled_for
            """,
            {
                "id": what.occurrence,
                "state": what.state,
                "reason": what.reason,
                "swallowed": what.swallowed,
                "now": now,
            },
        ).fetchone()
        if settled is not None:
            self._go_on(settled["recall"], settled["scheduled_for"], what.following, what.stands_for)
            self._stand(settled["recall"], now)

    def _defer(self, what: Defer, now: int) -> None:
        deferred = self._connection.execute(
            """
            UPDATE occurrences
            SET next_try_at = :until, reason = :reason, deferrals = deferrals + 1
            WHERE id = :id AND state = 'planned'
            RETURNING deferrals
            """,
            {"id": what.occurrence, "until": what.until, "reason": what.reason},
        ).fetchone()
        if deferred is not None:
            self._note_deferral(what, deferred["deferrals"], now)

    def _note_deferral(self, what: Defer, number: int, now: int) -> None:
        self._connection.execute(
            """
            INSERT INTO deferrals (occurrence, number, at, until, reason)
            VALUES (:occurrence, :number, :at, :until, :reason)
            """,
            {
                "occurrence": what.occurrence,
                "number": number,
                "at": now,
                "until": what.until,
                "reason": what.reason,
            },
        )

    def claim(
        self, occurrence: int, holder: str, lease_until: int, following: Planned | None, now: int
    ) -> bool:
        with self._writing():
            claimed = self._connection.execute(
                """
                UPDATE occurrences SET state = 'claimed', holder = :holder, lease_until = :lease_until
                WHERE id = :id AND state = 'planned'
                RETURNING recall, scheduled_for
                """,
                {"id": occurrence, "holder": holder, "lease_until": lease_until},
            ).fetchone()
            if claimed is None:
                return False
            self._go_on(claimed["recall"], claimed["scheduled_for"], following)
            self._stand(claimed["recall"], now)
        return True

    def begin(self, occurrence: int, holder: str, run: NewRun, now: int) -> int | None:
        with self._writing():
            begun = self._changed(
                """
                UPDATE occurrences SET state = 'running'
                WHERE id = :id AND state = 'claimed' AND holder = :holder
                """,
                {"id": occurrence, "holder": holder},
            )
            if not begun:
                return None
            row = self._connection.execute(
                """
                INSERT INTO runs (occurrence, agent, session_id, token_hash, started_at)
                VALUES (:occurrence, :agent, :session_id, :token_hash, :now)
                RETURNING id
                """,
                {
                    "occurrence": occurrence,
                    "agent": run.agent,
                    "session_id": run.session_id,
                    "token_hash": None if run.token is None else hashed(run.token),
                    "now": now,
                },
            ).fetchone()
        return int(row["id"])

    def release(self, occurrence: int, holder: str, reason: str, retry_at: int, now: int) -> None:
        with self._writing():
            released = self._connection.execute(
                """
                UPDATE occurrences
                SET state = 'planned', holder = NULL, lease_until = NULL, next_try_at = :retry_at,
                    reason = :reason, deferrals = deferrals + 1
                WHERE id = :id AND state = 'claimed' AND holder = :holder
                RETURNING recall, deferrals
                """,
                {"id": occurrence, "holder": holder, "retry_at": retry_at, "reason": reason},
            ).fetchone()
            if released is not None:
                self._note_deferral(Defer(occurrence, retry_at, reason), released["deferrals"], now)
                self._stand(released["recall"], now)

    def renew(self, holder: str, lease_until: int) -> None:
        held = {"holder": holder, "lease_until": lease_until}
        if self._first("SELECT 1 FROM occurrences WHERE lease_until IS NOT NULL AND holder = :holder", held):
            with self._writing():
                self._connection.execute(
                    """
                    UPDATE occurrences SET lease_until = :lease_until
                    WHERE lease_until IS NOT NULL AND holder = :holder
                    """,
                    held,
                )

    def history(self, recall: int | None, limit: int, *, before: int | None = None) -> list[Occurrence]:
        below = GREATEST if before is None else min(max(before, 0), GREATEST)
        asked = {"recall": recall, "limit": limit, "before": below}
        if recall is None:
            rows = self._all(
                "SELECT * FROM occurrences_told WHERE id < :before ORDER BY id DESC LIMIT :limit", asked
            )
        elif is_an_id(recall):
            rows = self._all(
                """
                SELECT * FROM occurrences_told
                WHERE recall = :recall AND id < :before ORDER BY id DESC LIMIT :limit
                """,
                asked,
            )
        else:
            rows = []
        return [to_occurrence(row) for row in reversed(rows)]

    def deferrals(self, occurrence: int) -> list[Deferral]:
        if not is_an_id(occurrence):
            return []
        rows = self._all(
            "SELECT at, until, reason FROM deferrals WHERE occurrence = :occurrence ORDER BY number",
            {"occurrence": occurrence},
        )
        return [Deferral(**row) for row in rows]

    def missed_since(self, since: int) -> int:
        (found,) = self._all(
            """
            SELECT COUNT(*) + COALESCE(SUM(swallowed), 0) AS missed FROM occurrences
            WHERE state = 'missed' AND settled_at >= :since
            """,
            {"since": since},
        )
        return int(found["missed"])


def hashed(token: str) -> str:
    """How a token is kept: nobody who reads the store can confirm a run."""
    return hashlib.sha256(token.encode()).hexdigest()
