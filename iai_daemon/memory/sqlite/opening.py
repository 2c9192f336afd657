"""Open the memory in a file of its own."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from iai_daemon.memory.sql.store import SqlStore
from iai_daemon.memory.sql.tasks import SqlTasks
from iai_daemon.memory.sqlite.nights import SqliteNights
from iai_daemon.memory.sqlite.words import SqliteWords
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from iai_daemon.storage.database import MayWait
from iai_daemon.storage.sqlite import open_database
from iai_daemon.storage.sqlite_database import SqliteDatabase

_ASK_EVERY_MS = 50
_LITTLE_KIB = 512


def open_sqlite(home: Home, may_wait: MayWait | None, within: float, *, asks_little: bool = False) -> Stores:
    """Raises StoreUnusable; StoreBusy when another process holds it for longer than `within` (seconds)."""
    connection = open_database(home.memory, within)
    if asks_little:
        connection.execute(f"PRAGMA cache_size = -{_LITTLE_KIB}")
    if may_wait is not None:
        connection.execute(f"PRAGMA busy_timeout = {_ASK_EVERY_MS}")
    return stores_on(connection, home.memory, may_wait)


def stores_on(connection: sqlite3.Connection, path: Path, may_wait: MayWait | None = None) -> Stores:
    """The memory that a connection has open; `path`: what errors call it."""
    database = SqliteDatabase(connection, path)
    words = SqliteWords(database)
    nights = SqliteNights(database, words, may_wait)
    return Stores(SqlStore(database, words), nights, SqlTasks(database), database, nights.make_anew)
