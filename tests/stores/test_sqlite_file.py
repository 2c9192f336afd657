"""The embedded engine's file: whose it is, how new, and that what is not ours stays untouched."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from iai_daemon.errors import CorruptStore, ForeignStore, NewerStore, StoreBusy
from iai_daemon.storage.migrate import APPLICATION_ID, newest
from iai_daemon.storage.sqlite import immediate, open_database, translated


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


def test_damage_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    open_database(path).close()
    data = bytearray(path.read_bytes())
    data[100:4096] = b"\xff" * 3996
    path.write_bytes(data)
    with pytest.raises(CorruptStore, match="left untouched"):
        open_database(path)
    assert path.read_bytes() == data


def test_a_lock_that_is_held_too_long_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with closing(open_database(path)) as holder, closing(open_database(path)) as waiting:
        waiting.execute("PRAGMA busy_timeout = 20")
        with immediate(holder), pytest.raises(StoreBusy, match="try again"), translated(path):
            waiting.execute("BEGIN IMMEDIATE")


def test_eight_processes_that_open_a_new_store_at_once_all_succeed(tmp_path: Path) -> None:
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
