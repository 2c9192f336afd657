"""The way to a server that stops, starts, freezes, is full or refuses: what is said, how soon, and what works again afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from iai_daemon.clock import Stopwatch
from iai_daemon.errors import BadAddress, StoreAway, StoreBusy
from iai_daemon.storage.postgres.database import PostgresDatabase
from iai_daemon.storage.postgres.locks import Lock
from iai_daemon.storage.postgres.opening import open_database
from iai_daemon.storage.postgres.server import Server as Way
from iai_daemon.storage.postgres.server import take
from tests.journeys.real import until
from tests.postgres import Server, a_database, running

# Far below what a test waits for, far above what a machine with much to do needs.
DEADLINE = 2.0
AT_ONCE = 1.0


@pytest.fixture
def address(postgres: Server, request: pytest.FixtureRequest) -> Iterator[str]:
    with a_database(postgres.dsn("postgres"), "memory") as address:
        yield address


@pytest.fixture
def opened() -> Iterator[Callable[..., PostgresDatabase]]:
    """Opens a database, closed at the end; as another process would, with a way of its own."""
    with contextlib.ExitStack() as closing:

        def open_one(address: str, deadline: float = DEADLINE, waits_for: float = 3.0) -> PostgresDatabase:
            database = open_database(address, Lock.MEMORY, waits_for, deadline)
            closing.callback(database.close)
            return database

        yield open_one


def ask(database: PostgresDatabase) -> int:
    with database.translated():
        return int(database.execute("SELECT 1 AS one").fetchone()["one"])


def refused(work: Callable[[], object]) -> tuple[str, float]:
    """What is said against it, and after how many seconds."""
    watch = Stopwatch()
    with pytest.raises(StoreAway) as error:
        work()
    return str(error.value), watch.seconds()


def add(database: PostgresDatabase, name: str) -> None:
    with database.translated(), database.writing():
        database.execute("INSERT INTO facts (name, value) VALUES (:name, '1')", {"name": name})


def names(database: PostgresDatabase) -> list[str]:
    with database.translated():
        return [row["name"] for row in database.execute("SELECT name FROM facts ORDER BY name")]


def back(database: PostgresDatabase) -> None:
    """Wait out the pause."""

    def answers() -> bool:
        try:
            return ask(database) == 1
        except StoreAway:
            return False

    until(answers, 20)


def test_where_nobody_listens_that_is_said_at_once() -> None:
    said, seconds = refused(lambda: open_database("postgresql://me@127.0.0.1:1/memory", Lock.MEMORY))
    assert "Connection refused" in said
    assert seconds < AT_ONCE


def test_a_name_that_there_is_not_is_said() -> None:
    said, _ = refused(lambda: open_database("postgresql://me@no-such-host.invalid/memory", Lock.MEMORY))
    assert "no-such-host.invalid" in said


def test_who_may_not_come_in_is_told_why_and_not_tried_again_at_once(postgres: Server) -> None:
    address = postgres.dsn("nowhere")
    said, seconds = refused(lambda: open_database(address, Lock.MEMORY))
    assert 'database "nowhere" does not exist' in said
    assert seconds < AT_ONCE
    for _ in range(20):
        again, seconds = refused(lambda: open_database(address, Lock.MEMORY))
        assert "it is asked again in 1 s" in again
        assert seconds < AT_ONCE


def test_the_first_use_after_a_restart_is_answered(
    postgres: Server, address: str, opened: Callable[..., PostgresDatabase]
) -> None:
    database = opened(address)
    add(database, "before")
    postgres.stop()
    postgres.start()
    assert ask(database) == 1
    postgres.crash()
    postgres.start()
    add(database, "after")
    assert names(database) == ["after", "before"]


def test_the_first_use_after_a_server_has_ended_the_session_is_answered(
    postgres: Server, address: str, opened: Callable[..., PostgresDatabase]
) -> None:
    database = opened(address)
    assert ask(database) == 1
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
        ended = connection.execute(
            "SELECT count(pg_terminate_backend(pid, 2000)) FROM pg_stat_activity WHERE datname = 'memory'"
        ).fetchone()
    assert ended
    assert ended[0] >= 1
    assert ask(database) == 1


def test_a_stopped_server_is_said_at_once_and_used_again_when_it_is_back(
    postgres: Server, address: str, opened: Callable[..., PostgresDatabase]
) -> None:
    database = opened(address)
    assert ask(database) == 1
    postgres.stop()
    _, seconds = refused(lambda: ask(database))
    assert seconds < AT_ONCE
    assert refused(lambda: ask(database))[1] < AT_ONCE
    postgres.start()
    back(database)
    assert ask(database) == 1


def test_a_frozen_server_costs_one_deadline_and_then_nothing(
    postgres: Server, address: str, opened: Callable[..., PostgresDatabase]
) -> None:
    database = opened(address)
    add(database, "before")
    postgres.freeze()
    said, seconds = refused(lambda: ask(database))
    assert f"has not answered within {DEADLINE:g} s" in said
    assert seconds < DEADLINE + AT_ONCE
    for _ in range(5):
        _, seconds = refused(lambda: ask(database))
        assert seconds < AT_ONCE
    _, seconds = refused(lambda: open_database(address, Lock.MEMORY, deadline=DEADLINE))
    assert seconds < AT_ONCE
    postgres.thaw()
    back(database)
    assert names(database) == ["before"]


def test_a_frozen_server_that_nobody_has_a_connection_to_costs_one_deadline(postgres: Server) -> None:
    postgres.freeze()
    try:
        way = Way(postgres.dsn("postgres"), DEADLINE)
        watch = Stopwatch()
        with pytest.raises(psycopg.OperationalError, match="no connection to it within 2 s"), way.borrowed():
            pass
        assert watch.seconds() < DEADLINE + AT_ONCE
    finally:
        postgres.thaw()


def test_a_pause_grows_and_ends_with_the_first_answer() -> None:
    way = Way("postgresql://me@127.0.0.1:1/memory")
    for longest in (1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0):
        way.is_away("it is gone")
        assert way._pause == longest
    way.is_back()
    way.is_away("it is gone")
    assert way._pause == 1.0


def test_what_takes_the_server_too_long_is_ended_there_and_the_next_is_answered_at_once(
    postgres: Server, address: str, opened: Callable[..., PostgresDatabase]
) -> None:
    database = opened(address)
    with database.translated():
        said, seconds = refused(lambda: slow(database))
    assert "statement timeout" in said
    assert seconds < DEADLINE + AT_ONCE
    assert ask(database) == 1
    with psycopg.connect(postgres.dsn("postgres")) as connection:
        left = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND state = 'active' AND pid <> pg_backend_pid()"
        ).fetchone()
    assert left == (0,)


def slow(database: PostgresDatabase) -> None:
    with database.translated():
        database.execute("SELECT pg_sleep(60)")


def test_whoever_waits_for_another_writer_is_told_that_it_is_busy_and_not_away(
    address: str, opened: Callable[..., PostgresDatabase]
) -> None:
    one, other = opened(address), opened(address, waits_for=DEADLINE + 1)
    with one.translated(), one.writing():
        watch = Stopwatch()
        with pytest.raises(StoreBusy):
            add(other, "while another writes")
        assert watch.seconds() >= DEADLINE
    add(other, "afterwards")
    assert names(one) == ["afterwards"]


def test_where_there_are_no_connections_left_that_is_said_and_passes(
    postgres: Server, address: str, opened: Callable[..., PostgresDatabase]
) -> None:
    database = opened(address)
    database.server.close()
    with contextlib.ExitStack() as taken:
        with contextlib.suppress(psycopg.OperationalError):
            for _ in range(40):
                taken.enter_context(contextlib.closing(psycopg.connect(postgres.dsn("postgres"))))
        said, seconds = refused(lambda: ask(database))
        assert "too many clients" in said
        assert seconds < AT_ONCE
    back(database)


def test_where_a_server_only_reads_what_is_there_is_found_and_nothing_is_written(
    postgres: Server, address: str, opened: Callable[..., PostgresDatabase]
) -> None:
    database = opened(address)
    add(database, "before")
    only_reads(postgres, "on")
    database.server.close()
    try:
        said, _ = refused(lambda: add(database, "meanwhile"))
        assert "read-only transaction" in said
        assert names(database) == ["before"]
    finally:
        only_reads(postgres, "off")
    add(database, "then")
    assert names(database) == ["before", "then"]


def only_reads(server: Server, value: str) -> None:
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only TO off")
        connection.execute(f"ALTER SYSTEM SET default_transaction_read_only TO {value}")
        connection.execute("SELECT pg_reload_conf()")

    def holds() -> bool:
        with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
            return connection.execute("SHOW default_transaction_read_only").fetchone() == (value,)

    until(holds)


def test_of_two_servers_the_one_that_writes_is_used_also_after_they_have_changed_places(
    postgres: Server, opened: Callable[..., PostgresDatabase]
) -> None:
    with (
        running() as second,
        a_database(postgres.dsn("postgres"), "both"),
        a_database(second.dsn("postgres"), "both") as other,
    ):
        opened(other).close()
        hosts = f"127.0.0.1:{postgres.port},127.0.0.1:{second.port}"
        only_reads(second, "on")
        try:
            database = opened(f"postgresql://postgres@{hosts}/both?target_session_attrs=read-write", 5.0)
            add(database, "in the first")
            only_reads(second, "off")
            only_reads(postgres, "on")
            # Its connections knew it as one that writes.
            refused(lambda: add(database, "in neither"))
            add(database, "in the second")
            assert names(database) == ["in the second"]
        finally:
            only_reads(postgres, "off")


def test_where_the_disk_is_full_that_is_said_and_what_is_there_is_found(
    postgres: Server, address: str, opened: Callable[..., PostgresDatabase]
) -> None:
    database = opened(address, 5.0)
    add(database, "before")
    with small_disk() as folder, psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
        try:
            connection.execute("ALTER TABLE iai.facts SET TABLESPACE small")
            said, _ = refused(lambda: fill(database))
            assert "No space left on device" in said
            assert names(database) == ["before"]
        finally:
            connection.execute("ALTER TABLE iai.facts SET TABLESPACE pg_default")
            connection.execute("DROP TABLESPACE small")
    add(database, "after")
    assert names(database) == ["after", "before"]


@contextlib.contextmanager
def small_disk() -> Iterator[str]:
    if os.geteuid() != 0:
        pytest.skip("a small disk can be made by root alone")
    folder = tempfile.mkdtemp(prefix="small-")
    made = subprocess.run(
        ["/usr/bin/env", "mount", "-t", "tmpfs", "-o", "size=1m,uid=65534,gid=65534", "none", folder],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        shutil.rmtree(folder)
        pytest.skip(f"no small disk can be made here: {made.stderr.decode()}")
    try:
        yield folder
    finally:
        subprocess.run(["/usr/bin/env", "umount", folder], check=True)
        Path(folder).rmdir()


def fill(database: PostgresDatabase) -> None:
    with database.translated(), database.writing():
        database.execute(
            """
            INSERT INTO facts (name, value)
            SELECT 'fill ' || n, (SELECT string_agg(md5(CAST(n * 1000 + m AS TEXT)), '') FROM generate_series(1, 60) AS m)
            FROM generate_series(1, 2000) AS n
            """
        )


def test_whoever_is_interrupted_in_the_middle_leaves_nothing_locked(
    address: str, opened: Callable[..., PostgresDatabase]
) -> None:
    script = """
