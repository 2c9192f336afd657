"""Backups that still hold what was erased from the memory: which, and how they are rewritten without it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

from iai_daemon.errors import StoreBusy, StoreUnusable
from iai_daemon.memory.sqlite.opening import stores_on
from iai_daemon.storage.copies import copied
from iai_daemon.storage.migrate import migrate
from iai_daemon.storage.sqlite import damaged, interruptible, reading, translated


def holds(backup: Path, marks: Mapping[int, int]) -> bool | None:
    """Whether it holds anything of these records; None: it cannot be read."""
    try:
        with translated(backup), reading(backup) as connection:
            connection.row_factory = sqlite3.Row
            return stores_on(connection, backup).purge.holds(marks)
    except (StoreUnusable, StoreBusy):
        return None


def rewrite(
    backup: Path, marks: Mapping[int, int], now: int, may_go_on: Callable[[], bool] = lambda: True
) -> None:
    """Put in the place of a backup the same one without these records, brought to the newest schema. The caller holds the
    consolidation lock. Raises StoreUnusable, StoreBusy, and Interrupted when `may_go_on` says no: the backup is what it was then."""
    with (
        translated(backup),
        reading(backup) as source,
        copied(source, backup.parent, may_go_on) as copy,
    ):
        if copy.damage is not None:
            raise damaged(backup, copy.damage)
        with contextlib.closing(sqlite3.connect(copy.path, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA foreign_keys = ON")
            with interruptible(connection, may_go_on):
                migrate(connection)
                stores_on(connection, copy.path).purge.purge(marks, now)
        copy.keep(backup)
