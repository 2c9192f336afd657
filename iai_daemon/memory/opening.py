"""Open the memory of a home: both sides of one store on one connection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from iai_daemon.memory.nights import NightStore
from iai_daemon.memory.sqlite_nights import SqliteNights
from iai_daemon.memory.sqlite_store import SqliteStore
from iai_daemon.memory.store import MemoryStore
from iai_daemon.paths import Home
from iai_daemon.storage.sqlite import open_database


@dataclass(frozen=True, slots=True)
class Stores:
    """The users' side and the night's side of one store; `close` lets go of it."""

    memory: MemoryStore
    nights: NightStore
    close: Callable[[], None]


def open_stores(home: Home) -> Stores:
    """The memory of this home, made when missing. Raises StoreUnusable, StoreBusy."""
    connection = open_database(home.memory)
    return Stores(
        SqliteStore(connection, home.memory), SqliteNights(connection, home.memory), connection.close
    )
