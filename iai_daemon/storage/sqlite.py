"""Open the embedded engine: one SQLite file in WAL mode, checked before anything is written to it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

from iai_daemon.clock import Stopwatch, pause
from iai_daemon.errors import (
    CorruptStore,
    ForeignStore,
    IaiError,
    NewerStore,
    SearchMissing,
    StoreBusy,
    StoreOutOfReach,
)
from iai_daemon.storage.migrate import APPLICATION_ID, migrate, newest

BUSY_SECONDS = 10.0

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_OUT_OF_REACH = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}


def open_database(path: Path) -> sqlite3.Connection:
    """A connection to the store at `path`, made when missing and brought to the newest schema.

    Transactions are explicit (`immediate`); rows are sqlite3.Row. The file is ours alone (0600). Raises SearchMissing,
    ForeignStore, NewerStore, CorruptStore and leaves the file untouched then; StoreOutOfReach when it cannot be read or
    written, StoreBusy when another process holds it.
    """
    _require_fts5()
    with translated(path):
        _make_or_inspect(path)
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.row_factory = sqlite3.Row
            _require_ours(path, connection)
            _enter_wal(connection)
            # In WAL mode NORMAL loses nothing when a process is killed; only a power cut may take back the last
            # transactions, never half of one. FULL would cost an fsync for each memory.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
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
        connection.execute("COMMIT")
    except BaseException:
        # After some errors, a full disk among them, SQLite has already rolled back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Errors of SQLite and of the file system become sentences for the user."""
    try:
        yield
    except sqlite3.DatabaseError as cause:
        if isinstance(cause, sqlite3.OperationalError) or type(cause) is sqlite3.DatabaseError:
            raise _sentence(cause, path) from cause
        raise
    except OSError as cause:
        raise StoreOutOfReach(path=path, cause=cause.strerror or cause) from cause


def _sentence(cause: sqlite3.DatabaseError, path: Path) -> IaiError:
    # Python's own complaints, such as about text that is not UTF-8, carry no code.
    code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code in _BUSY:
        return StoreBusy(path=path, seconds=f"{BUSY_SECONDS:g}")
    if code in _OUT_OF_REACH:
        return StoreOutOfReach(path=path, cause=cause)
    if code == sqlite3.SQLITE_NOTADB:
        return ForeignStore(path=path)
    return CorruptStore(path=path, cause=cause, backups=path.parent / "backups")


def _require_fts5() -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute("CREATE VIRTUAL TABLE probe USING fts5 (content)")
        except sqlite3.OperationalError as cause:
            raise SearchMissing(version=sqlite3.sqlite_version) from cause


def _enter_wal(connection: sqlite3.Connection) -> None:
    """SQLite does not wait here for another process that is making the same store, so we do."""
    watch = Stopwatch()
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as cause:
            if cause.sqlite_errorcode & 0xFF not in _BUSY or watch.seconds() > BUSY_SECONDS:
                raise
            pause(0.005)
        else:
            return


def _make_or_inspect(path: Path) -> None:
    """Make the file when missing, else see that it is ours, without a write: what SQLite opens to write, it may recover.

    SQLite itself reads here too: were we to read and close the file, the kernel would take away the locks that another
    connection of this process has on it (https://sqlite.org/howtocorrupt.html, "POSIX advisory locks canceled").
    """
    try:
        # SQLite gives its side files the mode of the main one, so this is the only place that sets it.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        seen = path.stat()
    else:
        return
    if not stat.S_ISREG(seen.st_mode):
        raise StoreOutOfReach(path=path, cause="it is no file")
    # Without a log nobody has it open, and a connection that looks for none leaves none behind.
    unchanged = "mode=ro" if path.with_name(path.name + "-wal").exists() else "immutable=1"
    with contextlib.closing(
        sqlite3.connect(
            f"{path.absolute().as_uri()}?{unchanged}", uri=True, timeout=BUSY_SECONDS, isolation_level=None
        )
    ) as connection:
        try:
            _require_ours(path, connection)
        except sqlite3.DatabaseError as cause:
            # Somebody may have begun to write in this very moment: the real connection, with locks, will tell.
            if cause.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CORRUPT:
                raise


def _require_ours(path: Path, connection: sqlite3.Connection) -> None:
    """Raises ForeignStore and NewerStore. A file without content, as a killed process may leave it, has no owner yet."""
    # One transaction sees one moment, also while another process makes the store.
    connection.execute("BEGIN")
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        empty = connection.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()[0] == 0
    finally:
        connection.execute("ROLLBACK")
    if application != APPLICATION_ID and not (application == found == 0 and empty):
        raise ForeignStore(path=path)
    if found > newest():
        raise NewerStore(path=path, found=found, known=newest())
