"""The night's side of the embedded store."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator

from iai_daemon.memory.sql.nights import SqlNights
from iai_daemon.memory.sqlite.upkeep import SqliteUpkeep
from iai_daemon.memory.sqlite.words import SqliteWords
from iai_daemon.storage.copies import fill
from iai_daemon.storage.database import Interrupted
from iai_daemon.storage.sqlite_database import SqliteDatabase


class SqliteNights(SqlNights, SqliteUpkeep):
    """A NightStore."""

    @contextlib.contextmanager
    def rehearsal(self, may_go_on: Callable[[], bool] = lambda: True) -> Iterator[SqliteNights | None]:
        # An empty name makes a database that is this connection's own, on disk only as far as it does not fit into memory.
        with contextlib.closing(sqlite3.connect("", isolation_level=None)) as copy:
            copy.row_factory = sqlite3.Row
            try:
                with self._database.translated():
                    fill(copy, self._database.connection, may_go_on)
            except Interrupted:
                yield None
            else:
                database = SqliteDatabase(copy, self._database.path)
                yield SqliteNights(database, SqliteWords(database))
