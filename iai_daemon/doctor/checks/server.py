"""The memory's server: whether it answers, in time, with our schema; as whom we are there, and what of it wears out.

Nothing is made there, and its schema is only looked at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from iai_daemon.clock import Stopwatch
from iai_daemon.doctor.finding import Finding, fail, ok, some, warn
from iai_daemon.doctor.patient import ANSWERS_WITHIN, Patient
from iai_daemon.errors import (
    NotPermitted,
    OldServer,
    StoreAway,
    StoreBusy,
)
from iai_daemon.storage.migrate import newest
from iai_daemon.units import say_duration

if TYPE_CHECKING:
    from iai_daemon.storage.postgres.database import PostgresDatabase

# Seconds: to wait for who writes, and what an answer may take before nights, which ask thousands of times, take long.
_PATIENCE = 1.0
_SLOW = 0.1
_ASKED = 3
# Milliseconds after which what a doctor has written was left by a killed one.
_LEFT = 3_600_000
# By so much may a host's clock be wrong before what it tells of times is of no use to the others.
_CLOCK_OFF = 30.0
_CONNECTIONS_SHARE = 0.8
_AS_ITS_OWNER = "give each user a role of his own that owns nothing, and open the memory as that one: `docs/how-to/postgres.md` tells how"

_ABOUT = """
SELECT
    current_setting('server_version') AS version,
    extract(epoch FROM clock_timestamp())::double precision AS now,
    session_user AS who,
    (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS vector,
    (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = session_user) AS sees_all,
    (
        SELECT pg_has_role(session_user, relowner, 'MEMBER') FROM pg_class
        WHERE relname = 'records' AND relnamespace = 'iai'::regnamespace
    ) AS owner,
    (
        SELECT COUNT(DISTINCT grantee) FROM pg_class, aclexplode(relacl)
        WHERE relname = 'records' AND relnamespace = 'iai'::regnamespace AND grantee <> relowner
    ) AS granted,
    (SELECT COUNT(DISTINCT owned_by) FROM hosts) AS users,
    (SELECT COUNT(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS used,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS connections
"""
_UNGUARDED = """
SELECT relname AS name FROM pg_class
WHERE relnamespace = 'iai'::regnamespace AND relkind = 'r' AND NOT relrowsecurity
AND EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'owned_by')
ORDER BY relname
"""


def look(patient: Patient, address: str) -> Iterator[Finding]:
    """Raises StoreUnusable where it cannot be opened."""
    from iai_daemon.storage.postgres.schema import schema_at  # noqa: PLC0415 -- who has no server does not pay for its driver

    try:
        schema = schema_at(address, ANSWERS_WITHIN)
    except StoreAway as away:
        yield fail(
            "store.postgres", str(away), "start the server, or see `pg_isready` and the network between"
        )
        yield fail("store", "the memory's server cannot be used now", "what stands beside `store.postgres`")
        return
    except OldServer as old:
        yield fail("store.postgres", str(old), "upgrade that server")
        return
    if schema == 0:
        yield ok("store", "there is no memory yet")
        return
    if schema < newest():
        seen = f"the server has the schema {schema}, and this program writes {newest()}"
        yield warn("store.schema", seen, "`iai-daemon restart`, or `iai-daemon store upgrade` as who owns it")
        return
    with _opened(address) as database:
        yield from _round_trip(database, patient.now.milliseconds)
        yield from _about(database, schema, patient.now.wall)
    yield ok("store.integrity", "not read through here: a server looks after its own files")
    yield ok("store.backup", "backed up where the server runs, by who runs it")


@contextmanager
def _opened(address: str) -> Iterator[PostgresDatabase]:
    from iai_daemon.storage.postgres.locks import Lock  # noqa: PLC0415 -- who has no server does not pay for its driver
    from iai_daemon.storage.postgres.opening import open_database  # noqa: PLC0415 -- likewise

    database = open_database(address, Lock.MEMORY, _PATIENCE, ANSWERS_WITHIN)
    try:
        with database.translated():
            yield database
    finally:
        database.close()


def _round_trip(database: PostgresDatabase, now: int) -> Iterator[Finding]:
    """Write something, see it from outside of the transaction, and take it back. `now` in milliseconds since the epoch."""
    watch = Stopwatch()
    written = {
        "name": f"doctor:{os.urandom(8).hex()}",
        "now": str(now),
        "left": now - _LEFT,
        "wrong": now + _LEFT,
    }
    try:
        with database.translated(), database.writing():
            database.execute("INSERT INTO facts (name, value) VALUES (:name, :now)", written)
        read = database.execute("SELECT value FROM facts WHERE name = :name", written).fetchone()
        with database.translated(), database.writing():
            database.execute(
                """
                DELETE FROM facts WHERE name = :name
                OR (name LIKE 'doctor:%' AND CAST(value AS BIGINT) NOT BETWEEN :left AND :wrong)
                """,
                written,
            )
    except StoreBusy:
        seen = f"somebody has been writing in {database.place} for {_PATIENCE:g} s"
        yield warn("store", seen, "look again; `iai-daemon status` there says whether a night is running")
        return
    except NotPermitted as refused:
        yield fail("store", str(refused), "`docs/how-to/postgres.md` tells what a role needs to be granted")
        return
    if read is None or read["value"] != written["now"]:
        remedy = "see whether what stands between (a pooler, a replica) leads to one and the same server"
        yield fail("store", "what was written is not what is read", remedy)
        return
    yield ok("store", f"{database.place}: written, read and taken back in {watch.seconds() * 1000:.0f} ms")


def _about(database: PostgresDatabase, schema: int, now: float) -> Iterator[Finding]:
    waited, about = _timed(database)
    extension = (
        f"pgvector {about['vector']}"
        if about["vector"]
        else "no pgvector, so that likeness is computed exactly"
    )
    seen = f"PostgreSQL {about['version']} at {database.place}, schema {schema}, {extension}"
    yield answering(seen, waited)
    yield role(about)
    unguarded = [row["name"] for row in database.execute(_UNGUARDED)]
    yield rows(unguarded)
    yield clock(about["now"] - now)
    yield connections(about["used"], about["connections"])
    with database.server.borrowed() as connection:
        yield encryption(connection.info.host, encrypted=bool(connection.pgconn.ssl_in_use))


def _timed(database: PostgresDatabase) -> tuple[float, Any]:
    """How long the quickest of some answers took, in seconds, and what we need to know."""
    took = []
    for _ in range(_ASKED):
        watch = Stopwatch()
        database.execute("SELECT 1")
        took.append(watch.seconds())
    return min(took), database.execute(_ABOUT).fetchone()


# What is to be thought of it.


def answering(seen: str, seconds: float) -> Finding:
    seen += f", answers in {seconds * 1000:.1f} ms"
    if seconds > _SLOW:
        remedy = (
            "nights ask thousands of times: let the daemon's nights run on a machine that is nearer to it"
        )
        return warn("store.postgres", seen, remedy)
    return ok("store.postgres", seen)


def role(about: Any) -> Finding:
    """As whom we are there."""
    several = about["users"] > 1 or about["granted"] > 0
    if several and about["sees_all"]:
        seen = f"{about['who']} sees the memories of all who share this server, and so do its nights"
        return warn("store.postgres.role", seen, _AS_ITS_OWNER)
    if several and about["owner"]:
        seen = (
            f"{about['who']} owns the tables that several users share, and so may change every rule in them"
        )
        return warn("store.postgres.role", seen, _AS_ITS_OWNER)
    return ok("store.postgres.role", f"as {about['who']}{'' if several else ', who has it for himself'}")


def rows(unguarded: list[str]) -> Finding:
    """Whether each user finds his own rows only."""
    if unguarded:
        seen = f"row security is off for {some(unguarded)}, so that every user may read and change all of it"
        remedy = "as who owns them: ALTER TABLE … ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
        return fail("store.postgres.rows", seen, remedy)
    return ok("store.postgres.rows", "every user finds his own rows, and those that are shared")


def clock(ahead: float) -> Finding:
    """By how many seconds the server's is ahead of ours."""
    if abs(ahead) <= _CLOCK_OFF:
        return ok("store.postgres.clock", f"the server's clock and this host's differ by {abs(ahead):.1f} s")
    which = "ahead of" if ahead > 0 else "behind"
    seen = f"the server's clock is {say_duration(abs(ahead))} {which} this host's"
    return warn("store.postgres.clock", seen, "let both be set by the same time service")


def connections(used: int, most: int) -> Finding:
    seen = f"{used} of {most} connections are used"
    if used >= _CONNECTIONS_SHARE * most:
        remedy = (
            "raise max_connections there, or end what holds them: `SELECT * FROM pg_stat_activity` tells who"
        )
        return warn("store.postgres.connections", seen, remedy)
    return ok("store.postgres.connections", seen)


def encryption(host: str, *, encrypted: bool) -> Finding:
    """Whether others on the way may read along. `host` as the driver knows it: a directory is a socket's."""
    if encrypted:
        return ok("store.postgres.encryption", "what goes there is encrypted")
    if _stays_here(host):
        return ok("store.postgres.encryption", "what goes there stays on this machine")
    seen = f"memories go to {host} as plain text, and whoever is on the way may read them"
    return warn(
        "store.postgres.encryption",
        seen,
        "add ?sslmode=verify-full to the address, and let the server have a certificate",
    )


def _stays_here(host: str) -> bool:
    if host.startswith(("/", "@")) or host in ("", "localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
