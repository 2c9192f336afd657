"""The runs of the agenda, and what is left of them. The protocol, with the meaning of every method, is in recalls.py."""

from __future__ import annotations

import json

from iai_daemon.agenda.recall import Occurrence, Recall, Run, Spent, State
from iai_daemon.agenda.store.recalls import Outcome
from iai_daemon.agenda.store.sql.occurrences import hashed
from iai_daemon.agenda.store.sql.part import GREATEST, is_an_id, to_occurrence
from iai_daemon.agenda.store.sql.plans import SqlPlans
from iai_daemon.storage.database import Row

# Those of a holder who asks are his own until he does not renew them any more.
_LEFT_BEHIND = """
SELECT occurrences.id FROM occurrences
JOIN recalls ON recalls.id = occurrences.recall
JOIN sessions ON sessions.id = recalls.session_id
WHERE occurrences.lease_until IS NOT NULL AND occurrences.lease_until <= :until AND occurrences.holder <> :holder
ORDER BY occurrences.id LIMIT :limit
"""
_THESE = "SELECT * FROM occurrences_told WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(:ids)) ORDER BY id"
# So much is taken over in one transaction; what is left comes with the next.
_AT_ONCE = 1000


class SqlRuns(SqlPlans):
    """Runs, on one connection."""

    def started(self, run: int, pid: int, process_start: int | None, holder: str | None = None) -> None:
        self._all(
            """
            UPDATE runs SET pid = :pid, process_start = :start
            WHERE id = :run AND ended_at IS NULL
            AND (
                CAST(:holder AS TEXT) IS NULL
                OR (SELECT holder FROM occurrences WHERE id = runs.occurrence) = :holder
            )
            """,
            {"run": run, "pid": pid, "start": process_start, "holder": holder},
        )

    def end(self, run: int, outcome: Outcome, now: int, holder: str | None = None) -> bool:
        with self._writing():
            self._hold_run(run)
            found = self._first(
                """
                SELECT runs.occurrence, runs.confirmed_at, occurrences.recall, recalls.status
                FROM runs
                JOIN occurrences ON occurrences.id = runs.occurrence
                JOIN recalls ON recalls.id = occurrences.recall
                WHERE runs.id = :run AND runs.ended_at IS NULL
                AND (CAST(:holder AS TEXT) IS NULL OR occurrences.holder = :holder)
                """,
                {"run": run, "holder": holder},
            )
            if found is None:
                return False
            state, reason = _settled(outcome, found)
            self._end_run(run, outcome.exit_status, outcome.output, reason, now)
            if state is State.PLANNED:
                self._try_again(found["occurrence"], outcome, now)
            else:
                self._settle_run(found["occurrence"], state, reason, now)
            self._stand(found["recall"], now)
        return True

    def _end_run(
        self, run: int, exit_status: int | None, output: str, problem: str | None, ended_at: int
    ) -> None:
        self._database.execute(
            """
            UPDATE runs
            SET ended_at = :ended_at, exit_status = :exit_status, output = :output, problem = :problem
            WHERE id = :run
            """,
            {
                "run": run,
                "ended_at": ended_at,
                "exit_status": exit_status,
                "output": output,
                "problem": problem,
            },
        )

    def _try_again(self, occurrence: int, outcome: Outcome, now: int) -> None:
        self._database.execute(
            """
            UPDATE occurrences
            SET state = 'planned', reason = :reason, next_try_at = :retry_at, seen_at = :now,
                attempts = attempts + 1, holder = NULL, lease_until = NULL
            WHERE id = :id
            """,
            {"id": occurrence, "reason": outcome.reason, "retry_at": outcome.retry_at, "now": now},
        )

    def _settle_run(self, occurrence: int, state: State, reason: str | None, now: int) -> None:
        self._database.execute(
            """
            UPDATE occurrences
            SET state = :state, reason = :reason, attempts = attempts + 1, lease_until = NULL,
                settled_at = :now
            WHERE id = :id
            """,
            {"id": occurrence, "state": state, "reason": reason, "now": now},
        )

    def recover(self, holder: str, reason: str, now: int, *, alone: bool) -> list[Occurrence]:
        clock = self.clock(now)
        asked = {"holder": holder, "until": GREATEST if alone else clock, "limit": _AT_ONCE}
        if not self._all(_LEFT_BEHIND, asked):
            return []
        with self._writing():
            found = [row["id"] for row in self._free(_LEFT_BEHIND, asked, "occurrences, sessions")]
            rows = self._all(_THESE, {"ids": json.dumps(found)})
            for row in rows:
                if row["state"] == State.CLAIMED:
                    self._plan_again(row["id"])
                else:
                    self._lose(row, reason, now, max(0, clock - row["lease_until"]))
                self._stand(row["recall"], now)
        return [to_occurrence(row) for row in rows]

    def _plan_again(self, occurrence: int) -> None:
        self._database.execute(
            """
            UPDATE occurrences SET state = 'planned', seen_at = NULL, holder = NULL, lease_until = NULL
            WHERE id = :id
            """,
            {"id": occurrence},
        )

    def _lose(self, row: Row, reason: str, now: int, over_for: int) -> None:
        """Nobody knows when it ended: not before it was heard of last, or it would have been said. `over_for`: how long ago its
        lease ended."""
        ended_at = now - over_for
        for run in self._of(
            "SELECT * FROM runs WHERE occurrence = :id AND ended_at IS NULL", {"id": row["id"]}
        ):
            self._end_run(run.id, None, run.output, reason, ended_at)
        self._settle_run(row["id"], State.FAILED, reason, now)

    def runs(self, occurrence: int) -> list[Run]:
        if not is_an_id(occurrence):
            return []
        return self._of("SELECT * FROM runs WHERE occurrence = :id ORDER BY id", {"id": occurrence})

    def under_way(self) -> list[tuple[Recall, Run]]:
        with self._reading():
            rows = self._all(
                """
                SELECT runs.*, (SELECT recall FROM occurrences WHERE id = runs.occurrence) AS recall
                FROM runs WHERE ended_at IS NULL ORDER BY id
                """,
                {},
            )
            return [(self._recall(row["recall"]), _to_run(row)) for row in rows]

    def confirm(self, token: str, now: int) -> Run | None:
        asked: dict[str, object] = {"token": hashed(token), "now": now}
        this_one = "SELECT * FROM runs WHERE token_hash = :token AND ended_at IS NULL"
        if self._first(this_one, asked) is None:
            return None
        with self._writing():
            self._database.execute(
                """
                UPDATE runs SET confirmed_at = :now
                WHERE token_hash = :token AND ended_at IS NULL AND confirmed_at IS NULL
                """,
                asked,
            )
            return next(iter(self._of(this_one, asked)), None)

    def spent(self, agent: str, since: int, now: int) -> Spent:
        (found,) = self._all(
            """
            SELECT
                COUNT(*) AS runs,
                COALESCE(SUM(
                    CASE WHEN COALESCE(ended_at, :now) > started_at
                    THEN COALESCE(ended_at, :now) - started_at ELSE 0 END
                ), 0) AS milliseconds
            FROM runs WHERE agent = :agent AND started_at >= :since
            """,
            {"agent": agent, "since": since, "now": now},
        )
        return Spent(found["runs"], found["milliseconds"])

    def oldest_run_since(self, agent: str, since: int) -> int | None:
        (found,) = self._all(
            "SELECT MIN(started_at) AS at FROM runs WHERE agent = :agent AND started_at >= :since",
            {"agent": agent, "since": since},
        )
        return None if found["at"] is None else int(found["at"])

    def prune(self, outputs_before: int, all_before: int) -> None:
        with self._writing():
            self._database.execute(
                "UPDATE runs SET output = '' WHERE output <> '' AND ended_at < :before",
                {"before": outputs_before},
            )
            # What was planned for a later time than that is what tells that it has been.
            self._database.execute(
                """
                DELETE FROM occurrences
                WHERE settled_at IS NOT NULL AND settled_at < :before AND scheduled_for < :before
                """,
                {"before": all_before},
            )

    def _of(self, sql: str, parameters: dict[str, object]) -> list[Run]:
        return [_to_run(row) for row in self._all(sql, parameters)]


def _settled(outcome: Outcome, run: Row) -> tuple[State, str | None]:
    """What its end means: nothing more comes of what was cancelled, and what was confirmed in the last moment is done."""
    if outcome.state is State.PLANNED and run["status"] == "cancelled":
        return State.FAILED, outcome.reason
    if outcome.state is State.UNCONFIRMED and run["confirmed_at"] is not None:
        return State.DONE, None
    return outcome.state, outcome.reason


def _to_run(row: Row) -> Run:
    return Run(
        id=row["id"],
        occurrence=row["occurrence"],
        agent=row["agent"],
        session_id=row["session_id"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        exit_status=row["exit_status"],
        output=row["output"],
        problem=row["problem"],
        needs_confirmation=row["token_hash"] is not None,
        confirmed_at=row["confirmed_at"],
        pid=row["pid"],
        process_start=row["process_start"],
    )
