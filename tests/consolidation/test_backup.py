"""Backups before the first change of a night."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from iai_daemon.consolidation.backup import back_up_when_old, backups
from iai_daemon.errors import NoBackup
from iai_daemon.memory.opening import Stores, open_stores
from iai_daemon.paths import Home
from tests.consolidation.evening import a_day, export, remember
from tests.fakes import NOON

DAY = 86_400.0


def back_up(stores: Stores, home: Home, now: float = NOON) -> bool:
    return back_up_when_old(stores.nights, home.backups, now, lambda: True)


def names(home: Home) -> list[str]:
    return sorted(path.name for path in home.backups.iterdir())


def test_a_backup_is_one_file_that_opens_as_the_store_that_it_was(
    stores: Stores, home: Home, tmp_path: Path
) -> None:
    a_day(stores)
    before = export(stores)
    assert back_up(stores, home)
    remember(stores, "written after the backup")
    (made,) = home.backups.iterdir()
    assert made.name == "memory-20261121T120000Z.db"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    restored = Home(tmp_path / "restored")
    restored.create()
    restored.memory.write_bytes(made.read_bytes())
    again = open_stores(restored)
    assert export(again) == before
    again.close()


def test_a_backup_can_be_read_where_nothing_can_be_written(stores: Stores, home: Home) -> None:
    """It needs no write-ahead log beside it."""
    a_day(stores)
    back_up(stores, home)
    (made,) = home.backups.iterdir()
    with closing(sqlite3.connect(f"file:{made}?mode=ro&immutable=1", uri=True)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_within_a_day_one_backup_is_enough(stores: Stores, home: Home) -> None:
    assert back_up(stores, home, NOON)
    assert back_up(stores, home, NOON + DAY - 1)
    assert len(names(home)) == 1
    assert back_up(stores, home, NOON + DAY)
    assert len(names(home)) == 2


def test_the_last_seven_are_kept_and_what_is_not_ours_stays(stores: Stores, home: Home) -> None:
    (home.backups / "memory-mine.db").touch()
    for day in range(10):
        back_up(stores, home, NOON + day * DAY)
    assert [path.name[7:15] for path in backups(home.backups)] == [f"202611{day}" for day in range(24, 31)]
    assert len(names(home)) == 8


def test_a_backup_from_the_future_does_not_stand_in_for_one_of_today(stores: Stores, home: Home) -> None:
    back_up(stores, home, NOON + 30 * DAY)
    back_up(stores, home, NOON)
    assert len(names(home)) == 2


def test_a_backup_that_is_halted_leaves_nothing_behind(stores: Stores, home: Home) -> None:
    a_day(stores)
    (home.backups / ".memory-20261120T120000Z.db.tmp").touch()  # left by a process that was killed
    assert not back_up_when_old(stores.nights, home.backups, NOON, lambda: False)
    assert names(home) == []


def test_a_users_write_during_a_backup_neither_waits_nor_begins_it_anew(stores: Stores, home: Home) -> None:
    for number in range(600):
        remember(stores, f"{number} " + "x" * 8000)
    other, steps = open_stores(home), []

    def write() -> bool:
        steps.append(remember(other, "a user's").id)
        return len(steps) < 50

    assert back_up_when_old(stores.nights, home.backups, NOON, write)
    assert 2 < len(steps) < 50
    other.close()


def test_where_no_backup_can_be_written_that_is_said(stores: Stores, home: Home) -> None:
    home.backups.rmdir()
    home.backups.write_text("in the way")
    with pytest.raises(NoBackup, match="nothing was changed"):
        back_up(stores, home)
