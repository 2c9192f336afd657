"""Open the memory of a home: both sides of one store, on the engine that the settings name."""

from __future__ import annotations

from iai_daemon.config import Memory
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from iai_daemon.storage.database import MayWait
from iai_daemon.storage.sqlite import BUSY_SECONDS
from iai_daemon.storage.where import address_of


def open_stores(
    home: Home,
    may_wait: MayWait | None = None,
    *,
    within: float = BUSY_SECONDS,
    settings: Memory | None = None,
    deadline: float | None = None,
    asks_little: bool = False,
) -> Stores:
    """The memory of this home, made when missing. Raises StoreUnusable and BadConfig; StoreBusy when another process holds it for
    longer than `within` (seconds).

    `may_wait`: asked again and again while another process keeps a night's write waiting; False gives up at once. `settings`: those
    that hold, where they are not those that stand in the home's file. `deadline`: seconds that a server may take for one answer.
    `asks_little`: who has it open all the time keeps little of a file in its own memory.
    """
    address = address_of(home, settings)
    if address is not None:
        from iai_daemon.memory.postgres.opening import open_postgres  # noqa: PLC0415 -- who has no server does not pay for its driver

        return open_postgres(address, may_wait, within, deadline)
    from iai_daemon.memory.sqlite.opening import open_sqlite  # noqa: PLC0415 -- who has a server has no file

    return open_sqlite(home, may_wait, within, asks_little=asks_little)
