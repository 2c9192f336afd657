"""The memory: whether it can be opened, written to and read, whether it is sound, and whether there is a copy of it.

Nothing is made, and nothing brought to another schema: a file that is not as it should be is only looked at.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from iai_daemon.clock import Now, Stopwatch
from iai_daemon.consolidation.backup import back_up_now
from iai_daemon.doctor.checks import server
from iai_daemon.doctor.finding import Finding, Mend, fail, ok, warn
from iai_daemon.doctor.patient import Patient
from iai_daemon.errors import CorruptStore, StoreBusy
from iai_daemon.flock import holder, is_held
from iai_daemon.memory.nights import NightRow
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.stores import Stores
from iai_daemon.memory.tasks import CONSOLIDATE
from iai_daemon.paths import Backup, Home, backups
from iai_daemon.storage.backups import looks_whole, newest_whole
from iai_daemon.storage.database import Interrupted
from iai_daemon.storage.migrate import newest
from iai_daemon.storage.sqlite import (
    FILE_ERRORS,
    damaged,
    find_damage,
    has_content,
    immediate,
    interruptible,
    is_blank,
    open_damaged,
    open_database,
    reading,
    require_ours,
    side_file,
    translated,
)
from iai_daemon.units import say_duration

# Seconds: to wait for who holds the lock, and to read through what there is.
_PATIENCE = 1.0
_READ_THROUGH = 0.6
# Milliseconds after which what a doctor has written was left by a killed one.
_LEFT = 3_600_000
_DAY = 86_400.0
# A copy that is older than this misses much; nights make one a day.
_OLD = 7 * _DAY
# A memory that nights open has its first copy long before this.
_NEW = 2 * _DAY
_LONG_UNREAD = 30 * _DAY
# By so many of the newest nights the growth is told.
_NIGHTS = 30
_LONG_LOG = 100_000_000
_EMPTY_BYTES, _EMPTY_SHARE = 10_000_000, 0.5
_MAKE_ROOM = "make room on that disk, or delete backups that you do not need (`iai-daemon store backups`)"


def look(patient: Patient) -> Iterator[Finding]:
    address = patient.address
    if address is not None:
        yield from server.look(patient, address)
        return
    home = patient.home
    log = _size(side_file(home.memory, "-wal"))
    try:
        schema = _schema(home)
    except StoreBusy as busy:
        yield _locked(home, busy)
        return
    if schema is None:
        yield ok("store", "there is no memory yet")
        return
    if schema < newest():
        seen = f"{home.memory} has the schema {schema}, and this program writes {newest()}"
        yield warn("store.schema", seen, "`iai-daemon restart`, or any command that uses it, brings it up")
        return
    with closing(open_database(home.memory, _PATIENCE)) as connection:
        connection.execute(f"PRAGMA busy_timeout = {_PATIENCE * 1000:.0f}")
        yield from _round_trip(home, connection, patient.now.milliseconds)
        yield from integrity(home, connection, patient.now)
        yield from _empty(connection)
    if log > _LONG_LOG:
        seen = f"its log has grown to {_megabytes(log)}: somebody reads on in it without an end"
        remedy = "end the memory servers that have been open for the longest time (`iai-daemon presence`)"
        mend = Mend("fold the log into the memory's file", lambda: _fold(home.memory))
        yield warn("store.log", seen, remedy, mend)
    with patient.stores() as stores:
        yield _backup(patient, stores)
        yield _growth(home, stores)


# Whether it can be used.


def _schema(home: Home) -> int | None:
    """Which it has, before anything is opened that might write; None: there is no memory, nor anything that tells of one.
    Raises StoreUnusable, StoreBusy."""
    path = home.memory
    if not has_content(path):
        if has_content(side_file(path, "-wal")) or newest_whole(home.backups) is not None:
            # It is refused, with the sentence that says what to do.
            open_database(path).close()
        return None
    with translated(path, _PATIENCE), reading(path, _PATIENCE) as connection:
        require_ours(path, connection)
        if is_blank(connection) and newest_whole(home.backups) is None:
            return None
        schema = int(connection.execute("PRAGMA user_version").fetchone()[0])
    # What is blank where there are backups is refused by who opens it.
    return schema or newest()


def _round_trip(home: Home, connection: sqlite3.Connection, now: int) -> Iterator[Finding]:
    """Write something, see it from outside, and take it back. `now` in milliseconds since the epoch."""
    watch = Stopwatch()
    # Another doctor may be at it, too; what a killed one has left is an hour old at some time.
    written = {
        "name": f"doctor:{os.urandom(8).hex()}",
        "now": str(now),
        "left": now - _LEFT,
        "wrong": now + _LEFT,
    }
    try:
        with translated(home.memory, _PATIENCE):
            with immediate(connection):
                connection.execute("INSERT INTO facts (name, value) VALUES (:name, :now)", written)
            try:
                with closing(open_damaged(home.memory)) as other:
                    read = other.execute("SELECT value FROM facts WHERE name = :name", written).fetchone()
            finally:
                with immediate(connection):
                    connection.execute(
                        """
                        DELETE FROM facts WHERE name = :name
                        OR (name GLOB 'doctor:*' AND CAST(value AS INTEGER) NOT BETWEEN :left AND :wrong)
                        """,
                        written,
                    )
    except StoreBusy as busy:
        yield _locked(home, busy)
        return
    if read is None or read["value"] != written["now"]:
        yield fail(
            "store", "what was written is not what is read", "`iai-daemon store restore` puts a backup there"
        )
        return
    took = f"{watch.seconds() * 1000:.0f} ms"
    yield ok("store", f"{home.memory}: written, read by another connection and taken back in {took}")


def _locked(home: Home, busy: StoreBusy) -> Finding:
    if is_held(home.consolidation_lock):
        seen = f"{home.memory} has been locked for {_PATIENCE:g} s by {holder(home.consolidation_lock)}"
        return warn("store", seen, "look again when that has ended: `iai-daemon status`")
    return fail("store", str(busy), f"end what hangs of those that `fuser -v {home.memory}` names")


def integrity(
    home: Home, connection: sqlite3.Connection, now: Now, seconds: float = _READ_THROUGH
) -> Iterator[Finding]:
    """Read it through, where that takes no longer than this."""
    watch = Stopwatch()
    try:
        with translated(home.memory), interruptible(connection, lambda: watch.seconds() < seconds):
            damage = find_damage(connection)
    except Interrupted:
        yield _unread(home, connection, now.wall)
        return
    if damage is None:
        yield ok("store.integrity", f"read through and found sound: {_megabytes(_content(connection))}")
        return
    broken: CorruptStore = damaged(home.memory, damage)
    yield fail("store.integrity", f"{home.memory} is damaged ({damage})", str(broken.data["remedy"]))


def _unread(home: Home, connection: sqlite3.Connection, now: float) -> Finding:
    """When it was read through before: nights do that, and so does who makes a backup."""
    found = connection.execute("SELECT value FROM facts WHERE name = 'maintained_at'").fetchone()
    last = max([int(found[0]) / 1000 if found else 0.0, *(each.made_at for each in backups(home.backups))])
    seen = f"not read through here, being {_megabytes(_content(connection))} large"
    if not last:
        return warn(
            "store.integrity", f"{seen}, nor ever before", "`iai-daemon store backup` reads it through"
        )
    seen = f"{seen}; that was done {say_duration(max(0.0, now - last))} ago"
    if now - last > _LONG_UNREAD:
        return warn("store.integrity", seen, "`iai-daemon store backup` reads it through")
    return ok("store.integrity", seen)


def _empty(connection: sqlite3.Connection) -> Iterator[Finding]:
    page, pages, free = (_pragma(connection, of) for of in ("page_size", "page_count", "freelist_count"))
    if free * page > _EMPTY_BYTES and free > _EMPTY_SHARE * pages:
        seen = f"{_megabytes(free * page)} of its {_megabytes(pages * page)} are empty"
        remedy = "the pass maintain gives them back when no client is open: `iai-daemon consolidate --pass maintain`"
        yield warn("store.empty", seen, remedy)


def _content(connection: sqlite3.Connection) -> int:
    """How many bytes it has, those in its log included."""
    return _pragma(connection, "page_size") * _pragma(connection, "page_count")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _fold(path: Path) -> None:
    """Raises StoreBusy where somebody still reads in it."""
    with translated(path), closing(open_database(path, _PATIENCE)) as connection:
        connection.execute(f"PRAGMA busy_timeout = {_PATIENCE * 1000:.0f}")
        (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise StoreBusy(path=path, seconds=f"{_PATIENCE:g}")


# Whether there is a copy.


def _backup(patient: Patient, stores: Stores) -> Finding:
    home, now = patient.home, patient.now.wall
    remedy = "`iai-daemon store backup`"
    mend = Mend("make a backup of the memory", lambda: _back_up(home, now))
    found = backups(home.backups)
    if not found:
        task = stores.tasks.task(CONSOLIDATE)
        if stores.memory.memories() and task is not None and now - task.created_at / 1000 > _NEW:
            return warn("store.backup", "there is no backup of the memory", remedy, mend)
        return ok("store.backup", "there is no backup yet: the first night that changes something makes one")
    last = found[-1]
    if not looks_whole(last.path):
        seen = f"the newest backup, {last.path.name}, is not whole, so that it cannot be restored"
        return fail("store.backup", seen, remedy, mend)
    age = max(0.0, now - last.made_at)
    seen = f"the newest of {len(found)} was made {say_duration(age)} ago"
    if age > _OLD and _change_of(last) != stores.nights.newest_change():
        return warn("store.backup", f"{seen}, and memories have changed since", remedy, mend)
    return ok("store.backup", seen)


def _change_of(backup: Backup) -> int | None:
    """The last change that stands in it; None: it has none that we know."""
    try:
        with reading(backup.path) as connection:
            return int(connection.execute("SELECT change - 1 FROM next_change").fetchone()[0])
    except FILE_ERRORS:
        return None


def _back_up(home: Home, now: float) -> None:
    stores = open_stores(home)
    try:
        back_up_now(stores.nights, home, now)
    finally:
        stores.close()


def _growth(home: Home, stores: Stores) -> Finding:
    store = _size(home.memory) + _size(side_file(home.memory, "-wal"))
    copies = sum(_size(each.path) for each in backups(home.backups))
    free = shutil.disk_usage(home.root).free
    each_day = _a_day(stores.nights.nights(_NIGHTS))
    seen = (
        f"memories: {stores.memory.memories():,}{each_day}, in {_megabytes(store)}; backups: {_megabytes(copies)}; "
        f"free: {_megabytes(free)}"
    )
    if store + copies > free / 2:
        return warn("store.growth", f"{seen}, which is less than twice of that", _MAKE_ROOM)
    return ok("store.growth", seen)


def _a_day(nights: Sequence[NightRow]) -> str:
    """By how many memories it grows, as the nights have counted them, in brackets."""
    counted = [
        (each.started_at / 1000, int(str(each.report["total_nodes"]))) for each in nights if each.report
    ]
    if not counted or counted[-1][0] - counted[0][0] < _DAY:
        return ""
    (since, fewer), (until, more) = counted[0], counted[-1]
    return f" ({(more - fewer) * _DAY / (until - since):+,.0f} a day)"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.1f} MB" if size < 1e8 else f"{size / 1e6:,.0f} MB"
