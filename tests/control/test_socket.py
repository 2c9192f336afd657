"""Both ends of the control socket, over a real socket."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.control import client
from iai_daemon.control.address import address
from iai_daemon.control.messages import MAX_LINE
from iai_daemon.control.server import ControlServer, Notify
from iai_daemon.control.subscribers import Subscribers
from iai_daemon.errors import DaemonAway, DaemonMute, Refused
from iai_daemon.paths import Home


class Desk:
    """Handlers that note what happened to them."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []
        self.cancelled = asyncio.Event()
        self.started = asyncio.Event()
        self.news: dict[str, object] = {"number": 0}
        self.subscribers = Subscribers(lambda: dict(self.news))

    def change(self, number: int, **more: object) -> None:
        self.news = {"number": number, **more}
        self.subscribers.tell()

    async def subscribe(self, _params: Mapping[str, object], notify: Notify) -> Mapping[str, object]:
        return await self.subscribers.serve(notify)

    async def status(self, _params: Mapping[str, object], _notify: Notify) -> Mapping[str, object]:
        return {"pid": os.getpid()}

    async def refuse(self, _params: Mapping[str, object], _notify: Notify) -> Mapping[str, object]:
        raise Refused(problem="Not now.")

    async def fail(self, _params: Mapping[str, object], _notify: Notify) -> Mapping[str, object]:
        raise RuntimeError("secret detail")

    async def tell(self, _params: Mapping[str, object], notify: Notify) -> Mapping[str, object]:
        for done in range(3):
            notify({"done": done})
        return {"all": True}

    async def wait(self, _params: Mapping[str, object], _notify: Notify) -> Mapping[str, object]:
        self.started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return {}


@asynccontextmanager
async def serving(home: Home) -> AsyncIterator[Desk]:
    desk = Desk()
    names = ("status", "refuse", "fail", "tell", "wait", "subscribe")
    server = ControlServer(home.socket, {name: getattr(desk, name) for name in names}, desk.failures.append)
    await server.open()
    try:
        yield desk
    finally:
        await server.close()


