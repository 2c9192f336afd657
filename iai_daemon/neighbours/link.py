"""The connection by which a daemon tells the other hosts of itself and hears of them. Nothing here blocks the event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection
from typing import Any

import psycopg
from psycopg import AsyncConnection, waiting
from psycopg.abc import PQGen

from iai_daemon.errors import IaiError, StoreAway
from iai_daemon.neighbours.hosts import Row
from iai_daemon.neighbours.identity import Identity
from iai_daemon.storage.postgres.failures import in_words, is_out_of_reach, one_line
from iai_daemon.storage.postgres.server import shown

# Seconds that anything asked of the server may take.
DEADLINE = 5.0
CHANNEL = "iai_presence"
# More hosts than share a memory.
_MOST = 1000

_READ = """
SELECT
    id, owned_by, name, presence, EXTRACT(EPOCH FROM clock_timestamp() - renewed_at)::float8, lease,
    owned_by = session_user AND id = %(id)s, owned_by = session_user
FROM iai.hosts
WHERE %(named)s::text[] IS NULL OR id = ANY (%(named)s)
ORDER BY renewed_at DESC
LIMIT %(most)s
"""
_WRITE = """
WITH written AS (
    INSERT INTO iai.hosts (id, name, presence, lease) VALUES (%(id)s, %(name)s, %(presence)s, %(lease)s)
    ON CONFLICT (owned_by, id) DO UPDATE SET
        name = excluded.name,
        presence = excluded.presence,
        lease = excluded.lease,
        renewed_at = excluded.renewed_at,
        published_at = CASE WHEN %(news)s THEN excluded.published_at ELSE hosts.published_at END
    RETURNING id
)
SELECT CASE WHEN %(news)s THEN pg_notify(%(channel)s, id) END FROM written
"""
_FORGET = """
WITH gone AS (DELETE FROM iai.hosts WHERE owned_by = session_user AND id = %(id)s RETURNING id)
SELECT pg_notify(%(channel)s, id) FROM gone
"""
# Of homes that are no more, and of daemons that never came back.
_FORGET_OLD = """
DELETE FROM iai.hosts WHERE owned_by = session_user AND renewed_at < clock_timestamp() - make_interval(secs => %(seconds)s)
"""


class _Connection(AsyncConnection[Any]):
    """One that is closed when whoever waited for an answer has given up: what still comes would answer another question, and a
    server that is stopped would be waited for to cancel it."""

    async def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:  # noqa: ASYNC109 -- psycopg's
        try:
            return await waiting.wait_async(gen, self.pgconn.socket, interval=interval, timeout=timeout)
        except asyncio.CancelledError:
            self.pgconn.finish()
            raise


class Link:
    """One connection, by its owner's task alone. `heard` is called when others have something to say, or it is broken.

    `named`: the hosts that have told something since they were read. Every method raises StoreAway, or another IaiError, when the
    server cannot be used, and is of no use then.
    """

    def __init__(
        self, connection: AsyncConnection[Any], own: Identity, place: str, heard: Callable[[], None]
    ) -> None:
        self._connection = connection
        self.own = own
        self._place = place
        self._heard = heard
        self._loop = asyncio.get_running_loop()
        self._watched: int | None = None
        self.named: set[str] = set()
        self.broken = False
        connection.add_notify_handler(self._note)

    @classmethod
    async def open(
        cls, address: str, own: Identity, heard: Callable[[], None], deadline: float = DEADLINE
    ) -> Link:
        """Raises StoreAway."""
        place = shown(address)
        async with _within(deadline, place):
            connection = await _Connection.connect(
                address, autocommit=True, prepare_threshold=None, application_name="iai-daemon presence"
            )
        link = cls(connection, own, place, heard)
        try:
            async with link._asking(deadline):
                await connection.execute(f"LISTEN {CHANNEL}")
        except BaseException:
            link.close()
            raise
        return link

    async def tell(self, presence: str, lease: float, *, news: bool) -> None:
        """Write who is here, for so many seconds; `news`: others hear of it at once."""
        told = {"id": self.own.id, "name": self.own.name, "presence": presence, "lease": lease}
        async with self._asking():
            await self._connection.execute(_WRITE, {**told, "news": news, "channel": CHANNEL})

    async def read(self, named: Collection[str] | None = None) -> list[Row]:
        """The hosts of these ids, or all of them."""
        asked = {"id": self.own.id, "named": None if named is None else list(named), "most": _MOST}
        async with self._asking():
            cursor = await self._connection.execute(_READ, asked)
            return [Row(*row) for row in await cursor.fetchall()]

    async def forget(self) -> None:
        """Nobody is here any more."""
        async with self._asking():
            await self._connection.execute(_FORGET, {"id": self.own.id, "channel": CHANNEL})

    async def forget_old(self, seconds: float) -> None:
        """Delete what daemons of this user have left, not heard of for so long."""
        async with self._asking():
            await self._connection.execute(_FORGET_OLD, {"seconds": seconds})

    def close(self) -> None:
        """Safe to call twice."""
        self._watch(on=False)
        self._connection.pgconn.finish()

    @contextlib.asynccontextmanager
    async def _asking(self, deadline: float = DEADLINE) -> AsyncIterator[None]:
        """The connection is ours alone inside; outside, the loop watches it."""
        self._watch(on=False)
        async with _within(deadline, self._place):
            if self.broken:
                raise psycopg.OperationalError("the connection was closed")
            yield
        self._watch(on=True)

    def _watch(self, *, on: bool) -> None:
        if self._watched is not None:
            self._loop.remove_reader(self._watched)
            self._watched = None
        if on:
            self._watched = self._connection.pgconn.socket
            self._loop.add_reader(self._watched, self._take_in)

    def _take_in(self) -> None:
        """Something has come although nothing was asked: a notification, or the end."""
        connection = self._connection.pgconn
        try:
            connection.consume_input()
            while told := connection.notifies():
                self._named(told.be_pid, told.extra.decode(errors="replace"))
        except psycopg.Error:
            self.broken = True
            self._watch(on=False)
            self._heard()

    def _note(self, told: psycopg.Notify) -> None:
        self._named(told.pid, told.payload)

    def _named(self, by: int, name: str) -> None:
        """Whoever may speak to the database may say anything on the channel."""
        if by != self._connection.pgconn.backend_pid and len(self.named) < _MOST:
            self.named.add(name)
            self._heard()


@contextlib.asynccontextmanager
async def _within(deadline: float, place: str) -> AsyncIterator[None]:
    """Raises StoreAway, or what else it means, in place of what happens inside."""
    try:
        async with asyncio.timeout(deadline):
            yield
    except TimeoutError as cause:
        raise StoreAway(place=place, cause=f"it has not answered within {deadline:g} s") from cause
    except psycopg.Error as cause:
        raise _in_words(cause, place) from cause
    except (OSError, UnicodeError) as cause:
        raise StoreAway(place=place, cause=str(cause)) from cause


def is_gone(error: IaiError) -> bool:
    """Whether it is the server that cannot be reached, so that nobody else need try."""
    cause = error.__cause__
    return is_out_of_reach(cause) if isinstance(cause, psycopg.Error) else isinstance(cause, OSError)


def _in_words(cause: psycopg.Error, place: str) -> IaiError:
    """What libpq says of an address that it cannot read may show parts of it."""
    if isinstance(cause, psycopg.ProgrammingError) and cause.sqlstate is None:
        return StoreAway(place=place, cause="its address cannot be read")
    return in_words(cause, place, DEADLINE) or StoreAway(place=place, cause=one_line(cause))
