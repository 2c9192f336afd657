"""How a store comes to the newest schema, on each engine: from every schema that there was, whole or not at all."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from iai_daemon.errors import (
    ForeignStore,
    HalfMoved,
    NewerStore,
    NotPermitted,
    NotUpgraded,
    OlderSchema,
    OldServer,
)
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.memory.store import Query
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from iai_daemon.storage import migrate, sqlite
from iai_daemon.storage.database import Database
from iai_daemon.storage.moving.tables import DERIVED, OF_A_SERVER, all_tables
from iai_daemon.storage.postgres import schema
from iai_daemon.storage.postgres.database import PostgresDatabase
from iai_daemon.storage.postgres.locks import Lock
from iai_daemon.storage.postgres.opening import open_database
from iai_daemon.storage.postgres.server import give_back, take
from iai_daemon.storage.sqlite_database import SqliteDatabase
from tests import postgres
from tests.storage.contents import fill, kept, tables

FOLDER = Path(migrate.__file__).with_name("migrations")
SCHEMAS = range(1, migrate.newest() + 1)
OLDER = range(1, migrate.newest())


@pytest.fixture
def empty_database(postgres_server: str) -> Iterator[Callable[[], str]]:
    """Makes databases in which nothing was ever made, and gives the address of each."""
    with contextlib.ExitStack() as made:

        def make() -> str:
            name = f"empty_{len(names)}_{id(made)}"
            names.append(name)
            return made.enter_context(postgres.a_database(postgres_server, name))

        names: list[str] = []
        yield make


@contextlib.contextmanager
def on_a_server(address: str, until: int) -> Iterator[PostgresDatabase]:
    server = take(address)
    try:
        schema.bring_up(server, until)
        yield PostgresDatabase(server, Lock.MEMORY)
    finally:
        give_back(server)


@contextlib.contextmanager
def in_a_file(path: Path, until: int) -> Iterator[SqliteDatabase]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        migrate.migrate(connection, until)
        yield SqliteDatabase(connection, path)


def query(address: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(address, autocommit=True) as connection:
        done = connection.execute(statement)
        return done.fetchall() if done.description else []


def test_both_engines_number_their_migrations_alike() -> None:
    names = {
        each.name: sorted(path.name for path in each.glob("*.sql"))
        for each in FOLDER.iterdir()
        if each.is_dir()
    }
    assert names["sqlite"] == names["postgres"]
    assert [int(name[:4]) for name in names["sqlite"]] == list(SCHEMAS)
    assert migrate.newest() == schema.newest()


def test_both_engines_have_the_same_tables_and_columns(
    tmp_path: Path, new_database: Callable[[], str]
) -> None:
    with in_a_file(tmp_path / "memory.db", migrate.newest()) as database:
        there = columns_of(database, OF_A_FILE)
    with contextlib.closing(open_database(new_database(), Lock.MEMORY)) as server:
        here = columns_of(server, OF_ALL)
        needed = columns_of(
            server, f"{OF_ALL} AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'"
        )
    filled = set(tables(migrate.newest()))
    assert filled == {each.name for each in all_tables()}
    assert {name for name in there if not name.startswith(("sqlite_", "words"))} == filled
    assert OF_A_SERVER <= here.keys() - filled <= DERIVED | OF_A_SERVER, "what a move leaves behind is named"
    for table in filled:
        assert here[table] >= there[table], table
        assert needed.get(table, set()) <= there[table], "what only a server has comes by itself"


OF_A_FILE = """
SELECT s.name AS t, c.name AS c FROM sqlite_schema AS s, pragma_table_info(s.name) AS c WHERE s.type = 'table'
"""
OF_ALL = """
SELECT table_name AS t, column_name AS c FROM information_schema.columns JOIN information_schema.tables
USING (table_schema, table_name) WHERE table_schema = 'iai' AND table_type = 'BASE TABLE'
"""


def columns_of(database: Database, statement: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in database.execute(statement):
        found.setdefault(row["t"], set()).add(row["c"])
    return found


# From every schema.


def same(before: dict[str, list[dict[str, object]]], after: dict[str, list[dict[str, object]]]) -> None:
    """What was there is there, in the columns that it had; what is new has come beside it."""
    for table, rows in before.items():
        names = set(rows[0])
        assert [{name: row[name] for name in names} for row in after[table]] == [
            {name: row[name] for name in names} for row in rows
        ], table


def use(stores: Stores) -> None:
    """It does what a store does: it finds what was there, gives new numbers, takes something in."""
    assert 4 in [hit.record.id for hit in stores.memory.search(Query("port"), 100)]
    added = stores.memory.add(Draft("The port is 9000.", subject="server", attribute="port"), 50)
    assert added.id > 40, "the journal tells of 40"
    assert stores.memory.search(Query("9000"), 100)[0].record == added
    assert stores.nights.newest_change() == 10


@pytest.mark.parametrize("number", SCHEMAS)
def test_a_file_of_any_schema_comes_to_the_newest_with_all_that_is_in_it(home: Home, number: int) -> None:
    with in_a_file(home.memory, number) as database:
        fill(database, number)
        before = kept(database, number)
    with contextlib.closing(open_stores(home)) as stores:
        assert stores.database.execute("PRAGMA user_version").fetchone()[0] == migrate.newest()
        same(before, kept(stores.database, number))
        use(stores)
    with sqlite.reading(home.memory) as connection:
        assert sqlite.find_damage(connection) is None


@pytest.mark.parametrize("number", SCHEMAS)
def test_a_server_of_any_schema_comes_to_the_newest_with_all_that_is_in_it(
    home: Home, empty_database: Callable[[], str], number: int
) -> None:
    address = empty_database()
    with on_a_server(address, number) as database:
        fill(database, number)
        before = kept(database, number)
    home.config.write_text(f'[memory]\nstore = "{address}"\n')
    with contextlib.closing(open_stores(home)) as stores:
        assert stores.database.execute("SELECT number FROM schema_version").fetchone()[0] == schema.newest()
        same(before, kept(stores.database, number))
        use(stores)


# Several at once.


OPEN = """
import sys
from pathlib import Path
from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
sys.stdin.readline()
stores = open_stores(Home(Path(sys.argv[1])))
stores.close()
"""


def open_at_once(home: Home, number: int = 4) -> None:
    """So many processes at the same moment."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, str(home.root)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(number)
    ]
    for each in started:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    ended = [each.communicate(timeout=60) for each in started]
    assert [each.returncode for each in started] == [0] * number, ended


