"""What keeps the embedded store itself well: copies of it, and what is done to its file when nobody else uses it.

The protocol, with the meaning of every method, is in memory/nights.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from iai_daemon.errors import NoBackup, StoreBusy, StoreOutOfReach
from iai_daemon.memory.sql.upkeep import SqlUpkeep
from iai_daemon.progress import Tell, unheard
from iai_daemon.storage.copies import copied
from iai_daemon.storage.database import Interrupted
from iai_daemon.storage.sqlite import (
    FILE_ERRORS,
    damaged,
    find_damage,
    interruptible,
    is_damage,
)
from iai_daemon.storage.sqlite_database import SqliteDatabase

# Pages of the index of words that one statement merges: milliseconds.
_PAGES_A_MERGE = 64
# Rows of each index that the statistics look at: enough to choose by, however many there are.
ROWS_OF_AN_INDEX = 1000
# Rewriting the whole file pays when so much of it is empty.
_EMPTY_SHARE = 0.25
_EMPTY_BYTES = 4_000_000


class SqliteUpkeep(SqlUpkeep):
    """The part of a NightStore that is about the file."""

    _database: SqliteDatabase

    def back_up(self, path: Path, may_go_on: Callable[[], bool], tell: Tell = unheard) -> bool:
        try:
            # What a backup holds stands in the main file too from here on: were the log to be lost, something would be left.
            self._database.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            with copied(self._database.connection, path.parent, may_go_on, tell) as copy:
                if copy.damage is not None:
                    raise damaged(self._database.path, copy.damage)
                copy.keep(path)
        except Interrupted:
            return False
        except FILE_ERRORS as cause:
            if is_damage(cause):
                raise damaged(self._database.path, cause) from cause
            raise NoBackup(path=path.parent, cause=cause) from cause
        return True

    def maintain(self, now: int, may_go_on: Callable[[], bool]) -> list[str] | None:
        try:
            with self._database.translated(), interruptible(self._database.connection, may_go_on):
                done = list(self._look_after(may_go_on))
        except Interrupted:
            return None
        self._note_maintained(now)
        return done

    def _look_after(self, may_go_on: Callable[[], bool]) -> Iterator[str]:
        self._require_soundness()
        yield self._merge_words(may_go_on)
        # Each index is looked at in part only, or a large store would take minutes.
        self._database.connection.execute(f"PRAGMA analysis_limit = {ROWS_OF_AN_INDEX}")
        with self._writing():
            self._database.connection.execute("ANALYZE")
        yield "statistics renewed"
        yield from self._drop_replaced_vectors(may_go_on)
        yield from self._give_back_empty_pages()
        self._require_soundness()
        yield "found sound before and after"
        yield from self._empty_log()

    def _require_soundness(self) -> None:
        damage = find_damage(self._database.connection)
        if damage is not None:
            raise damaged(self._database.path, damage)

    def _merge_words(self, may_go_on: Callable[[], bool]) -> str:
        """Make the index of words fit and, step by step, one piece: https://sqlite.org/fts5.html#the_merge_command."""
        with self._writing():
            if not self._words_fit():
                # The pages are sound: it only holds other words than the memories do. It is derived, so nothing is lost.
                self._database.connection.execute("INSERT INTO words (words) VALUES ('rebuild')")
                return "index of words made anew, because it did not fit the memories"
        # Negative: all of it is to become one piece, not only pieces of about the same size.
        pages = -_PAGES_A_MERGE
        merging = True
        while merging:
            if not may_go_on():
                raise Interrupted
            before = self._database.connection.total_changes
            with self._writing():
                self._database.connection.execute(
                    "INSERT INTO words (words, rank) VALUES ('merge', ?)", (pages,)
                )
            merging = self._database.connection.total_changes - before >= 2
            pages = _PAGES_A_MERGE
        return "index of words merged"

    def _words_fit(self) -> bool:
        try:
            self._database.connection.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
        except FILE_ERRORS as cause:
            if not is_damage(cause):
                raise
            return False
        return True

    def _give_back_empty_pages(self) -> Iterator[str]:
        """Where much of the file is empty and the disk has room for what SQLite writes beside it, twice."""
        size, empty = (
            self._pragma("page_size") * self._pragma(of) for of in ("page_count", "freelist_count")
        )
        if empty < _EMPTY_BYTES or empty < _EMPTY_SHARE * size:
            return
        if shutil.disk_usage(self._database.path.parent).free < 2 * (size - empty):
            yield f"{empty / 1e6:,.0f} MB are empty and stay so: the disk has no room to write the rest anew"
            return
        self._database.connection.execute("VACUUM")
        yield f"{empty / 1e6:,.0f} MB given back"

    def _empty_log(self) -> Iterator[str]:
        """Unless somebody goes on reading in it."""
        (busy, *_) = self._database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy:
            yield "log emptied"

    def make_anew(self) -> bool:
        """Let no word of what was deleted be in the index of words, in statistics, in free room or in the log any more. False
        where others keep it from that, or the disk has no room; what is there is sound either way."""
        try:
            with self._writing():
                self._database.execute("INSERT INTO words (words) VALUES ('optimize')")
            with self._database.translated():
                self._database.execute(f"PRAGMA analysis_limit = {ROWS_OF_AN_INDEX}")
                self._database.execute("ANALYZE")
                self._database.execute("VACUUM")
                (busy, *_) = self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except (StoreBusy, StoreOutOfReach):
            return False
        return not busy

    def _pragma(self, name: str) -> int:
        return int(self._database.connection.execute(f"PRAGMA {name}").fetchone()[0])
