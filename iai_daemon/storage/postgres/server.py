"""The way to one server: a few connections that are kept for a moment, deadlines on this side, and a pause after it could not be
used.

One for each address and process. Idle connections are given back after a minute, so that many memory servers that do nothing hold
none. A pool that connects in the background would tell of a wrong password only that nothing came in time, so whoever needs a
connection makes it.
"""

from __future__ import annotations

import contextlib
import math
import select
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import conninfo, sql
from psycopg.adapt import Loader
from psycopg.pq import TransactionStatus

from iai_daemon.clock import Stopwatch
from iai_daemon.errors import BadAddress, StoreAway
from iai_daemon.storage.patience import left
from iai_daemon.storage.postgres.failures import AWAY, BUSY, Lost, Unanswered, is_out_of_reach, one_line
from iai_daemon.storage.postgres.rows import rows

SCHEMA = "iai"
# Seconds that anything asked of the server may take: beyond, it is as good as gone.
DEADLINE = 5.0
# After it could not be used it is asked again after a second, then two, four …
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
# One process does one thing at a time in the memory, and another in the agenda.
_KEPT = 4
_IDLE_FOR = 60.0
# What was idle for longer may have been dropped on the way without a word; whether it was, must be known so soon.
_SURELY_THERE, _TO_FIND_OUT = 10.0, 1.0
# The part of the deadline after which the server itself ends a statement: so it is said what was wrong, and nothing goes on there.
_SERVERS_PART = 0.9
# Somebody who was stopped in the middle of a transaction keeps all others from writing for so many seconds at most.
LONGEST_REST = 30

Connection = psycopg.Connection[Any]


