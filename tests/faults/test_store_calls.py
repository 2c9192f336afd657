"""A store that is written to is killed at system calls of it: upgrades, imports, batches of a night and what is told are there wholly
or not at all."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
from iai_daemon.storage import migrate, sqlite
from iai_daemon.storage.postgres.schema import newest
from iai_daemon.storage.sqlite_database import SqliteDatabase
from tests.cli.inside import call_json, said
from tests.consolidation.evening import a_day, export, night
from tests.consolidation.working import whole_or_untouched
from tests.fakes import LONG
from tests.faults.injecting import CHANGES, KILLED, Call, deed
from tests.faults.seeds import luck
from tests.storage.contents import fill, kept
from tests.stores.test_migrations import empty_database, on_a_server, same

__all__ = ["empty_database"]

# So many of the calls that change something; with LONG so many more.
POINTS = 300 if LONG else 6
UPGRADES = 40 if LONG else 3
NOTES = 500
RECORDS = 90
# What a command loads late has been loaded by the time at which it is looked at.
COMMAND = """
import io, tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from iai_daemon.__main__ import main

def command(root):
    return main(["--home", root, *{words!r}, str(Path(root, "source"))])

with tempfile.TemporaryDirectory() as elsewhere, redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
    Path(elsewhere, "source").touch()
    command(elsewhere)

def prepare(root):
    return lambda: command(root)
"""
OPENING = """
from pathlib import Path
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.paths import Home

def prepare(root):
    home = Home(Path(root))
    def act():
        stores = open_stores(home)
        if {adds}:
            stores.memory.add(Draft("The port is 9000.", subject="server", attribute="port"), 50)
        stores.close()
    return act
"""
NIGHT = """
from contextlib import closing
from pathlib import Path
from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
from tests.consolidation.evening import night

def prepare(root):
    home = Home(Path(root))
    def act():
        with closing(open_stores(home)) as stores:
            night(stores)
    return act
