"""A team in one database, set up as docs/how-to/postgres.md says: its statements are taken from there."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from iai_daemon.storage.postgres.locks import Lock
from iai_daemon.storage.postgres.opening import open_database
from tests import postgres
from tests.fakes import LASTING

DOCUMENT = Path(__file__).parents[2] / "docs" / "how-to" / "postgres.md"
_NUMBERS = itertools.count(1)


def documented(first_line: str) -> list[str]:
    """The statements of the block that begins with this comment."""
    blocks = re.findall(r"```sql\n-- (.*?)\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    (block,) = [text for title, text in blocks if title == first_line]
    return [each.strip() for each in block.split(";") if each.strip()]


@dataclass(frozen=True)
class Team:
    """A server with the documented roles, and users ada, bob and eve."""

    server: postgres.Server

    def address(self, user: str, database: str) -> str:
        return self.server.dsn(database, user)

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """A new one with our schema, granted as documented; its name."""
        name = f"memory_{next(_NUMBERS)}"
        with psycopg.connect(self.server.dsn("postgres"), autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE memory OWNER iai_owner").format(sql.Identifier(name))
            )
            yield name
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextlib.contextmanager
def team(**settings: str) -> Iterator[Team]:
    """The roles and the database `memory`, by the document; on a server of its own, since roles are a server's."""
    with postgres.running(**settings) as server:
        LASTING.add(server.pid)
        try:
            _run(server.dsn("postgres"), documented("once, for the server"))
            open_database(server.dsn("memory", "iai_owner"), Lock.MEMORY).close()
            _run(server.dsn("memory", "iai_owner"), documented("in the database"))
            if _has(server.dsn("memory", "iai_owner"), "near_vectors"):
                _run(server.dsn("memory", "iai_owner"), documented("with pgvector"))
            for user in ("ada", "bob", "eve"):
                texts = [each.replace("ada", user) for each in documented("for each user")]
                _run(server.dsn("postgres"), texts)
            yield Team(server)
        finally:
            LASTING.discard(server.pid)


def _run(address: str, statements: list[str]) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        for each in statements:
            connection.execute(each.encode())


def _has(address: str, table: str) -> bool:
    with psycopg.connect(address) as connection:
        found = connection.execute("SELECT to_regclass('iai.' || %s)", (table,)).fetchone()
    return found != (None,)


@dataclass
class User:
    """Somebody with a home of his own, whose settings name the database."""

    name: str
    home: Home
    address: str
    stores: Stores

    def sql(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """A statement sent by hand, as this user."""
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute("SET search_path TO iai, public")
            cursor = connection.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []


@contextlib.contextmanager
def users(team: Team, database: str, folder: Path) -> Iterator[dict[str, User]]:
    """ada, bob and eve."""
    found: dict[str, User] = {}
    try:
        for name in ("ada", "bob", "eve"):
            home = Home(folder / name)
            home.create()
            address = team.address(name, database)
            home.config.write_text(f'[memory]\nstore = "{address}"\n')
            home.config.chmod(0o600)
            found[name] = User(name, home, address, open_stores(home))
        yield found
    finally:
        for each in found.values():
            each.stores.close()
