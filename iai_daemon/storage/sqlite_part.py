"""What every part of an embedded store stands on: one connection, and how it is asked and written to."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from iai_daemon.storage.sqlite import BUSY_SECONDS, immediate, one_moment, translated

Parameters = Mapping[str, object]


class SqlitePart:
    """A connection of `storage.sqlite.open_database`; `path` is named in errors. Raises StoreBusy and StoreUnusable.

    `may_wait` as in `storage.sqlite.immediate`.
    """

    # For so long a statement waits for another process.
    waits_for = BUSY_SECONDS

    def __init__(
        self, connection: sqlite3.Connection, path: Path, may_wait: Callable[[], bool] | None = None
    ) -> None:
        self._connection = connection
        self._path = path
        self._may_wait = may_wait

    def _all(self, sql: str, parameters: Parameters) -> list[sqlite3.Row]:
        with translated(self._path, self.waits_for):
            return self._connection.execute(sql, parameters).fetchall()

    def _first(self, sql: str, parameters: Parameters) -> sqlite3.Row | None:
        rows = self._all(sql, parameters)
        return rows[0] if rows else None

    def _changed(self, sql: str, parameters: Parameters) -> bool:
        """Whether the statement has changed any row; within a transaction."""
        return self._connection.execute(sql, parameters).rowcount > 0

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction."""
        with translated(self._path, self.waits_for), immediate(self._connection, self._may_wait):
            yield

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """One transaction that changes nothing: several questions about one moment."""
        with translated(self._path, self.waits_for), one_moment(self._connection):
            yield