class PatientConnection(psycopg.Connection[Any]):
    """One that gives up when the server does not answer within `deadline` seconds, and is closed then: whatever still comes would
    answer another question."""

    deadline = DEADLINE

    def wait(self, gen: Generator[Any, Any, Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        watch = Stopwatch()
        limit = min(self.deadline if timeout is None else timeout, left())
        try:
            return super().wait(gen, interval=interval, timeout=limit)
        except psycopg.Error as cause:
            if watch.seconds() < limit or cause.sqlstate is not None:
                raise
            self.close()
            raise Unanswered(f"it has not answered within {limit:.2g} s") from cause


@dataclass(slots=True)
class _Idle:
    """A connection that nobody uses, and since when."""

    connection: PatientConnection
    since: Stopwatch = field(default_factory=Stopwatch)

    def is_there(self) -> bool:
        """Whether it can be used still. A server that has ended it has said so, and what was said waits to be read."""
        if self.connection.closed or _has_something_to_read(self.connection):
            return False
        return self.since.seconds() < _SURELY_THERE or self._answers()

    def _answers(self) -> bool:
        usual = self.connection.deadline
        self.connection.deadline = min(usual, _TO_FIND_OUT)
        try:
            self.connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        self.connection.deadline = usual
        return True


class _Attempt(threading.Thread):
    """One try to connect, in a thread of its own: nothing else bounds the look-up of a name."""

    def __init__(self, dsn: str, deadline: float) -> None:
        super().__init__(name="iai-connect", daemon=True)
        self._dsn = dsn
        self._deadline = deadline
        # Who has patience with an answer has none with a server that is not there.
        self._within = min(deadline, DEADLINE, left())
        self._guard = threading.Lock()
        self._given_up = False
        self._outcome: PatientConnection | BaseException | None = None

    def connection(self) -> PatientConnection:
        """Raises psycopg.Error."""
        self.start()
        try:
            self.join(self._within)
        finally:
            with self._guard:
                self._given_up = True
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        if self._outcome is None:
            raise Unanswered(f"no connection to it within {self._within:.2g} s")
        return self._outcome

    def run(self) -> None:
        outcome: PatientConnection | BaseException
        try:
            outcome = self._connect()
        except BaseException as error:  # noqa: BLE001 -- it is raised where the connection is waited for
            outcome = error
        with self._guard:
            if not self._given_up:
                self._outcome = outcome
            elif isinstance(outcome, PatientConnection):
                outcome.close()

    def _connect(self) -> PatientConnection:
        connection = PatientConnection.connect(
            self._dsn, autocommit=True, row_factory=rows, connect_timeout=1 + math.ceil(self._within)
        )
        connection.deadline = self._deadline
        try:
            prepare(connection, self._deadline)
        except BaseException:
            connection.close()
            raise
        return connection


class Server:
    """Where `dsn` leads. `deadline`: seconds that one answer may take; `idle_for`: that a connection is kept. Safe to use from
    several threads. Raises BadAddress."""

    def __init__(self, dsn: str, deadline: float = DEADLINE, idle_for: float = _IDLE_FOR) -> None:
        require_readable(dsn)
        self.place = shown(dsn)
        self.deadline = deadline
        self._dsn = dsn
        self._idle_for = idle_for
        self._away: str | None = None
        self._since = Stopwatch()
        self._pause = 0.0
        self._idle: list[_Idle] = []
        self._changed = threading.Condition()
        self._tidying: threading.Thread | None = None
        # How many parts of this process have taken it: without any, nothing is kept.
        self.users = 0

    @contextlib.contextmanager
    def borrowed(self) -> Iterator[Connection]:
        """A connection for one statement or transaction. Raises StoreAway at once while the pause after a failure lasts."""
        with self._asked():
            connection = self._take()
            try:
                yield connection
                if connection.closed:
                    raise Lost("the connection ended in the middle")
            finally:
                self._put_back(connection)

    def connect(self, deadline: float | None = None) -> Connection:
        """A connection of the caller's own, his to close: for a lock that lasts. Raises psycopg.Error, and StoreAway as above."""
        with self._asked():
            return _Attempt(self._dsn, deadline or self.deadline).connection()

    @contextlib.contextmanager
    def _asked(self) -> Iterator[None]:
        if (why := _SUSPECTED.get(self._dsn)) is not None:
            raise StoreAway(place=self.place, cause=why)
        if self._away is not None and (rest := self._pause - self._since.seconds()) > 0:
            raise StoreAway(
                place=self.place, cause=f"{self._away}; it is asked again in {max(1, round(rest))} s"
            )
        try:
            yield
        except AWAY as cause:
            if is_out_of_reach(cause):
                self.is_away(one_line(cause))
            if not isinstance(cause, BUSY):
                # Where it only reads now, another may be the one that writes: the next connection goes to whoever that is.
                self._let_go()
            raise
        else:
            self.is_back()

    def is_away(self, why: str) -> None:
        """It could not be used: nobody asks it before the pause is over."""
        self._away = why
        self._since = Stopwatch()
        self._pause = min(max(_FIRST_PAUSE, 2 * self._pause), _LONGEST_PAUSE)
        if (look := _LOOKOUTS.get(self._dsn)) is not None:
            _SUSPECTED[self._dsn] = why
            look()

    def is_back(self) -> None:
        """It answers: whoever waits need not any longer."""
        self._away, self._pause = None, 0.0

    def watch(self, look: Callable[[], None]) -> None:
        """Somebody sees for the whole process whether the server at this address answers: after a failure nobody else asks it until he
        says that `answers`. `look` is called then, from any thread, and returns at once."""
        _LOOKOUTS[self._dsn] = look

    def answers(self) -> None:
        """Who watches has seen that it answers."""
        _SUSPECTED.pop(self._dsn, None)
        with _ONE_AT_A_TIME:
            servers = [server for (dsn, _), server in _SERVERS.items() if dsn == self._dsn]
        for each in servers:
            each.is_back()

    def stop_watching(self) -> None:
        """Everybody asks for himself again."""
        _LOOKOUTS.pop(self._dsn, None)
        _SUSPECTED.pop(self._dsn, None)

    def close(self) -> None:
        """Let go of every connection; it can be used again."""
        self._let_go()
        tidying = self._tidying
        if tidying is not None and tidying is not threading.current_thread():
            tidying.join(1.0)

    def _take(self) -> PatientConnection:
        """One that is known to be there, else a new one: no use fails because of what happened to a connection before it."""
        while True:
            with self._changed:
                idle = self._idle.pop() if self._idle else None
            if idle is None:
                return _Attempt(self._dsn, self.deadline).connection()
            if idle.is_there():
                return idle.connection
            idle.connection.close()

    def _put_back(self, connection: PatientConnection) -> None:
        """Whatever is not at rest is closed, so that nothing stays locked, whatever has happened in the middle."""
        at_rest = not connection.closed and connection.info.transaction_status == TransactionStatus.IDLE
        with self._changed:
            if at_rest and self.users and len(self._idle) < _KEPT:
                self._idle.append(_Idle(connection))
                if self._tidying is None:
                    self._tidying = threading.Thread(target=self._tidy, name="iai-idle", daemon=True)
                    self._tidying.start()
                return
        connection.close()

    def _let_go(self) -> None:
        with self._changed:
            idle, self._idle = self._idle, []
            self._changed.notify_all()
        for each in idle:
            each.connection.close()

    def _tidy(self) -> None:
        """Give back what is idle for long, until nothing is idle."""
        while True:
            with self._changed:
                if not self._idle:
                    self._tidying = None
                    return
                self._changed.wait(max(0.0, self._idle_for - self._idle[0].since.seconds()))
                over = [each for each in self._idle if each.since.seconds() >= self._idle_for]
                self._idle = [each for each in self._idle if each not in over]
            for each in over:
                each.connection.close()


class _Number(Loader):
    """Sums of whole numbers are whole numbers, as everywhere else."""

    def load(self, data: Any) -> int | float:
        text = bytes(data)
        return float(text) if b"." in text else int(text)


def prepare(connection: psycopg.Connection[Any], deadline: float | None = None) -> None:
    """Let a new connection speak of our tables, say who it is, and end what takes the server too long: a statement (`deadline`:
    seconds), and a transaction in which nothing happens any more."""
    connection.adapters.register_loader("numeric", _Number)
    longest = 0 if deadline is None else max(1, round(1000 * _SERVERS_PART * deadline))
    connection.execute(
        sql.SQL(
            """
            SET search_path TO {}, public;
            SET application_name TO 'iai-daemon';
            SET timezone TO 'UTC';
            SET statement_timeout TO {};
            SET idle_in_transaction_session_timeout TO {}
            """
        ).format(sql.Identifier(SCHEMA), sql.Literal(longest), sql.Literal(f"{LONGEST_REST}s"))
    )


def _has_something_to_read(connection: psycopg.Connection[Any]) -> bool:
    """Nothing is asked, so what there is to read is that the server ends it; or else its end."""
    there = select.poll()
    try:
        there.register(connection.fileno(), select.POLLIN)
    except psycopg.OperationalError:
        return True
    return bool(there.poll(0))


def require_readable(dsn: str) -> None:
    """Raises BadAddress where the library could not read the address, or would take a part of the password for something else; what
    it says itself of such an address may show the password."""
    where = dsn.partition("://")[2].partition("?")[0]
    if where.count("@") > 1 or "@" in where.partition("/")[2]:
        raise BadAddress(
            problem="what has a meaning in addresses (/ ? @ : %) must be written as %2F, %3F, %40, %3A and %25 in its password"
        )
    try:
        conninfo.conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        raise BadAddress(
            problem="PostgreSQL's library cannot read it; a % in its password is written as %25"
        ) from None


def shown(dsn: str) -> str:
    """The address as people may see it: without its password."""
    try:
        require_readable(dsn)
    except BadAddress:
        return "postgresql://…"
    parts = conninfo.conninfo_to_dict(dsn)
    who = f"{parts['user']}@" if "user" in parts else ""
    port = f":{parts['port']}" if "port" in parts else ""
    host = str(parts.get("host", ""))
    where = "" if host.startswith("/") else f"{host}{port}"
    return f"postgresql://{who}{where}/{parts.get('dbname', '')}"


# Those that nobody uses stay: after a failure the pause holds for whoever comes next, too.
_SERVERS: dict[tuple[str, float], Server] = {}
_ONE_AT_A_TIME = threading.Lock()
# By address: who watches it for this process, and why it was found not to answer.
_LOOKOUTS: dict[str, Callable[[], None]] = {}
_SUSPECTED: dict[str, str] = {}


def take(dsn: str, deadline: float = DEADLINE) -> Server:
    """The server at this address, shared by all of this process who take it; `give_back` it. Raises BadAddress."""
    with _ONE_AT_A_TIME:
        server = _SERVERS.get((dsn, deadline)) or Server(dsn, deadline)
        _SERVERS[dsn, deadline] = server
        server.users += 1
    return server


def give_back(server: Server) -> None:
    """Who took it last closes its connections."""
    with _ONE_AT_A_TIME:
        server.users -= 1
        if not server.users:
            server.close()
