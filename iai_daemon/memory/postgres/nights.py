"""The night's side of a memory in PostgreSQL."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from iai_daemon.memory.postgres.near import PostgresVectors
from iai_daemon.memory.postgres.upkeep import PostgresUpkeep
from iai_daemon.memory.sqlite.nights import SqliteNights
from iai_daemon.memory.sqlite.words import SqliteWords
from iai_daemon.storage.moving.move import copy
from iai_daemon.storage.moving.postgres_side import PostgresSide
from iai_daemon.storage.moving.sqlite_side import SqliteSide, a_copy
from iai_daemon.storage.sqlite_database import SqliteDatabase


class PostgresNights(PostgresVectors, PostgresUpkeep):
    """A NightStore."""

    @contextlib.contextmanager
    def rehearsal(self, may_go_on: Callable[[], bool] = lambda: True) -> Iterator[SqliteNights | None]:
        # On this machine, since a server has no tables that nobody else sees and that our schema's functions find.
        with contextlib.closing(a_copy()) as connection:
            database = SqliteDatabase(connection, Path(self._database.place))
            with self._database.translated():
                whole = copy(PostgresSide(self._database), SqliteSide(database), may_go_on)
            yield SqliteNights(database, SqliteWords(database)) if whole else None
