"""Backups before the first change of a night."""

from __future__ import annotations

import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from iai_daemon.consolidation.backup import back_up_when_old
from iai_daemon.errors import CorruptStore
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home, backups
from tests.consolidation.evening import a_day, export, night, remember
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
    assert [each.path.name[7:15] for each in backups(home.backups)] == [
        f"202611{day}" for day in range(24, 31)
    ]
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


def test_a_backup_that_was_killed_bears_no_name_and_is_cleared_away_by_the_next(
    stores: Stores, home: Home
) -> None:
    for number in range(600):
        remember(stores, f"{number} " + "x" * 8000)
    program = """
import os, signal, sys; from pathlib import Path
from iai_daemon.consolidation.backup import back_up_when_old; from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
home, asked = Home(Path(sys.argv[1])), iter(range(2))
back_up_when_old(open_stores(home).nights, home.backups, 0.0,
    lambda: next(asked, None) is not None or os.kill(os.getpid(), signal.SIGKILL))
"""
    killed = subprocess.run([sys.executable, "-c", program, str(home.root)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert names(home)
    assert not backups(home.backups)
    assert back_up(stores, home)
    assert names(home) == ["memory-20261121T120000Z.db"]


def test_what_a_person_asked_for_spares_the_night_one_and_what_a_restore_kept_does_not(
    stores: Stores, home: Home
) -> None:
    (home.backups / "memory-20261121T110000Z-before-restore.db").touch()
    assert back_up(stores, home)
    assert "memory-20261121T120000Z.db" in names(home)
    (home.backups / "memory-20261123T110000Z-asked.db").touch()
    assert back_up(stores, home, NOON + 2 * DAY)
    assert len(names(home)) == 3


def test_what_is_damaged_is_not_backed_up_and_drives_out_no_backup_that_is_whole(
    stores: Stores, home: Home
) -> None:
    a_day(stores)
    for day in range(7):
        back_up(stores, home, NOON - (8 - day) * DAY)
    before = names(home)
    with closing(sqlite3.connect(home.memory)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'vectors'").fetchone()
    with home.memory.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xa5" * 4096)
    with pytest.raises(CorruptStore, match=f"store restore {before[-1]}"):
        back_up(stores, home)
    assert names(home) == before


def test_a_folder_may_be_elsewhere(stores: Stores, home: Home, tmp_path: Path) -> None:
    home.backups.rmdir()
    (tmp_path / "elsewhere").mkdir()
    home.backups.symlink_to(tmp_path / "elsewhere")
    assert back_up(stores, home)
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["memory-20261121T120000Z.db"]


@pytest.mark.parametrize(
    "stand_in_the_way",
    [lambda path: path.write_text("in the way"), lambda path: path.symlink_to("nowhere")],
    ids=["a file", "a link to nowhere"],
)
def test_where_no_backup_can_be_written_that_is_said_and_nothing_is_changed(
    stores: Stores, home: Home, stand_in_the_way: Callable[[Path], None]
) -> None:
    a_day(stores)
    before = export(stores)
    home.backups.rmdir()
    stand_in_the_way(home.backups)
    report = night(stores, prepare=lambda: back_up(stores, home))
    assert (report.outcome, report.passes) == ("failed", ())
    assert report.reason is not None
    assert str(home.backups) in report.reason
    assert "nothing was changed" in report.reason
    assert export(stores) == before
