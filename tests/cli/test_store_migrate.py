"""The whole memory moved to PostgreSQL and back: killed anywhere, written to meanwhile, refused where it must be."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from iai_daemon.clock import Stopwatch
from iai_daemon.errors import HalfMoved, NotMoved
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.paths import Home
from iai_daemon.progress import Tell
from iai_daemon.storage import migrate
from iai_daemon.storage.moving.move import contents, move
from iai_daemon.storage.moving.postgres_side import at_address, to_fill
from iai_daemon.storage.moving.sqlite_side import being_filled, new_file, only_read
from iai_daemon.storage.moving.tables import all_tables
from iai_daemon.storage.postgres.locks import Lock
from iai_daemon.storage.postgres.opening import open_database
from iai_daemon.storage.sqlite_database import SqliteDatabase
from tests import postgres
from tests.cli.inside import call_json, refused, said
from tests.fakes import LONG
from tests.faults.seeds import luck
from tests.journeys.real import RunningDaemon, command
from tests.storage.contents import ODD, fill, kept
from tests.storage.team import team

KILLS = 20 if LONG else 4
Database = Callable[[], str]


@pytest.fixture
def full(home: Home) -> Home:
    """A home with something in every table of its file."""
    with closing(sqlite3.connect(home.memory, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        migrate.migrate(connection)
        fill(SqliteDatabase(connection, home.memory), migrate.newest())
    home.memory.chmod(0o600)
    return home


def files(home: Home) -> dict[str, bytes]:
    """Whatever of the memory is in the home, byte by byte."""
    return {path.name: path.read_bytes() for path in home.root.glob("memory*")}


def use_server(home: Home, address: str) -> None:
    home.config.write_text(f'[memory]\nstore = "{address}"\n')
    home.config.chmod(0o600)


def all_of(home: Home) -> dict[str, list[dict[str, object]]]:
    with closing(open_stores(home)) as stores:
        return kept(stores.database, migrate.newest())


def query(address: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(address, autocommit=True) as connection:
        done = connection.execute(statement.encode())
        return done.fetchall() if done.description else []


def remember(home: Home, number: int) -> None:
    with closing(open_stores(home)) as stores:
        stores.memory.import_many(
            (Draft(f"Fact {each}.", external_id=str(each)) for each in range(number)), 1
        )


# There and back.


def test_everything_goes_to_a_server_and_the_file_stays_as_it_is(full: Home, new_database: Database) -> None:
    address, before = new_database(), files(full)
    expected = all_of(full)
    before = files(full)
    moved = call_json(full, "store", "migrate", "--to", address)
    assert (moved["from"], moved["to"], moved["resumed"]) == (str(full.memory), address, False)
    assert moved["settings"] == [f"iai-daemon config set memory.store {address}"]
    assert {name: each["rows"] for name, each in moved["tables"].items()} == {
        name: len(rows) for name, rows in expected.items()
    }
    assert files(full) == before
    use_server(full, address)
    found = all_of(full)
    for table, rows in expected.items():
        assert [{name: row[name] for name in rows[0]} for row in found[table]] == rows, table


def test_everything_comes_back_into_a_file_and_is_what_it_was(full: Home, new_database: Database) -> None:
    address = new_database()
    expected = all_of(full)
    there = call_json(full, "store", "migrate", "--to", address)
    use_server(full, address)
    full.memory.rename(full.root / "old.db")
    back = call_json(full, "store", "migrate", "--to", "sqlite")
    assert back["tables"] == there["tables"]
    assert back["settings"] == ["iai-daemon config set memory.store sqlite"]
    assert full.memory.stat().st_mode & 0o777 == 0o600
    assert not being_filled(full.memory).exists()
    full.config.unlink()
    assert all_of(full) == expected
    with closing(open_stores(full)) as stores:
        assert stores.memory.get(3).content == ODD


def test_another_file_and_another_database_can_be_named(
    full: Home, new_database: Database, tmp_path: Path
) -> None:
    first, second = new_database(), new_database()
    expected = call_json(full, "store", "migrate", "--to", first)["tables"]
    use_server(full, first)
    assert call_json(full, "store", "migrate", "--to", second)["tables"] == expected
    aside = tmp_path / "aside.db"
    moved = call_json(full, "store", "migrate", "--to", f"sqlite:{aside}")
    assert moved["tables"] == expected
    assert moved["settings"] == [f"mv {aside} {full.memory}", "iai-daemon config set memory.store sqlite"]
    with only_read(aside) as side:
        assert {each.name: contents(side, each).sha256 for each in all_tables()} == {
            name: each["sha256"] for name, each in expected.items()
        }


def test_what_is_moved_is_used_as_before(full: Home, new_database: Database) -> None:
    address = new_database()
    said(full, "store", "migrate", "--to", address)
    use_server(full, address)
    assert [
        each["id"] for each in call_json(full, "memory", "search", "port", "--limit", "1")["results"]
    ] == [4]
    assert "stored as 41" in said(full, "memory", "add", "No number comes twice."), "the journal tells of 40"
    assert [each["id"] for each in call_json(full, "recall", "list", "--all")["recalls"]] == [3, 7]


def test_numbers_that_were_given_away_and_erased_are_not_given_again_on_either_side(
    home: Home, new_database: Database
) -> None:
    remember(home, 3)
    said(home, "memory", "purge", "3", "--yes")
    address = new_database()
    said(home, "store", "migrate", "--to", address)
    use_server(home, address)
    assert "stored as 4" in said(home, "memory", "add", "on the server")
    said(home, "memory", "purge", "4", "--yes")
    home.memory.unlink()
    said(home, "store", "migrate", "--to", "sqlite")
    home.config.unlink()
    assert "stored as 5" in said(home, "memory", "add", "in the file")


def test_the_way_there_is_only_looked_at_with_dry_run(
    full: Home, new_database: Database, postgres_server: str
) -> None:
    before = files(full)
    for address in (new_database(), None):
        with contextlib.ExitStack() as made:
            to = address or made.enter_context(postgres.a_database(postgres_server, f"dry_{os.getpid()}"))
            looked = call_json(full, "store", "migrate", "--to", to, "--dry-run")
            assert (looked["rows"]["records"], looked["rows"]["held"], looked["goes_on"]) == (5, 3, False)
            assert query(to, "SELECT 1 FROM pg_class WHERE relname = 'moving_records'") == []
            if address is None:
                assert query(to, "SELECT 1 FROM pg_namespace WHERE nspname = 'iai'") == []
    assert files(full) == before


def test_an_address_with_a_password_comes_from_a_variable(
    full: Home, new_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = new_database()
    secret = address.replace("@", ":hush@")
    assert "--env NAME" in refused(full, "store", "migrate", "--to", secret, status=2)
    assert "is not set" in refused(full, "store", "migrate", "--env", "WHERE_TO", status=2)
    monkeypatch.setenv("WHERE_TO", secret)
    done = said(full, "store", "migrate", "--env", "WHERE_TO")
    assert "hush" not in done
    assert "`iai-daemon config set memory.store_env WHERE_TO`" in done


def test_one_of_a_team_moves_his_own_there_and_back_without_more_rights_than_he_needs(full: Home) -> None:
    with team() as the_team, the_team.database() as database:
        address = the_team.address("ada", database)
        expected = call_json(full, "store", "migrate", "--to", address)["tables"]
        assert query(the_team.server.dsn(database), "SELECT DISTINCT owned_by FROM iai.records") == [("ada",)]
        sentence = refused(full, "store", "migrate", "--to", the_team.address("bob", database))
        assert "by rows of another user of that database" in sentence
        use_server(full, address)
        assert "stored as 41" in said(full, "memory", "add", "No number comes twice.")
        said(full, "memory", "purge", "41", "--yes")
        back = call_json(full, "store", "migrate", "--to", f"sqlite:{full.root}/back.db")["tables"]
        # What is told to a server is noted there, so that it is not told twice.
        assert [name for name in expected if back[name] != expected[name]] == ["delivered"]


# Killed, and gone on with.


class Killed(Exception):
    """Stands in for a kill between two portions."""


def die_after(portions: int) -> Tell:
    left = iter(range(portions))

    def tell(_name: str, _done: int, _total: int | None) -> None:
        if next(left, None) is None:
            raise Killed

    return tell


@pytest.mark.parametrize("portions", [0, 1, 5, 14, 25])
def test_a_move_that_ended_early_goes_on_where_it_stopped(
    full: Home, new_database: Database, portions: int
) -> None:
    address = new_database()
    with pytest.raises(Killed), only_read(full.memory) as source, to_fill(address) as target:
        move(source, target, die_after(portions))
    with pytest.raises(HalfMoved):
        open_database(address, Lock.MEMORY)
    assert call_json(full, "store", "migrate", "--to", address, "--dry-run")["goes_on"]
    expected = {each.name: content for each, content in of_file(full.memory)}
    with only_read(full.memory) as source, to_fill(address) as target:
        moved = move(source, target)
        target.finish()
    assert (moved.resumed, moved.tables) == (True, expected)
    open_database(address, Lock.MEMORY).close()


@pytest.mark.parametrize("portions", [0, 1, 5, 14, 25])
def test_a_move_back_that_ended_early_goes_on_where_it_stopped(
    full: Home, new_database: Database, portions: int
) -> None:
    address, back = new_database(), full.root / "back.db"
    said(full, "store", "migrate", "--to", address)
    with pytest.raises(Killed), at_address(address) as source, new_file(back) as target:
        move(source, target, die_after(portions))
    assert not back.exists()
    use_server(full, address)
    assert call_json(full, "store", "migrate", "--to", f"sqlite:{back}")["resumed"]
    assert of_file(back) == of_file(full.memory)


def of_file(path: Path) -> list[tuple[Any, Any]]:
    with only_read(path) as side:
        return [(table, contents(side, table)) for table in all_tables()]


def test_a_process_that_is_killed_at_any_moment_leaves_what_goes_on(
    home: Home, new_database: Database
) -> None:
    remember(home, 6_000)
    watch = Stopwatch()
    said(home, "store", "migrate", "--to", new_database())
    whole = watch.seconds()
    before, moments = files(home), luck("moves")
    for _ in range(KILLS):
        address = new_database()
        process = subprocess.Popen(
            command(home, "store", "migrate", "--to", address), stderr=subprocess.DEVNULL
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(moments.uniform(0.1 * whole, whole))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if query(address, "SELECT 1 FROM iai.facts WHERE name = 'migrating'") or not query(
            address, "SELECT 1 FROM iai.records LIMIT 1"
        ):
            call_json(home, "store", "migrate", "--to", address)
        assert query(address, "SELECT COUNT(*), COUNT(DISTINCT id), MAX(change) FROM iai.records") == [
            (6_000, 6_000, 6_000)
        ]
        assert query(address, "SELECT COUNT(*) FROM iai.words") == [(6_000,)]
        assert query(address, "SELECT 1 FROM iai.facts WHERE name = 'migrating'") == []
    assert files(home) == before


def test_one_that_began_with_another_store_begins_anew(
    full: Home, new_database: Database, tmp_path: Path
) -> None:
    address, other = new_database(), Home(tmp_path / "other")
    other.create()
    remember(other, 20)
    with pytest.raises(Killed), only_read(other.memory) as source, to_fill(address) as target:
        move(source, target, die_after(3))
    moved = call_json(full, "store", "migrate", "--to", address)
    assert not moved["resumed"]
    assert query(address, "SELECT id FROM iai.records ORDER BY id") == [(1,), (2,), (3,), (4,), (9,)]


# Not while others write.


def test_what_was_written_to_the_old_store_meanwhile_is_seen_and_the_next_move_begins_anew(
    full: Home, new_database: Database
) -> None:
    address = new_database()
    with pytest.raises(Killed), only_read(full.memory) as source, to_fill(address) as target:
        move(source, target, die_after(10))
    with closing(open_stores(full)) as stores:
        stores.memory.forget(4, 99)
    sentence = refused(full, "store", "migrate", "--to", address)
    assert "records is not the same" in sentence
    assert "somebody has written meanwhile" in sentence
    with pytest.raises(HalfMoved):
        open_database(address, Lock.MEMORY)
    moved = call_json(full, "store", "migrate", "--to", address)
    assert not moved["resumed"]
    assert query(address, "SELECT forgotten_at FROM iai.records WHERE id = 4") == [(99,)]


def test_a_row_that_differs_is_found_whatever_it_is(full: Home, new_database: Database) -> None:
    """What was moved is changed behind the mover's back, in one table after the other."""
    for table, change in (
        ("vectors", r"vector = '\x00' WHERE record = 4"),
        ("links", "weight = 0.3 WHERE one = 2"),
        ("runs", "output = output || ' ' WHERE id = 2"),
        ("held", "why = 'budget' WHERE change_id = 'z'"),
    ):
        address = new_database()
        with pytest.raises(Killed), only_read(full.memory) as source, to_fill(address) as target:
            move(source, target, die_after(24))
        query(address, f"UPDATE iai.{table} SET {change}")  # noqa: S608 -- ours
        with (
            pytest.raises(NotMoved, match=f"{table} is not the same"),
            only_read(full.memory) as source,
            to_fill(address) as target,
        ):
            move(source, target)


