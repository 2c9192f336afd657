"""Open the embedded engine: one SQLite file in WAL mode, checked before anything is written to it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from iai_daemon.clock import Stopwatch, pause
from iai_daemon.errors import (
    CorruptStore,
    ForeignStore,
    IaiError,
    LostStore,
    NewerStore,
    SearchMissing,
    StoreBusy,
    StoreOutOfReach,
)
from iai_daemon.storage.backups import newest_whole
from iai_daemon.storage.database import Interrupted
from iai_daemon.storage.migrate import APPLICATION_ID, migrate, newest

BUSY_SECONDS = 10.0

# How many instructions of SQLite's machine pass between two questions whether it may go on: well below a millisecond.
_INSTRUCTIONS = 10_000

ENDS_EARLY = "its end is missing"

# What using a file may raise: where SQLite's message quotes something that is no UTF-8 any more, Python cannot even say it.
FILE_ERRORS = (sqlite3.Error, UnicodeDecodeError)

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_OUT_OF_REACH = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}


def open_database(path: Path, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    """A connection to the store at `path`, made when missing and brought to the newest schema.

    Transactions are explicit (`immediate`); rows are sqlite3.Row. The file is ours alone (0600). Raises SearchMissing,
    ForeignStore, NewerStore, CorruptStore, LostStore and leaves the file untouched then; StoreOutOfReach when it cannot be
    read or written, StoreBusy when another process holds it for longer than `busy_seconds`; whatever is asked of it then waits
    for BUSY_SECONDS.
    """
    _require_fts5()
    with translated(path, busy_seconds):
        _make_or_inspect(path, busy_seconds)
        connection = open_as_it_is(path, busy_seconds)
        try:
            # In WAL mode NORMAL loses nothing when a process is killed; only a power cut may take back the last
            # transactions, never half of one. FULL would cost an fsync for each memory.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA temp_store = MEMORY")
            migrate(connection)
            connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
        except BaseException:
            connection.close()
            raise
    return connection


def open_as_it_is(path: Path, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    """A connection to the store that stands at `path`, whatever its schema. Raises sqlite3.Error, ForeignStore, NewerStore."""
    connection = open_damaged(path, busy_seconds)
    try:
        _enter_wal(connection, busy_seconds)
    except BaseException:
        connection.close()
        raise
    return connection


def open_damaged(path: Path, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    """The same to a store of which perhaps nothing but the header can be used."""
    connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        require_ours(path, connection)
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def reading(path: Path, busy_seconds: float = BUSY_SECONDS) -> Iterator[sqlite3.Connection]:
    """A connection that writes nothing, not even a file beside the one at `path`."""
    # Without a log nobody has it open, and a connection that looks for none leaves none behind.
    unchanged = "mode=ro" if side_file(path, "-wal").exists() else "immutable=1"
    address = f"{path.absolute().as_uri()}?{unchanged}"
    with contextlib.closing(
        sqlite3.connect(address, uri=True, timeout=busy_seconds, isolation_level=None)
    ) as connection:
        yield connection


def side_file(path: Path, ending: str) -> Path:
    """What SQLite keeps beside a database: its write-ahead log (`-wal`) and the index of that (`-shm`)."""
    return path.with_name(path.name + ending)


@contextlib.contextmanager
def interruptible(connection: sqlite3.Connection, may_go_on: Callable[[], bool]) -> Iterator[None]:
    """Statements ask on their way, and end with Interrupted when the answer is no; a change is taken back then."""
    connection.set_progress_handler(lambda: not may_go_on(), _INSTRUCTIONS)
    try:
        yield
    except sqlite3.OperationalError as cause:
        if cause.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise Interrupted from cause
        raise
    finally:
        connection.set_progress_handler(None, 0)


def find_damage(connection: sqlite3.Connection, table: str | None = None) -> str | None:
    """What SQLite finds wrong when it reads the whole database, or one table of it, the first of it; None: nothing."""
    try:
        found = " ".join(connection.execute(f"PRAGMA integrity_check({table or 1})").fetchone()[0].split())
    except FILE_ERRORS as cause:
        if not is_damage(cause):
            raise
        return str(cause)
    return None if found == "ok" else found.removeprefix("*** in database main *** ")


def is_damage(cause: Exception) -> bool:
    """Whether it was the content of the file that SQLite could not use."""
    return _is_about_the_file(cause) and _code(cause) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _is_about_the_file(cause: Exception) -> bool:
    """And not about how it was used: a constraint, a wrong statement."""
    exact = (sqlite3.OperationalError, UnicodeDecodeError)
    return isinstance(cause, exact) or type(cause) is sqlite3.DatabaseError


def _code(cause: Exception) -> int:
    """SQLite's primary error code. Python's own complaints, such as about text that is not UTF-8, carry none."""
    return int(getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)) & 0xFF


def damaged(path: Path, cause: object) -> CorruptStore:
    """The error that says so, and with which backup it is mended."""
    return CorruptStore(path=path, cause=cause, remedy=_remedy(path))


def _remedy(path: Path) -> str:
    newest = newest_whole(_backups_of(path))
    if newest is None:
        return "there is no backup of it, so put a copy of your own in its place"
    return f"`iai-daemon store restore {newest.path.name}` puts the newest backup in its place"


def _backups_of(path: Path) -> Path:
    return path.parent / "backups"


@contextlib.contextmanager
def immediate(connection: sqlite3.Connection, may_wait: Callable[[], bool] | None = None) -> Iterator[None]:
    """One transaction that takes the write lock at once: one that asks for it later fails whatever its timeout.

    With `may_wait` the connection's timeout is only how often that is asked while another process holds the lock.
    """
    _begin_immediate(connection, may_wait)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # After some errors, a full disk among them, SQLite has already rolled back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction that only reads: whatever others write meanwhile, it sees what was there at its begin."""
    connection.execute("BEGIN")
    try:
        # The first statement fixes the moment; this one needs nothing but the header, so it does with a damaged store, too.
        connection.execute("PRAGMA user_version").fetchone()
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _begin_immediate(connection: sqlite3.Connection, may_wait: Callable[[], bool] | None) -> None:
    watch = Stopwatch()
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as cause:
            held = cause.sqlite_errorcode & 0xFF in _BUSY and watch.seconds() < BUSY_SECONDS
            if not held or may_wait is None or not may_wait():
                raise
        else:
            return