"""
IMPORT = ("memory", "import")
FROM_MEM0 = ("memory", "import", "--from", "mem0")


@dataclass(frozen=True)
class Write:
    """Something that writes: `make` puts a home in order for it, `check` looks at what is there after a kill."""

    program: str
    make: Callable[[Home], None]
    check: Callable[[Home, Home], None]


# What is there beforehand.


def _filled(schema: int) -> Callable[[Home], None]:
    def make(home: Home) -> None:
        with closing(sqlite3.connect(home.memory, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA foreign_keys = ON")
            migrate.migrate(connection, schema)
            fill(SqliteDatabase(connection, home.memory), schema)
        home.memory.chmod(0o600)

    return make


def _notes(home: Home) -> None:
    stamp = "2026-01-01T00:00:00Z"
    notes = ({"content": f"Note {each}.", "id": str(each), "created_at": stamp} for each in range(NOTES))
    _source(home).write_text("".join(json.dumps(each) + "\n" for each in notes))


def _a_day(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        a_day(stores, RECORDS)


def _of_mem0(home: Home) -> None:
    stamp = "2026-01-01T00:00:00Z"
    notes = [{"id": str(each), "memory": f"Note {each}.", "created_at": stamp} for each in range(NOTES)]
    _source(home).write_text(json.dumps(notes))


def _of_full_export(home: Home) -> None:
    _filled(migrate.newest())(home)
    _source(home).write_text(said(home, "memory", "export", "--full"))
    for path in home.root.glob("memory.db*"):
        path.unlink()


def _source(home: Home) -> Path:
    return home.root / "source"


# What is there after a kill.


def _is_upgraded(schema: int) -> Callable[[Home, Home], None]:
    def check(home: Home, whole: Home) -> None:
        with closing(open_stores(home)) as stores, closing(open_stores(whole)) as others:
            assert stores.database.execute("PRAGMA user_version").fetchone()[0] == migrate.newest()
            assert kept(stores.database, schema) == kept(others.database, schema)

    return check


def _is_told_or_not(home: Home, whole: Home) -> None:
    after = _lines(whole)
    assert _lines(home) in (after[:-1], after)


def _is_imported_in_portions(*words: str) -> Callable[[Home, Home], None]:
    """What is there is the beginning of it, and the same command does the rest."""

    def check(home: Home, whole: Home) -> None:
        there = _lines(home)
        after = _lines(whole)
        assert there == after[: len(there)]
        done = call_json(home, *words, str(_source(home)))
        assert (done["added"], done["unchanged"]) == (NOTES - len(there), len(there))
        assert _lines(home) == after

    return check


def _is_gone_on_with(home: Home, whole: Home) -> None:
    """Nothing of a batch is there without the rest of it, and the next night does what is left."""
    whole_or_untouched(home)
    with closing(open_stores(home)) as stores, closing(open_stores(whole)) as others:
        night(stores)
        assert export(stores) == export(others)
        assert not stores.nights.unfinished_nights()
    whole_or_untouched(home)


def _is_restored_or_not(home: Home, whole: Home) -> None:
    after = said(whole, "memory", "export", "--full")
    if not _lines(home):
        call_json(home, *IMPORT, str(_source(home)))
    assert said(home, "memory", "export", "--full") == after


def _lines(home: Home) -> list[str]:
    """Every memory; one that was imported names the file that it came from."""
    return said(home, "memory", "export").replace(str(home.root), "HOME").splitlines()


OLDER = range(1, migrate.newest()) if LONG else [1, migrate.newest() - 1]
WRITES = {
    **{f"upgrade of schema {each}": Write(OPENING.format(adds=False), _filled(each), _is_upgraded(each)) for each in OLDER},
    "a night": Write(NIGHT, _a_day, _is_gone_on_with),
    "a note that is told": Write(OPENING.format(adds=True), _filled(migrate.newest()), _is_told_or_not),
    "import of lines": Write(COMMAND.format(words=IMPORT), _notes, _is_imported_in_portions(*IMPORT)),
    "import from mem0": Write(COMMAND.format(words=FROM_MEM0), _of_mem0, _is_imported_in_portions(*FROM_MEM0)),
    "import of a full export": Write(COMMAND.format(words=IMPORT), _of_full_export, _is_restored_or_not),
}  # fmt: skip


def _some(name: str, calls: list[Call]) -> list[Call]:
    """Of the calls that change something."""
    changing = [each for each in calls if each.name in CHANGES]
    return luck(name).sample(changing, min(POINTS, len(changing)))


@pytest.mark.parametrize("name", WRITES)
def test_a_write_that_is_killed_is_there_wholly_or_not_at_all_and_goes_on(name: str, tmp_path: Path) -> None:
    write = WRITES[name]
    made, whole = Home(tmp_path / "made"), Home(tmp_path / "whole")
    made.create()
    write.make(made)
    shutil.copytree(made.root, whole.root)
    with deed(write.program, tmp_path / "calls") as done:
        calls = done.calls(whole.root)
        for call in _some(name, calls):
            home = Home(tmp_path / f"{call.name} {call.number}")
            shutil.copytree(made.root, home.root)
            assert done.do(home.root, call.killed()) == KILLED, call
            with sqlite.reading(home.memory) as connection:
                assert sqlite.find_damage(connection) is None
            write.check(home, whole)
            shutil.rmtree(home.root)


def test_an_upgrade_of_a_server_that_is_killed_is_there_wholly_or_not_at_all_and_goes_on(
    tmp_path: Path, empty_database: Callable[[], str]
) -> None:
    """At what is sent to it."""
    chance = luck("upgrades of a server")
    schema = chance.choice(range(1, newest()))

    def older() -> tuple[Home, dict[str, list[dict[str, object]]]]:
        address = empty_database()
        with on_a_server(address, schema) as database:
            fill(database, schema)
            before = kept(database, schema)
        home = Home(Path(tempfile.mkdtemp(dir=tmp_path)))
        home.create()
        home.config.write_text(f'[memory]\nstore = "{address}"\n')
        home.config.chmod(0o600)
        return home, before

    with deed(OPENING.format(adds=False), tmp_path / "calls") as done:
        sent = [each for each in done.calls(older()[0].root) if each.name == "sendto"]
        for call in chance.sample(sent, min(UPGRADES, len(sent))):
            home, before = older()
            assert done.do(home.root, call.killed()) == KILLED, call
            with closing(open_stores(home)) as stores:
                assert stores.database.execute("SELECT number FROM schema_version").fetchone()[0] == newest()
                same(before, kept(stores.database, schema))