@pytest.mark.parametrize("number", [0, 5])
def test_processes_that_open_a_new_or_an_old_server_at_once_make_its_schema_once(
    home: Home, empty_database: Callable[[], str], number: int
) -> None:
    address = empty_database()
    if number:
        with on_a_server(address, number) as database:
            fill(database, number)
    home.config.write_text(f'[memory]\nstore = "{address}"\n')
    open_at_once(home)
    assert query(address, "SELECT number FROM iai.schema_version") == [(schema.newest(),)]


# What is not ours, or not for us.


def test_a_server_of_a_newer_program_is_left_alone(new_database: Callable[[], str]) -> None:
    address = new_database()
    query(address, "UPDATE iai.schema_version SET number = number + 1")
    with pytest.raises(NewerStore, match="upgrade iai-daemon"):
        open_database(address, Lock.MEMORY)


def test_somebody_elses_schema_of_our_name_is_left_alone(empty_database: Callable[[], str]) -> None:
    address = empty_database()
    query(address, "CREATE SCHEMA iai CREATE TABLE theirs (x INTEGER)")
    with pytest.raises(ForeignStore, match="the schema iai of"):
        open_database(address, Lock.MEMORY)
    assert query(address, "SELECT relname FROM pg_class WHERE relnamespace = 'iai'::regnamespace") == [
        ("theirs",)
    ]


def test_a_schema_that_was_made_for_us_and_is_empty_is_filled(empty_database: Callable[[], str]) -> None:
    address = empty_database()
    query(address, "CREATE SCHEMA iai")
    open_database(address, Lock.MEMORY).close()
    assert query(address, "SELECT number FROM iai.schema_version") == [(schema.newest(),)]


@pytest.mark.parametrize(("number", "found"), [(140012, "14.12"), (90624, "9.624"), (149999, "14.9999")])
def test_a_server_that_is_too_old_is_refused(number: int, found: str) -> None:
    with pytest.raises(OldServer, match=rf"is a PostgreSQL {found}, and iai-daemon needs 15"):
        schema.require_version(number, "postgresql://host/memory")
    schema.require_version(150000, "postgresql://host/memory")


@pytest.fixture
def guest(postgres_server: str) -> Iterator[str]:
    """A role that owns nothing and may make nothing."""
    name = f"guest_{id(postgres_server)}"
    query(postgres_server, f"CREATE ROLE {name} LOGIN")
    yield name
    query(postgres_server, f"DROP ROLE {name}")


def as_guest(address: str, guest: str) -> str:
    return postgres.of_database(address, address.rpartition("/")[2], user=guest)


def test_a_role_that_may_not_make_the_schema_is_told_who_may(
    empty_database: Callable[[], str], guest: str
) -> None:
    address = empty_database()
    with pytest.raises(
        OlderSchema, match="`iai-daemon store upgrade` with the address of a role that owns it"
    ):
        open_database(as_guest(address, guest), Lock.MEMORY)
    assert query(address, "SELECT 1 FROM pg_namespace WHERE nspname = 'iai'") == []


