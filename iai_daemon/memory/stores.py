"""One memory as a process has it open: what it may be asked, side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iai_daemon.memory.nights import NightStore
from iai_daemon.memory.store import Deliveries, MemoryStore
from iai_daemon.memory.tasks import TaskStore
from iai_daemon.storage.database import Database

if TYPE_CHECKING:
    from iai_daemon.memory.archive import Archive
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
