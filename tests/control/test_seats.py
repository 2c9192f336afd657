"""Who gets a connection: forty who are stuck keep nobody from the status."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from itertools import count

import pytest

from iai_daemon.clock import Stopwatch
from iai_daemon.control import client
from iai_daemon.control.address import address
from iai_daemon.control.messages import call
from iai_daemon.control.seats import MAX_CONNECTIONS, Peer, Seat, Seats
from iai_daemon.control.server import ControlServer, Notify
from iai_daemon.control.subscribers import Subscribers
from iai_daemon.errors import Refused
from iai_daemon.paths import Home

PIDS = count(1000)
OF_ONE = MAX_CONNECTIONS // 4

# Stuck in every way there is, one connection each: silent, half a line, answers that nobody reads, a subscriber who does not read.
STUCK = """
import socket, sys
held = []
for number in range(int(sys.argv[2])):
    one = socket.socket(socket.AF_UNIX)
    one.connect(sys.argv[1])
    one.setblocking(False)
    try:
        one.send((b"", b'{"jsonrpc": "2', CALLS * 2000, SUBSCRIBE)[number % 4])
    except OSError:
        pass
    held.append(one)
print("stuck", flush=True)
sys.stdin.read()
"""
PROGRAM = STUCK.replace("CALLS", repr(call("status", {}, 1))).replace(
    "SUBSCRIBE", repr(call("subscribe", {}, 1))
)


class Hall:
    """Tasks to sit on the seats."""

    def __init__(self) -> None:
        self.seats = Seats()
        self.tasks: list[asyncio.Task[None]] = []

    def come_in(self, pid: int | None = None) -> Seat | None:
        task = asyncio.ensure_future(self._sit())
        self.tasks.append(task)
        return self.seats.take(Peer(os.geteuid(), next(PIDS) if pid is None else pid), task)

    @staticmethod
    async def _sit() -> None:
        await asyncio.Event().wait()

    async def leave(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@asynccontextmanager
async def hall() -> AsyncIterator[Hall]:
    opened = Hall()
    try:
        yield opened
    finally:
        await opened.leave()


def test_who_has_been_silent_the_longest_makes_room() -> None:
    async def main() -> None:
        async with hall() as here:
            seats = [here.come_in() for _ in range(MAX_CONNECTIONS)]
            assert seats[0] is not None
            assert seats[1] is not None
            here.seats.hear(seats[0])
            assert here.come_in() is not None
            assert seats[1].task.cancelling()
            assert not seats[0].task.cancelling()

    asyncio.run(main())


def test_who_waits_for_an_answer_is_not_sent_away() -> None:
    async def main() -> None:
        async with hall() as here:
            seats = [here.come_in() for _ in range(MAX_CONNECTIONS)]
            for seat in seats:
                assert seat is not None
                seat.at_work = True
            assert here.come_in() is None
            assert not any(seat.task.cancelling() for seat in seats if seat)

    asyncio.run(main())


def test_one_process_gets_a_part_of_all_and_a_seat_again_when_it_has_left_one() -> None:
    async def main() -> None:
        async with hall() as here:
            seats = [here.come_in(pid=7) for _ in range(OF_ONE + 3)]
            assert [seat is not None for seat in seats] == [True] * OF_ONE + [False] * 3
            assert here.come_in(pid=8) is not None
            assert seats[0] is not None
            here.seats.leave(seats[0])
            here.seats.leave(seats[0])
            assert here.come_in(pid=7) is not None

    asyncio.run(main())


def test_calls_that_go_on_and_on_leave_half_of_the_seats_to_others() -> None:
    async def main() -> None:
        async with hall() as here:
            seats = [here.come_in() for _ in range(MAX_CONNECTIONS)]
            for number, seat in enumerate(seats):
                assert seat is not None
                if number < MAX_CONNECTIONS // 2:
                    here.seats.settle_in(seat)
                else:
                    with pytest.raises(Refused):
                        here.seats.settle_in(seat)

    asyncio.run(main())


@contextmanager
def stuck(home: Home, processes: int, each: int) -> Iterator[None]:
    words = [sys.executable, "-c", PROGRAM, str(home.socket), str(each)]
    running = [
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(processes)
    ]
    try:
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == b"stuck\n"
        yield
    finally:
        for process in running:
            process.communicate(timeout=10)


@asynccontextmanager
async def serving(home: Home) -> AsyncIterator[None]:
    subscribers = Subscribers(dict)

    async def status(_params: Mapping[str, object], _notify: Notify) -> Mapping[str, object]:
        return {"pid": os.getpid(), "text": "x" * 2000}

    async def subscribe(_params: Mapping[str, object], notify: Notify) -> Mapping[str, object]:
        return await subscribers.serve(notify)

    failures: list[Exception] = []
    server = ControlServer(home.socket, {"status": status, "subscribe": subscribe}, failures.append)
    await server.open()
    try:
        yield
    finally:
        await server.close()
        assert not failures


@pytest.mark.parametrize(("processes", "each"), [(1, 40), (4, 25)])
def test_those_who_are_stuck_keep_nobody_from_the_status(home: Home, processes: int, each: int) -> None:
    def ask() -> float:
        with stuck(home, processes, each):
            watch = Stopwatch()
            for _ in range(20):
                assert client.status(home)["pid"] == os.getpid()
            return watch.seconds() / 20

    async def main() -> None:
        async with serving(home):
            assert await asyncio.to_thread(ask) < 0.1

    asyncio.run(main())


def test_a_caller_beyond_his_part_hears_nothing_and_is_let_go(home: Home) -> None:
    def ask() -> None:
        held = []
        with address(home.socket) as where:
            for _ in range(OF_ONE):
                held.append(socket.socket(socket.AF_UNIX))
                held[-1].connect(where)
            with socket.socket(socket.AF_UNIX) as one_more:
                one_more.settimeout(5)
                one_more.connect(where)
                assert one_more.recv(1) == b""
        for each in held:
            each.close()

    async def main() -> None:
        async with serving(home):
            await asyncio.to_thread(ask)

    asyncio.run(main())