def test_a_role_that_may_not_change_an_older_schema_is_told_who_may(
    empty_database: Callable[[], str], guest: str
) -> None:
    address = empty_database()
    with on_a_server(address, 5):
        pass
    query(address, f"GRANT USAGE ON SCHEMA iai TO {guest}")
    query(address, f"GRANT SELECT ON ALL TABLES IN SCHEMA iai TO {guest}")
    with pytest.raises(OlderSchema, match="has schema 5"):
        open_database(as_guest(address, guest), Lock.MEMORY)
    assert query(address, "SELECT number FROM iai.schema_version") == [(5,)]
    query(address, f"DROP OWNED BY {guest}")


def test_a_role_that_was_granted_nothing_is_told_so(new_database: Callable[[], str], guest: str) -> None:
    with pytest.raises(NotPermitted, match="permission denied"):
        open_database(as_guest(new_database(), guest), Lock.MEMORY)


@pytest.mark.parametrize("number", OLDER)
def test_a_migration_that_fails_leaves_nothing(empty_database: Callable[[], str], number: int) -> None:
    """What it would make last is there already."""
    address = empty_database()
    with on_a_server(address, number):
        pass
    before = query(address, NAMES)
    query(address, in_the_way_of(number + 1))
    with pytest.raises(
        NotUpgraded,
        match=f"has schema {number} and could not be brought to {number + 1} .*nothing was changed",
    ):
        open_database(address, Lock.MEMORY)
    assert query(address, "SELECT number FROM iai.schema_version") == [(number,)]
    query(address, out_of_the_way_of(number + 1))
    assert query(address, NAMES) == before
    open_database(address, Lock.MEMORY).close()


NAMES = """
SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = 'iai'::regnamespace AND attnum > 0 AND NOT attisdropped ORDER BY 1, 2
"""
# The last thing that each migration makes, by which it fails when that is there already.
_LAST = {
    2: ("INDEX records_by_superseded_by ON iai.records (id)", "INDEX iai.records_by_superseded_by"),
    3: ("INDEX journal_by_successor ON iai.journal (id)", "INDEX iai.journal_by_successor"),
    4: ("INDEX records_over_by_key ON iai.records (id)", "INDEX iai.records_over_by_key"),
    6: ("VIEW iai.disputed AS SELECT 1 AS x", "VIEW iai.disputed"),
    7: ("VIEW iai.occurrences_told AS SELECT 1 AS x", "VIEW iai.occurrences_told"),
    8: ("INDEX slot_updates_waiting ON iai.records (id)", "INDEX iai.slot_updates_waiting"),
    9: ("TABLE iai.fences (x INTEGER)", "TABLE iai.fences"),
}


def in_the_way_of(number: int) -> str:
    if number == 5:
        return "ALTER TABLE iai.contradictions ADD COLUMN outranked INTEGER"
    return f"CREATE {_LAST[number][0]}"


def out_of_the_way_of(number: int) -> str:
    if number == 5:
        return "ALTER TABLE iai.contradictions DROP COLUMN outranked"
    return f"DROP {_LAST[number][1]}"


def test_a_store_into_which_another_is_still_being_moved_is_refused(
    home: Home, new_database: Callable[[], str]
) -> None:
    address = new_database()
    query(address, "INSERT INTO iai.facts (name, value) VALUES ('migrating', '{}')")
    home.config.write_text(f'[memory]\nstore = "{address}"\n')
    with pytest.raises(HalfMoved, match="`iai-daemon store migrate`"):
        open_stores(home)


def test_numbers_that_were_given_elsewhere_are_not_given_again(new_database: Callable[[], str]) -> None:
    with contextlib.closing(open_database(new_database(), Lock.MEMORY)) as database:
        fill(database, schema.newest())
        given = {
            "records": 41, "nights": 4, "journal": 6, "recalls": 8, "occurrences": 7, "runs": 9, "slots": 6, "slot_updates": 5,
        }  # fmt: skip
        for table, expected in given.items():
            number = "number" if table == "slots" else "id"
            row = database.execute(
                f"SELECT nextval(pg_get_serial_sequence('iai.{table}', '{number}'))"
            ).fetchone()
            assert row[0] == expected, table


def test_a_store_in_which_nothing_is_counts_from_one(new_database: Callable[[], str]) -> None:
    with contextlib.closing(open_database(new_database(), Lock.MEMORY)) as database:
        database.count_on_from_what_is_there()
        row = database.execute("SELECT nextval(pg_get_serial_sequence('iai.records', 'id'))").fetchone()
        assert row[0] == 1
