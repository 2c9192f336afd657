"""Nights on a server that several hosts share: two at once, kills, a server that crashes, freezes, or ends a night's session."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
import structlog

from iai_daemon.clock import Stopwatch, SystemClock, pause, read
from iai_daemon.config import load
from iai_daemon.consolidation.journal import undo_night
from iai_daemon.consolidation.night import WORKER, Event, Job, Night
from iai_daemon.errors import NightBusy, NightFailed, StoreAway
from iai_daemon.lifecycle.decide import Allowed, Standing
from iai_daemon.lifecycle.states import State
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from iai_daemon.shift import Shift
from tests.consolidation import own_worker
from tests.consolidation.evening import a_day, listen, worker
from tests.consolidation.working import BACK, work
from tests.fakes import LONG
from tests.faults.seeds import luck
from tests.journeys.real import until
from tests.postgres import Server, running

RECORDS = 600
# A third is past its time; of another third the last of each of seven subjects holds.
EXPIRED, SUPERSEDED = RECORDS // 3, RECORDS // 3 - 7
# Is stopped in the middle of a transaction, which the server has to end.
WRITES = """
import os, signal, sys
from pathlib import Path
from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
stores = open_stores(Home(Path(sys.argv[1])))
with stores.database.writing():
    stores.database.execute("SET LOCAL idle_in_transaction_session_timeout TO 500")
    print("writes", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
"""
KILLS = 100 if LONG else 3
TILES = own_worker.program("tiles")


@pytest.fixture
def server() -> Iterator[Server]:
    """One that a test may break, and that keeps what it has said to have kept."""
    with running(synchronous_commit="on") as server:
        yield server


def a_host(root: Path, address: str) -> Home:
    """A home as another machine has it, with its memory at this address."""
    home = Home(root)
    home.create()
    home.config.write_text(f'[memory]\nstore = "{address}"\n')
    home.config.chmod(0o600)
    return home


@pytest.fixture
def mill(tmp_path: Path, server: Server) -> Home:
    return a_host(tmp_path / "mill", server.dsn("postgres"))


@pytest.fixture
def barn(tmp_path: Path, server: Server) -> Home:
    return a_host(tmp_path / "barn", server.dsn("postgres"))


def whole_or_untouched(stores: Stores) -> None:
    """Every journal row is the record's state, and every changed record has its journal row."""
    with stores.database.reading():
        rows = {row["id"]: dict(row) for row in stores.database.execute("SELECT * FROM records")}
        after = {
            row["record"]: json.loads(row["after"])
            for row in stores.database.execute("SELECT record, after FROM journal ORDER BY id")
        }
    touched = {number for number, row in rows.items() if row["revision"] > 1 or row["made_by"] is not None}
    assert touched == after.keys()
    assert all(rows[number] == image for number, image in after.items())


def all_is_done(stores: Stores) -> None:
    """What every night of such a day comes to, however often it was cut short."""
    whole_or_untouched(stores)
    counts = stores.nights.counts("hash-256")
    records = RECORDS + len(stores.nights.made_by("summarize"))
    assert (counts["expired"], counts["superseded"], counts["embedded"]) == (EXPIRED, SUPERSEDED, records)
    assert not stores.nights.unfinished_nights()


def the_lease_runs_out(stores: Stores) -> None:
    """By the server's clock."""
    stores.database.execute("UPDATE fences SET until = clock_timestamp() - interval '1 s'")


class Begun:
    """A night that runs while the test goes on."""

    def __init__(self, home: Home, program: Sequence[str] = WORKER, yield_within: float = 30.0) -> None:
        self.night = Night(Job(home.root, "night", "absent"), yield_within, program)
        self._events: list[Event] = []
        self._running: asyncio.Task[dict[str, Any] | None] | None = None

    async def until(self, event: str, name: str) -> psutil.Process:
        """Begin it; its worker, once it has told this event of this pass."""
        reached, before = asyncio.Event(), set(psutil.Process().children())

        def heard(told: Event) -> None:
            self._events.append(told)
            if (told["event"], told.get("pass")) == (event, name):
                reached.set()

        self._running = asyncio.create_task(self.night.run(heard))
        async with asyncio.timeout(60):
            while not reached.is_set():
                assert not self._running.done(), self._events
                if await SystemClock().wait(reached, 0.05):
                    break
        (process,) = set(psutil.Process().children()) - before
        return process

    async def end(self) -> dict[str, Any] | None:
        assert self._running is not None
        async with asyncio.timeout(60):
            return await self._running


# --- one at a time


def test_of_two_hosts_one_runs_a_night_and_the_other_is_told_where_it_runs(mill: Home, barn: Home) -> None:
    async def evening() -> dict[str, Any] | None:
        night = Begun(mill, TILES)
        await night.until("pass", "tiles")
        with pytest.raises(
            NightBusy, match=rf"on {re.escape(socket.gethostname())}, process \d+, night \(absent\)"
        ):
            await Night(Job(barn.root, "night", "absent"), 30.0).run()
        with pytest.raises(NightBusy, match="process"):
            undo_night(stores.nights, barn, 1, 1, force=False)
        night.night.request_yield(BACK)
        return await night.end()

    with closing(open_stores(barn)) as stores:
        a_day(stores)
        report = asyncio.run(evening())
        assert report is not None
        assert (report["id"], report["outcome"]) == (1, "yielded")
        resumed = work(barn).report
        assert resumed is not None
        assert (resumed["id"], resumed["outcome"]) == (2, "completed")
        assert resumed["resumes"] == {"night": 1, "pass": "tiles"}


def test_two_hosts_at_once_do_the_work_once(mill: Home, barn: Home) -> None:
    with closing(open_stores(mill)) as stores:
        a_day(stores, RECORDS)
        with worker(mill) as one, worker(barn) as other:
            ends = [list(listen(process))[-1] for process in (one, other)]
        reports = [end["report"] for end in ends if end["event"] == "report"]
        assert {end["event"] for end in ends} <= {"report", "busy"}
        assert sum(report["expired_pruned"] for report in reports) == EXPIRED
        all_is_done(stores)


# --- who is stopped, and comes back


def test_a_worker_that_is_stopped_past_its_lease_and_returns_writes_nothing(mill: Home, barn: Home) -> None:
    async def evening(stores: Stores) -> None:
        first = Begun(mill)
        stopped = await first.until("progress", "embed")
        stopped.send_signal(signal.SIGSTOP)
        with pytest.raises(NightBusy):
            await Night(Job(barn.root, "night", "absent"), 30.0).run()
        the_lease_runs_out(stores)
        second = await Night(Job(barn.root, "night", "absent"), 30.0).run()
        assert second is not None
        assert (second["id"], second["outcome"], second["resumes"]["night"]) == (2, "completed", 1)
        all_is_done(stores)
        before, journal = list(stores.memory.export()), stores.nights.journal(night=1)
        stopped.send_signal(signal.SIGCONT)
        report = await first.end()
        assert report is not None
        assert (report["id"], report["outcome"]) == (1, "failed")
        assert "lost" in report["reason"]
        assert list(stores.memory.export()) == before
        assert stores.nights.journal(night=1) == journal
        closed = stores.nights.night(1)
        assert closed.outcome == "failed"
        assert "ended without a word" in str(closed.reason)
        all_is_done(stores)

    with closing(open_stores(barn)) as stores:
        a_day(stores, RECORDS)
        asyncio.run(evening(stores))


def test_a_worker_that_is_stopped_in_the_middle_of_a_write_keeps_nobody_waiting_for_long(
    mill: Home, barn: Home
) -> None:
    """The server ends a transaction in which nothing happens."""
    with closing(open_stores(barn)) as stores:
        a_day(stores)
        with subprocess.Popen([sys.executable, "-c", WRITES, mill.root], stdout=subprocess.PIPE) as stopped:
            assert stopped.stdout is not None
            assert stopped.stdout.readline() == b"writes\n"
            try:
                report = work(barn).report
            finally:
                stopped.kill()
        assert report is not None
        assert report["outcome"] == "completed"


# --- kills


def test_a_kill_at_any_instant_tears_nothing_and_the_next_night_on_another_host_goes_on(
    tmp_path: Path, server: Server, new_database: Callable[[], str]
) -> None:
    longest, moments = 0.0, luck("a server's nights")
    for number in range(KILLS + 1):
        address = new_database()
        mill, barn = (a_host(tmp_path / f"{name} {number}", address) for name in ("mill", "barn"))
        with closing(open_stores(mill)) as stores:
            a_day(stores, RECORDS)
            if number == 0:
                watch = Stopwatch()
                work(mill)
                longest = watch.seconds()
            else:
                with worker(mill) as process:
                    pause(moments.uniform(0.0, longest))
                    process.kill()
                until(lambda: stores.database.holder() is None)
                whole_or_untouched(stores)
            report = work(barn).report
            assert report is not None
            assert report["outcome"] in ("completed", "nothing_to_do")
            all_is_done(stores)


# --- what the server does


def test_a_night_whose_session_is_ended_is_cut_short_and_the_next_one_goes_on(mill: Home, barn: Home) -> None:
    async def evening(stores: Stores) -> dict[str, Any] | None:
        night = Begun(mill, TILES)
        await night.until("pass", "tiles")
        stores.database.execute("SELECT pg_terminate_backend(backend) FROM fences")
        return await night.end()

    with closing(open_stores(barn)) as stores:
        a_day(stores, RECORDS)
        report = asyncio.run(evening(stores))
        assert report is not None
        assert report["outcome"] == "failed"
        assert "its hold on postgresql://" in report["reason"]
        assert stores.nights.night(1).report == report
        following = work(barn).report
        assert following is not None
        assert (following["outcome"], following["resumes"]) == ("completed", {"night": 1, "pass": "tiles"})
        all_is_done(stores)


@pytest.mark.parametrize("comes_back", [True, False])
def test_a_server_that_crashes_in_the_middle_of_a_night_loses_nothing_of_it(
    mill: Home, barn: Home, server: Server, *, comes_back: bool
) -> None:
    """Where it is soon back the night leaves its report; else the next night closes its books."""

    async def evening() -> dict[str, Any] | None:
        night = Begun(mill)
        await night.until("progress", "embed")
        server.crash()
        if comes_back:
            server.start()
        return await night.end()

    with closing(open_stores(mill)) as stores:
        a_day(stores, RECORDS)
    if comes_back:
        report = asyncio.run(evening())
        assert report is not None
        assert report["outcome"] == "failed"
        assert "cannot be used now" in report["reason"] or "its hold on" in report["reason"]
    else:
        with pytest.raises(NightFailed, match="cannot be used now"):
            asyncio.run(evening())
        server.start()
    with closing(open_stores(barn)) as stores:
        first = stores.nights.night(1)
        assert first.outcome == ("failed" if comes_back else None)
        whole_or_untouched(stores)
        following = work(barn).report
        assert following is not None
        assert (following["outcome"], following["resumes"]["night"]) == ("completed", 1)
        all_is_done(stores)
        assert not stores.nights.hindrances()


def test_a_night_gives_way_within_a_second_also_when_its_server_is_frozen(
    mill: Home, barn: Home, server: Server
) -> None:
    async def evening() -> float | None:
        night = Begun(mill, yield_within=1.0)
        await night.until("progress", "embed")
        server.freeze()
        night.night.request_yield(BACK)
        await night.end()
        server.thaw()
        return night.night.yield_seconds

    with closing(open_stores(barn)) as stores:
        a_day(stores, RECORDS)
        seconds = asyncio.run(evening())
        assert seconds is not None
        assert seconds <= 1.0
        until(lambda: stores.database.holder() is None)
        whole_or_untouched(stores)
        following = work(barn).report
        assert following is not None
        assert (following["outcome"], following["reason"]) == ("completed", None)
        all_is_done(stores)


def test_a_statement_that_takes_long_is_ended_when_somebody_comes_back(mill: Home) -> None:
    """On a memory so slow that a worker which waited for it would have to be killed."""
    with closing(open_stores(mill)) as stores:
        a_day(stores)
        raised: list[Exception] = []

        def wait_for_it() -> None:
            try:
                with stores.database.translated():
                    stores.database.execute("SELECT pg_sleep(30)")
            except StoreAway as error:
                raised.append(error)

        waiting, watch = threading.Thread(target=wait_for_it), Stopwatch()
        waiting.start()
        while waiting.is_alive() and watch.seconds() < 5:
            stores.database.interrupt()
        waiting.join()
        assert watch.seconds() < 1.0
        assert "user request" in str(raised[0])
        assert stores.memory.memories() == 12


# --- the daemon's side


def test_the_loop_is_never_kept_waiting_by_a_frozen_server_and_knows_more_when_it_is_back(
    mill: Home, server: Server
) -> None:
    longest = 0.0

    async def evening() -> None:
        nonlocal longest
        settings, changed = load(mill), asyncio.Event()
        shift = Shift(mill, settings, SystemClock(), changed.set, structlog.get_logger())

        def turn(*, looks: bool) -> list[str]:
            nonlocal longest
            watch, now = Stopwatch(), read()
            if looks:
                shift.look(now)
            shift.act(
                Allowed.NONE if looks else Allowed.ALL, Standing(State.BEDTIME, 0.0, 0.0, rule="absent"), now
            )
            shift.overdue(now)
            said = [shift.describe(), shift.describe_store()]
            longest = max(longest, watch.seconds())
            return [str(each) for each in (*said, *shift.degraded())]

        async def until_said(words: str, seconds: float) -> None:
            watch = Stopwatch()
            while not any(words in each for each in turn(looks=True)):
                assert watch.seconds() < seconds, words
                await SystemClock().wait(changed, 0.05)

        try:
            await until_said("'memories': 12", 20)
            server.freeze()
            await until_said("cannot be used now", 20)
            server.thaw()
            await until_said("'memories': 12", 60)
            assert shift.degraded() == []
            while shift.describe()["last"] is None:
                turn(looks=False)
                await SystemClock().wait(changed, 0.05)
        finally:
            await shift.close()

    with closing(open_stores(mill)) as stores:
        a_day(stores)
    asyncio.run(asyncio.wait_for(evening(), 120))
    assert longest < 0.5
