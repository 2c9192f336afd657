"""PostgreSQL as a Database. One writer at a time, as with the embedded engine, by an advisory lock that ends with its transaction:
so what is read within a transaction holds until its end, and the sequence of writes has no gaps that are filled later."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import errors

from iai_daemon.clock import Stopwatch, pause
from iai_daemon.errors import Fenced
from iai_daemon.storage.database import Holder, Interrupted, MayWait, Parameters
from iai_daemon.storage.postgres.dialect import parameters_of, translate
from iai_daemon.storage.postgres.failures import translated
from iai_daemon.storage.postgres.fence import Fence, who_holds
from iai_daemon.storage.postgres.locks import LOCKS, Lock
from iai_daemon.storage.postgres.server import Server, give_back

BUSY_SECONDS = 10.0
# So often somebody is asked whether he may still wait for a lock.
_ASK_EVERY = 0.05
_AT_A_TIME = 1000
# A statement that is nearly done is not worth ending.
_ENDED_AFTER = 0.05
# Seconds for the server to hear that it shall end one.
_HEARD_WITHIN = 1.0


@dataclass(slots=True)
class Outcome:
    """What a statement gave, all of it: the connection is free again."""

    rowcount: int
    rows: list[Any] = field(default_factory=list)
    _next: int = 0

    def fetchone(self) -> Any:
        row = self.rows[self._next] if self._next < len(self.rows) else None
        self._next += 1
        return row

    def fetchall(self) -> list[Any]:
        rest = self.rows[self._next :]
        self._next = len(self.rows)
        return rest

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fetchall())


class PostgresDatabase:
    """`lock`: who writes holds it. `fence`: the token of the night that this process runs; without it a newer night has begun, and
    nothing is written."""

    unfit = (psycopg.IntegrityError,)

    def __init__(self, server: Server, lock: Lock, waits_for: float = BUSY_SECONDS) -> None:
        self.server = server
        self._lock = lock
        self._waits_for = waits_for
        self._connection: psycopg.Connection[Any] | None = None
        self._writing = False
        self._asked: psycopg.Connection[Any] | None = None
        self._questions = 0
        self._closed = False
        self._may_go_on: Callable[[], bool] = lambda: True
        self.fence: int | None = None

    @property
    def place(self) -> str:
        return self.server.place

    # Statements.

    def execute(self, sql: str, parameters: Parameters = ()) -> Outcome:
        with self._connected() as connection:
            cursor = connection.execute(translate(sql), parameters_of(sql, parameters))
            return Outcome(cursor.rowcount, cursor.fetchall() if cursor.description else [])

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> int:
        given = [parameters_of(sql, row) for row in rows]
        if not given:
            return 0
        with self._connected() as connection, connection.cursor() as cursor:
            cursor.executemany(translate(sql), given)
            return max(0, cursor.rowcount)

    def copy(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Many rows at once, by a COPY that reads what we send."""
        with self._connected() as connection, connection.cursor() as cursor:
            # It takes as long as there are rows.
            cursor.execute("SET LOCAL statement_timeout TO 0")
            with cursor.copy(sql) as sent:
                for row in rows:
                    sent.write_row(row)

    def stream(self, sql: str, parameters: Parameters = ()) -> Generator[Any]:
        with (
            self._connected() as connection,
            connection.transaction(),
            connection.cursor("streaming") as cursor,
        ):
            # Whoever reads the rows may take his time.
            connection.execute("SET LOCAL idle_in_transaction_session_timeout TO 0")
            cursor.itersize = _AT_A_TIME
            cursor.execute(translate(sql), parameters_of(sql, parameters))
            yield from cursor

    @contextlib.contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Any]]:
        """The transaction's connection, or one for this statement. Raises Interrupted: one answer is not long in coming, so it is
        asked between them whether more may be asked for."""
        if not self._may_go_on():
            raise Interrupted
        with contextlib.ExitStack() as borrowed:
            connection = self._connection or borrowed.enter_context(self.server.borrowed())
            before, self._asked = self._asked, connection
            self._questions += 1
            try:
                yield connection
            finally:
                self._asked = before
                self._questions += 1

    @contextlib.contextmanager
    def interruptible(self, may_go_on: Callable[[], bool]) -> Iterator[None]:
        before, self._may_go_on = self._may_go_on, may_go_on
        try:
            yield
        finally:
            self._may_go_on = before

    def interrupt(self) -> None:
        connection, question = self._asked, self._questions
        if connection is None:
            return
        pause(_ENDED_AFTER)
        if self._questions == question:
            with contextlib.suppress(psycopg.Error):
                connection.cancel_safe(timeout=_HEARD_WITHIN)

    # Transactions.

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        with translated(self.place, self._waits_for):
            yield

    @contextlib.contextmanager
    def writing(self, may_wait: MayWait | None = None, *, at_once: bool = False) -> Iterator[None]:
        if self._writing:
            yield
            return
        watch = Stopwatch()
        # The server ends a statement that waits for as long as the deadline.
        asks_every = _ASK_EVERY if may_wait else self.server.deadline / 2
        while True:
            left = 0.0 if at_once else self._waits_for - watch.seconds()
            with self._transaction() as connection:
                if self._locked(connection, min(left, asks_every), last=at_once or left <= _ASK_EVERY):
                    self._require_fence(connection)
                    self._writing = True
                    yield
                    return
            if may_wait is not None and not may_wait():
                raise errors.LockNotAvailable("whoever waits for it may not wait any longer")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[psycopg.Connection[Any]]:
        with self.server.borrowed() as connection, connection.transaction():
            self._connection = connection
            try:
                yield connection
            finally:
                self._connection = None
                self._writing = False

    def _locked(self, connection: psycopg.Connection[Any], patience: float, *, last: bool) -> bool:
        """Whether this transaction is the one that writes. Raises LockNotAvailable where it was the `last` try."""
        if self._tried(connection):
            return True
        if patience <= 0:
            raise errors.LockNotAvailable("another process writes")
        connection.execute(f"SET LOCAL lock_timeout TO {max(1, round(patience * 1000))}")
        try:
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", (LOCKS, int(self._lock)))
        except errors.LockNotAvailable:
            if last:
                raise
            return False
        connection.execute("SET LOCAL lock_timeout TO DEFAULT")
        return True

    def _tried(self, connection: psycopg.Connection[Any]) -> bool:
        row = connection.execute(
            "SELECT pg_try_advisory_xact_lock(%s, %s) AS got", (LOCKS, int(self._lock))
        ).fetchone()
        return row is not None and bool(row["got"])

    def _require_fence(self, connection: psycopg.Connection[Any]) -> None:
        """Raises Fenced where another night has begun since."""
        if self.fence is None:
            return
        row = connection.execute("SELECT token FROM fences WHERE name = 'night'").fetchone()
        if row is None or row["token"] != self.fence:
            raise Fenced(place=self.place)

    # A night.

    @contextlib.contextmanager
    def alone(
        self, holder: Holder, lost: Callable[[str], None], may_wait: MayWait | None = None
    ) -> Iterator[None]:
        with Fence(self, holder, lost).held(may_wait) as token:
            self.fence = token
            try:
                yield
            finally:
                self.fence = None

    def holder(self) -> Holder | None:
        with self.translated():
            return who_holds(self)

    # Transactions that only read, and what they need.

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        with self._transaction() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield

    def put_off_references(self) -> None:
        self.execute("SET CONSTRAINTS ALL DEFERRED")

    def count_on_from_what_is_there(self) -> None:
        self.execute("SELECT count_on()")

    # The whole.

    def moved(self) -> bool:
        """An address stays what it is."""
        return False

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            give_back(self.server)
