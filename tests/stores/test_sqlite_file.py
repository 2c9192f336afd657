"""The embedded engine's file: whose it is, how new, and that what is not ours stays untouched."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from iai_daemon.errors import CorruptStore, ForeignStore, NewerStore, StoreBusy, StoreOutOfReach
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.memory.sqlite.opening import stores_on
from iai_daemon.paths import Home
from iai_daemon.storage.migrate import APPLICATION_ID, newest
from iai_daemon.storage.sqlite import immediate, open_database, translated
from tests.fakes import LONG


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def make(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_new_store_is_ours_alone_and_says_whose_it_is(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    before = os.umask(0)
    try:
        with closing(open_database(path)) as connection:
            assert connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
            assert connection.execute("PRAGMA user_version").fetchone()[0] == newest()
            assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
            assert {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()} == {0o600}
    finally:
        os.umask(before)
    with closing(open_database(path)):
        pass


@pytest.mark.parametrize(
    "content",
    [b"not a database", b"SQLite format 3\0", b"\0" * 200, b"SQLite format 3\0" + b"\xff" * 300],
    ids=["text", "header alone", "zeros", "header and garbage"],
)
def test_what_is_no_store_stays_untouched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "memory.db"
    path.write_bytes(content)
    before = snapshot(tmp_path)
    with pytest.raises((ForeignStore, CorruptStore), match=r"memory\.db"):
        open_database(path)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("wal", [False, True])
@pytest.mark.parametrize("application", [0, 12345])
def test_another_programs_database_stays_untouched(tmp_path: Path, application: int, wal: bool) -> None:
    path = tmp_path / "memory.db"
    mode = ["PRAGMA journal_mode = WAL"] if wal else []
    make(path, *mode, f"PRAGMA application_id = {application}", "CREATE TABLE theirs (x)")
    before = snapshot(tmp_path)
    with pytest.raises(ForeignStore):
        open_database(path)
    assert snapshot(tmp_path) == before


def test_a_database_that_its_owner_has_open_stays_untouched(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as owner:
        owner.execute("PRAGMA journal_mode = WAL")
        owner.execute("CREATE TABLE theirs (x)")
        before = snapshot(tmp_path)
        with pytest.raises(ForeignStore):
            open_database(path)
        assert snapshot(tmp_path).keys() == before.keys()
        for name in ("memory.db", "memory.db-wal"):
            assert snapshot(tmp_path)[name] == before[name]


def test_a_newer_schema_that_still_stands_in_the_log_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with closing(open_database(path)) as newer:
        newer.execute(f"PRAGMA user_version = {newest() + 1}")
        with pytest.raises(NewerStore):
            open_database(path)


def test_a_newer_schema_stays_untouched(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    open_database(path).close()
    make(path, f"PRAGMA user_version = {newest() + 1}")
    before = snapshot(tmp_path)
    with pytest.raises(NewerStore, match="upgrade iai-daemon"):
        open_database(path)
    assert snapshot(tmp_path) == before


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    path.touch()
    open_database(path).close()
    assert path.stat().st_size > 0


def test_a_store_whose_maker_was_killed_at_once_is_ours(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from iai_daemon.storage.sqlite import open_database\n"
        "kept = open_database(Path(sys.argv[1])); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    with closing(open_database(path)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM records").fetchone()[0] == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:100] + b"\xff" * 3996 + data[4096:],
        lambda data: data[: len(data) // 2],
        lambda data: data[:4096] + bytes(len(data) - 4096),
    ],
    ids=["schema", "cut short", "zeros"],
)
def test_a_damaged_store_stays_untouched(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "memory.db"
    open_database(path).close()
    path.write_bytes(damage(path.read_bytes()))
    before = snapshot(tmp_path)
    with pytest.raises(CorruptStore, match="left untouched"):
        open_database(path)
    assert snapshot(tmp_path) == before


def test_damage_that_only_a_search_meets_is_a_sentence_too(tmp_path: Path) -> None:
    home = Home(tmp_path)
    stores = open_stores(home)
    record = stores.memory.add(Draft("One fact."), 0)
    stores.close()
    make(home.memory, "UPDATE records SET source = CAST(x'ff' AS TEXT)")
    stores = open_stores(home)
    with pytest.raises(CorruptStore, match="UTF-8"):
        stores.memory.get(record.id)
    stores.close()


def test_what_cannot_be_opened_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe", "missing/memory.db", "x" * 300):
        with pytest.raises(StoreOutOfReach, match="cannot be read or written"):
            open_database(tmp_path / name)


def test_a_full_disk_is_a_sentence_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with closing(open_database(path)) as connection:
        store = stores_on(connection, path).memory
        kept = store.add(Draft("Before."), 0)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreOutOfReach, match="full"):
            store.add(Draft("x" * 60_000), 0)
        assert list(store.export()) == [kept]
        connection.execute("PRAGMA max_page_count = 1000000")
        store.add(Draft("After."), 0)


def test_opening_it_once_more_takes_no_lock_of_the_same_process_away(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with closing(open_database(path)) as connection:
        open_database(path).close()
        write = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT 1 FROM records'); c.close()"
        subprocess.run([sys.executable, "-c", write, str(path)], check=True)
        assert (tmp_path / "memory.db-wal").exists(), "the other process took itself for the last one"
        assert connection.execute("SELECT COUNT(*) FROM records").fetchone()[0] == 0


@pytest.mark.parametrize("command", [["mcp"], ["memory", "search", "x"]])
def test_a_python_without_full_text_search_says_so_and_touches_nothing(
    tmp_path: Path, command: list[str]
) -> None:
    open_database(tmp_path / "memory.db").close()
    before = snapshot(tmp_path)
    code = """
import sqlite3, sys
class Poor(sqlite3.Connection):
    def execute(self, sql, *rest):
        if "USING fts5" in sql:
            raise sqlite3.OperationalError("no such module: fts5")
        return super().execute(sql, *rest)
connect = sqlite3.connect
sqlite3.connect = lambda *given, **named: connect(*given, factory=Poor, **named)
from iai_daemon.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
    ended = subprocess.run(
        [sys.executable, "-c", code, "--home", str(tmp_path), *command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (78, "", 1)
    assert "FTS5" in ended.stderr
    assert snapshot(tmp_path) == before


def test_a_lock_that_is_held_too_long_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with closing(open_database(path)) as holder, closing(open_database(path)) as waiting:
        waiting.execute("PRAGMA busy_timeout = 20")
        with immediate(holder), pytest.raises(StoreBusy, match="try again"), translated(path):
            waiting.execute("BEGIN IMMEDIATE")


@pytest.mark.parametrize("turn", range(50 if LONG else 1))
def test_eight_processes_that_open_a_new_store_at_once_all_succeed(tmp_path: Path, turn: int) -> None:
    path = tmp_path / "memory.db"
    code = (
        "import sys; from pathlib import Path\n"
        "from iai_daemon.storage.sqlite import open_database\n"
        "sys.stdin.read(); open_database(Path(sys.argv[1])).close()"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(8)
    ]
    for each in started:
        assert each.stdin is not None
        each.stdin.close()
    for each in started:
        assert each.stderr is not None
        assert (each.wait(timeout=30), each.stderr.read()) == (0, b"")
        each.stderr.close()
    with closing(open_database(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