def test_a_running_daemon_has_to_be_stopped_first(full: Home, new_database: Database) -> None:
    address = new_database()
    daemon = RunningDaemon(full)
    try:
        daemon.status()
        assert "stop it with `iai-daemon stop`" in refused(full, "store", "migrate", "--to", address)
    finally:
        daemon.stop()
    assert query(address, "SELECT 1 FROM iai.records") == []


def test_two_moves_into_one_database_are_not_mixed(full: Home, new_database: Database) -> None:
    address = new_database()
    with to_fill(address):
        sentence = refused(full, "store", "migrate", "--to", address)
    assert "locked by another process" in sentence


# What is refused.


def test_a_store_that_is_not_empty_is_left_alone(full: Home, new_database: Database) -> None:
    address = new_database()
    query(address, "INSERT INTO iai.sessions (id, registered_at) VALUES ('s', 1)")
    assert "has sessions already" in refused(full, "store", "migrate", "--to", address)
    assert "has sessions already" in refused(full, "store", "migrate", "--to", address, "--dry-run")
    assert query(address, "SELECT COUNT(*) FROM iai.records") == [(0,)]
    use_server(full, address)
    before = files(full)
    assert "is there already" in refused(full, "store", "migrate", "--to", "sqlite")
    assert files(full) == before


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "Say where to"),
        (["--to", "mysql://host/x"], "is neither an address such as"),
        (["--to", "sqlite:"], "is neither an address such as"),
        (["--to", "sqlite"], "is at"),
        (["--to", "sqlite:x", "--env", "X"], "Say where to"),
    ],
)
def test_what_is_no_place_to_move_to_is_refused(full: Home, words: list[str], sentence: str) -> None:
    assert sentence in refused(full, "store", "migrate", *words, status=2)


