"""What every part of the embedded store stands on: one connection, and how it is asked and written to."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from iai_daemon.storage.sqlite import immediate, translated

Parameters = Mapping[str, object]


class SqlitePart:
    """A connection of `storage.sqlite.open_database`; `path` is named in errors. Raises StoreBusy and CorruptStore."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def _all(self, sql: str, parameters: Parameters) -> list[sqlite3.Row]:
        with translated(self._path):
            return self._connection.execute(sql, parameters).fetchall()

    def _first(self, sql: str, parameters: Parameters) -> sqlite3.Row | None:
        rows = self._all(sql, parameters)
        return rows[0] if rows else None

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction."""
        with translated(self._path), immediate(self._connection):
            yield

    def _row(self, record: int) -> dict[str, object] | None:
        """The whole row of a record, as the journal keeps it."""
        row = self._first("SELECT * FROM records WHERE id = :id", {"id": record})
        return None if row is None else dict(row)
