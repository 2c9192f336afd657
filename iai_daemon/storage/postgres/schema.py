"""Bring a database to the newest schema: numbered files of SQL, numbered as those of the embedded engine, each in one transaction."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from iai_daemon.errors import ForeignStore, HalfMoved, NewerStore, NotUpgraded, OlderSchema, OldServer
from iai_daemon.storage.postgres.database import BUSY_SECONDS
from iai_daemon.storage.postgres.failures import AWAY, BUSY, one_line, translated
from iai_daemon.storage.postgres.locks import LOCKS, Lock
from iai_daemon.storage.postgres.server import SCHEMA, Server, give_back, take

_Connection = psycopg.Connection[Any]

# Views that ask with the rights of who asks (security_invoker) came with it.
OLDEST = 15
# What stands in `facts` while a store is being moved into this one, until all of it is there.
MOVING = "migrating"


@cache
def migrations() -> dict[int, str]:
    """The SQL of every migration, by its number."""
    folder = Path(__file__).parent.with_name("migrations") / "postgres"
    return {int(each.name[:4]): each.read_text(encoding="utf-8") for each in sorted(folder.glob("*.sql"))}


def newest() -> int:
    """The schema that this program knows."""
    return max(migrations())


def bring_up(server: Server, until: int | None = None, *, half_moved: bool = False) -> None:
    """Run what the database does not have yet, up to `until`. Safe when several processes open a new one at once. Raises
    ForeignStore, NewerStore, OldServer and NotUpgraded, OlderSchema where the role may not change what is there, and HalfMoved where
    another store is still being moved into this one, unless that is what it is opened for (`half_moved`)."""
    wanted = until or newest()
    with server.borrowed() as connection:
        require_version(connection.info.server_version, server.place)
        if version(connection, server.place) < wanted:
            for number, text in migrations().items():
                if number <= wanted:
                    _bring_to(connection, number, text, server.place)
        if not half_moved and is_half_moved(connection):
            raise HalfMoved(place=server.place)


def upgraded(address: str) -> tuple[int, int]:
    """Bring the database at `address` to the newest schema; which it had, and which it has. Raises StoreUnusable, StoreBusy."""
    server = take(address)
    try:
        with translated(server.place, BUSY_SECONDS):
            with server.borrowed() as connection:
                before = version(connection, server.place)
            bring_up(server, half_moved=True)
    finally:
        give_back(server)
    return before, newest()


def schema_at(address: str, deadline: float) -> int:
    """Which schema the database at `address` has, 0: there is none yet. Raises StoreUnusable."""
    server = take(address, deadline)
    try:
        with translated(server.place, BUSY_SECONDS), server.borrowed() as connection:
            require_version(connection.info.server_version, server.place)
            return version(connection, server.place)
    finally:
        give_back(server)


def require_version(number: int, place: str) -> None:
    """Raises OldServer. `number`: 150004 is 15.4."""
    if number < OLDEST * 10_000:
        raise OldServer(place=place, found=f"{number // 10_000}.{number % 10_000}", needed=OLDEST)


def is_half_moved(connection: _Connection) -> bool:
    """Whether a store is being moved into this one and not all of it is there."""
    row = connection.execute("SELECT 1 FROM facts WHERE name = %s", (MOVING,)).fetchone()
    return row is not None


def _bring_to(connection: _Connection, number: int, text: str, place: str) -> None:
    """One migration, in one transaction, unless another process was faster."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", (LOCKS, int(Lock.SCHEMA)))
        found = version(connection, place)
        if found >= number:
            return
        try:
            _run(connection, number, text, found)
        except psycopg.errors.InsufficientPrivilege as cause:
            raise OlderSchema(place=place, found=found, known=newest()) from cause
        except psycopg.Error as cause:
            if isinstance(cause, (*AWAY, *BUSY)):
                raise
            raise NotUpgraded(place=place, found=found, wanted=number, cause=one_line(cause)) from cause


def _run(connection: _Connection, number: int, text: str, found: int) -> None:
    if found == 0:
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA)))
        connection.execute("CREATE TABLE IF NOT EXISTS schema_version (number INTEGER NOT NULL)")
    connection.execute(text)
    connection.execute("DELETE FROM schema_version")
    connection.execute("INSERT INTO schema_version (number) VALUES (%s)", (number,))


def version(connection: _Connection, place: str) -> int:
    """The number of the last migration, 0 of none. Raises ForeignStore where somebody else's schema has our name, and NewerStore."""
    row = connection.execute(
        """
        SELECT
            EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = %(schema)s) AS there,
            to_regclass(%(schema)s || '.schema_version') IS NOT NULL AS ours,
            EXISTS (
                SELECT 1 FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = %(schema)s
            ) AS used
        """,
        {"schema": SCHEMA},
    ).fetchone()
    if row is None or not row["there"] or not row["used"]:
        return 0
    if not row["ours"]:
        raise ForeignStore(path=f"the schema {SCHEMA} of {place}")
    found = connection.execute("SELECT COALESCE(MAX(number), 0) AS number FROM schema_version").fetchone()
    number = int(found["number"]) if found else 0
    if number > newest():
        raise NewerStore(path=place, found=number, known=newest())
    return number
