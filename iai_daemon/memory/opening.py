"""Open the memory of a home: both sides of one store, on the engine that the settings name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iai_daemon.config import Memory
from iai_daemon.memory.nights import NightStore
from iai_daemon.memory.store import MemoryStore
from iai_daemon.memory.tasks import TaskStore
from iai_daemon.paths import Home
from iai_daemon.storage.database import Database, MayWait
from iai_daemon.storage.sqlite import BUSY_SECONDS
from iai_daemon.storage.where import address_of

if TYPE_CHECKING:
    from iai_daemon.memory.archive import Archive
    from iai_daemon.memory.delivering import Deliveries
    from iai_daemon.memory.figures import Counts
    from iai_daemon.memory.growth import Growth
    from iai_daemon.memory.purge import Purge


@dataclass(frozen=True, slots=True)
class Stores:
    """The users' side, the night's side, the tasks, the whole of one store and what erases from it.

    `database`: what they are all kept in; `make_anew`: lets no word of what was deleted be in its files.
    """

    memory: MemoryStore
    nights: NightStore
    tasks: TaskStore
    database: Database
    make_anew: Callable[[], bool]

    def close(self) -> None:
        """Let go of it; safe to call twice."""
        self.database.close()

    def moved(self) -> bool:
        """Whether it is no longer the store that others find and open."""
        return self.database.moved()

    @property
    def archive(self) -> Archive:
        from iai_daemon.memory.sql.archive import SqlArchive  # noqa: PLC0415 -- the daemon, which stays small, never needs it

        return SqlArchive(self.database, self.memory.merged_ids)

    @property
    def deliveries(self) -> Deliveries:
        from iai_daemon.memory.sql.deliveries import SqlDeliveries  # noqa: PLC0415 -- who keeps its memory in a file never needs it

        return SqlDeliveries(self.database, self.memory)

    @property
    def counts(self) -> Counts:
        from iai_daemon.memory.sql.figures import SqlFigures  # noqa: PLC0415 -- the daemon pays for it where metrics are wanted

        return SqlFigures(self.database, self.nights)

    @property
    def growth(self) -> Growth:
        from iai_daemon.memory.sql.growth import SqlGrowth  # noqa: PLC0415 -- the daemon, which stays small, never needs it

        return SqlGrowth(self.database)

    @property
    def purge(self) -> Purge:
        from iai_daemon.memory.sql.purge import SqlPurge  # noqa: PLC0415 -- the daemon, which stays small, never needs it

        return SqlPurge(self.database, self.make_anew)


def open_stores(
    home: Home,
    may_wait: MayWait | None = None,
    *,
    within: float = BUSY_SECONDS,
    settings: Memory | None = None,
    deadline: float | None = None,
) -> Stores:
    """The memory of this home, made when missing. Raises StoreUnusable and BadConfig; StoreBusy when another process holds it for
    longer than `within` (seconds).

    `may_wait`: asked again and again while another process keeps a night's write waiting; False gives up at once. `settings`: those
    that hold, where they are not those that stand in the home's file. `deadline`: seconds that a server may take for one answer.
    """
    address = address_of(home, settings)
    if address is not None:
        from iai_daemon.memory.postgres.opening import open_postgres  # noqa: PLC0415 -- who has no server does not pay for its driver

        return open_postgres(address, may_wait, within, deadline)
    from iai_daemon.memory.sqlite.opening import open_sqlite  # noqa: PLC0415 -- it imports this module

    return open_sqlite(home, may_wait, within)