import sys
from iai_daemon.storage.postgres.locks import Lock
from iai_daemon.storage.postgres.opening import open_database
database = open_database(sys.argv[1], Lock.MEMORY)
try:
    with database.writing():
        database.execute("INSERT INTO facts (name, value) VALUES ('unfinished', '1')")
        print("begun", flush=True)
        database.execute("SELECT pg_sleep(4)")
except KeyboardInterrupt:
    with database.writing():
        database.execute("INSERT INTO facts (name, value) VALUES ('afterwards', '1')")
    print("interrupted", flush=True)
    sys.stdin.read()
"""
    database = opened(address)
    process = subprocess.Popen(
        [sys.executable, "-c", script, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin
    assert process.stdout
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "interrupted\n"
    add(database, "another")
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert names(database) == ["afterwards", "another"]


def test_an_exception_in_the_middle_leaves_nothing_written_and_nothing_locked(
    address: str, opened: Callable[..., PostgresDatabase]
) -> None:
    one, other = opened(address), opened(address)
    with pytest.raises(ZeroDivisionError):
        add_and_fail(one)
    add(other, "another")
    assert names(one) == ["another"]


def test_a_writer_who_is_stopped_in_the_middle_does_not_keep_others_from_writing_for_ever(
    address: str, opened: Callable[..., PostgresDatabase]
) -> None:
    one, other = opened(address), opened(address, waits_for=10.0)

    def stop_in_the_middle() -> None:
        with one.translated(), one.writing():
            one.execute("SET LOCAL idle_in_transaction_session_timeout TO '500ms'")
            add_in(one, "unfinished")
            add(other, "another")
            add_in(one, "too late")

    refused(stop_in_the_middle)
    assert names(other) == ["another"]


def add_in(database: PostgresDatabase, name: str) -> None:
    database.execute("INSERT INTO facts (name, value) VALUES (:name, '1')", {"name": name})


def add_and_fail(database: PostgresDatabase) -> None:
    with database.translated(), database.writing():
        add(database, "inner")
        raise ZeroDivisionError


def test_a_write_within_a_write_belongs_to_it(address: str, opened: Callable[..., PostgresDatabase]) -> None:
    database = opened(address)
    with pytest.raises(ZeroDivisionError):
        add_and_fail(database)
    assert names(database) == []
    with database.translated(), database.writing():
        add(database, "inner")
    assert names(database) == ["inner"]


def test_a_connection_that_is_lost_while_nobody_looks_counts_as_lost_and_not_as_written(
    postgres: Server, address: str, opened: Callable[..., PostgresDatabase]
) -> None:
    database = opened(address)

    def lose_it() -> None:
        with database.translated(), database.writing():
            add_in(database, "lost")
            with contextlib.suppress(psycopg.Error):
                database.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    refused(lose_it)
    back(database)
    assert names(database) == []


def test_an_address_that_cannot_be_read_is_said_without_it() -> None:
    for address in (
        "postgresql://me:s3cr%ZZet@host/memory",
        "postgresql://me:s3cr@et@host/memory",
        "postgresql://me:s3cr/et@host/memory",
    ):
        with pytest.raises(BadAddress) as error:
            take(address)
        assert "s3cr" not in str(error.value)
        assert "et@" not in str(error.value)


def test_without_anybody_who_uses_it_nothing_is_kept_but_the_pause(postgres: Server, address: str) -> None:
    database = open_database(address, Lock.MEMORY)
    way = database.server
    assert threading.active_count() > 1
    database.close()
    assert way._idle == []
    # Within one transaction the server shows the same activity again and again.
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
        until(
            lambda: (
                connection.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = 'memory'"
                ).fetchone()
                == (0,)
            )
        )
    assert take(address) is way
    way.is_away("it is gone")
    assert way._away == "it is gone"
    way.is_back()


def test_idle_connections_are_given_back_after_a_while(postgres: Server, address: str) -> None:
    way = Way(address, DEADLINE, idle_for=0.3)
    way.users = 1
    for _ in range(3):
        with way.borrowed() as connection:
            used = connection.info.backend_pid
    assert [each.connection.info.backend_pid for each in way._idle] == [used]
    until(lambda: not way._idle)
    until(lambda: not [each for each in threading.enumerate() if each.name == "iai-idle"])
    with way.borrowed() as connection:
        assert connection.info.backend_pid != used
    way.close()


def test_whether_it_must_be_encrypted_is_what_the_address_says(postgres: Server, address: str) -> None:
    said, _ = refused(lambda: open_database(f"{address}?sslmode=require", Lock.MEMORY))
    assert "does not support SSL" in said
    open_database(f"{address}?sslmode=prefer", Lock.MEMORY).close()
