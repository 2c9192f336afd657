"""Open the embedded engine: one SQLite file in WAL mode, checked before anything is written to it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from iai_daemon.errors import CorruptStore, ForeignStore, NewerStore, SearchMissing, StoreBusy
from iai_daemon.storage.migrate import APPLICATION_ID, migrate, newest

BUSY_SECONDS = 10.0
_HEADER = b"SQLite format 3\0"


def open_database(path: Path) -> sqlite3.Connection:
    """A connection to the store at `path`, made when missing and brought to the newest schema.

    Transactions are explicit (`immediate`); rows are sqlite3.Row. The file is ours alone (0600). Raises SearchMissing,
    ForeignStore, NewerStore, CorruptStore and leaves the file untouched then; StoreBusy when another process holds it.
    """
    _require_fts5()
    if path.exists() and path.stat().st_size:
        _inspect(path)
    else:
        # SQLite gives its side files the mode of the main one, so this is the only place that sets it.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    with translated(path):
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            # In WAL mode NORMAL loses nothing when a process is killed; only a power cut may take back the last
            # transactions, never half of one. FULL would cost an fsync for each memory.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            _require_known(path, connection.execute("PRAGMA user_version").fetchone()[0])
            migrate(connection)
        except BaseException:
            connection.close()
            raise
    return connection


@contextlib.contextmanager
def immediate(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction that takes the write lock at once: one that asks for it later fails whatever its timeout."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's own errors become sentences for the user."""
    try:
        yield
    except sqlite3.OperationalError as cause:
        if cause.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise StoreBusy(path=path, seconds=f"{BUSY_SECONDS:g}") from cause
        raise CorruptStore(path=path, cause=cause, backups=path.parent / "backups") from cause
    except sqlite3.DatabaseError as cause:
        raise CorruptStore(path=path, cause=cause, backups=path.parent / "backups") from cause


def _require_fts5() -> None:
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE probe USING fts5 (content)")
    except sqlite3.OperationalError as cause:
        raise SearchMissing(version=sqlite3.sqlite_version) from cause
    finally:
        connection.close()


def _inspect(path: Path) -> None:
    """Whose file this is and how new, read from its first page alone: opening it as a database could already write.

    The places of both numbers: https://sqlite.org/fileformat.html#the_database_header
    """
    with path.open("rb") as file:
        header = file.read(100)
    if not header.startswith(_HEADER) or len(header) < 100:
        raise ForeignStore(path=path)
    application, found = int.from_bytes(header[68:72], "big"), int.from_bytes(header[60:64], "big")
    if application == 0 and found == 0:
        application, found = _ask_side_file(path)
    if application != APPLICATION_ID:
        raise ForeignStore(path=path)
    _require_known(path, found)


def _require_known(path: Path, found: int) -> None:
    if found > newest():
        raise NewerStore(path=path, found=found, known=newest())


def _ask_side_file(path: Path) -> tuple[int, int]:
    """Application and schema of a file whose first page tells neither.

    Ours is like that when its process was killed while all of its content still stood in the write-ahead log; or when
    it was killed before there was any content, and then anybody may have it.
    """
    unchanged = "mode=ro" if path.with_name(path.name + "-wal").exists() else "immutable=1"
    with (
        translated(path),
        contextlib.closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?{unchanged}", uri=True)
        ) as connection,
    ):
        if not connection.execute("SELECT EXISTS (SELECT 1 FROM sqlite_schema)").fetchone()[0]:
            return APPLICATION_ID, 0
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        return int(application), int(connection.execute("PRAGMA user_version").fetchone()[0])
