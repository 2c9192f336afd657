"""The memory's server goes away in the middle of a conversation: the official client, through the wrapper, and a real server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Self

import pytest
from mcp import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client

from iai_daemon.clock import Stopwatch, SystemClock, pause
from iai_daemon.mcp_server.opened import ANSWERS_WITHIN
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.spool import is_empty
from iai_daemon.paths import Home
from tests.fakes import LASTING
from tests.faults.stage import Stage
from tests.journeys.real import command, wrapper_file
from tests.postgres import Server, a_database, running


@pytest.fixture
def postgres(home: Home) -> Iterator[Server]:
    with running(fsync="on", synchronous_commit="on") as server:
        LASTING.add(server.pid)
        with a_database(server.dsn("postgres"), "memory") as address:
            home.config.write_text(f'[memory]\nstore = "{address}"\n')
            home.config.chmod(0o600)
            yield server
        LASTING.discard(server.pid)


@asynccontextmanager
async def agent(home: Home, *before: str) -> AsyncIterator[ClientSession]:
    words = [*before, *command(home, "mcp")]
    parameters = StdioServerParameters(command=words[0], args=words[1:], cwd=home.root)
    async with stdio_client(parameters) as (reading, writing), ClientSession(reading, writing) as session:
        await session.initialize()
        yield session


async def call(session: ClientSession, tool: str, **arguments: Any) -> tuple[dict[str, Any] | None, str]:
    """What a tool answers, and what it says: one sentence where it refuses."""
    answer = await session.call_tool(tool, arguments)
    text: str = answer.content[0].text  # type: ignore[union-attr]
    if answer.is_error:
        assert re.fullmatch(r"The memory's server .* cannot be used now .*", text), text
        return None, text
    return answer.structured_content, text


async def found(session: ClientSession, everything: set[str]) -> None:
    """Search until all of it is found."""
    clock, watch = SystemClock(), Stopwatch()
    while True:
        answer, _ = await call(session, "search_memory", query="door")
        if answer is not None and {each["content"] for each in answer["results"]} == everything:
            return
        assert watch.seconds() < 60
        await clock.wait(asyncio.Event(), 0.1)


def talk(conversation: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(150):
            await conversation()

    asyncio.run(main())


@pytest.mark.parametrize("wrapped", [False, True], ids=["directly", "through the wrapper"])
def test_a_conversation_goes_on_while_the_server_is_frozen_and_after_it_was_started_again(
    home: Home, postgres: Server, wrapped: bool
) -> None:
    before = [sys.executable, "-I", "-S", wrapper_file(), "--home", str(home.root), "--"] if wrapped else []

    async def conversation() -> None:
        async with agent(home, *before) as session:
            first, _ = await call(session, "remember", content="The door is green.")
            assert first is not None
            postgres.freeze()
            watch = Stopwatch()
            second, said = await call(session, "remember", content="The door squeaks.")
            assert watch.seconds() < 8
            assert second is not None
            assert "Kept here, and delivered when the memory is back" in said
            assert "id" not in second
            for tool, arguments in (
                ("search_memory", {"query": "door"}),
                ("memory_history", {"subject": "door"}),
                ("forget", {"id": 1}),
                ("list_recalls", {}),
            ):
                refused, _ = await call(session, tool, **arguments)
                assert refused is None
            postgres.thaw()
            await found(session, {"The door is green.", "The door squeaks."})
            postgres.crash()
            third, _ = await call(session, "remember", content="The door was oiled.")
            assert third is not None
            assert "waits_as" in third
            postgres.start()
            LASTING.add(postgres.pid)
            await found(session, {"The door is green.", "The door squeaks.", "The door was oiled."})
            listed, _ = await call(session, "list_recalls")
            assert listed == {"recalls": []}

    talk(conversation)
    assert is_empty(home)
    with closing(open_stores(home)) as stores:
        told = [each.content for each in stores.memory.export()]
    assert told == ["The door is green.", "The door squeaks.", "The door was oiled."]


def test_a_name_server_that_does_not_answer_costs_one_deadline(home: Home, tmp_path: Path) -> None:
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("a network without name servers can be made by root alone, with ip(8)")
    home.config.write_text('[memory]\nstore = "postgresql://me@database.example.org/memory"\n')
    silent = tmp_path / "resolv.conf"
    silent.write_text("nameserver 127.0.0.1\noptions timeout:30 attempts:3\n")
    names = tmp_path / "nsswitch.conf"
    names.write_text("hosts: dns\n")
    stage = Stage("--mount", "--net")
    with contextlib.closing(stage):
        stage.run("ip", "link", "set", "lo", "up")
        stage.run("mount", "--bind", silent, "/etc/resolv.conf")
        if Path("/etc/nsswitch.conf").exists():
            stage.run("mount", "--bind", names, "/etc/nsswitch.conf")
        with subprocess.Popen(
            [*stage.before, sys.executable, "-c", _SILENT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as name_server:
            assert name_server.stdout is not None
            assert name_server.stdout.readline() == "listening\n"
            watch = Stopwatch()
            done = subprocess.run(
                [*stage.before, *command(home, "memory", "add", "x", "--json")],
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            seconds = watch.seconds()
            name_server.kill()
            name_server.communicate()
    assert done.returncode == 0, done
    assert json.loads(done.stdout)["waits_as"]
    assert 5 <= seconds < 25, "the resolver alone would have taken 90 s"


_SILENT = """
import socket, sys
taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
taken.bind(("127.0.0.1", 53))
print("listening", flush=True)
sys.stdin.read()
"""


def test_a_server_that_answers_everything_late_is_not_waited_for_again_and_again(
    home: Home, postgres: Server
) -> None:
    open_stores(home).close()
    with Delaying(postgres.port) as way:
        address = home.config.read_text()
        home.config.write_text(address.replace(f":{postgres.port}/", f":{way.port}/"))

        async def conversation() -> None:
            async with agent(home) as session:
                await call(session, "remember", content="The door is green.")
                way.seconds = 2.0
                watch = Stopwatch()
                answer, _ = await call(session, "remember", content="The door squeaks.")
                # A dozen questions of two seconds each would take longer, and none of them alone too long.
                assert ANSWERS_WITHIN - 2 < watch.seconds() < ANSWERS_WITHIN + 3
                assert answer is not None
                assert "waits_as" in answer
                way.seconds = 0.0
                await found(session, {"The door is green.", "The door squeaks."})

        talk(conversation)


class Delaying:
    """A way to a port of this machine on which every answer comes late."""

    def __init__(self, port: int) -> None:
        self.seconds = 0.0
        self._leads_to = port
        self._taken = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._taken.getsockname()[1]
        self._ends = [self._taken]
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._ends:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in self._ends:
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._taken.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._leads_to))
            self._ends += [client, server]
            for words in ((client, server, False), (server, client, True)):
                thread = threading.Thread(target=self._pass_on, args=words)
                self._threads.append(thread)
                thread.start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, late: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if late:
                    pause(self.seconds)
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
