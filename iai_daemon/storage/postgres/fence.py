"""One night at a time on all hosts that share a database.

Two things keep them apart. A lock of a session, which the server gives back when the session ends, lets one at a time begin. A token,
which every night raises, is asked for in each of its writes: who was taken for gone and comes back can write nothing.

Who holds the lock renews a lease, by the server's clock. A session that is not heard of for a whole lease (its process was stopped, its
host has vanished) is ended by the server itself, and by the next who wants the lock where his role may. Nobody goes on by the token
alone: that keeps the other from writing, and not from working at the same night.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import psycopg

from iai_daemon.clock import Stopwatch
from iai_daemon.errors import Fenced, NightBusy
from iai_daemon.storage.database import Database, Holder, MayWait
from iai_daemon.storage.postgres.failures import one_line
from iai_daemon.storage.postgres.locks import LOCKS, Lock
from iai_daemon.storage.postgres.server import LONGEST_REST, Server

Connection = psycopg.Connection[Any]

# Seconds for which a holder is believed without a word from it, and after which it says one.
LEASE = 60.0
_RENEWALS = 12
# So long is waited for a session that was told to end.
_ENDS_WITHIN_MS = 2000
# `idle_session_timeout` is as old as this.
_ENDS_IDLE_SESSIONS = 140000

_MINE = {"locks": LOCKS, "night": int(Lock.NIGHT)}


class Shared(Database, Protocol):
    """A database that several hosts may have open, by the server that it is on."""

    @property
    def server(self) -> Server: ...


class Fence:
    """The hold of one process on the night of a database. `lost` is called once, from another thread, when it has lost it."""

    def __init__(
        self,
        database: Shared,
        holder: Holder,
        lost: Callable[[str], None],
        lease: float = LEASE,
    ) -> None:
        self._database = database
        self._holder = holder
        self._lost = lost
        self._lease = lease
        self._over = threading.Event()

    @contextlib.contextmanager
    def held(self, may_wait: MayWait | None = None) -> Iterator[int]:
        """Hold it; gives the token. Raises NightBusy, StoreAway, StoreBusy."""
        with contextlib.ExitStack() as ends:
            with self._database.translated():
                connection = self._connect()
                ends.callback(connection.close)
                self._take(connection)
                token = self._raise_token(connection, may_wait)
            renewing = threading.Thread(
                target=self._renew, args=(connection, token), name="fence", daemon=True
            )
            renewing.start()
            try:
                yield token
            finally:
                self._over.set()
                renewing.join()
                self._give_back(connection, token)

    def _connect(self) -> Connection:
        """A session that ends with the process, with its host, or when nothing is heard of it for a lease."""
        connection = self._database.server.connect(self._lease / 4)
        if connection.info.server_version >= _ENDS_IDLE_SESSIONS:
            connection.execute(f"SET idle_session_timeout TO '{round(self._lease * 1000)}ms'")
        return connection

    def _take(self, connection: Connection) -> None:
        if self._locked(connection):
            return
        self._end_who_is_gone(connection)
        if not self._locked(connection):
            raise NightBusy(holder=self._whose(connection))

    def _locked(self, connection: Connection) -> bool:
        row = connection.execute("SELECT pg_try_advisory_lock(%(locks)s, %(night)s) AS got", _MINE).fetchone()
        return row is not None and bool(row["got"])

    def _end_who_is_gone(self, connection: Connection) -> None:
        """End the session of a holder whose lease is over: that very one. Where our role may not, the server has to."""
        with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
            connection.execute(
                """
                SELECT pg_terminate_backend(pid, %s)
                FROM fences
                JOIN pg_stat_activity ON pid = backend AND pg_stat_activity.backend_start = fences.backend_start
                WHERE name = 'night' AND until < clock_timestamp()
                """,
                (_ENDS_WITHIN_MS,),
            )

    def _whose(self, connection: Connection) -> str:
        """Who holds it, in words."""
        row = connection.execute(
            """
            SELECT
                host, home, holder,
                GREATEST(0, ROUND(EXTRACT(EPOCH FROM clock_timestamp() - until))) AS over
            FROM fences WHERE name = 'night' AND host IS NOT NULL
            """
        ).fetchone()
        if row is None:
            return "it does not say which"
        said = Holder(row["host"], row["home"], row["holder"]).say()
        over = int(row["over"] or 0)
        return f"{said}, which should have been heard of {over} s ago" if over else said

    def _raise_token(self, connection: Connection, may_wait: MayWait | None) -> int:
        """After whatever the last holder still wrote, since it waits for that: where he was stopped in the middle of a write, until
        the server has ended it."""
        watch = Stopwatch()
        while True:
            try:
                return self._next_token(connection, may_wait)
            except psycopg.errors.LockNotAvailable:
                if watch.seconds() > LONGEST_REST or (may_wait is not None and not may_wait()):
                    raise

    def _next_token(self, connection: Connection, may_wait: MayWait | None) -> int:
        """Tokens follow the clock, so that a server which takes the place of another, and has missed its last nights, does not give one
        of theirs away again.
        """
        backend = connection.info.backend_pid
        with self._database.writing(may_wait):
            row = self._database.execute(
                """
                UPDATE fences SET
                    token = GREATEST(token + 1, CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)),
                    host = :host, home = :home, holder = :holder, backend = :backend,
                    backend_start = (SELECT backend_start FROM pg_stat_activity WHERE pid = :backend),
                    until = clock_timestamp() + make_interval(secs => :lease)
                WHERE name = 'night'
                RETURNING token
                """,
                {
                    "host": self._holder.host,
                    "home": self._holder.home,
                    "holder": self._holder.who,
                    "backend": backend,
                    "lease": self._lease,
                },
            ).fetchone()
        if row is None:
            raise Fenced(place=self._database.place)
        return int(row["token"])

    def _renew(self, connection: Connection, token: int) -> None:
        """Say again and again that it is still held, until it is over or lost."""
        while not self._over.wait(self._lease / _RENEWALS):
            try:
                renewed = connection.execute(
                    """
                    UPDATE fences SET until = clock_timestamp() + make_interval(secs => %s)
                    WHERE name = 'night' AND token = %s
                    """,
                    (self._lease, token),
                ).rowcount
            except psycopg.Error as cause:
                self._lost(f"its hold on {self._database.place} was lost ({one_line(cause)})")
                return
            if not renewed:
                self._lost(str(Fenced(place=self._database.place)))
                return

    def _give_back(self, connection: Connection, token: int) -> None:
        """At once, and not only when the server notices that the session has ended. What has lost it has nothing to give."""
        with contextlib.suppress(psycopg.Error):
            connection.execute(
                """
                UPDATE fences SET
                    host = NULL, home = NULL, holder = NULL, backend = NULL, backend_start = NULL, until = NULL
                WHERE name = 'night' AND token = %s
                """,
                (token,),
            )
            connection.execute("SELECT pg_advisory_unlock(%(locks)s, %(night)s)", _MINE)


def who_holds(database: Database) -> Holder | None:
    """Who runs a night now: its session holds the lock, and its lease is not over."""
    row = database.execute(
        """
        SELECT host, home, holder
        FROM fences
        JOIN pg_locks ON pg_locks.pid = fences.backend
        WHERE name = 'night' AND until > clock_timestamp() AND host IS NOT NULL AND granted
            AND locktype = 'advisory' AND classid = :locks AND objid = :night AND objsubid = 2
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """,
        _MINE,
    ).fetchone()
    return None if row is None else Holder(row["host"], row["home"], row["holder"])
