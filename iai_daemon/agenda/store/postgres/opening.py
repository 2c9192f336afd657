"""Open an agenda on a server."""

from __future__ import annotations

from iai_daemon.agenda.store.postgres.agenda import PostgresAgenda, PostgresSlots
from iai_daemon.agenda.store.postgres.database import AgendaDatabase
from iai_daemon.storage.postgres.locks import Lock
from iai_daemon.storage.postgres.opening import open_database
from iai_daemon.storage.postgres.server import DEADLINE


def open_on_server(
    address: str, waits_for: float, deadline: float | None
) -> tuple[PostgresAgenda, PostgresSlots, AgendaDatabase]:
    """Raises ForeignStore, NewerStore, OlderSchema, StoreAway, NotPermitted, StoreBusy."""
    # This one's hold on the way to the server is the other's.
    server = open_database(address, Lock.AGENDA, waits_for, deadline or DEADLINE).server
    database = AgendaDatabase(server, Lock.AGENDA, waits_for)
    return PostgresAgenda(database), PostgresSlots(database), database
