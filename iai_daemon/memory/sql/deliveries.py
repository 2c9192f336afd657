"""How a note is kept once, whoever hands it in how often. The protocol is in memory/store.py."""

from __future__ import annotations

from iai_daemon.memory.record import Draft, Record
from iai_daemon.memory.store import MemoryStore
from iai_daemon.storage.database import Database
from iai_daemon.storage.part import Part

# Nobody hands in a note again after so long.
_KNOWN_FOR_MS = 30 * 24 * 3600 * 1000
# Every so many records those that are older are let go of.
_PRUNED_EVERY = 100


class SqlDeliveries(Part):
    """Raises StoreBusy and StoreUnusable. `memory`: where the notes go, in the same database."""

    def __init__(self, database: Database, memory: MemoryStore) -> None:
        super().__init__(database)
        self._memory = memory

    def add(self, note: str, draft: Draft, now: int) -> Record:
        with self._writing():
            known = self._first("SELECT record FROM delivered WHERE note = :note", {"note": note})
            if known is not None:
                return self._memory.get(int(known["record"]))
            record = self._memory.add(draft, now)
            self._database.execute(
                "INSERT INTO delivered (note, record, at) VALUES (:note, :record, :now)",
                {"note": note, "record": record.id, "now": now},
            )
            if record.id % _PRUNED_EVERY == 0:
                self._database.execute(
                    "DELETE FROM delivered WHERE at < :before", {"before": now - _KNOWN_FOR_MS}
                )
        return record