def raw(home: Home, data: bytes, *, hang_up: bool = False) -> bytes:
    """What the server sends back for these bytes."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        with address(home.socket) as where:
            connection.connect(where)
        connection.sendall(data)
        return b"" if hang_up else connection.recv(1 << 20)


def test_a_call_is_answered_and_the_socket_is_ours_alone(home: Home) -> None:
    async def main() -> None:
        async with serving(home):
            assert stat.S_IMODE(home.socket.stat().st_mode) == 0o600
            assert (await asyncio.to_thread(client.status, home))["pid"] == os.getpid()
        assert not home.socket.exists()

    asyncio.run(main())


def test_a_refusal_is_a_sentence_and_a_failure_hides_its_details(home: Home) -> None:
    async def main() -> None:
        async with serving(home) as desk:
            with pytest.raises(Refused, match=r"^Not now\.$"):
                await asyncio.to_thread(client.ask, home, "refuse")
            with pytest.raises(Refused) as raised:
                await asyncio.to_thread(client.ask, home, "fail")
            assert "secret" not in str(raised.value)
            assert [str(error) for error in desk.failures] == ["secret detail"]
            with pytest.raises(Refused, match="there are status"):
                await asyncio.to_thread(client.ask, home, "nonsense")

    asyncio.run(main())


def test_notifications_come_before_the_answer(home: Home) -> None:
    heard: list[object] = []

    async def main() -> None:
        async with serving(home):
            answer = await asyncio.to_thread(client.ask, home, "tell", notified=heard.append)
            assert answer == {"all": True}

    asyncio.run(main())
    assert heard == [{"done": 0}, {"done": 1}, {"done": 2}]


@pytest.mark.parametrize("line", [b"{\n", b"[]\n", b"\xff\n", b"\n", b"x" * (MAX_LINE + 10) + b"\n"])
def test_garbage_gets_an_error_and_the_next_caller_an_answer(home: Home, line: bytes) -> None:
    async def main() -> None:
        async with serving(home):
            assert "error" in json.loads(await asyncio.to_thread(raw, home, line))
            assert await asyncio.to_thread(client.status, home)

    asyncio.run(main())


def test_a_caller_who_hangs_up_ends_the_work_that_he_asked_for(home: Home) -> None:
    async def main() -> None:
        async with serving(home) as desk:
            line = b'{"jsonrpc": "2.0", "id": 1, "method": "wait"}\n'
            await asyncio.to_thread(raw, home, line, hang_up=True)
            await asyncio.wait_for(desk.cancelled.wait(), 5)

    asyncio.run(main())


def test_a_notification_gets_no_reply_whatever_becomes_of_it(home: Home) -> None:
    async def main() -> None:
        async with serving(home):
            lines = b"".join(
                b'{"jsonrpc": "2.0", "method": "%s"}\n' % name for name in (b"status", b"refuse", b"nonsense")
            )
            lines += b'{"jsonrpc": "2.0", "method": "status", "id": 7}\n'
            assert json.loads(await asyncio.to_thread(raw, home, lines))["id"] == 7

    asyncio.run(main())


class Subscriber:
    """One who listens on a line of his own, in the loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def call(cls, home: Home) -> Subscriber:
        found = cls(*await asyncio.open_unix_connection(str(home.socket), limit=1 << 24))
        found.writer.write(b'{"jsonrpc": "2.0", "id": 1, "method": "subscribe"}\n')
        return found

    async def hear(self) -> Any:
        message = json.loads(await asyncio.wait_for(self.reader.readline(), 5))
        return message.get("params", message)

    async def leave(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


def test_a_subscriber_hears_how_it_stands_and_then_each_change_once(home: Home) -> None:
    async def main() -> None:
        async with serving(home) as desk:
            one = await Subscriber.call(home)
            assert await one.hear() == {"number": 0}
            desk.change(0)
            desk.change(1)
            desk.change(1)
            desk.change(2)
            assert [await one.hear(), await one.hear()] == [{"number": 1}, {"number": 2}]
            await one.leave()

    asyncio.run(main())


def test_who_comes_in_later_takes_no_change_from_who_listens_already(home: Home) -> None:
    async def main() -> None:
        async with serving(home) as desk:
            first = await Subscriber.call(home)
            assert await first.hear() == {"number": 0}
            desk.news = {"number": 1}
            second = await Subscriber.call(home)
            assert await second.hear() == {"number": 1}
            assert await first.hear() == {"number": 1}
            await first.leave()
            await second.leave()

    asyncio.run(main())


def test_a_subscriber_who_does_not_read_misses_old_lines_and_hears_the_last(home: Home) -> None:
    async def main() -> None:
        async with serving(home) as desk:
            slow = await Subscriber.call(home)
            assert await slow.hear() == {"number": 0}
            slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
            for number in range(1, 3001):
                desk.change(number, padding="x" * 4000)
                if number % 100 == 0:
                    await asyncio.to_thread(client.status, home)
            slow.writer.transport.resume_reading()  # type: ignore[attr-defined]
            numbers = [(await slow.hear())["number"]]
            while numbers[-1] != 3000:
                numbers.append((await slow.hear())["number"])
            assert numbers == sorted(numbers)
            assert len(numbers) < 1000
            await slow.leave()

    asyncio.run(main())


def test_a_home_with_a_path_too_long_for_a_socket_works(tmp_path: Path) -> None:
    home = Home(tmp_path / ("long" * 30) / ("longer" * 10))
    home.create()

    async def main() -> None:
        async with serving(home):
            assert await asyncio.to_thread(client.status, home)

    asyncio.run(main())


def test_another_user_is_turned_away_even_if_the_mode_lets_him_in(home: Home) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    below_tmp = [each for each in home.root.parents if len(each.parts) > 2]
    for directory in (home.root, *below_tmp):
        directory.chmod(0o755)

    opened, open_now = os.pipe()
    stranger = os.fork()
    if stranger == 0:
        os._exit(what_a_stranger_gets(home, opened))

    async def main() -> int:
        async with serving(home):
            home.socket.chmod(0o666)
            os.write(open_now, b"!")
            return os.waitstatus_to_exitcode((await asyncio.to_thread(os.waitpid, stranger, 0))[1])

    try:
        assert asyncio.run(main()) == TURNED_AWAY
    finally:
        os.close(opened)
        os.close(open_now)


TURNED_AWAY, ANSWERED, FAILED = 3, 4, 5


def what_a_stranger_gets(home: Home, opened: int) -> int:
    """In a child process: become another user once the socket is open, and ask."""
    try:
        os.read(opened, 1)
        os.setuid(65534)
        return ANSWERED if raw(home, b'{"jsonrpc": "2.0", "id": 1, "method": "status"}\n') else TURNED_AWAY
    except (ConnectionResetError, BrokenPipeError):
        return TURNED_AWAY
    except OSError:
        return FAILED


def test_no_daemon_and_a_mute_one_are_told_apart(home: Home) -> None:
    with pytest.raises(DaemonAway, match="iai-daemon run"):
        client.status(home)
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(home.socket))
        mute.listen()
        with pytest.raises(DaemonMute, match=r"0\.05 s"):
            client.status(home, timeout=0.05)
