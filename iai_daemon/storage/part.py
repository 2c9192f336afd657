"""What every part of a store stands on: one database, and how it is asked and written to."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from iai_daemon.storage.database import Database, Holder, MayWait, Row


class Part:
    """Raises StoreBusy and StoreUnusable. `may_wait` as in `Database.writing`."""

    def __init__(self, database: Database, may_wait: MayWait | None = None) -> None:
        self._database = database
        self._may_wait = may_wait

    def alone(
        self, who: str, home: Path, lost: Callable[[str], None] = lambda _: None
    ) -> AbstractContextManager[None]:
        """As `Database.alone`, for this host; `home`: whose process does it."""
        return self._database.alone(Holder(socket.gethostname(), str(home), who), lost, self._may_wait)

    def _all(self, sql: str, parameters: Mapping[str, object]) -> list[Row]:
        with self._database.translated():
            return self._database.execute(sql, parameters).fetchall()

    def _first(self, sql: str, parameters: Mapping[str, object]) -> Row | None:
        rows = self._all(sql, parameters)
        return rows[0] if rows else None

    def _changed(self, sql: str, parameters: Mapping[str, object]) -> bool:
        """Whether the statement has changed any row; within a transaction."""
        return self._database.execute(sql, parameters).rowcount > 0

    @contextlib.contextmanager
    def _writing(self, *, at_once: bool = False) -> Iterator[None]:
        """One transaction; `at_once`: nobody is waited for."""
        with self._database.translated(), self._database.writing(self._may_wait, at_once=at_once):
            yield

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """One transaction that changes nothing: several questions about one moment."""
        with self._database.translated(), self._database.reading():
            yield
