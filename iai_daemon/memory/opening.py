"""Open the memory of a home: both sides of one store on one connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iai_daemon.memory.nights import NightStore
from iai_daemon.memory.sqlite_nights import SqliteNights
from iai_daemon.memory.sqlite_store import SqliteStore
from iai_daemon.memory.sqlite_tasks import SqliteTasks
from iai_daemon.memory.store import MemoryStore
from iai_daemon.memory.tasks import TaskStore
from iai_daemon.paths import Home, identity
from iai_daemon.storage.sqlite import BUSY_SECONDS, open_database

if TYPE_CHECKING:
    from iai_daemon.memory.archive import Archive
    from iai_daemon.memory.purge import Purge

_ASK_EVERY_MS = 50


@dataclass(frozen=True, slots=True)
class Stores:
    """The users' side, the night's side, the tasks, the whole of one store and what erases from it; `close` lets go of it.

    `moved`: whether its file is no longer the one that others find and open.
    """

    memory: MemoryStore
    nights: NightStore
    tasks: TaskStore
    close: Callable[[], None]
    moved: Callable[[], bool]
    _home: Home
    _connection: sqlite3.Connection

    @property
    def archive(self) -> Archive:
        from iai_daemon.memory.sqlite_archive import SqliteArchive  # noqa: PLC0415 -- the daemon, which stays small, never needs it

        return SqliteArchive(self._connection, self._home.memory)

    @property
    def purge(self) -> Purge:
        from iai_daemon.memory.sqlite_purge import SqlitePurge  # noqa: PLC0415 -- the daemon, which stays small, never needs it

        return SqlitePurge(self._connection, self._home.memory)


def open_stores(
    home: Home, may_wait: Callable[[], bool] | None = None, *, within: float = BUSY_SECONDS
) -> Stores:
    """The memory of this home, made when missing. Raises StoreUnusable; StoreBusy when another process holds it for longer than
    `within` (seconds).

    `may_wait`: asked again and again while another process keeps a night's write waiting; False gives up at once.
    """
    connection = open_database(home.memory, within)
    if may_wait is not None:
        connection.execute(f"PRAGMA busy_timeout = {_ASK_EVERY_MS}")
    opened = identity(home.memory)
    return Stores(
        SqliteStore(connection, home.memory),
        SqliteNights(connection, home.memory, may_wait),
        SqliteTasks(connection, home.memory),
        connection.close,
        lambda: identity(home.memory) != opened,
        home,
        connection,
    )
