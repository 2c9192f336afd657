"""Open a database at an address, brought to the newest schema."""

from __future__ import annotations

from iai_daemon.storage.postgres.database import BUSY_SECONDS, PostgresDatabase
from iai_daemon.storage.postgres.failures import translated
from iai_daemon.storage.postgres.locks import Lock
from iai_daemon.storage.postgres.schema import bring_up
from iai_daemon.storage.postgres.server import DEADLINE, give_back, take


def open_database(
    address: str, lock: Lock, waits_for: float = BUSY_SECONDS, deadline: float | None = None
) -> PostgresDatabase:
    """Raises ForeignStore, NewerStore, OlderSchema, StoreAway, NotPermitted, StoreBusy."""
    server = take(address, deadline or DEADLINE)
    try:
        with translated(server.place, waits_for):
            bring_up(server)
    except BaseException:
        give_back(server)
        raise
    return PostgresDatabase(server, lock, waits_for)
