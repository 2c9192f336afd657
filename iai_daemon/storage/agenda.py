"""What becomes of the agenda, slots included, when a backup is restored: it stays what it is, or else nothing runs that may
have run already."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from functools import partial

from iai_daemon.storage.sqlite import FILE_ERRORS, find_damage, immediate, is_damage

# A table before those that point to it.
_TABLES = ("sessions", "recalls", "occurrences", "deferrals", "runs", "slots", "slot_updates")
# What a store does not have that was not opened since there are slots.
_NEW = {"slots", "slot_updates"}

_LOST = "a backup was restored: whether this has run since is not known, so it is not repeated"


def keep_agenda(staged: sqlite3.Connection, present: sqlite3.Connection) -> bool:
    """Put the agenda of the live store in the place of the staged one's; False, and nothing is changed: it cannot be used."""
    try:
        tables = _tables_of(present)
        if not _NEW.issuperset(set(_TABLES) - set(tables)) or any(map(partial(find_damage, present), tables)):
            return False
        with immediate(staged):
            for table in reversed(_TABLES):
                staged.execute(f"DELETE FROM {table}")  # noqa: S608 -- one of _TABLES
            for table in tables:
                _copy(table, staged, present)
    except FILE_ERRORS as cause:
        if not is_damage(cause):
            raise
        return False
    return True


def _tables_of(present: sqlite3.Connection) -> list[str]:
    """Those of the agenda that are there."""
    found = present.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    return [table for table in _TABLES if (table,) in map(tuple, found)]


def _copy(table: str, staged: sqlite3.Connection, present: sqlite3.Connection) -> None:
    rows = present.execute(f"SELECT * FROM {table}")  # noqa: S608 -- one of _TABLES
    columns = [column for column, *_ in rows.description]
    staged.executemany(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' for _ in columns)})",  # noqa: S608
        map(tuple, rows),
    )


def miss_what_may_have_run(staged: sqlite3.Connection, now: float) -> int:
    """Nothing that the backup has planned for a time before `now` (seconds since the epoch) runs; how many that are.

    What ran when the backup was made fails, its end being unknown. The recalls are marked: whoever opens the agenda next lets
    their plans go on after that moment, and sees where they stand.
    """
    asked = {"now": int(now * 1000), "reason": _LOST}
    with immediate(staged):
        _abort_what_waited(staged, asked)
        staged.execute(
            """
            UPDATE recalls SET restored_at = :now
            WHERE id IN (
                SELECT recall FROM occurrences
                WHERE settled_at IS NULL AND (state <> 'planned' OR next_try_at <= :now)
            )
            """,
            asked,
        )
        staged.execute(
            """
            UPDATE runs
            SET problem = :reason, ended_at = (
                SELECT CASE WHEN lease_until < :now THEN lease_until ELSE :now END
                FROM occurrences WHERE occurrences.id = runs.occurrence
            )
            WHERE ended_at IS NULL
            """,
            asked,
        )
        return staged.execute(
            """
            UPDATE occurrences
            SET state = CASE WHEN state = 'running' THEN 'failed' ELSE 'missed' END,
                reason = :reason, settled_at = :now, lease_until = NULL
            WHERE settled_at IS NULL AND (state <> 'planned' OR next_try_at <= :now)
            """,
            asked,
        ).rowcount


def _abort_what_waited(staged: sqlite3.Connection, asked: Mapping[str, object]) -> None:
    """Slots that waited for their agent may have run since. What the backend was to be told of slots that were not over it may
    have been told since, with what came after it; where they have an end of its own, that stands."""
    staged.execute(
        """
        DELETE FROM slot_updates
        WHERE delivered_at IS NULL AND slot IN (SELECT id FROM slots WHERE resolved_at IS NULL)
        """
    )
    staged.execute(
        """
        INSERT INTO slot_updates (slot, status, reason, made_at)
        SELECT id, 'aborted', :reason, :now FROM slots WHERE state = 'queued' ORDER BY number
        """,
        asked,
    )
    staged.execute(
        "UPDATE slots SET state = 'aborted', reason = :reason, resolved_at = :now WHERE state = 'queued'",
        asked,
    )
