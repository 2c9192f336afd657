"""One coding agent of the demo: the official MCP client, a wrapper, and the memory server behind it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import Implementation, TextContent

import iai_daemon
from iai_daemon.demo.corpus import PROJECTS
from iai_daemon.demo.stage import DemoFailed, Stage, last_line

# A first answer takes a Python start and the import of the SDK, on a machine that may be busy with a night.
_CONNECT_LIMIT = 60.0
_CALL_LIMIT = 30.0

NAMES = ("terminal", "editor", "desktop")


class Agent:
    """A connected client. Made by `connected`."""

    def __init__(self, name: str, client: Client) -> None:
        self.name = name
        self._client = client

    async def remember(self, arguments: Mapping[str, Any]) -> int:
        """Store one memory; its id. Raises DemoFailed."""
        return int((await self._call("remember", arguments))["id"])

    async def search(self, query: str, **more: object) -> list[dict[str, Any]]:
        """What `search_memory` finds, best first. Raises DemoFailed."""
        results: list[dict[str, Any]] = (await self._call("search_memory", {"query": query, **more}))[
            "results"
        ]
        return results

    async def _call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        try:
            result = await self._client.call_tool(tool, dict(arguments), read_timeout_seconds=_CALL_LIMIT)
        except MCPError as error:
            raise DemoFailed(problem=f"the {self.name} client called {tool} and got: {error}") from error
        if result.is_error or result.structured_content is None:
            said = " ".join(each.text for each in result.content if isinstance(each, TextContent))
            raise DemoFailed(problem=f"the {self.name} client called {tool} and was told: {said}")
        return dict(result.structured_content)


@contextlib.asynccontextmanager
async def connected(stage: Stage, number: int) -> AsyncIterator[Agent]:
    """The client of this number at work in its project; at the end it closes the connection, as clients do."""
    name, command = NAMES[number], stage.wrapped()
    server = StdioServerParameters(command=command[0], args=command[1:], cwd=stage.project(PROJECTS[number]))
    who = Implementation(name=f"demo-{name}", version=iai_daemon.__version__)
    with stage.client_log(name).open("a", encoding="utf-8") as said:
        async with contextlib.AsyncExitStack() as open_:
            client = Client(stdio_client(server, errlog=said), client_info=who)
            try:
                async with asyncio.timeout(_CONNECT_LIMIT):
                    await open_.enter_async_context(client)
            except* (TimeoutError, OSError, MCPError) as causes:
                log = stage.client_log(name)
                problem = (
                    f"the {name} client could not reach the memory server: {last_line(log.read_bytes())}"
                )
                raise DemoFailed(problem=problem) from causes
            yield Agent(name, client)
