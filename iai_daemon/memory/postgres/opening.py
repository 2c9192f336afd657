"""Open the memory at an address of PostgreSQL's."""

from __future__ import annotations

from iai_daemon.memory.postgres.near import PostgresStore
from iai_daemon.memory.postgres.nights import PostgresNights
from iai_daemon.memory.postgres.words import PostgresWords
from iai_daemon.memory.sql.tasks import SqlTasks
from iai_daemon.memory.stores import Stores
from iai_daemon.storage.database import MayWait
from iai_daemon.storage.postgres.locks import Lock
from iai_daemon.storage.postgres.opening import open_database


def open_postgres(
    address: str, may_wait: MayWait | None, within: float, deadline: float | None = None
) -> Stores:
    """Raises StoreUnusable; StoreBusy when another process holds it for longer than `within` (seconds). `deadline`: seconds that one
    answer may take."""
    database = open_database(address, Lock.MEMORY, within, deadline)
    words = PostgresWords(database)
    nights = PostgresNights(database, words, may_wait)
    return Stores(PostgresStore(database, words), nights, SqlTasks(database), database, nights.make_anew)
