"""The memory server as an agent meets it: the real process, the official client."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from mcp import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client

from iai_daemon.__main__ import main
from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
from tests.introduction import HELLO

TOOLS = [
    "remember",
    "search_memory",
    "forget",
    "memory_history",
    "daemon_status",
    "list_recalls",
    "confirm_recall",
    "cancel_recall",
    "skip_next_recall",
    "schedule_recall",
]


@asynccontextmanager
async def agent(home: Home, cwd: Path) -> AsyncIterator[ClientSession]:
    parameters = StdioServerParameters(
        command=sys.executable, args=["-m", "iai_daemon", "--home", str(home.root), "mcp"], cwd=cwd
    )
    async with stdio_client(parameters) as (reading, writing), ClientSession(reading, writing) as session:
        await session.initialize()
        yield session


async def ask(session: ClientSession, tool: str, **arguments: Any) -> dict[str, Any]:
    answer = await session.call_tool(tool, arguments)
    assert not answer.is_error, answer
    assert answer.structured_content is not None
    return answer.structured_content


async def refused(session: ClientSession, tool: str, **arguments: Any) -> str:
    answer = await session.call_tool(tool, arguments)
    assert answer.is_error, answer
    text: str = answer.content[0].text  # type: ignore[union-attr]
    assert "\n" not in text
    return text


def talk(home: Home, cwd: Path, conversation: Callable[[ClientSession], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(60), agent(home, cwd) as session:
            await conversation(session)

    asyncio.run(main())


def test_an_agent_is_told_what_it_corrects_and_finds_that_after_it(home: Home, tmp_path: Path) -> None:
    async def conversation(session: ClientSession) -> None:
        old = await ask(session, "remember", content="Invoices are kept in Odoo.")
        new = await ask(session, "remember", content="Invoices have moved from Odoo to SAP.")
        assert old["corrects"] == []
        (corrected,) = new["corrects"]
        assert (corrected["id"], corrected["content"]) == (old["id"], old["content"])
        assert "says “Invoices have moved from Odoo to SAP”" in corrected["evidence"]
        hits = (await ask(session, "search_memory", query="where are invoices kept"))["results"]
        assert [hit["id"] for hit in hits] == [new["id"], old["id"]]
        assert all(hit["current"] for hit in hits)

    talk(home, tmp_path, conversation)


def test_an_agent_remembers_finds_replaces_and_forgets(home: Home, tmp_path: Path) -> None:
    project = tmp_path / "shop"
    (project / ".git").mkdir(parents=True)
    (project / "src").mkdir()

    async def conversation(session: ClientSession) -> None:
        old = await ask(
            session, "remember", content="Staging is on port 8081.", subject="staging", attribute="port"
        )
        assert (old["scope"], old["current"], "superseded_by" in old) == (str(project), True, False)
        new = await ask(session, "remember", content="It moved to 9000.", subject="staging", attribute="port")
        everywhere = await ask(
            session, "remember", content="The user prefers tabs, also in staging.", scope="global"
        )
        found = (await ask(session, "search_memory", query="staging port 8081"))["results"]
        assert [each["id"] for each in found] == [new["id"], old["id"], everywhere["id"]]
        assert found[0]["score"] == 1.0
        assert [
            each["id"] for each in (await ask(session, "memory_history", subject="staging"))["records"]
        ] == [
            old["id"],
            new["id"],
        ]
        assert (await ask(session, "forget", id=old["id"]))["current"] is False
        found = (await ask(session, "search_memory", query="8081", include_superseded=True))["results"]
        assert old["id"] not in [each["id"] for each in found]
        status = await ask(session, "daemon_status")
        assert not {"pid", "state"} & set(status)
        assert "iai-daemon run" in status["reason"]

    talk(home, project / "src", conversation)


def test_two_projects_share_what_is_global_and_nothing_else(home: Home, tmp_path: Path) -> None:
    projects = [tmp_path / "shop", tmp_path / "app"]
    for project in projects:
        (project / ".git").mkdir(parents=True)

    async def main() -> None:
        async with asyncio.timeout(60), agent(home, projects[0]) as shop, agent(home, projects[1]) as app:
            await ask(shop, "remember", content="Deploys go to Paris.", subject="deploys", attribute="place")
            await ask(app, "remember", content="Deploys go to Oslo.", subject="deploys", attribute="place")
            await ask(app, "remember", content="Deploys need two approvals.", scope="global")
            for session, place in ((shop, "Paris"), (app, "Oslo")):
                results = (await ask(session, "search_memory", query="deploys"))["results"]
                assert {each["content"] for each in results} == {
                    f"Deploys go to {place}.",
                    "Deploys need two approvals.",
                }

    asyncio.run(main())


def test_a_bad_call_is_answered_with_one_sentence(home: Home, tmp_path: Path) -> None:
    async def conversation(session: ClientSession) -> None:
        assert "content is missing or empty" in await refused(session, "remember", content="  ")
        assert "content" in await refused(session, "remember")
        assert "does not know colour" in await refused(session, "remember", content="x", colour="red")
        assert "expires_at" in await refused(session, "remember", content="x", expires_at="tomorrow")
        assert "tags" in await refused(session, "remember", content="x", tags="a")
        assert "65536 are allowed" in await refused(session, "remember", content="x" * 70_000)
        assert "limit" in await refused(session, "search_memory", query="x", limit=0)
        assert "as_of" in await refused(session, "search_memory", query="x", as_of="then")
        assert "no memory 99" in await refused(session, "forget", id=99)
        assert "no memory" in await refused(session, "forget", id=2**70)
        assert "nonsense" in await refused(session, "nonsense")
        assert "takes nothing" in await refused(session, "daemon_status", verbose=True)
        for number in (True, 1.5, "one"):
            assert "id must be a whole number" in await refused(session, "forget", id=number)
        assert (await ask(session, "search_memory", query="?!"))["results"] == []

    talk(home, tmp_path, conversation)
    stores = open_stores(home)
    assert stores.memory.memories() == 0
    stores.close()


def test_what_agents_send_for_nothing_is_nothing_and_a_text_is_a_text(home: Home, tmp_path: Path) -> None:
    async def conversation(session: ClientSession) -> None:
        told = await ask(
            session,
            "remember",
            content='["a", "list"]',
            kind=None,
            subject="",
            attribute=" ",
            tags=None,
            source="[1]",
        )
        assert told["content"] == '["a", "list"]'
        assert not {"kind", "subject", "attribute", "expires_at"} & set(told)
        assert told["tags"] == []
        assert (told["source"], told["scope"]) == ("[1]", "global")
        found = await ask(session, "search_memory", query="list", scope="", as_of=None, limit=None)
        assert [each["id"] for each in found["results"]] == [told["id"]]
        assert (await ask(session, "memory_history", subject="x", attribute=""))["records"] == []
        assert (await ask(session, "remember", content="x", tags='["a"]'))["tags"] == ["a"]

    talk(home, tmp_path, conversation)


def test_tools_describe_themselves_and_answer_by_their_schemas(home: Home, tmp_path: Path) -> None:
    async def conversation(session: ClientSession) -> None:
        listed = {tool.name: tool for tool in (await session.list_tools()).tools}
        assert list(listed) == TOOLS
        for tool in listed.values():
            assert tool.description
            assert tool.annotations is not None
            assert all(each["description"] for each in tool.input_schema["properties"].values())
        assert [name for name in TOOLS if listed[name].annotations.read_only_hint] == [
            "search_memory",
            "memory_history",
            "daemon_status",
            "list_recalls",
        ]
        await ask(session, "remember", content="A fact about schemas.", tags=["x"])
        found = await ask(session, "search_memory", query="schemas")
        jsonschema.validate(found, listed["search_memory"].output_schema or {})
        told = await session.call_tool("search_memory", {"query": "schemas"})
        assert json.loads(told.content[0].text) == told.structured_content  # type: ignore[union-attr]

    talk(home, tmp_path, conversation)


@pytest.fixture
def server(home: Home, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server without the client SDK, for what no SDK would send."""
    with subprocess.Popen(
        [sys.executable, "-m", "iai_daemon", "--home", str(home.root), "mcp"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
    ) as started:
        exchange(started, "initialize", json.dumps(HELLO))
        yield started
        started.kill()


def exchange(server: subprocess.Popen[bytes], method: str, params: str) -> dict[str, Any]:
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(f'{{"jsonrpc": "2.0", "id": 1, "method": "{method}", "params": {params}}}\n'.encode())
    server.stdin.flush()
    answer: dict[str, Any] = json.loads(server.stdout.readline())
    return answer


def test_half_an_emoji_does_not_leave_a_call_without_an_answer(server: subprocess.Popen[bytes]) -> None:
    call = r'{"name": "remember", "arguments": {"content": "cut here: \ud83e"}}'
    answer = exchange(server, "tools/call", call)
    assert answer["result"]["structuredContent"]["content"] == "cut here: \ufffd"


def test_what_was_acknowledged_survives_a_kill(server: subprocess.Popen[bytes], home: Home) -> None:
    exchange(server, "tools/call", '{"name": "remember", "arguments": {"content": "kept"}}')
    server.kill()
    server.wait()
    stores = open_stores(home)
    assert [record.content for record in stores.memory.export()] == ["kept"]
    stores.close()


def test_ctrl_c_ends_it_at_once(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)
    assert server.wait(timeout=5) == -signal.SIGINT


@pytest.mark.parametrize("statement", ["CREATE TABLE theirs (x)", f"PRAGMA application_id = {0x69616964}"])
def test_a_store_that_is_not_to_be_used_is_one_sentence_and_78(
    home: Home, capsys: pytest.CaptureFixture[str], statement: str
) -> None:
    with closing(sqlite3.connect(home.memory)) as connection:
        connection.execute(statement)
        connection.execute("PRAGMA user_version = 9999")
    before = home.memory.read_bytes()
    assert main(["--home", str(home.root), "mcp"]) == 78
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "left untouched" in said.err
    assert home.memory.read_bytes() == before


def test_eight_servers_write_at_once_and_nothing_is_lost(home: Home, tmp_path: Path) -> None:
    writes = 25

    async def work(number: int) -> None:
        async with agent(home, tmp_path) as session:
            await asyncio.gather(
                *(ask(session, "remember", content=f"note {each} of {number}") for each in range(writes))
            )

    async def main() -> None:
        async with asyncio.timeout(120), asyncio.TaskGroup() as group:
            for number in range(8):
                group.create_task(work(number))

    asyncio.run(main())
    stores = open_stores(home)
    contents = {record.content for record in stores.memory.export()}
    stores.close()
    assert contents == {f"note {each} of {number}" for each in range(writes) for number in range(8)}
