"""Bring a store to the newest schema: numbered files of SQL, each in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import cache
from pathlib import Path

APPLICATION_ID = 0x69616964  # "iaid", where file(1) looks: https://sqlite.org/fileformat.html#application_id


@cache
def _migrations() -> dict[int, str]:
    """The SQL of every migration, by its number."""
    folder = Path(__file__).with_name("migrations") / "sqlite"
    return {int(each.name[:4]): each.read_text(encoding="utf-8") for each in sorted(folder.glob("*.sql"))}


def newest() -> int:
    """The schema that this program knows."""
    return max(_migrations())


def migrate(connection: sqlite3.Connection, until: int | None = None) -> None:
    """Run what the store does not have yet, up to `until`. Safe when several processes open a new store at once."""
    wanted = until or newest()
    if _version(connection) >= wanted:
        return
    for number, text in _migrations().items():
        if number > wanted:
            break
        connection.execute("BEGIN IMMEDIATE")
        try:
            if _version(connection) < number:
                for statement in _statements(text):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {number}")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
    # All pages of the new schema are in the cache now, and the daemon keeps this connection.
    connection.execute("PRAGMA shrink_memory")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(text: str) -> Iterator[str]:
    """Whole statements: a trigger holds semicolons of its own, so SQLite itself says where one ends."""
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
