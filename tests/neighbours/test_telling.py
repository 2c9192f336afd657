"""Hosts tell each other who is there through a real server."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable
from pathlib import Path

import psycopg

from iai_daemon.config import Memory, Settings
from iai_daemon.lifecycle.states import State
from tests.neighbours.there import LEASE, RunningHost, hosts, stays, until, wrapper

NewDatabase = Callable[[], str]


def test_what_one_host_tells_the_others_know_within_a_moment(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    async def run() -> None:
        async with hosts(tmp_path, new_database(), "mill", "quern") as (mill, quern):
            mill.tell(wrapper("a"))
            await until(lambda: quern.seen() == {"a"})
            quern.tell(wrapper("b", headless=True))
            await until(lambda: mill.seen() == {"b"})
            mill.tell()
            await until(lambda: quern.seen() == set())

    asyncio.run(run())


def test_an_activity_is_heard_of_within_two_seconds(tmp_path: Path, new_database: NewDatabase) -> None:
    """By the notification: nothing else would be read within the hour."""

    async def run() -> list[float]:
        async with hosts(tmp_path, new_database(), "mill", "quern", lease=3600.0, tick=3600.0) as (
            mill,
            quern,
        ):
            took = []
            for _ in range(5):
                at = mill.clock.now().awake
                mill.tell(wrapper("a", active=at))
                took.append(
                    await until(
                        lambda at=at: any(_near(each.active_at, at) for each in quern.presence().elsewhere)
                    )
                )
                await stays(lambda: True, 1.2)
            return took

    took = asyncio.run(run())
    assert statistics.median(took) < 0.5
    assert max(took) < 2.0


def _near(seen: float | None, at: float) -> bool:
    return seen is not None and abs(seen - at) < 0.5


def test_a_burst_of_news_is_one_publication_a_second_and_the_last_is_not_lost(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    async def run() -> None:
        address = new_database()
        async with hosts(tmp_path, address, "mill", "quern", lease=3600.0) as (mill, quern):
            published = 0
            async with await psycopg.AsyncConnection.connect(address, autocommit=True) as listening:
                await listening.execute("LISTEN iai_presence")
                for number in range(200):
                    mill.tell(wrapper(str(number)))
                    await stays(lambda: True, 0.005)
                await until(lambda: quern.seen() == {"199"})
                async for _ in listening.notifies(timeout=0.2):
                    published += 1
            assert 1 <= published <= 4

    asyncio.run(run())


def test_a_refresh_tells_nobody_and_the_renewal_carries_it(tmp_path: Path, new_database: NewDatabase) -> None:
    async def run() -> None:
        address = new_database()
        async with hosts(tmp_path, address, "mill", "quern") as (mill, _quern):
            mill.tell(wrapper("a"))
            async with await psycopg.AsyncConnection.connect(address, autocommit=True) as looking:

                async def times() -> tuple[object, object]:
                    cursor = await looking.execute(
                        "SELECT published_at, renewed_at FROM iai.hosts WHERE name LIKE '%mill'"
                    )
                    found = await cursor.fetchone()
                    assert found is not None
                    return found[0], found[1]

                await stays(lambda: True, 1.1)
                published, renewed = await times()
                await stays(lambda: True, LEASE)
                later = await times()
                assert later[0] == published
                assert later[1] != renewed

    asyncio.run(run())


def test_a_clean_end_is_heard_of_at_once(tmp_path: Path, new_database: NewDatabase) -> None:
    async def run() -> None:
        async with hosts(tmp_path, new_database(), "mill", "quern", lease=3600.0, tick=3600.0) as (
            mill,
            quern,
        ):
            mill.tell(wrapper("a"))
            await until(quern.seen)
            await mill.neighbours.close()
            assert await until(lambda: not quern.seen()) < 2.0
            assert len(quern.neighbours.describe(quern.clock.now(), 1.0)) == 1
            assert "host has left" in quern.events()

    asyncio.run(run())


def test_a_host_that_vanishes_stops_counting_when_its_lease_is_over(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    async def run() -> None:
        async with hosts(tmp_path, new_database(), "mill", "quern", tick=3600.0) as (mill, quern):
            mill.tell(wrapper("a"))
            await until(quern.seen)
            assert mill.neighbours._sight is not None
            mill.neighbours._sight._task.cancel()  # as a kill would: it says no goodbye
            gone_after = await until(lambda: not quern.seen())
            assert LEASE / 2 < gone_after < LEASE + 2.0
            told = quern.neighbours.describe(quern.clock.now(), 1.0)[1]
            assert told["lease_over"]
            assert isinstance(told["seen"], float)
            assert told["seen"] >= LEASE
            assert "host has not been heard of" in quern.events()

    asyncio.run(run())


def test_a_host_that_lives_never_stops_counting(tmp_path: Path, new_database: NewDatabase) -> None:
    async def run() -> None:
        async with hosts(tmp_path, new_database(), "mill", "quern", lease=1.0) as (mill, quern):
            mill.tell(wrapper("a"))
            await until(quern.seen)
            await stays(lambda: quern.seen() == {"a"}, 3.5)

    asyncio.run(run())


def test_a_lost_notification_costs_a_tick_at_most(tmp_path: Path, new_database: NewDatabase) -> None:
    async def run() -> None:
        address = new_database()
        async with hosts(tmp_path, address, "mill", "quern", lease=3600.0, tick=0.5) as (mill, quern):
            mill.tell(wrapper("a"))
            await until(quern.seen)
            async with await psycopg.AsyncConnection.connect(address, autocommit=True) as other:
                await other.execute(
                    "UPDATE iai.hosts SET presence = '{\"wrappers\": []}' WHERE name LIKE '%mill'"
                )
            assert await until(lambda: not quern.seen()) < 2.0

    asyncio.run(run())


def test_garbage_in_a_row_or_on_the_channel_breaks_nobody(tmp_path: Path, new_database: NewDatabase) -> None:
    async def run() -> None:
        address = new_database()
        async with hosts(tmp_path, address, "mill", "quern") as (mill, quern):
            async with await psycopg.AsyncConnection.connect(address, autocommit=True) as other:
                for number, text in enumerate(
                    ["", "[", "null", '{"wrappers": [7, {"id": []}, {}]}', "[" * 60_000]
                ):
                    await other.execute(
                        "INSERT INTO iai.hosts (id, name, presence, lease) VALUES (%s, %s, %s, 3600)",
                        (f"odd-{number}", "odd\n" * number, text),
                    )
                    await other.execute("SELECT pg_notify('iai_presence', %s)", (f"odd-{number}",))
                for _ in range(3):
                    await other.execute(
                        "SELECT pg_notify('iai_presence', %s)", ("'; DROP TABLE hosts; --" * 100,)
                    )
            await until(lambda: len(quern.neighbours.describe(quern.clock.now(), 1.0)) == 7)
            mill.tell(wrapper("a"))
            await until(lambda: quern.seen() == {"a"})
            assert quern.degraded() == []
            assert quern.troubles.failures == 0

    asyncio.run(run())


def test_hundreds_of_hosts_are_seen(tmp_path: Path, new_database: NewDatabase) -> None:
    async def run() -> None:
        address = new_database()
        async with await psycopg.AsyncConnection.connect(address, autocommit=True) as other:
            await other.execute(
                """
                INSERT INTO iai.hosts (id, name, presence, lease)
                SELECT 'host-' || n, 'host-' || n, '{"state": "IDLE", "wrappers": [{"id": "w-' || n || '"}]}', 3600
                FROM generate_series(1, 500) AS n
                """
            )
        quern = RunningHost(tmp_path, "quern", address)
        quern.neighbours.begin()
        try:
            await until(lambda: len(quern.seen()) == 500)
        finally:
            await quern.neighbours.close()

    asyncio.run(run())


def test_what_daemons_left_more_than_a_day_ago_is_deleted(tmp_path: Path, new_database: NewDatabase) -> None:
    async def run() -> None:
        address = new_database()
        async with await psycopg.AsyncConnection.connect(address, autocommit=True) as other:
            await other.execute(
                """
                INSERT INTO iai.hosts (id, name, presence, lease, renewed_at)
                VALUES ('old', 'old', '{}', 30, clock_timestamp() - interval '2 days'),
                       ('late', 'late', '{}', 30, clock_timestamp() - interval '2 hours')
                """
            )
            async with hosts(tmp_path, address, "mill", others=1) as (mill,):
                names = [each["name"] for each in mill.neighbours.describe(mill.clock.now(), 1.0)]
                assert names[1:] == ["late"]
                left = await (await other.execute("SELECT id FROM iai.hosts")).fetchall()
                assert ("old",) not in left

    asyncio.run(run())


def test_other_settings_move_a_host_to_another_server_and_back_to_a_file(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    async def run() -> None:
        first, second = new_database(), new_database()
        async with hosts(tmp_path, first, "mill", "quern") as (mill, quern):
            mill.tell(wrapper("a"))
            await until(quern.seen)
            await mill.neighbours.reload(Settings(memory=Memory(store=second)))
            await until(lambda: not quern.seen())
            mill.tell(wrapper("a"))
            await until(lambda: not mill.presence().out_of_sight)
            await mill.neighbours.reload(Settings())
            assert mill.neighbours.describe(mill.clock.now(), 1.0) == []
            assert not mill.presence().out_of_sight

    asyncio.run(run())


def test_who_has_no_server_has_no_neighbours(tmp_path: Path) -> None:
    async def run() -> None:
        alone = RunningHost(tmp_path, "mill", "sqlite")
        alone.neighbours.begin()
        alone.tell(wrapper("a"), state=State.WAKE)
        assert alone.presence().elsewhere == ()
        assert not alone.presence().out_of_sight
        assert alone.neighbours.describe(alone.clock.now(), 1.0) == []
        await alone.neighbours.close()

    asyncio.run(run())


def test_two_daemons_that_have_the_same_id_part(tmp_path: Path, new_database: NewDatabase) -> None:
    """A machine was copied while it ran: nothing tells the copy from it."""

    async def run() -> None:
        address = new_database()
        async with hosts(tmp_path, address, "mill") as (mill,):
            mill.tell(wrapper("a"))
            copy = RunningHost(tmp_path, "mill", address)
            copy.neighbours.begin()
            copy.tell(wrapper("b"))
            try:
                await until(lambda: mill.seen() == {"b"} and copy.seen() == {"a"})
            finally:
                await copy.neighbours.close()
            assert mill.events().count(
                "another host has the id of this one: taking another"
            ) + copy.events().count("another host has the id of this one: taking another") in (1, 2)

    asyncio.run(run())
