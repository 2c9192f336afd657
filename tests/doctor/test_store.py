"""The memory's file: missing, lost, foreign, newer, older, damaged, locked, without a copy, and well."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
from pathlib import Path

import pytest

from iai_daemon.consolidation import lock
from iai_daemon.consolidation.backup import back_up_now
from iai_daemon.doctor.checks.store import integrity
from iai_daemon.doctor.finding import Finding, Verdict
from iai_daemon.errors import StoreBusy
from iai_daemon.paths import Home, backups
from iai_daemon.storage.migrate import newest
from tests.doctor.looking import Found, failing, look
from tests.doctor.remembering import DAY, after, opened, remember
from tests.fakes import NOON
from tests.faults.stage import mounting
from tests.journeys.real import command


def facts(home: Home) -> list[str]:
    with contextlib.closing(sqlite3.connect(home.memory)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM facts ORDER BY name")]


def back_up(home: Home, seconds: float = 0.0) -> Path:
    with opened(home) as stores:
        return back_up_now(stores.nights, home, NOON + seconds)


def refused(found: Found) -> str:
    """What is said of the memory, which fails."""
    assert found["store"].status is Verdict.FAIL
    return found["store"].seen


@pytest.mark.parametrize("created", [False, True])
def test_no_memory_is_fine_and_none_is_made(tmp_path: Path, created: bool) -> None:
    home = Home(tmp_path / "none")
    if created:
        home.create()
    found = look(home, "store")
    assert (failing(found), found["store"].seen) == ({}, "there is no memory yet")
    assert home.root.exists() == created
    assert not home.memory.exists()


def test_a_memory_is_written_read_and_left_as_it_was(home: Home) -> None:
    remember(home)
    before = facts(home)
    found = look(home, "store", after())
    assert failing(found) == {}
    assert "written, read by another connection and taken back" in found["store"].seen
    assert "read through and found sound" in found["store.integrity"].seen
    assert "memories: 1, in 0." in found["store.growth"].seen
    assert facts(home) == before


def test_what_a_killed_doctor_has_left_is_taken_back_by_a_later_one(home: Home) -> None:
    remember(home)
    before = facts(home)
    with contextlib.closing(sqlite3.connect(home.memory)) as connection, connection:
        left = ("doctor:0123456789abcdef", str(round(NOON * 1000)))
        connection.execute("INSERT INTO facts (name, value) VALUES (?, ?)", left)
    assert failing(look(home, "store", after(60))) == {}
    assert facts(home) == sorted([*before, left[0]]), "another doctor may be at work"
    assert failing(look(home, "store", after(3660))) == {}
    assert facts(home) == before


def test_a_memory_that_is_gone_although_there_are_backups_is_not_begun_anew(home: Home) -> None:
    remember(home)
    made = back_up(home)
    home.memory.unlink()
    said = refused(look(home, "store"))
    assert f"iai-daemon store restore {made.name}" in said
    assert not home.memory.exists()
    home.memory.touch()
    assert "is empty, though there are backups" in refused(look(home, "store"))
    assert home.memory.stat().st_size == 0


def test_a_file_of_another_program_is_named_as_such(home: Home) -> None:
    with contextlib.closing(sqlite3.connect(home.memory)) as connection, connection:
        connection.execute("CREATE TABLE theirs (x)")
    before = home.memory.read_bytes()
    assert "belongs to another program" in refused(look(home, "store"))
    assert home.memory.read_bytes() == before


def test_a_memory_of_a_newer_program_is_left_alone(home: Home) -> None:
    remember(home)
    with contextlib.closing(sqlite3.connect(home.memory)) as connection:
        connection.execute(f"PRAGMA user_version = {newest() + 1}")
    assert "was written by a newer iai-daemon" in refused(look(home, "store"))


def test_an_older_schema_is_told_and_not_brought_up(home: Home) -> None:
    remember(home)
    with contextlib.closing(sqlite3.connect(home.memory)) as connection:
        connection.execute(f"PRAGMA user_version = {newest() - 1}")
    found = look(home, "store")
    assert found["store.schema"].status is Verdict.WARN
    assert "`iai-daemon restart`" in (found["store.schema"].remedy or "")
    with contextlib.closing(sqlite3.connect(home.memory)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (newest() - 1,)


def test_something_else_in_its_place_is_told(home: Home) -> None:
    home.memory.mkdir()
    assert "see that it and its directory are yours" in refused(look(home, "store"))


def test_damage_is_found_and_the_newest_backup_named(home: Home) -> None:
    remember(home, *(f"Memory number {number} of a longer list." for number in range(500)))
    made = back_up(home)
    with home.memory.open("r+b") as file:
        size = os.fstat(file.fileno()).st_size
        for place in range(size // 4096 // 2, size // 4096 - 1):
            file.seek(place * 4096)
            file.write(b"\x55" * 4096)
    found = look(home, "store", after())
    broken = [each for each in found.values() if each.status is Verdict.FAIL]
    assert broken
    assert all(f"iai-daemon store restore {made.name}" in f"{each.seen} {each.remedy}" for each in broken)


def test_a_memory_that_another_process_keeps_locked_is_told_after_a_second(home: Home) -> None:
    remember(home)
    with contextlib.closing(sqlite3.connect(home.memory, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        said = refused(look(home, "store"))
        assert "has been locked by another process for 1 s" in said
        other.execute("ROLLBACK")
        assert failing(look(home, "store", after())) == {}


def test_a_night_that_holds_the_memory_for_long_is_no_failure(home: Home) -> None:
    remember(home)
    with (
        lock.held(home.consolidation_lock, "process 1, night 7"),
        contextlib.closing(sqlite3.connect(home.memory, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        found = look(home, "store")["store"]
        other.execute("ROLLBACK")
    assert (found.status, "night 7" in found.seen) == (Verdict.WARN, True)


def test_a_memory_too_large_to_read_through_says_when_that_was_done(home: Home) -> None:
    remember(home)
    with contextlib.closing(sqlite3.connect(home.memory)) as connection, connection:
        connection.execute("CREATE TABLE much (x)")
        connection.execute(
            """
            WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 50000)
            INSERT INTO much SELECT n FROM numbers
            """
        )

    def seen(seconds: float) -> tuple[Verdict, str]:
        with contextlib.closing(sqlite3.connect(home.memory)) as connection:
            (found,) = integrity(home, connection, after(seconds), seconds=0)
        return found.status, found.seen.partition("; ")[2] or found.seen.partition(", ")[2]

    never = seen(0)
    assert (never[0], "large, nor ever before" in never[1]) == (Verdict.WARN, True)
    made = back_up(home)
    assert seen(3600) == (Verdict.OK, "that was done 60 min ago")
    assert seen(31 * DAY)[0] is Verdict.WARN
    made.unlink()
    with contextlib.closing(sqlite3.connect(home.memory)) as connection, connection:
        connection.execute("INSERT INTO facts VALUES ('maintained_at', ?)", (str(round(NOON * 1000)),))
    assert seen(3600)[0] is Verdict.OK


def test_how_it_grows_is_told_from_what_nights_have_counted(home: Home) -> None:
    remember(home)
    with opened(home) as stores:
        for day, total in ((0, 100), (1, 110), (4, 140)):
            at = round((NOON + day * DAY) * 1000)
            night = stores.nights.begin_night("night", "absent", at)
            stores.nights.end_night(night, "completed", None, {"total_nodes": total}, at)
    found = look(home, "store", after(DAY))
    assert failing(found) == {}
    assert "memories: 1 (+10 a day), in" in found["store.growth"].seen


def test_a_memory_that_has_no_backup_after_days_gets_one(home: Home) -> None:
    remember(home)
    assert failing(look(home, "store", after(DAY))) == {}
    found = look(home, "store", after(3 * DAY))["store.backup"]
    assert (found.status, found.remedy) == (Verdict.WARN, "`iai-daemon store backup`")
    assert found.mend
    found.mend.do()
    assert failing(look(home, "store", after(3 * DAY))) == {}


def test_a_backup_is_old_when_memories_have_changed_since(home: Home) -> None:
    remember(home)
    back_up(home)
    assert failing(look(home, "store", after(8 * DAY))) == {}
    remember(home, "The build is red.", seconds=DAY)
    assert failing(look(home, "store", after(6 * DAY))) == {}
    found = look(home, "store", after(8 * DAY))["store.backup"]
    assert (found.status, "8 d ago, and memories have changed since" in found.seen) == (Verdict.WARN, True)
    assert found.mend
    found.mend.do()
    assert failing(look(home, "store", after(8 * DAY))) == {}


def test_a_backup_that_is_not_whole_fails(home: Home) -> None:
    remember(home)
    made = back_up(home)
    with made.open("r+b") as file:
        file.truncate(made.stat().st_size // 2)
    found = look(home, "store", after())["store.backup"]
    assert found.status is Verdict.FAIL
    assert made.name in found.seen
    assert found.mend
    found.mend.do()
    assert len(backups(home.backups)) == 2
    assert failing(look(home, "store", after())) == {}


def test_a_log_that_has_grown_without_an_end_is_folded_in(home: Home) -> None:
    remember(home)
    with contextlib.closing(sqlite3.connect(home.memory)) as reader:
        reader.execute("SELECT * FROM facts").fetchone()
        log = home.memory.with_name("memory.db-wal")
        # What comes after the frames that count is left alone, and costs no room on the disk.
        os.truncate(log, 200_000_000)
        found = look(home, "store", after())["store.log"]
        assert (found.status, "grown to 200 MB" in found.seen) == (Verdict.WARN, True)
        assert found.mend
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM facts").fetchone()
        with opened(home) as stores:
            stores.tasks.update("consolidate", 1, enabled=False)
        with pytest.raises(StoreBusy):
            found.mend.do()
        reader.rollback()
        found.mend.do()
        assert log.stat().st_size == 0
        assert failing(look(home, "store", after())) == {}


def test_a_file_that_is_mostly_empty_is_told(home: Home) -> None:
    remember(home)
    with contextlib.closing(sqlite3.connect(home.memory)) as connection, connection:
        connection.execute("CREATE TABLE much (x)")
        connection.execute("INSERT INTO much VALUES (zeroblob(12000000))")
        connection.execute("DROP TABLE much")
    found = look(home, "store", after())["store.empty"]
    assert (found.status, "12.0 MB of its 12." in found.seen) == (Verdict.WARN, True)
    assert "maintain" in (found.remedy or "")


@pytest.mark.parametrize("broken", ["full", "read-only"])
def test_a_disk_that_takes_no_write_is_told_and_the_memory_stays_what_it_was(home: Home, broken: str) -> None:
    with mounting() as stage:

        def told() -> Found:
            """What the command finds that sees the home on a disk of its own."""
            words = [*stage.before, *command(home, "doctor", "--json")]
            done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
            checks = [Finding(**each) for each in json.loads(done.stdout)["checks"]]
            return {each.name: each for each in checks if each.name.startswith("store")}

        stage.run("mount", "-t", "tmpfs", "-o", "size=4m", "none", home.root)
        stage.run(*command(home, "memory", "add", "The build is green."))
        assert told()["store"].status == Verdict.OK
        if broken == "full":
            with pytest.raises(subprocess.CalledProcessError):
                stage.run("dd", "if=/dev/zero", f"of={home.root}/filler", "bs=4k")
        else:
            stage.run("mount", "-o", "remount,ro", "none", home.root)
        found = told()["store"]
        assert found.status == Verdict.FAIL
        assert "see that it and its directory are yours and writable and that the disk has room" in found.seen
        stage.run("mount", "-o", "remount,rw,size=8m", "none", home.root)
        assert told()["store"].status == Verdict.OK


def test_a_memory_that_another_process_has_for_itself_is_told_before_it_is_opened(home: Home) -> None:
    remember(home)
    with contextlib.closing(sqlite3.connect(home.memory, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        found = look(home, "store")["store"]
    assert (found.status, "has been locked by another process for 1 s" in found.seen) == (Verdict.FAIL, True)
    assert f"`fuser -v {home.memory}`" in (found.remedy or "")
