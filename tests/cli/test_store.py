"""Backups of the whole memory and how one takes its place: real processes, beside a daemon, an agent, and who keeps writing."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.clock import pause
from iai_daemon.consolidation.backup import back_up_now
from iai_daemon.flock import FileLock
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft, describe
from iai_daemon.paths import Home, backups
from iai_daemon.storage.migrate import APPLICATION_ID, newest
from tests.cli.inside import call, call_json
from tests.fakes import LONG, NOON
from tests.journeys.real import RunningDaemon, command, until
from tests.journeys.test_nights import NO_NIGHTS
from tests.mcp_server.test_tools import agent, ask

RACES = 40 if LONG else 2
KILLS = 60 if LONG else 4


def remember(home: Home, *contents: str) -> list[int]:
    with closing(open_stores(home)) as stores:
        return [stores.memory.add(Draft(content), 0).id for content in contents]


def exported(home: Home, path: Path | None = None) -> list[dict[str, object]]:
    """Every memory of a home, or of a copy that is opened in a home of its own."""
    if path is not None:
        home = Home(home.root.with_name(f"look-at-{path.name}"))
        home.create()
        home.memory.write_bytes(path.read_bytes())
    with closing(open_stores(home)) as stores:
        return [describe(each) for each in stores.memory.export()]


def untouched(home: Home) -> dict[str, bytes]:
    """The files that hold memories."""
    return {str(path): path.read_bytes() for path in home.root.rglob("memory*") if path.suffix == ".db"}


def assert_refused(home: Home, backup: Path | str, *said: str) -> None:
    """In one sentence, and nothing has changed."""
    before = untouched(home)
    done = call(home, "store", "restore", str(backup))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done
    assert all(words in done.stderr for words in said), done.stderr
    assert untouched(home) == before


def test_a_backup_is_made_listed_restored_and_the_restore_taken_back(home: Home) -> None:
    remember(home, "one", "two")
    first = exported(home)
    made = call_json(home, "store", "backup")
    assert (made["memories"], made["bytes"]) == (2, Path(made["path"]).stat().st_size)
    remember(home, "three")
    second = exported(home)
    restored = call(home, "store", "restore", made["name"])
    assert restored.returncode == 0, restored
    assert exported(home) == first
    listed = call_json(home, "store", "backups")["backups"]
    assert [(each["made"], each["memories"], each["problem"]) for each in listed] == [
        ("when asked for", 2, None),
        ("before a restore", 3, None),
    ]
    kept = listed[1]["name"]
    assert restored.stdout == (
        f"The memory is what it was in {made['name']}: 2 memories. What was there (3 memories) is kept: "
        f"`iai-daemon store restore {kept}` brings it back.\n"
    )
    again = call_json(home, "store", "restore", kept)
    assert (again["memories"], again["before"], again["damaged"]) == (3, 2, False)
    assert exported(home) == second
    lines = call(home, "store", "backups").stdout.splitlines()
    assert len(lines) == 3
    assert "3 memories" in lines[1]


def test_a_home_without_backups_says_so(home: Home) -> None:
    assert call(home, "store", "backups").stdout == "no backups yet\n"
    assert call_json(home, "store", "backups")["backups"] == []


def test_a_number_is_never_given_twice(home: Home) -> None:
    """What an agent remembers by its number would be another memory."""
    remember(home, "one")
    made = call_json(home, "store", "backup")
    (later,) = remember(home, "two")
    call_json(home, "store", "restore", made["name"])
    assert remember(home, "three") == [later + 1]


def test_the_night_that_made_a_backup_is_not_in_what_is_restored(home: Home) -> None:
    remember(home, "one")
    before = exported(home)
    assert call_json(home, "consolidate", "--pass", "supersede")["id"] == 1
    (made,) = backups(home.backups)
    call_json(home, "store", "restore", made.path.name)
    assert exported(home) == before
    assert call_json(home, "nights", "list")["nights"] == []
    again = call_json(home, "consolidate", "--pass", "supersede")
    assert (again["id"], again["outcome"], again["passes"][0]["examined"]) == (2, "completed", 1)


def test_a_daemon_and_an_agent_go_on_with_what_was_restored(home: Home, tmp_path: Path) -> None:
    remember(home, "The port is 8081.")
    made = call_json(home, "store", "backup")
    daemon = RunningDaemon(home, NO_NIGHTS)

    async def conversation() -> None:
        async with agent(home, tmp_path) as session:
            await ask(session, "remember", content="The port moved to 9000.", scope="global")
            until(lambda: daemon.status()["store"]["memories"] == 2)
            restored = await asyncio.to_thread(call_json, home, "store", "restore", made["name"])
            assert (restored["memories"], restored["before"]) == (1, 2)
            found = await ask(session, "search_memory", query="port", scope="global")
            assert [each["content"] for each in found["results"]] == ["The port is 8081."]
            new = await ask(session, "remember", content="The port is open.", scope="global")
            assert new["id"] == 3
        until(lambda: daemon.status()["store"]["memories"] == 2)
        assert not daemon.status()["degraded"]

    try:
        inode = home.memory.stat().st_ino
        asyncio.run(conversation())
        assert home.memory.stat().st_ino == inode
        assert [each["content"] for each in exported(home)] == ["The port is 8081.", "The port is open."]
    finally:
        daemon.stop()


# Says each number once the memory with it is stored.
_WRITER = """
import sys, itertools; from pathlib import Path
from iai_daemon.memory.opening import open_stores; from iai_daemon.memory.record import Draft
from iai_daemon.paths import Home
stores = open_stores(Home(Path(sys.argv[1])))
for number in itertools.count():
    stores.memory.add(Draft(f"{sys.argv[2]} {number}"), 0)
    print(number, flush=True)
