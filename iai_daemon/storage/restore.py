"""Put a backup in the place of the embedded store: into the live database where it can be opened, whoever else has it open,
and in the place of its file where it cannot. What was there is kept under another name either way. The agenda does not go back
in time: what has run would run again."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from iai_daemon.errors import BadBackup, ForeignStore, NewerStore, StoreInUse
from iai_daemon.paths import Home, compact
from iai_daemon.progress import Tell, unheard
from iai_daemon.storage.agenda import keep_agenda, miss_what_may_have_run
from iai_daemon.storage.copies import copied, fill, put_in_place
from iai_daemon.storage.database import Interrupted, MayWait
from iai_daemon.storage.migrate import migrate
from iai_daemon.storage.sqlite import (
    ENDS_EARLY,
    FILE_ERRORS,
    damaged,
    ends_early,
    find_damage,
    has_content,
    interruptible,
    is_blank,
    is_damage,
    open_as_it_is,
    open_damaged,
    reading,
    require_ours,
    side_file,
    translated,
)

_SIDE_FILES = ("-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Replaced:
    """What a restore did: how many memories are current now, how many were before (None: that could not be read), and the
    file in which what was there is kept (None: there was nothing), `damaged` or not.

    `missed`: how many agents' runs may have happened since the backup or not, so that they count as missed; None: the agenda
    could be read, and stays what it was.
    """

    memories: int
    before: int | None
    kept: Path | None
    damaged: bool
    missed: int | None


@dataclass(frozen=True, slots=True)
class Look:
    """What a backup holds: how many memories are current in it, or what is the `problem` with it."""

    memories: int | None
    problem: str | None


def look_at(backup: Path) -> Look:
    """Open a backup and see what it holds, without reading all of it."""
    try:
        with reading(backup) as connection:
            problem = _problem(backup, connection)
            return Look(count_memories(connection) if problem is None else None, problem)
    except FILE_ERRORS as cause:
        return Look(None, str(cause))


def restore(
    home: Home,
    backup: Path,
    now: float,
    may_go_on: Callable[[], bool] = lambda: True,
    tell: Tell = unheard,
) -> Replaced:
    """Make the memory what it is in `backup`; `now` in seconds since the epoch. The caller holds the consolidation lock.

    A number that was given to a memory or a night is not given to another, and the agenda stays what it is. Raises BadBackup,
    StoreInUse, StoreUnusable and StoreBusy, and Interrupted where `may_go_on` says no on the way; the memory is what it was then.
    `tell` hears of bytes.
    """
    on_the_way = _OnTheWay(may_go_on, tell)
    with _staged(backup, on_the_way) as staged, translated(home.memory):
        replaced = _replace(home, staged, now, on_the_way)
        with contextlib.closing(open_as_it_is(home.memory)) as live:
            damage = find_damage(live)
    if damage is not None:
        raise damaged(home.memory, damage)
    return replaced


@dataclass(frozen=True, slots=True)
class _OnTheWay:
    """Whether it may go on, and who wants to know how far it is."""

    may_go_on: MayWait
    heard: Tell

    def tell(self, what: str, done: int, total: int | None) -> None:
        """A Tell. Raises Interrupted."""
        if not self.may_go_on():
            raise Interrupted
        self.heard(what, done, total)


def count_memories(connection: sqlite3.Connection) -> int | None:
    """How many memories are current; None when that cannot be read."""
    try:
        row = connection.execute(
            """
            SELECT COUNT(*) FROM records
            WHERE valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
            AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
            """
        ).fetchone()
    except FILE_ERRORS:
        return None
    return int(row[0])


@contextlib.contextmanager
def _staged(backup: Path, on_the_way: _OnTheWay) -> Iterator[sqlite3.Connection]:
    """A copy of the backup that nobody else sees, found whole and brought to the newest schema. Raises BadBackup."""
    with contextlib.closing(sqlite3.connect("", isolation_level=None)) as staged:
        try:
            with reading(backup) as source:
                problem = _problem(backup, source)
                if problem is None:
                    fill(staged, source, on_the_way.may_go_on, on_the_way.heard)
                    on_the_way.tell("reading it through", 0, None)
                    with interruptible(staged, on_the_way.may_go_on):
                        problem = find_damage(staged)
            if problem is None:
                with interruptible(staged, on_the_way.may_go_on):
                    migrate(staged)
        except FILE_ERRORS as cause:
            problem = str(cause)
        if problem is not None:
            raise BadBackup(path=backup, cause=problem)
        _drop_the_night_that_made_it(staged)
        yield staged


def _problem(backup: Path, connection: sqlite3.Connection) -> str | None:
    """Why it is no backup of ours, in words."""
    try:
        require_ours(backup, connection)
    except ForeignStore:
        return "it belongs to another program"
    except NewerStore as newer:
        return f"it was written by a newer iai-daemon (schema {newer.data['found']})"
    return "it holds nothing" if is_blank(connection) else None


def _drop_the_night_that_made_it(staged: sqlite3.Connection) -> None:
    """A night makes its backup when it has begun and has not done anything: there it seems to have been killed."""
    staged.execute(
        """
        DELETE FROM nights WHERE ended_at IS NULL
        AND id NOT IN (SELECT night FROM journal UNION SELECT night FROM held)
        """
    )


def _replace(home: Home, staged: sqlite3.Connection, now: float, on_the_way: _OnTheWay) -> Replaced:
    if _can(home.memory, lambda connection: require_ours(home.memory, connection)):
        return _into(home, staged, now, on_the_way)
    return _instead_of(home, staged, now, on_the_way)


def _into(home: Home, staged: sqlite3.Connection, now: float, on_the_way: _OnTheWay) -> Replaced:
    """Into the live database: who has it open goes on with it, and sees one moment or the other."""
    kept, before, damage, missed = None, None, None, None
    if _can(home.memory, is_blank):
        with reading(home.memory) as connection:
            damage = ENDS_EARLY if ends_early(home.memory, connection) else None
        # Where readers and a writer do not exclude one another. What is damaged was in use, so it is so already.
        open_as_it_is(home.memory).close()
    with contextlib.closing(open_damaged(home.memory)) as present:

        def keep_what_is_there() -> None:
            nonlocal kept, before, damage, missed
            before = count_memories(present)
            if not keep_agenda(staged, present):
                missed = miss_what_may_have_run(staged, now)
            with copied(present, home.backups, on_the_way.may_go_on, on_the_way.heard) as copy:
                damage = damage or copy.damage
                if damage is not None:
                    kept = _free(home.root, "memory-corrupt-{}.db", now)
                elif is_blank(present):
                    return
                else:
                    kept = _free(home.backups, "memory-{}-before-restore.db", now)
                    _go_on_counting(staged, present)
                copy.keep(kept)

        try:
            put_in_place(staged, home.memory, keep_what_is_there, on_the_way.tell)
        except Interrupted:
            # It says how the memory would be had back that is still there.
            if kept is not None:
                kept.unlink(missing_ok=True)
            raise
    return Replaced(count_memories(staged) or 0, before, kept, damage is not None, missed)


def _can(path: Path, read: Callable[[sqlite3.Connection], object]) -> bool:
    """Whether there is something in which this can be read; a look that changes nothing, not even the log beside it."""
    if not has_content(path):
        return False
    try:
        with reading(path) as connection:
            read(connection)
    except FILE_ERRORS as cause:
        if not is_damage(cause):
            raise
        return False
    return True


def _go_on_counting(staged: sqlite3.Connection, present: sqlite3.Connection) -> None:
    """What an agent or a person remembers by its number must not be something else from now on."""
    for counted in present.execute("SELECT name, seq FROM sqlite_sequence").fetchall():
        name, last = tuple(counted)
        staged.execute(
            """
            INSERT INTO sqlite_sequence (name, seq) SELECT :name, 0
            WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = :name)
            """,
            {"name": name},
        )
        staged.execute(
            "UPDATE sqlite_sequence SET seq = MAX(seq, :last) WHERE name = :name",
            {"name": name, "last": last},
        )


def _instead_of(home: Home, staged: sqlite3.Connection, now: float, on_the_way: _OnTheWay) -> Replaced:
    """In the place of a file that is damaged so badly that nobody can open it, or is not there any more."""
    holders = list(_who_has_open(home.memory))
    if holders:
        raise StoreInUse(path=home.memory, holders=" and ".join(holders))
    missed = miss_what_may_have_run(staged, now)
    with copied(staged, home.root, on_the_way.may_go_on, on_the_way.heard) as copy:
        kept = _set_aside(home.memory, now)
        copy.keep(home.memory)
    return Replaced(count_memories(staged) or 0, None, kept, kept is not None, missed)


def _set_aside(live: Path, now: float) -> Path | None:
    """Another name for the file, which stays where it is until the restored one takes its place: at no moment is there
    none, or somebody would begin an empty memory. Its log goes, or it would be taken for the restored one's."""
    kept = _free(live.parent, "memory-corrupt-{}.db", now)
    left = [ending for ending in ("", *_SIDE_FILES) if has_content(side_file(live, ending))]
    if "" in left:
        kept.hardlink_to(live)
    for ending in _SIDE_FILES:
        if ending in left:
            side_file(live, ending).replace(side_file(kept, ending))
        else:
            side_file(live, ending).unlink(missing_ok=True)
    return kept if left else None


def _free(folder: Path, name: str, now: float) -> Path:
    """A name that nothing has yet: what is kept is never overwritten."""
    while (path := folder / name.format(compact(now))).exists() or side_file(path, "-wal").exists():
        now += 1
    return path


def _who_has_open(path: Path) -> Iterator[str]:
    """The other processes, as far as this user may see, that have the file open."""
    wanted = str(path.resolve())
    for process in psutil.process_iter():
        # Others come and go meanwhile, and those of other users do not show what they have open.
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and any(file.path == wanted for file in process.open_files()):
                words = " ".join(" ".join(process.cmdline()).split())
                yield f"process {process.pid} ({words[:100]})"
