"""What every part of the agenda stands on: how long it waits, and rows made values."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from iai_daemon.agenda.recall import CallType, CatchUp, Occurrence, Overlap, Policy, Recall, State, Status
from iai_daemon.agenda.schedule.triggers import Trigger
from iai_daemon.errors import NoSuchRecall
from iai_daemon.storage.database import Row
from iai_daemon.storage.part import Part

# For so many seconds a statement waits for another process: the loop of the daemon waits with it.
WAITS_FOR = 1.0

# The greatest number that a column takes.
GREATEST = (1 << 63) - 1


class SqlPart(Part):
    """Raises StoreBusy and StoreUnusable.

    A file has one writer at a time, and one host whose clock counts. Where several change an agenda at once, its engine says
    otherwise (`postgres/part.py`): who changes a recall holds its session until the transaction ends.
    """

    def clock(self, now: int) -> int:
        return now

    def _hold_session(self, session_id: str) -> None:
        """Nobody else changes what is planned in it before this transaction has ended."""

    def _hold_recalls(self, recalls: Collection[int]) -> None:
        """Likewise for the sessions of these recalls."""

    def _hold_occurrences(self, occurrences: Collection[int]) -> None:
        """Likewise for the sessions of these occurrences."""

    def _hold_run(self, run: int) -> None:
        """Likewise for the session of this run."""

    def _free(self, sql: str, parameters: Mapping[str, object], of: str = "occurrences") -> list[Row]:  # noqa: ARG002 -- a file is free
        """What this finds and nobody else is changing, which nobody does before this transaction has ended. `of`: the tables
        that are changed."""
        return self._all(sql, parameters)

    def _recall(self, recall_id: int) -> Recall:
        """Raises NoSuchRecall."""
        row = None
        if is_an_id(recall_id):
            row = self._first("SELECT * FROM recalls_told WHERE id = :id", {"id": recall_id})
        if row is None:
            raise NoSuchRecall(id=recall_id)
        return to_recall(row)


def is_an_id(number: int) -> bool:
    """Whether there can be something of this number at all: SQLite cannot even be asked about what is beyond 64 bits."""
    return 0 < number <= GREATEST


def to_recall(row: Row) -> Recall:
    """A row of `recalls_told`."""
    return Recall(
        id=row["id"],
        session_id=row["session_id"],
        agent=row["agent"],
        message=row["message"],
        call_type=CallType(row["call_type"]),
        trigger=Trigger(row["kind"], row["expression"], row["zone"], row["anchor"]),
        owner=row["owner"],
        made_by=row["made_by"],
        comment=row["comment"],
        policy=Policy(
            catch_up=None if row["catch_up"] is None else CatchUp(row["catch_up"]),
            catch_up_window=row["catch_up_window"],
            overlap=Overlap(row["overlap"]),
            jitter=row["jitter"],
            retries=row["retries"],
            backoff=row["backoff"],
            max_defer=row["max_defer"],
        ),
        expires_at=row["expires_at"],
        status=Status(row["status"]),
        reason=row["reason"],
        paused_at=row["paused_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        next_at=row["next_at"],
    )


def to_occurrence(row: Row) -> Occurrence:
    """A row of `occurrences_told`."""
    return Occurrence(
        id=row["id"],
        recall=row["recall"],
        session_id=row["session_id"],
        scheduled_for=row["scheduled_for"],
        state=State(row["state"]),
        reason=row["reason"],
        next_try_at=row["next_try_at"],
        seen_at=row["seen_at"],
        deferrals=row["deferrals"],
        attempts=row["attempts"],
        swallowed=row["swallowed"],
        extra=bool(row["extra"]),
        holder=row["holder"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        exit_status=row["exit_status"],
        settled_at=row["settled_at"],
    )