"""


@contextmanager
def writing(home: Home, name: str) -> Iterator[Callable[[], int]]:
    """A process that stores memories as fast as it can; asked at its end how many it was told are stored."""
    told = 0
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(home.root), name], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield lambda: told
        finally:
            process.kill()
            told = 1 + sum(line.endswith("\n") for line in process.stdout)


@pytest.mark.parametrize("race", range(RACES))
def test_what_others_store_meanwhile_is_in_the_memory_or_in_what_was_kept(home: Home, race: int) -> None:
    remember(home, "one")
    made = call_json(home, "store", "backup")
    with writing(home, "a") as a, writing(home, "b") as b:
        restored = call_json(home, "store", "restore", made["name"])
        pause(0.02)
    now = {each["content"] for each in exported(home)}
    kept = {each["content"] for each in exported(home, Path(restored["kept"]))}
    stored = {f"{name} {number}" for name, count in (("a", a()), ("b", b())) for number in range(count)}
    assert a() + b() > 2
    assert stored <= now | kept
    assert "one" in now & kept
    assert not (now & kept) - {"one"}, "the restored memory is the backup and what came after it"
    with closing(sqlite3.connect(home.memory)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("kill", range(KILLS))
def test_a_restore_that_is_killed_has_restored_everything_or_nothing(home: Home, kill: int) -> None:
    remember(home, *(f"{number} " + "x" * 2000 for number in range(1000)))
    before = exported(home)
    made = call_json(home, "store", "backup")
    remember(home, *(f"later {number}" for number in range(500)))
    after = exported(home)
    with subprocess.Popen(
        command(home, "store", "restore", made["name"]), stdout=subprocess.DEVNULL
    ) as process:
        # Until it is at it; from there on, at another moment each time.
        until(lambda: process.poll() is not None or list(home.backups.glob(".memory-*")))
        pause(0.01 * kill)
        process.kill()
    assert exported(home) in (before, after)
    call_json(home, "store", "restore", made["name"])
    assert exported(home) == before
    assert not list(home.root.rglob(".memory-*"))


def test_while_a_night_runs_nothing_is_restored_or_backed_up(home: Home) -> None:
    remember(home, "one")
    made = call_json(home, "store", "backup")
    night = FileLock(home.consolidation_lock)
    assert night.acquire("process 1, night (absent), since noon\n")
    assert_refused(home, made["name"], "process 1, night (absent)", "wait until it has ended")
    assert call(home, "store", "backup").returncode == 1
    night.release()


def _foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {newest() + 1}")


def _cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _overwritten(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[8192 : len(data) - 4096] = b"\xa5" * (len(data) - 12_288)
    path.write_bytes(data)


BAD: dict[str, tuple[Callable[[Path], Any], str]] = {
    "empty": (lambda path: path.write_bytes(b""), "it holds nothing"),
    "a text": (lambda path: path.write_text("dear diary " * 100), "not a database"),
    "of another program": (lambda path: (path.unlink(), _foreign(path)), "another program"),
    "of a newer iai-daemon": (_newer, f"newer iai-daemon (schema {newest() + 1})"),
    "cut short": (_cut_short, "malformed"),
    "overwritten": (_overwritten, "because"),
}


@pytest.mark.parametrize(("spoil", "said"), BAD.values(), ids=BAD)
def test_a_backup_that_is_of_no_use_is_refused_in_one_sentence_and_nothing_changes(
    home: Home, spoil: Callable[[Path], Any], said: str
) -> None:
    remember(home, *(f"note {number} " + "x" * 500 for number in range(50)))
    made = Path(call_json(home, "store", "backup")["path"])
    remember(home, "later")
    spoil(made)
    assert_refused(home, made.name, str(made), said, "nothing was changed")
    assert len(exported(home)) == 51


def test_what_is_no_file_is_no_backup(home: Home) -> None:
    remember(home, "one")
    os.mkfifo(home.root / "pipe")
    for name in ("nothing.db", str(home.backups), str(home.root / "pipe"), "../config.toml"):
        assert_refused(home, name, "There is no backup", "store backups")


def test_a_backup_of_an_older_schema_is_brought_to_the_present_one_and_stays_as_it_is(home: Home) -> None:
    remember(home, "today")
    old = home.backups / "memory-20260101T000000Z.db"
    text = (files("iai_daemon.storage") / "migrations" / "sqlite" / "0001_memory.sql").read_text()
    with closing(sqlite3.connect(old)) as connection:
        connection.executescript(text)
        connection.executescript(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1")
        connection.execute(
            """
            INSERT INTO records (content, scope, tags, created_at, valid_from, change)
            VALUES ('from long ago', 'global', '[]', 0, 0, 1)
            """
        )
        connection.commit()
    before = old.read_bytes()
    call_json(home, "store", "restore", old.name)
    assert [each["content"] for each in exported(home)] == ["from long ago"]
    assert call_json(home, "memory", "search", "long ago")["results"]
    assert call_json(home, "consolidate", "--pass", "supersede")["outcome"] == "completed"
    assert old.read_bytes() == before


def test_any_copy_of_ours_can_be_restored_by_its_path_also_one_in_use(home: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    other.create()
    with closing(open_stores(other)) as stores:
        stores.memory.add(Draft("theirs"), 0)
        assert other.memory.with_name("memory.db-wal").stat().st_size
        remember(home, "ours")
        call_json(home, "store", "restore", str(other.memory))
        stores.memory.add(Draft("still theirs"), 0)
    assert [each["content"] for each in exported(home)] == ["theirs"]
    assert len(exported(other)) == 2


def test_where_there_was_no_memory_there_is_one_afterwards(home: Home, tmp_path: Path) -> None:
    remember(home, "one")
    made = call_json(home, "store", "backup")
    fresh = Home(tmp_path / "fresh")
    done = call(fresh, "store", "restore", made["path"])
    assert done.stdout == f"The memory is what it was in {made['name']}: 1 memory. There was none before.\n"
    assert exported(fresh) == exported(home)
    assert fresh.memory.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("answer", "status", "memories"), [("n", 130, 2), ("y", 0, 1)])
def test_at_a_terminal_it_is_asked_first(home: Home, answer: str, status: int, memories: int) -> None:
    remember(home, "one")
    made = call_json(home, "store", "backup")
    remember(home, "two")
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            command(home, "store", "restore", made["name"]),
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            os.write(ours, f"{answer}\n".encode())
            said, _ = process.communicate(timeout=30)
    finally:
        os.close(ours)
        os.close(theirs)
    assert (process.returncode, len(exported(home))) == (status, memories)
    assert f"Put {made['name']} (1 memory) in the place of the memory as it is now?" in said


def test_seven_of_each_sort_are_kept_and_what_was_just_made_in_any_case(home: Home) -> None:
    remember(home, "one")
    (home.backups / "memory-20260101T000000Z.db").write_bytes(b"")
    with closing(open_stores(home)) as stores:
        names = [back_up_now(stores.nights, home, NOON + minute).name for minute in range(9)]
    kept = [each.path.name for each in backups(home.backups)]
    assert kept == ["memory-20260101T000000Z.db", *names[2:]]
    with closing(open_stores(home)) as stores:
        set_back = back_up_now(stores.nights, home, NOON - 86_400).name
    assert [each.path.name for each in backups(home.backups)][1:] == [set_back, *names[3:]]
    for number in range(8):
        (home.backups / f"memory-2001010{number + 1}T000000Z-before-restore.db").touch()
    kept_now = call_json(home, "store", "restore", set_back)["kept"]
    before = [each.path for each in backups(home.backups) if each.purpose == "before-restore"]
    assert (len(before), str(before[-1])) == (7, kept_now)


def test_a_backup_says_of_what_it_is(home: Home) -> None:
    remember(home, "one")
    done = call(home, "store", "backup")
    (made,) = backups(home.backups)
    name = made.path.name
    assert done.stdout == f"{name}: 1 memory; `iai-daemon store restore {name}` restores it\n"
    assert json.loads(call(home, "store", "backups", "--json").stdout)["backups"][0]["name"] == name
