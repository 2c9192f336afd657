"""The embedded engine as a Database: one connection to one file."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path

from iai_daemon.paths import identity
from iai_daemon.storage.database import Holder, MayWait, Parameters
from iai_daemon.storage.sqlite import BUSY_SECONDS, immediate, interruptible, one_moment, translated


class SqliteDatabase:
    """`connection` is one of `storage.sqlite.open_database`, `path` its file; `waits_for` seconds a statement waits for another
    process."""

    unfit = (sqlite3.IntegrityError,)

    def __init__(self, connection: sqlite3.Connection, path: Path, waits_for: float = BUSY_SECONDS) -> None:
        self.connection = connection
        self.path = path
        self._waits_for = waits_for
        self._opened = identity(path)
        self._writing = False

    @property
    def place(self) -> str:
        return str(self.path)

    def execute(self, sql: str, parameters: Parameters = ()) -> sqlite3.Cursor:
        return self.connection.execute(sql, parameters)

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> int:
        return max(0, self.connection.executemany(sql, rows).rowcount)

    def stream(self, sql: str, parameters: Parameters = ()) -> Generator[sqlite3.Row]:
        yield from self.connection.execute(sql, parameters)

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        with translated(self.path, self._waits_for):
            yield

    @contextlib.contextmanager
    def writing(self, may_wait: MayWait | None = None, *, at_once: bool = False) -> Iterator[None]:
        if self._writing:
            yield
            return
        patience = self._not_waiting() if at_once else contextlib.nullcontext()
        with patience, immediate(self.connection, may_wait):
            self._writing = True
            try:
                yield
            finally:
                self._writing = False

    @contextlib.contextmanager
    def _not_waiting(self) -> Iterator[None]:
        (patience,) = self.connection.execute("PRAGMA busy_timeout").fetchone()
        self.connection.execute("PRAGMA busy_timeout = 0")
        try:
            yield
        finally:
            self.connection.execute(f"PRAGMA busy_timeout = {patience}")

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        with one_moment(self.connection):
            yield

    @contextlib.contextmanager
    def alone(self, *_of_other_hosts: object) -> Iterator[None]:
        # Whoever has the file has the home, and its lock.
        yield

    def holder(self) -> Holder | None:
        return None

    @contextlib.contextmanager
    def interruptible(self, may_go_on: Callable[[], bool]) -> Iterator[None]:
        with interruptible(self.connection, may_go_on):
            yield

    def interrupt(self) -> None:
        # No statement waits for another host.
        pass

    def put_off_references(self) -> None:
        self.connection.execute("PRAGMA defer_foreign_keys = ON")

    def count_on_from_what_is_there(self) -> None:
        # The numbers of rows that are there count by themselves.
        self.connection.execute(
            """
            UPDATE sqlite_sequence SET seq = MAX(seq, (SELECT COALESCE(MAX(record), 0) FROM journal))
            WHERE name = 'records'
            """
        )

    def moved(self) -> bool:
        return identity(self.path) != self._opened

    def close(self) -> None:
        self.connection.close()
