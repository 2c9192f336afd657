"""Open the agenda of a home, on a connection of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from iai_daemon.agenda.store.recalls import AgendaStore
from iai_daemon.agenda.store.slots import SlotStore
from iai_daemon.agenda.store.sqlite_agenda import SqliteAgenda
from iai_daemon.agenda.store.sqlite_part import WAITS_FOR
from iai_daemon.agenda.store.sqlite_slots import SqliteSlots
from iai_daemon.paths import Home, identity
from iai_daemon.storage.sqlite import open_database


@dataclass(frozen=True, slots=True)
class OpenedAgenda:
    """The agenda of a store; `close` lets go of it. `moved`: whether its file is no longer the one that others find and open."""

    store: AgendaStore
    slots: SlotStore
    close: Callable[[], None]
    moved: Callable[[], bool] = lambda: False


def open_agenda(home: Home) -> OpenedAgenda:
    """The agenda of this home, made when missing. Raises StoreUnusable, StoreBusy."""
    connection = open_database(home.memory)
    opened = identity(home.memory)
    try:
        # What has begun must not seem not to have after a power cut.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA busy_timeout = {round(WAITS_FOR * 1000)}")
        # In KiB: the daemon has this open all the time, and asks little.
        connection.execute("PRAGMA cache_size = -512")
        store = SqliteAgenda(connection, home.memory)
        store.go_on_after_restore()
    except BaseException:
        connection.close()
        raise
    slots = SqliteSlots(connection, home.memory)
    return OpenedAgenda(store, slots, connection.close, moved=lambda: identity(home.memory) != opened)
