"""Real clients of both eras of MCP, the official SDK's, in front of a server that is a real one, too."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.types import Implementation

from iai_daemon.clock import SystemClock
from tests.wrapper.running import LIGHT, WRAPPER

SERVER = """
from mcp.server.mcpserver import MCPServer
server = MCPServer("echo")
@server.tool()
def echo(text: str) -> str:
    return text
server.run("stdio")
"""
TEXT = "ä\u2028🦊"


async def _beat(place: Path, activities: int) -> dict[str, Any]:
    """The heartbeat once it counts so many activities and no call is in flight."""
    clock = SystemClock()
    for _ in range(500):
        for path in (place / "wrappers").glob("heartbeat-*.json"):
            beat: dict[str, Any] = json.loads(path.read_bytes())
            if beat["client"] and beat["activity_count"] == activities and not beat["in_flight"]:
                return beat
        await clock.wait(asyncio.Event(), 0.02)
    raise AssertionError("no such heartbeat")


async def _talk(place: Path, mode: str, log: Path) -> tuple[str, list[dict[str, Any]]]:
    """The protocol's version, and the heartbeat after the handshake, after lists, and after two calls."""
    with log.open("w") as errors:
        parameters = StdioServerParameters(
            command=LIGHT[0],
            args=[*LIGHT[1:], str(WRAPPER), "--home", str(place), "--", sys.executable, "-c", SERVER],
        )
        client = Client(
            stdio_client(parameters, errlog=errors),
            mode=mode,
            client_info=Implementation(name="a client", version="9"),
        )
        async with client:
            beats = []
            await client.list_tools()
            beats.append(await _beat(place, 0))
            for _ in range(2):
                answer = await client.call_tool("echo", {"text": TEXT})
                assert answer.content[0].text == TEXT  # type: ignore[union-attr]
            beats.append(await _beat(place, 2))
            return str(client.protocol_version), beats


@pytest.mark.parametrize(
    ("mode", "version"), [("legacy", "2025-11-25"), ("auto", "2026-07-28"), ("2026-07-28", "2026-07-28")]
)
def test_the_client_is_known_by_its_name_and_only_calls_are_activity(
    place: Path, tmp_path: Path, mode: str, version: str
) -> None:
    spoken, beats = asyncio.run(_talk(place, mode, tmp_path / "errors"))
    assert spoken == version
    assert [beat["client"] for beat in beats] == [{"name": "a client", "version": "9"}] * 2
    assert beats[0]["last_activity"] is None
    assert beats[1]["last_activity"]
    assert not list((place / "wrappers").glob("heartbeat-*"))
