"""The server is gone, stopped, or says no: others' last leases hold, no night starts, nobody waits, and it is over by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from iai_daemon.clock import Stopwatch, SystemClock
from iai_daemon.errors import StoreAway
from iai_daemon.storage.postgres.locks import Lock
from iai_daemon.storage.postgres.opening import open_database
from iai_daemon.storage.postgres.server import Server as Way
from iai_daemon.storage.postgres.server import give_back, take
from tests.neighbours.there import RunningHost, hosts, until, wrapper
from tests.postgres import Server, a_database, running

NewDatabase = Callable[[], str]


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as started:
        yield started


@pytest.fixture
def address(server: Server) -> str:
    name = "shared"
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    open_database(server.dsn(name), Lock.MEMORY).close()
    return server.dsn(name)


async def longest_turn(work: asyncio.Future[None] | asyncio.Task[None]) -> float:
    """How long the loop was kept from everybody else meanwhile, in seconds."""
    longest = 0.0
    while not work.done():
        watch = Stopwatch()
        await SystemClock().wait(asyncio.Event(), 0.005)
        longest = max(longest, watch.seconds())
    await work
    return longest


def is_usable(way: Way) -> bool:
    """Whether others in this process, who use the same way to the server, get a connection."""
    try:
        with way.borrowed():
            return True
    except (StoreAway, psycopg.Error):
        return False


def test_a_crash_is_told_the_last_leases_hold_and_it_is_over_when_the_server_is_back(
    tmp_path: Path, server: Server, address: str
) -> None:
    async def run() -> None:
        async with hosts(tmp_path, address, "mill", "quern", lease=4.0) as (mill, quern):
            mill.tell(wrapper("a"))
            await until(quern.seen)
            shared = take(address)
            try:
                server.crash()
                assert await until(lambda: quern.presence().out_of_sight) < 2.0
                assert quern.seen() == {"a"}
                assert quern.degraded() == ["hosts"]
                assert not await asyncio.to_thread(is_usable, shared)
                await until(lambda: not quern.seen(), 6.0)
                await asyncio.to_thread(server.start)
                await until(lambda: not quern.presence().out_of_sight and quern.seen() == {"a"}, 20.0)
                assert quern.degraded() == []
                assert await asyncio.to_thread(is_usable, shared)
            finally:
                give_back(shared)

    asyncio.run(run())


def test_a_server_that_is_stopped_is_noticed_within_its_deadline_and_blocks_nobody(
    tmp_path: Path, server: Server, address: str
) -> None:
    async def run() -> None:
        async def freeze_and_thaw(quern: RunningHost) -> None:
            server.freeze()
            try:
                noticed = await until(lambda: quern.degraded() == ["hosts"], 12.0)
                assert noticed < 1.0 + 5.0 + 1.0
            finally:
                server.thaw()
            await until(lambda: quern.degraded() == [], 20.0)

        async with hosts(tmp_path, address, "mill", "quern", lease=3.0) as (mill, quern):
            mill.tell(wrapper("a"))
            await until(quern.seen)
            assert await longest_turn(asyncio.create_task(freeze_and_thaw(quern))) < 0.5
            await until(lambda: quern.seen() == {"a"}, 10.0)

    asyncio.run(run())


def test_saying_goodbye_to_a_server_that_is_stopped_takes_two_seconds_at_most(
    tmp_path: Path, server: Server, address: str
) -> None:
    async def run() -> None:
        async with hosts(tmp_path, address, "mill") as (mill,):
            server.freeze()
            try:
                watch = Stopwatch()
                await mill.neighbours.close()
                assert watch.seconds() < 3.0
            finally:
                server.thaw()

    asyncio.run(run())


def test_a_connection_that_the_server_ends_is_made_anew(tmp_path: Path, new_database: NewDatabase) -> None:
    async def run() -> None:
        address = new_database()
        async with hosts(tmp_path, address, "mill", "quern", lease=3600.0, tick=3600.0) as (mill, quern):
            async with await psycopg.AsyncConnection.connect(address, autocommit=True) as other:
                await other.execute(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE application_name = 'iai-daemon presence' AND datname = current_database()
                    """
                )
            await until(lambda: quern.presence().out_of_sight)
            await until(lambda: not quern.presence().out_of_sight and not mill.presence().out_of_sight)
            mill.tell(wrapper("a"))
            await until(lambda: quern.seen() == {"a"})

    asyncio.run(run())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("//nobody@", "does not exist"),
        ("/missing", "does not exist"),
        (":1/", "refused"),
    ],
)
def test_whoever_is_not_let_in_is_told_why_and_no_night_starts(
    tmp_path: Path, new_database: NewDatabase, change: str, said: str
) -> None:
    async def run() -> None:
        address = new_database()
        place, _, database = address.rpartition("/")
        where, _, _port = place.rpartition(":")
        wrong = {
            "//nobody@": f"postgresql:{change}{address.partition('@')[2]}",
            "/missing": place + change,
            ":1/": where + change + database,
        }[change]
        host = RunningHost(tmp_path, "mill", wrong)
        host.neighbours.begin()
        try:
            await until(lambda: host.degraded() == ["hosts"])
            assert said in next(iter(host.troubles.degraded()))["why"]
            assert host.presence().out_of_sight
        finally:
            await host.neighbours.close()
        assert host.degraded() == []

    asyncio.run(run())


def test_a_password_never_shows(tmp_path: Path) -> None:
    async def run() -> None:
        host = RunningHost(tmp_path, "mill", "postgresql://ann:secret@127.0.0.1:1/x?connect_timeout=soon")
        host.neighbours._home.config.touch(0o600)
        host.neighbours.begin()
        try:
            await until(lambda: host.degraded() == ["hosts"])
            assert "secret" not in str(list(host.troubles.degraded()))
            assert "secret" not in str(host.said.calls)
        finally:
            await host.neighbours.close()

    asyncio.run(run())


def test_a_database_without_our_schema_is_waited_for(tmp_path: Path, postgres_server: str) -> None:
    async def run() -> None:
        with a_database(postgres_server, f"bare_{tmp_path.name[-20:]}") as bare:
            host = RunningHost(tmp_path, "mill", bare)
            host.neighbours.begin()
            try:
                await until(lambda: host.degraded() == ["hosts"])
                await asyncio.to_thread(lambda: open_database(bare, Lock.MEMORY).close())
                await until(lambda: host.degraded() == [] and not host.presence().out_of_sight)
            finally:
                await host.neighbours.close()

    asyncio.run(run())
