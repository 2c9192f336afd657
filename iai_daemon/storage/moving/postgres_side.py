"""A database of PostgreSQL's as a side of a move: what its user sees is read, and what is put there is his."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence

import psycopg

from iai_daemon.errors import NotMoved, StoreBusy
from iai_daemon.storage.moving.side import Side
from iai_daemon.storage.moving.tables import Table, Values
from iai_daemon.storage.postgres.database import BUSY_SECONDS, PostgresDatabase
from iai_daemon.storage.postgres.failures import one_line, translated
from iai_daemon.storage.postgres.locks import LOCKS, Lock
from iai_daemon.storage.postgres.schema import bring_up, newest, version
from iai_daemon.storage.postgres.server import give_back, take

# Seconds that one answer may take: an order over a whole table comes before its first row.
PATIENCE = 60.0
# Seconds for which the other side may keep it waiting: reading all of a large table.
_REST = 1800
# The second number of the advisory lock that only one who moves something holds.
_ONE_MOVE = 16


class PostgresSide(Side):
    """`database` is a PostgresDatabase at the newest schema."""

    database: PostgresDatabase
    _copies: bool | None = None

    @contextlib.contextmanager
    def moment(self) -> Iterator[None]:
        with super().moment():
            # While the other side is written to, nothing happens here.
            self.database.execute(f"SET LOCAL idle_in_transaction_session_timeout TO '{_REST}s'")
            yield

    def numbers(self) -> dict[str, int]:
        rows = self.database.execute("SELECT of_table, last FROM numbers_given()")
        return {row["of_table"]: int(row["last"]) for row in rows}

    def _ordered(self, table: Table, column: str) -> str:
        # As bytes, whatever the order of the database's language is.
        return f'{column} COLLATE "C"' if column in table.texts else column

    def _insert(self, table: Table, rows: Sequence[Values]) -> None:
        try:
            if self._may_copy():
                self._copy(table, rows)
            else:
                columns, places = ", ".join(table.columns), ", ".join("?" for _ in table.columns)
                self.database.executemany(f"INSERT INTO {table.name} ({columns}) VALUES ({places})", rows)  # noqa: S608 -- one of our tables
        except psycopg.errors.UniqueViolation as cause:
            problem = (
                f"numbers in {table.name} are taken in {self.place} already, by rows of another user of that database "
                f"({one_line(cause)}): give the address of a database of its own."
            )
            raise NotMoved(problem=problem) from cause
        except psycopg.DataError as cause:
            problem = f"{table.name} holds what PostgreSQL cannot keep ({one_line(cause)})."
            raise NotMoved(problem=problem) from cause

    def _may_copy(self) -> bool:
        """Whether this user may make tables of his connection's own."""
        if self._copies is None:
            row = self.database.execute(
                "SELECT has_database_privilege(current_database(), 'TEMP')"
            ).fetchone()
            self._copies = bool(row[0])
        return self._copies

    def _copy(self, table: Table, rows: Sequence[Values]) -> None:
        """By way of such a table: COPY does not fill one whose rows have owners."""
        columns = ", ".join(table.columns)
        self.database.execute(
            f"CREATE TEMP TABLE IF NOT EXISTS moving_{table.name} ON COMMIT DELETE ROWS "  # noqa: S608 -- one of our tables
            f"AS SELECT {columns} FROM {table.name} WITH NO DATA"
        )
        self.database.copy(f"COPY moving_{table.name} ({columns}) FROM STDIN", rows)
        self.database.execute(
            f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM moving_{table.name}"  # noqa: S608 -- one of our tables
        )

    def count_on(self, numbers: Mapping[str, int]) -> None:
        self.database.execute("SELECT count_on(:numbers)", {"numbers": json.dumps(numbers)})

    def analyze(self, tables: Sequence[Table]) -> None:
        """Let questions be planned by what is there now."""
        for table in tables:
            self.database.execute("SELECT renew_statistics(:name)", {"name": table.name})


@contextlib.contextmanager
def at_address(address: str) -> Iterator[PostgresSide]:
    """The store at `address`, brought to the newest schema. Raises StoreUnusable."""
    with _opened(address, half_moved=False) as side:
        yield side


@contextlib.contextmanager
def to_fill(address: str) -> Iterator[PostgresSide]:
    """The same for who moves a store into it, of whom there is one at a time. Raises StoreUnusable, StoreBusy."""
    with _opened(address, half_moved=True) as side, side.database.server.borrowed() as connection:
        row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (LOCKS, _ONE_MOVE)).fetchone()
        if row is None or not row[0]:
            raise StoreBusy(path=side.place, seconds="0")
        try:
            yield side
        finally:
            # What is lost with its connection is nobody's.
            with contextlib.suppress(psycopg.Error):
                connection.execute("SELECT pg_advisory_unlock(%s, %s)", (LOCKS, _ONE_MOVE))


@contextlib.contextmanager
def only_look(address: str) -> Iterator[PostgresSide | None]:
    """The same for who changes nothing, not even the schema; None: there is none yet. Raises NotMoved, StoreUnusable."""
    server = take(address)
    try:
        with translated(server.place, BUSY_SECONDS):
            with server.borrowed() as connection:
                schema = version(connection, server.place)
            if 0 < schema < newest():
                problem = f"{server.place} has schema {schema}: run `iai-daemon store upgrade --env NAME` with its address first."
                raise NotMoved(problem=problem)
            yield PostgresSide(PostgresDatabase(server, Lock.MEMORY)) if schema else None
    finally:
        give_back(server)


@contextlib.contextmanager
def _opened(address: str, *, half_moved: bool) -> Iterator[PostgresSide]:
    server = take(address, PATIENCE)
    try:
        with translated(server.place, BUSY_SECONDS):
            bring_up(server, half_moved=half_moved)
            yield PostgresSide(PostgresDatabase(server, Lock.MEMORY))
    finally:
        give_back(server)
