"""examples/napping_server.py as a client meets it: the real process, the official client; and the sample in its guide."""

from __future__ import annotations

import asyncio
import random
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client

from iai_daemon.clock import Stopwatch
from iai_daemon.dreaming import IdleDreamScheduler
from tests.dreaming.world import run
from tests.journeys.real import until
from tests.project.source import ROOT

SERVER = ROOT / "examples" / "napping_server.py"


class Client:
    """A client of the server, and what the server has said on standard error."""

    def __init__(self, session: ClientSession, said: Path) -> None:
        self._session = session
        self._said = said

    async def call(self, tool: str, **arguments: Any) -> Any:
        answer = await self._session.call_tool(tool, arguments)
        assert not answer.is_error, answer
        assert answer.structured_content is not None
        return answer.structured_content["result"]

    async def heard(self, pattern: str) -> re.Match[str]:
        """Waits until the server says so. Asking it would wake it."""
        return await asyncio.to_thread(until, lambda: re.search(pattern, self._said.read_text()), 30.0)


def talk(said: Path, idle_timeout: float, conversation: Callable[[Client], Awaitable[None]]) -> str:
    """Hold the conversation and close the connection; returns all that the server said on standard error."""
    parameters = StdioServerParameters(
        command=sys.executable, args=[str(SERVER), "--idle-timeout", str(idle_timeout)]
    )

    async def main() -> None:
        with said.open("w") as errors:
            async with (
                asyncio.timeout(60),
                stdio_client(parameters, errlog=errors) as (reading, writing),
                ClientSession(reading, writing) as session,
            ):
                await session.initialize()
                await conversation(Client(session, said))

    asyncio.run(main())
    return said.read_text()


def _many_notes() -> list[str]:
    """So many and so different that a nap over them takes minutes."""
    words = random.Random(7)  # noqa: S311 -- no secret
    return ["".join(words.choices("abcdefghijklmnopqrstuvwxyz ", k=60)) for _ in range(4000)]


def test_a_nap_drops_what_is_repeated_and_the_server_ends_with_its_client(tmp_path: Path) -> None:
    async def conversation(client: Client) -> None:
        notes = ["The staging API answers on port 8081.", "Deploys go out on Tuesdays."]
        repeated = ["the staging API answers on port 8081", "Deploys go out on Tuesdays."]
        assert await client.call("add_notes", notes=notes) == 2
        assert await client.call("add_notes", notes=repeated) == 4
        await client.heard("nap: ends, 2 of 4 notes dropped")
        assert await client.call("list_notes") == notes

    said = talk(tmp_path / "said", 0.1, conversation)
    assert said.splitlines()[-1] == "napping-server: the client has gone"
    assert "Traceback" not in said


def test_a_tool_call_interrupts_a_nap_and_is_answered_and_the_next_nap_goes_on(tmp_path: Path) -> None:
    async def conversation(client: Client) -> None:
        total = await client.call("add_notes", notes=_many_notes())
        await client.heard(r"nap: begins, 4000 of 4000")
        assert await client.call("list_notes")
        left = int((await client.heard(r"nap: gives way, (\d+) notes left"))[1])
        assert 0 < left < total
        await client.heard(rf"nap: begins, {left} of 4000")

    said = talk(tmp_path / "said", 0.1, conversation)  # the client goes in the middle of the second nap
    assert said.count("nap: gives way") == 2
    assert said.splitlines()[-1] == "napping-server: the client has gone"
    assert "Traceback" not in said
    assert "cancelled" not in said


def test_it_ends_with_status_zero_and_writes_nothing_that_is_not_of_the_protocol() -> None:
    done = subprocess.run(
        [sys.executable, str(SERVER)], input="", capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "napping-server: the client has gone\n"


@pytest.fixture
def sample() -> str:
    section = (ROOT / "docs" / "how-to" / "naps.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert len(blocks) == 1
    code: str = blocks[0]
    return code


def test_the_sample_in_the_guide_naps_in_a_server_that_is_idle_and_stops_with_it(sample: str) -> None:
    notes = ["a", "b", "a"]
    assert sample.count("idle_timeout=60") == 1
    names: dict[str, Any] = {"notes": notes, "merge": _merge}
    exec(compile(sample.replace("idle_timeout=60", "idle_timeout=0.05"), "naps.md", "exec"), names)  # noqa: S102 -- our own
    naps = names["naps"]
    assert isinstance(naps, IdleDreamScheduler)

    async def story() -> None:
        watch = Stopwatch()
        async with names["lifespan"](None):
            assert naps.is_running
            naps.notify_tool_call()
            await asyncio.to_thread(until, lambda: notes == ["a", "b"])
            assert watch.seconds() >= 0.05
        assert not naps.is_running

    run(story())


async def _merge(notes: list[str]) -> bool:
    """What the sample leaves to its reader: merge two notes that say the same, False when there are none."""
    for place, note in enumerate(notes):
        if note in notes[:place]:
            del notes[place]
            return True
    return False
