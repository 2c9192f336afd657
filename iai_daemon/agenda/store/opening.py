"""Open the agenda of a home, on a connection of its own."""

from __future__ import annotations

from dataclasses import dataclass

from iai_daemon.agenda.store.recalls import AgendaStore
from iai_daemon.agenda.store.slots import SlotStore
from iai_daemon.agenda.store.sql.agenda import SqlAgenda
from iai_daemon.agenda.store.sql.part import WAITS_FOR
from iai_daemon.agenda.store.sql.slots import SqlSlots
from iai_daemon.config import Memory
from iai_daemon.paths import Home
from iai_daemon.storage.database import Database
from iai_daemon.storage.sqlite import open_database
from iai_daemon.storage.sqlite_database import SqliteDatabase
from iai_daemon.storage.where import address_of


@dataclass(frozen=True, slots=True)
class OpenedAgenda:
    """The agenda of a store. `shared`: the daemons of several machines may be at work on it."""

    store: AgendaStore
    slots: SlotStore
    database: Database
    shared: bool = False

    def close(self) -> None:
        """Let go of it; safe to call twice."""
        self.database.close()

    def moved(self) -> bool:
        """Whether it is no longer the store that others find and open."""
        return self.database.moved()


def open_agenda(home: Home, settings: Memory | None = None, *, deadline: float | None = None) -> OpenedAgenda:
    """The agenda of this home, made when missing. `settings`: those that hold, where they are not those that stand in the home's
    file; `deadline`: seconds that a server may take for an answer. Raises StoreUnusable, StoreBusy, BadConfig."""
    address = address_of(home, settings)
    opened = _in_file(home) if address is None else _on_server(address, deadline)
    try:
        opened.store.next_try_at(0)
    except BaseException:
        opened.close()
        raise
    return opened


def _on_server(address: str, deadline: float | None) -> OpenedAgenda:
    # Who has no server does not pay for its driver.
    from iai_daemon.agenda.store.postgres.opening import open_on_server  # noqa: PLC0415 -- as said above

    store, slots, database = open_on_server(address, WAITS_FOR, deadline)
    return OpenedAgenda(store, slots, database, shared=True)


def _in_file(home: Home) -> OpenedAgenda:
    connection = open_database(home.memory)
    # What has begun must not seem not to have after a power cut.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA busy_timeout = {round(WAITS_FOR * 1000)}")
    # In KiB: the daemon has this open all the time, and asks little.
    connection.execute("PRAGMA cache_size = -512")
    database = SqliteDatabase(connection, home.memory, WAITS_FOR)
    return OpenedAgenda(SqlAgenda(database), SqlSlots(database), database)
