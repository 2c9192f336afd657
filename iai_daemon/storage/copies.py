"""Whole copies of the embedded store while others use it: one written to a file, and one put in the store's own place."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from iai_daemon.errors import StoreBusy
from iai_daemon.progress import Tell, unheard
from iai_daemon.storage.database import Interrupted
from iai_daemon.storage.sqlite import (
    BUSY_SECONDS,
    find_damage,
    interruptible,
    one_moment,
    open_damaged,
)

_PAGES_A_STEP = 512
# What a killed process leaves behind begins like this; it is cleared away before the next copy.
_UNFINISHED = ".memory-"


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that has no name yet, and what is `damaged` in it (None: nothing)."""

    path: Path
    damage: str | None

    def keep(self, path: Path) -> None:
        """Give it its name. What stands there is replaced."""
        with self.path.open("rb+") as file:
            os.fsync(file.fileno())
        self.path.replace(path)


@contextlib.contextmanager
def copied(
    source: sqlite3.Connection,
    folder: Path,
    may_go_on: Callable[[], bool] = lambda: True,
    tell: Tell = unheard,
) -> Iterator[Copy]:
    """What `source` holds at this moment, in one file in `folder`, read through; it is gone at the end unless it was kept. `tell`
    hears of bytes.

    The caller holds the consolidation lock. Raises Interrupted when `may_go_on` says no, sqlite3.Error, OSError.
    """
    clear(folder)
    path = folder / f"{_UNFINISHED}{os.getpid()}.tmp"
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as copy:
            fill(copy, source, may_go_on, tell)
            tell("reading it through", 0, None)
            with interruptible(copy, may_go_on):
                damage = find_damage(copy)
            if damage is None:
                # It is one file: it says in its header that it has no write-ahead log.
                copy.execute("PRAGMA journal_mode = DELETE")
        yield Copy(path, damage)
    finally:
        clear(folder)


def clear(folder: Path) -> None:
    """Delete what copies that were not kept have left in `folder`."""
    for left in folder.glob(f"{_UNFINISHED}*"):
        left.unlink(missing_ok=True)


def fill(
    copy: sqlite3.Connection,
    source: sqlite3.Connection,
    may_go_on: Callable[[], bool],
    tell: Tell = unheard,
) -> None:
    """Copy what `source` holds at this moment, in small steps. Raises Interrupted when `may_go_on` says no, sqlite3.Error."""
    size = page_size(source)

    def ask(_status: int, remaining: int, total: int) -> None:
        # The only way out of sqlite3's backup is an exception.
        if not may_go_on():
            raise Interrupted
        tell("copying", (total - remaining) * size, total * size)

    # Inside a transaction the copy is one moment's; outside, every write by a user would start it anew.
    with one_moment(source):
        source.backup(copy, pages=_PAGES_A_STEP, progress=ask)


def page_size(connection: sqlite3.Connection) -> int:
    """The bytes of one of its pages."""
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return int(size)


def put_in_place(
    source: sqlite3.Connection, path: Path, prepare: Callable[[], None], tell: Tell = unheard
) -> None:
    """Give the store at `path` the content of `source` in one transaction, whoever else has it open.

    `prepare` is called when the write lock is held and nobody sees a change yet: what it reads there by another connection
    is the last that was written, and what it writes to `source` still goes along. What it raises leaves the store as it
    is, and so does what `tell`, which hears of bytes, raises. A source has more than one page. Raises sqlite3.Error, StoreBusy.
    """
    locked, size = False, page_size(source)

    def step(status: int, remaining: int, total: int) -> None:
        nonlocal locked
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            # SQLite has waited its time; Python would go on for ever.
            raise StoreBusy(path=path, seconds=f"{BUSY_SECONDS:g}")
        if not locked:
            locked = True
            prepare()
        # With the last page it is done, whatever somebody would like; and no wish is asked for with each of many.
        if status != sqlite3.SQLITE_DONE and remaining % _PAGES_A_STEP == 0:
            tell("restoring", (total - remaining) * size, total * size)

    # A connection is as it comes: its commits survive a power cut, too.
    with contextlib.closing(open_damaged(path)) as target:
        # Each step is one page, so the first one is never the last: `prepare` comes before the commit.
        source.backup(target, pages=1, progress=step)
