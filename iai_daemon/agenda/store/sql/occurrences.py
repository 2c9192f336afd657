"""The occurrences of the agenda until an agent starts. The protocol, with the meaning of every method, is in recalls.py."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Collection, Iterator, Sequence

from iai_daemon.agenda.recall import Deferral, NewRun, Occurrence, Planned
from iai_daemon.agenda.store.recalls import Decisions, Defer, Due, Settle
from iai_daemon.agenda.store.sql.part import GREATEST, is_an_id, to_occurrence, to_recall
from iai_daemon.agenda.store.sql.plans import SqlPlans

# So many are noted to be due in one transaction.
_SEEN_AT_ONCE = 1000

_NEXT_TRY = """
SELECT next_try_at FROM occurrences
WHERE state = 'planned' AND next_try_at > :after
AND (
    CAST(:agents AS TEXT) IS NULL
    OR (SELECT agent FROM recalls WHERE id = occurrences.recall) IN (SELECT value FROM json_each(:agents))
)
ORDER BY next_try_at LIMIT 1
"""
_UNSEEN = """
SELECT id FROM occurrences
WHERE state = 'planned' AND seen_at IS NULL AND next_try_at BETWEEN :not_before AND :now
AND (
    CAST(:agents AS TEXT) IS NULL
    OR (SELECT agent FROM recalls WHERE id = occurrences.recall) IN (SELECT value FROM json_each(:agents))
)
ORDER BY next_try_at LIMIT :limit
"""
_DUE = """
SELECT occurrences.id FROM occurrences
JOIN recalls ON recalls.id = occurrences.recall
JOIN sessions ON sessions.id = recalls.session_id
WHERE occurrences.state = 'planned' AND occurrences.next_try_at <= :now
AND (CAST(:agents AS TEXT) IS NULL OR recalls.agent IN (SELECT value FROM json_each(:agents)))
ORDER BY occurrences.next_try_at, occurrences.id LIMIT :limit
"""
_THESE = """
SELECT * FROM occurrences_told
WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(:ids)) ORDER BY next_try_at, id
"""
_THEIR_RECALLS = """
SELECT recalls_told.*, sessions.closed_at FROM recalls_told
JOIN sessions ON sessions.id = recalls_told.session_id
WHERE recalls_told.id IN (SELECT CAST(value AS BIGINT) FROM json_each(:ids))
"""


class SqlOccurrences(SqlPlans):
    """Occurrences, on one connection."""

    def next_try_at(self, after: int, agents: Collection[str] | None = None) -> int | None:
        self.go_on_after_restore()
        found = self._first(_NEXT_TRY, {"after": after, "agents": _names(agents)})
        return None if found is None else found["next_try_at"]

    def see(self, now: int, not_before: int, agents: Collection[str] | None = None) -> None:
        come_due = {"now": now, "not_before": not_before, "agents": _names(agents)}
        # Nothing is written, and nobody's lock waited for, where there is nothing to note.
        while self._all(_UNSEEN, {**come_due, "limit": 1}):
            with self._writing():
                found = [row["id"] for row in self._free(_UNSEEN, {**come_due, "limit": _SEEN_AT_ONCE})]
                self._database.execute(
                    """
                    UPDATE occurrences SET seen_at = :now
                    WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(:ids))
                    """,
                    {"ids": json.dumps(found), "now": now},
                )
            if len(found) < _SEEN_AT_ONCE:
                return

    def due(self, now: int, limit: int, agents: Collection[str] | None = None) -> list[Due]:
        with self._reading():
            rows = self._all(_DUE, {"now": now, "limit": limit, "agents": _names(agents)})
            return self._dues([row["id"] for row in rows])

    @contextlib.contextmanager
    def deciding(self, now: int, limit: int, agents: Collection[str] | None = None) -> Iterator[Decisions]:
        asked = {"now": now, "limit": limit, "agents": _names(agents)}
        # Where nothing is due, nobody's lock is waited for.
        if not self._all(_DUE, {**asked, "limit": 1}):
            with self._decisions((), now) as decisions:
                yield decisions
            return
        with self._writing():
            found = self._free(_DUE, asked, "occurrences, sessions")
            with self._decisions(self._dues([row["id"] for row in found]), now) as decisions:
                yield decisions

    @contextlib.contextmanager
    def _decisions(self, due: Sequence[Due], now: int) -> Iterator[Decisions]:
        """Within a transaction, where anything is due."""

        def claim(what: Due, holder: str, lease: int, following: Planned | None) -> bool:
            return self._claim(what.occurrence.id, holder, now + lease, following, now)

        def change(what: Settle | Defer) -> None:
            self._carry_out(what, now)

        def cancel(what: Due, reason: str) -> None:
            recall = self._recall(what.recall.id)
            if recall.is_live:
                self._cancel(recall, reason, now)

        yield Decisions(due, claim, change, cancel)

    def _dues(self, occurrences: Sequence[int]) -> list[Due]:
        found = [to_occurrence(row) for row in self._all(_THESE, {"ids": json.dumps(occurrences)})]
        recalls = json.dumps(sorted({each.recall for each in found}))
        rows = {row["id"]: row for row in self._all(_THEIR_RECALLS, {"ids": recalls})}
        return [
            Due(each, to_recall(rows[each.recall]), closed=rows[each.recall]["closed_at"] is not None)
            for each in found
        ]

    def settle(self, decided: Sequence[Settle | Defer], now: int) -> None:
        if not decided:
            return
        with self._writing():
            self._hold_occurrences([each.occurrence for each in decided])
            for each in decided:
                self._carry_out(each, now)

    def _carry_out(self, decided: Settle | Defer, now: int) -> None:
        """Within a transaction."""
        if isinstance(decided, Settle):
            self._settle(decided, now)
        else:
            self._defer(decided, now)

    def _settle(self, what: Settle, now: int) -> None:
        settled = self._database.execute(
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
        deferred = self._database.execute(
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
        self._database.execute(
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
            self._hold_occurrences([occurrence])
            return self._claim(occurrence, holder, self.clock(now) + lease_until - now, following, now)

    def _claim(
        self, occurrence: int, holder: str, lease_until: int, following: Planned | None, now: int
    ) -> bool:
        """Within a transaction; `lease_until` by the clock that leases go by."""
        claimed = self._database.execute(
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
            row = self._database.execute(
                """
                INSERT INTO runs (occurrence, agent, session_id, token_hash, started_at)
                VALUES (:occurrence, :agent, :session_id, :token_hash, :now)
                RETURNING id
                """,
                {"occurrence": occurrence, "now": now, **as_row(run)},
            ).fetchone()
        return int(row["id"])

    def release(self, occurrence: int, holder: str, reason: str, retry_at: int, now: int) -> None:
        with self._writing():
            self._hold_occurrences([occurrence])
            released = self._database.execute(
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

    def renew(self, holder: str, occurrences: Collection[int], lease_until: int, now: int) -> set[int]:
        held = """
            SELECT id FROM occurrences
            WHERE lease_until IS NOT NULL AND holder = :holder
            AND id IN (SELECT CAST(value AS BIGINT) FROM json_each(:ids)) ORDER BY id
        """
        asked = {"holder": holder, "ids": json.dumps(sorted(occurrences))}
        if not self._all(held, asked):
            return set()
        with self._writing():
            self._database.execute(
                """
                UPDATE occurrences SET lease_until = :lease_until
                WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(:ids))
                """,
                {
                    "ids": json.dumps([row["id"] for row in self._free(held, asked)]),
                    "lease_until": self.clock(now) + lease_until - now,
                },
            )
            return {row["id"] for row in self._all(held, asked)}

    def waiting_for_others(self, agents: Collection[str], now: int) -> dict[str, int]:
        rows = self._all(
            """
            SELECT recalls.agent, MIN(occurrences.next_try_at) AS since FROM occurrences
            JOIN recalls ON recalls.id = occurrences.recall
            WHERE occurrences.state = 'planned' AND occurrences.next_try_at <= :now
            AND recalls.agent NOT IN (SELECT value FROM json_each(:agents))
            GROUP BY recalls.agent ORDER BY recalls.agent
            """,
            {"agents": _names(agents), "now": now},
        )
        return {row["agent"]: row["since"] for row in rows}

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


def _names(agents: Collection[str] | None) -> str | None:
    return None if agents is None else json.dumps(sorted(agents))


def as_row(run: NewRun) -> dict[str, object]:
    return {
        "agent": run.agent,
        "session_id": run.session_id,
        "token_hash": None if run.token is None else hashed(run.token),
    }


def hashed(token: str) -> str:
    """How a token is kept: nobody who reads the store can confirm a run."""
    return hashlib.sha256(token.encode()).hexdigest()
