"""The reference server behind our wrapper, in all that it can do: nobody could tell that there is something between."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import Any

import pytest

from iai_daemon.paths import Home
from tests.real_clients.meeting import Meeting, meet, plain
from tests.real_clients.servers import wrapped
from tests.wrapper.running import Running, request

HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "tests", "version": "1"},
}


async def _both(direct: list[str], behind: list[str]) -> tuple[Meeting, Meeting]:
    return await asyncio.gather(meet(direct), meet(behind))


# The server speaks the revisions that still have roots, subscriptions and levels.
@pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
def test_the_reference_server_behaves_behind_the_wrapper_as_without_it(
    everything: list[str], home: Home
) -> None:
    without, behind = asyncio.run(_both(everything, wrapped(home, *everything)))
    for (what, expected), (_, found) in zip(without.answers, behind.answers, strict=True):
        assert found == expected, what
    assert behind.heard.keys() == without.heard.keys()
    for kind, heard in without.heard.items():
        assert behind.heard[kind] == heard, kind


def _ask(running: Running, ident: int, method: str, **params: object) -> dict[str, Any]:
    """The answer to it; what the server says by itself meanwhile is passed over."""
    running.send(request(method, ident, **params))
    while (answer := json.loads(running.line())).get("id") != ident:
        pass
    told: dict[str, Any] = answer
    return told


def _tasks(running: Running) -> list[dict[str, Any]]:
    """Two calls that become tasks: one is read at its end, the other called off."""
    answers = [_ask(running, 0, "initialize", **HELLO)]
    running.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
    calling = {"name": "simulate-research-query", "arguments": {"topic": "tides"}, "task": {"ttl": 60_000}}
    answers += [_ask(running, 1, "tools/call", **calling), _ask(running, 2, "tools/call", **calling)]
    done, left = (each["result"]["task"]["taskId"] for each in answers[1:])
    answers.append(_ask(running, 3, "tasks/cancel", taskId=left))
    answers.append(_ask(running, 4, "tasks/result", taskId=done))
    answers.append(_ask(running, 5, "tasks/get", taskId=done))
    answers.append(_ask(running, 6, "tasks/get", taskId="nobody's"))
    return answers


@pytest.mark.parametrize("sockets", [False, True], ids=["pipes", "sockets"])
def test_calls_that_become_tasks_do_so_behind_the_wrapper_too(
    everything: list[str], home: Home, sockets: bool
) -> None:
    with (
        Running(everything, direct=True, sockets=sockets) as without,
        Running(everything, home=home.root, sockets=sockets) as behind,
    ):
        expected, found = _tasks(without), _tasks(behind)
        assert plain(found) == plain(expected)
        assert [each["result"]["status"] for each in (found[3], found[5])] == ["cancelled", "completed"]
        # The two calls and the calling off are activity, asking after them is not.
        beat = behind.heartbeat(lambda each: each["activity_count"] == 3)
        assert beat["client"] == HELLO["clientInfo"]
        # The server itself lives on where its input ends while it has tasks; the wrapper sees it out.
        assert behind.leave() == 128 + signal.SIGTERM
