"""What holds after every change of the agenda: where each recall stands, and that its plan goes on. The methods here
are called within the transaction that made the change."""

from __future__ import annotations

from iai_daemon.agenda.planning import following
from iai_daemon.agenda.recall import CallType, Planned, Recall, State, Status
from iai_daemon.agenda.store.sql.part import SqlPart, to_recall
from iai_daemon.storage.database import Row

_OPEN = (State.PLANNED, State.CLAIMED, State.RUNNING)
_LAST = "SELECT state, reason FROM occurrences WHERE recall = :recall ORDER BY id DESC LIMIT 1"


class SqlPlans(SqlPart):
    """The plans of recalls, on one connection."""

    # Where a recall stands.

    def _stand(self, recall_id: int, now: int) -> None:
        """Give a recall the status that follows from its occurrences; where its session becomes free, the next one is pending."""
        row = self._database.execute(
            """
            SELECT
                session_id, status, call_type,
                EXISTS (
                    SELECT 1 FROM occurrences
                    WHERE recall = :recall AND state IN ('claimed', 'running') AND settled_at IS NULL
                ) AS under_way,
                EXISTS (
                    SELECT 1 FROM occurrences
                    WHERE recall = :recall AND state = 'planned' AND settled_at IS NULL
                ) AS planned,
                EXISTS (
                    SELECT 1 FROM recalls AS other
                    WHERE other.session_id = recalls.session_id AND other.status = 'pending'
                    AND other.id <> :recall
                ) AS taken
            FROM recalls WHERE id = :recall
            """,
            {"recall": recall_id},
        ).fetchone()
        if row["status"] == Status.CANCELLED:
            return
        status, reason = self._status(recall_id, row)
        if status != row["status"]:
            self._set_status(recall_id, status, reason, now)
        if row["status"] == Status.PENDING and status is not Status.PENDING:
            self._let_the_next_one_be_pending(row["session_id"], now)

    def _status(self, recall_id: int, row: Row) -> tuple[Status, str | None]:
        if row["under_way"]:
            return Status.RUNNING, None
        if row["planned"]:
            return (Status.WAITING if row["taken"] else Status.PENDING), None
        last = self._database.execute(_LAST, {"recall": recall_id}).fetchone()
        if last["state"] == State.CANCELLED:
            return Status.CANCELLED, last["reason"]
        if row["call_type"] == CallType.RECURRING or last["state"] == State.DONE:
            return Status.FIRED, None
        # What somebody wanted to be skipped, and would not have come again, is as good as cancelled.
        skipped = last["state"] == State.SKIPPED
        return (Status.CANCELLED if skipped else Status.FAILED), last["reason"]

    def _set_status(self, recall_id: int, status: Status, reason: str | None, now: int) -> None:
        self._database.execute(
            "UPDATE recalls SET status = :status, reason = :reason, updated_at = :now WHERE id = :recall",
            {"recall": recall_id, "status": status, "reason": reason, "now": now},
        )

    def _let_the_next_one_be_pending(self, session_id: str, now: int) -> None:
        self._database.execute(
            """
            UPDATE recalls SET status = 'pending', updated_at = :now
            WHERE id = (SELECT MIN(id) FROM recalls WHERE session_id = :session AND status = 'waiting')
            AND NOT EXISTS (SELECT 1 FROM recalls WHERE session_id = :session AND status = 'pending')
            """,
            {"session": session_id, "now": now},
        )

    def _cancel(self, recall: Recall, reason: str, now: int) -> None:
        """Nothing more comes of a recall that is live."""
        self._database.execute(
            """
            UPDATE occurrences SET state = 'cancelled', reason = :reason, settled_at = :now, lease_until = NULL
            WHERE recall = :recall AND state IN ('planned', 'claimed') AND settled_at IS NULL
            """,
            {"recall": recall.id, "reason": reason, "now": now},
        )
        self._set_status(recall.id, Status.CANCELLED, reason, now)
        if recall.status is Status.PENDING:
            self._let_the_next_one_be_pending(recall.session_id, now)

    # What is planned.

    def _go_on(self, recall_id: int, after: int, wanted: Planned | None, stands_for: int = 0) -> None:
        """Plan what follows the occurrence that was scheduled for `after`, unless its plan has got farther than that."""
        if wanted is None:
            return
        farther = self._database.execute(
            """
            SELECT 1 FROM occurrences
            WHERE recall = :recall AND state = 'planned' AND settled_at IS NULL
            AND extra = 0 AND scheduled_for > :after
            """,
            {"recall": recall_id, "after": after},
        ).fetchone()
        if farther is None and (free := self._not_been(recall_id, wanted)) is not None:
            self._plan(recall_id, free, stands_for=stands_for)

    def _not_been(self, recall_id: int, wanted: Planned) -> Planned | None:
        """The first firing from `wanted` on that has not been; None: it is planned or under way, or there is none any more.

        A plan may come to what was before it: after a clock that was wrong, or after another plan. What was only cancelled, and
        had never begun, is planned a millisecond later: no row ever leaves its end.
        """
        candidate: Planned | None = wanted
        while candidate is not None:
            found = self._at(recall_id, candidate.scheduled_for)
            if found is None:
                return candidate
            if found["state"] in _OPEN:
                return None
            if found["state"] == State.CANCELLED and not found["has_run"]:
                candidate = _a_moment_later(candidate)
            else:
                candidate = following(self._recall(recall_id), candidate.scheduled_for)
        return None

    def _plan_as_wished(self, recall_id: int, wanted: Planned, *, extra: bool = False) -> Planned:
        """Plan what a person wants, at the first millisecond of which there is no occurrence yet."""
        while self._at(recall_id, wanted.scheduled_for) is not None:
            wanted = _a_moment_later(wanted)
        self._plan(recall_id, wanted, extra=extra)
        return wanted

    def _at(self, recall_id: int, scheduled_for: int) -> Row | None:
        found: Row | None = self._database.execute(
            """
            SELECT state, EXISTS (SELECT 1 FROM runs WHERE runs.occurrence = occurrences.id) AS has_run
            FROM occurrences WHERE recall = :recall AND scheduled_for = :scheduled_for
            """,
            {"recall": recall_id, "scheduled_for": scheduled_for},
        ).fetchone()
        return found

    def _plan(self, recall_id: int, what: Planned, *, stands_for: int = 0, extra: bool = False) -> None:
        self._database.execute(
            """
            INSERT INTO occurrences (recall, scheduled_for, state, next_try_at, swallowed, extra)
            VALUES (:recall, :scheduled_for, 'planned', :next_try_at, :swallowed, :extra)
            """,
            {
                "recall": recall_id,
                "scheduled_for": what.scheduled_for,
                "next_try_at": what.next_try_at,
                "swallowed": stands_for,
                "extra": int(extra),
            },
        )

    def _drop_plan(self, recall_id: int, reason: str, now: int, spare: int | None = None) -> None:
        """Cancel what is planned by the plan, but for what is scheduled for `spare`; what somebody wanted beside it stays."""
        self._database.execute(
            """
            UPDATE occurrences SET state = 'cancelled', reason = :reason, settled_at = :now
            WHERE recall = :recall AND state = 'planned' AND settled_at IS NULL AND extra = 0
            AND (CAST(:spare AS BIGINT) IS NULL OR scheduled_for <> :spare)
            """,
            {"recall": recall_id, "reason": reason, "now": now, "spare": spare},
        )

    # After a backup was restored.

    def go_on_after_restore(self) -> None:
        """Plan on where a restored backup has left nothing planned, and say what became of the rest."""
        wanted = "SELECT * FROM recalls_told WHERE restored_at IS NOT NULL"
        if self._first(wanted, {}) is None:
            return
        with self._writing():
            self._hold_recalls([row["id"] for row in self._all(wanted, {})])
            for row in self._database.execute(wanted).fetchall():
                recall, since = to_recall(row), row["restored_at"]
                if recall.is_live:
                    if recall.call_type is CallType.RECURRING:
                        self._go_on(recall.id, since, following(recall, since))
                    self._stand(recall.id, since)
            self._database.execute("UPDATE recalls SET restored_at = NULL WHERE restored_at IS NOT NULL")


def _a_moment_later(wanted: Planned) -> Planned:
    return Planned(wanted.scheduled_for + 1, wanted.next_try_at + 1)