@contextlib.contextmanager
def translated(path: Path, busy_seconds: float = BUSY_SECONDS) -> Iterator[None]:
    """Errors of SQLite and of the file system become sentences for the user. `busy_seconds`: how long the connection waits."""
    try:
        yield
    except FILE_ERRORS as cause:
        # An interruption is the wish of who made the statement `interruptible`, who waits for it further out.
        if _is_about_the_file(cause) and _code(cause) != sqlite3.SQLITE_INTERRUPT:
            raise _sentence(cause, path, busy_seconds) from cause
        raise
    except OSError as cause:
        raise StoreOutOfReach(path=path, cause=cause.strerror or cause) from cause


def _sentence(cause: Exception, path: Path, busy_seconds: float) -> IaiError:
    code = _code(cause)
    if code in _BUSY:
        return StoreBusy(path=path, seconds=f"{busy_seconds:g}")
    if code in _OUT_OF_REACH:
        return StoreOutOfReach(path=path, cause=cause)
    if code == sqlite3.SQLITE_NOTADB and newest_whole(_backups_of(path)) is None:
        return ForeignStore(path=path)
    return damaged(path, cause)


def _require_fts5() -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute("CREATE VIRTUAL TABLE probe USING fts5 (content)")
        except sqlite3.OperationalError as cause:
            raise SearchMissing(version=sqlite3.sqlite_version) from cause


def _enter_wal(connection: sqlite3.Connection, busy_seconds: float) -> None:
    """SQLite does not wait here for another process that is making the same store, so we do."""
    watch = Stopwatch()
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as cause:
            if cause.sqlite_errorcode & 0xFF not in _BUSY or watch.seconds() > busy_seconds:
                raise
            pause(0.005)
        else:
            return


def _make_or_inspect(path: Path, busy_seconds: float) -> None:
    """Make the file when missing, else see that it is ours, without a write: what SQLite opens to write, it may recover.

    SQLite itself reads here too: were we to read and close the file, the kernel would take away the locks that another
    connection of this process has on it (https://sqlite.org/howtocorrupt.html, "POSIX advisory locks canceled").
    """
    _require_its_content(path)
    try:
        # SQLite gives its side files the mode of the main one, so this is the only place that sets it.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        seen = path.stat()
    else:
        return
    if not stat.S_ISREG(seen.st_mode):
        raise StoreOutOfReach(path=path, cause="it is no file")
    with reading(path, busy_seconds) as connection:
        try:
            require_ours(path, connection)
            if is_blank(connection):
                _refuse_to_begin_anew(path, "holds nothing")
            if ends_early(path, connection):
                raise damaged(path, ENDS_EARLY)
        except FILE_ERRORS as cause:
            # Somebody may have begun to write in this very moment: the real connection, with locks, will tell.
            if _code(cause) != sqlite3.SQLITE_CORRUPT or side_file(path, "-wal").exists():
                raise


def ends_early(path: Path, connection: sqlite3.Connection) -> bool:
    """Whether the file ends within its last page: SQLite would take the rest for zeros."""
    (pages,), (size,) = (connection.execute(f"PRAGMA page_{of}").fetchone() for of in ("count", "size"))
    # A log may hold pages that the file does not have yet.
    return bool(path.stat().st_size < pages * size) and not side_file(path, "-wal").exists()


def _require_its_content(path: Path) -> None:
    """Raises LostStore for a file that is missing or empty where there has been a memory before."""
    # The log comes after the file's first page, so it is looked at first: else one that is just being made seems lost.
    log = has_content(side_file(path, "-wal"))
    if has_content(path):
        return
    problem = "is empty" if path.exists() else "is missing"
    if log:
        raise LostStore(
            path=path,
            problem=f"{problem}, though its log is there",
            remedy=_remedy(path),
            away=side_file(path, "-wal"),
        )
    _refuse_to_begin_anew(path, problem)


def _refuse_to_begin_anew(path: Path, problem: str) -> None:
    """Raises LostStore where backups tell that there has been a memory: nobody would notice that it is gone."""
    folder = _backups_of(path)
    if newest_whole(folder) is not None:
        problem += ", though there are backups of it"
        raise LostStore(path=path, problem=problem, remedy=_remedy(path), away=folder)


def has_content(path: Path) -> bool:
    """Whether something stands at `path` that is not an empty file."""
    try:
        seen = path.stat()
    except FileNotFoundError:
        return False
    return seen.st_size > 0 or not stat.S_ISREG(seen.st_mode)


def is_blank(connection: sqlite3.Connection) -> bool:
    """Whether it is a database in which nothing was ever made."""
    return connection.execute("SELECT 1 FROM sqlite_schema").fetchone() is None


def require_ours(path: Path, connection: sqlite3.Connection) -> None:
    """Raises ForeignStore and NewerStore. A file without content, as a killed process may leave it, has no owner yet."""
    # Perhaps another process is making the store.
    with one_moment(connection):
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        ours = application == APPLICATION_ID or (application == found == 0 and is_blank(connection))
    if not ours:
        raise ForeignStore(path=path)
    if found > newest():
        raise NewerStore(path=path, found=found, known=newest())
