"""The embedded store as a side of a move: one that is only read, or a new file that bears its name once it is whole."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from iai_daemon.errors import NotMoved
from iai_daemon.storage.migrate import migrate, newest
from iai_daemon.storage.moving.side import Side
from iai_daemon.storage.moving.tables import Table, Values
from iai_daemon.storage.sqlite import has_content, reading, require_ours, side_file, translated
from iai_daemon.storage.sqlite_database import SqliteDatabase


class SqliteSide(Side):
    """`database` is a SqliteDatabase at the newest schema."""

    def numbers(self) -> dict[str, int]:
        return {row[0]: int(row[1]) for row in self.database.execute("SELECT name, seq FROM sqlite_sequence")}

    def _ordered(self, table: Table, column: str) -> str:  # noqa: ARG002 -- the other engine needs to know
        return column

    def _insert(self, table: Table, rows: Sequence[Values]) -> None:
        places = ", ".join("?" for _ in table.columns)
        self.database.executemany(
            f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({places})",  # noqa: S608 -- one of our tables
            rows,
        )

    def count_on(self, numbers: Mapping[str, int]) -> None:
        self.database.count_on_from_what_is_there()
        for name, last in numbers.items():
            self._count_from(name, last)

    def _count_from(self, table: str, last: int) -> None:
        asked = {"name": table, "last": last}
        self.database.execute(
            """
            INSERT INTO sqlite_sequence (name, seq) SELECT :name, 0
            WHERE EXISTS (SELECT 1 FROM sqlite_schema WHERE name = :name AND sql LIKE '%AUTOINCREMENT%')
            AND NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = :name)
            """,
            asked,
        )
        self.database.execute("UPDATE sqlite_sequence SET seq = MAX(seq, :last) WHERE name = :name", asked)


@contextlib.contextmanager
def only_read(path: Path) -> Iterator[SqliteSide]:
    """The store at `path`, in which nothing is changed, not even a file beside it. Raises NotMoved, StoreUnusable."""
    if not has_content(path):
        raise NotMoved(problem=f"there is none at {path}.")
    schema = schema_of(path)
    if schema < newest():
        raise NotMoved(
            problem=f"{path} has schema {schema}, and only {newest()} is moved: run `iai-daemon store upgrade` first."
        )
    with translated(path), reading(path) as connection:
        yield SqliteSide(SqliteDatabase(connection, path))


def schema_of(path: Path) -> int:
    """Which schema the store at `path` has, 0: there is none yet. Raises StoreUnusable, StoreBusy."""
    if not has_content(path):
        return 0
    with translated(path), reading(path) as connection:
        require_ours(path, connection)
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_free(path: Path) -> None:
    """Raises NotMoved where something stands at `path` already."""
    if has_content(path) or has_content(side_file(path, "-wal")):
        raise NotMoved(
            problem=f"{path} is there already, and a store is moved into an empty place only: move that file away, or give "
            "another with --to sqlite:PATH."
        )


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[SqliteSide]:
    """A store beside `path` that is filled; `keep` gives it its name. What a killed process has left there is gone on with. Raises
    NotMoved, StoreUnusable."""
    unfinished = being_filled(path)
    is_free(path)
    with translated(unfinished):
        with contextlib.suppress(FileExistsError):
            os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with contextlib.closing(sqlite3.connect(unfinished, isolation_level=None)) as connection:
            require_ours(unfinished, connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            migrate(connection)
            yield SqliteSide(SqliteDatabase(connection, unfinished))


def keep(path: Path) -> None:
    """Give what was filled its name; nobody has it open any more. Raises NotMoved."""
    unfinished = being_filled(path)
    is_free(path)
    with translated(path):
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)


def being_filled(path: Path) -> Path:
    """Under which name a store is filled that is to stand at `path`."""
    return path.with_name(f"{path.name}.moving")


def a_copy() -> sqlite3.Connection:
    """An empty store that is this connection's own, on disk only as far as it does not fit into memory."""
    connection = sqlite3.connect("", isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    migrate(connection)
    return connection