def test_a_home_without_a_memory_has_nothing_to_move(home: Home, new_database: Database) -> None:
    assert f"there is none at {home.memory}" in refused(home, "store", "migrate", "--to", new_database())
    assert not home.memory.exists()


def test_a_server_that_is_not_there_is_said_and_nothing_is_begun(full: Home) -> None:
    before = files(full)
    assert "cannot be used now" in refused(
        full, "store", "migrate", "--to", "postgresql://me@127.0.0.1:1/x", status=78
    )
    assert files(full) == before


def test_an_older_file_is_brought_up_before_it_is_moved(home: Home, new_database: Database) -> None:
    with closing(sqlite3.connect(home.memory, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        migrate.migrate(connection, 6)
        fill(SqliteDatabase(connection, home.memory), 6)
    address = new_database()
    assert "run `iai-daemon store upgrade` first" in refused(home, "store", "migrate", "--to", address)
    upgraded = call_json(home, "store", "upgrade")
    assert (upgraded["before"], upgraded["after"]) == (6, migrate.newest())
    assert call_json(home, "store", "migrate", "--to", address)["tables"]["records"]["rows"] == 5


# A schema on a server.


def test_a_servers_schema_is_brought_up_with_the_address_of_its_owner(
    home: Home, postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres.a_database(postgres_server, f"upgraded_{os.getpid()}") as address:
        monkeypatch.setenv("OWNERS_ADDRESS", address)
        first = call_json(home, "store", "upgrade", "--env", "OWNERS_ADDRESS")
        assert (first["before"], first["after"]) == (0, migrate.newest())
        assert "already" in said(home, "store", "upgrade", "--env", "OWNERS_ADDRESS")
    assert "is not set" in refused(home, "store", "upgrade", "--env", "NOBODYS_ADDRESS", status=2)


# Backups.


def test_a_server_is_backed_up_where_it_runs(home: Home, new_database: Database) -> None:
    use_server(home, new_database())
    for words in (("backup",), ("restore", "memory-20261121T120000Z.db", "--yes")):
        sentence = refused(home, "store", *words)
        assert "`pg_dump --schema=iai`" in sentence
        assert "`iai-daemon memory export --full`" in sentence
    assert "pg_dump" in said(home, "store", "backups")
    assert not home.memory.exists()


def test_a_full_export_of_a_server_is_restored_into_an_empty_one(
    home: Home, new_database: Database, tmp_path: Path
) -> None:
    use_server(home, new_database())
    for port in ("8080", "8090"):
        said(home, "memory", "add", f"The port is {port}.", "--subject", "server", "--attribute", "port")
    said(home, "consolidate")
    lines = said(home, "memory", "export", "--full")
    other = Home(tmp_path / "other")
    other.create()
    use_server(other, new_database())
    said(other, "memory", "import", "-", stdin=lines)
    assert said(other, "memory", "export", "--full") == lines
    assert [row["superseded_by"] for row in all_of(other)["records"]] == [2, None]
    assert "stored as 3" in said(other, "memory", "add", "The next one.")
