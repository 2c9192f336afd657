"""What keeps a memory in PostgreSQL well: its statistics, and what is left of what was deleted. Copies are made of the server as a
whole, by whoever runs it.

The protocol, with the meaning of every method, is in memory/nights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from iai_daemon.memory.postgres.near import NearUpkeep
from iai_daemon.memory.sql.upkeep import SqlUpkeep
from iai_daemon.progress import Tell, unheard
from iai_daemon.storage.database import Interrupted

# What a memory is made of, in the order in which it grows.
_TABLES = ("records", "words", "vectors", "journal", "links", "contradictions", "uses", "held")


class PostgresUpkeep(NearUpkeep, SqlUpkeep):
    """The part of a NightStore that is about the tables."""

    def back_up(self, path: Path, may_go_on: Callable[[], bool], tell: Tell = unheard) -> bool:  # noqa: ARG002 -- the protocol's
        """True, and no file: a server has backups of its own, made by whoever runs it."""
        return may_go_on()

    def maintain(self, now: int, may_go_on: Callable[[], bool]) -> list[str] | None:
        try:
            done = list(self._look_after(may_go_on))
        except Interrupted:
            return None
        self._note_maintained(now)
        return done

    def _look_after(self, may_go_on: Callable[[], bool]) -> Iterator[str]:
        yield from self._drop_replaced_vectors(may_go_on)
        yield from self._index_vectors(may_go_on)
        for table in self._tables():
            if not may_go_on():
                raise Interrupted
            self._renew_statistics(table)
        yield "statistics renewed"

    def _tables(self) -> tuple[str, ...]:
        return (*_TABLES, "near_vectors") if self._has_near() else _TABLES

    def _renew_statistics(self, table: str) -> None:
        """Each by itself: whoever writes meanwhile does not wait for it."""
        self._all("SELECT renew_statistics(:name)", {"name": table})

    def make_anew(self) -> bool:
        """Let no query find a word of what was deleted, be it in statistics. False where the role may not free the room that it
        took, or others still read what was there before. What the server itself keeps, its log and its backups, is its own."""
        whole = True
        for table in self._tables():
            self._renew_statistics(table)
            whole = self._freed(table) and whole
        return whole

    def _freed(self, table: str) -> bool:
        """Whether nothing is left of what was deleted from a table."""
        row = self._first(
            "SELECT pg_has_role(relowner, 'USAGE') AS ours FROM pg_class WHERE oid = CAST(:name AS regclass)",
            {"name": table},
        )
        if row is None or not row["ours"]:
            return False
        self._all(f"VACUUM {table}", {})
        left = self._first("SELECT pg_stat_get_dead_tuples(CAST(:name AS regclass)) AS dead", {"name": table})
        return left is not None and left["dead"] == 0
