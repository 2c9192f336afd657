"""An MCP server in Python that naps: while no tool is called it drops the notes that say almost what another says.

    python examples/napping_server.py [--idle-timeout SECONDS]

Standard output belongs to the protocol; what the server does it tells on standard error. Needs `mcp` and `iai-daemon`,
but no daemon that runs.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from difflib import SequenceMatcher
from typing import Any

from mcp.server.mcpserver import Context, MCPServer

from iai_daemon.dreaming import IdleDreamScheduler

ALIKE = 0.9

log = logging.getLogger("napping-server")


class Notes:
    """Notes in the order in which they came. The first `_tidy` of them are known to differ from one another."""

    def __init__(self) -> None:
        self._notes: list[str] = []
        self._tidy = 0

    async def add_notes(self, notes: list[str]) -> int:
        """Keep these notes, one fact each. Returns how many there are now."""
        self._notes += notes
        return len(self._notes)

    async def list_notes(self) -> list[str]:
        """Every note that is kept, the oldest first."""
        return self._notes

    async def tidy(self, scheduler: IdleDreamScheduler) -> None:
        """The nap: compare each note with those before it, and drop it when one of them says the same.

        It gives way between two notes, and goes on there in the next nap.
        """
        before = len(self._notes)
        log.info("nap: begins, %d of %d notes to look at", before - self._tidy, before)
        while self._tidy < len(self._notes):
            if self._is_repeated(self._tidy):
                del self._notes[self._tidy]
            else:
                self._tidy += 1
            await asyncio.sleep(0)  # a yield point: whatever the server has to do is done here
            if scheduler.user_active.is_set():
                log.info("nap: gives way, %d notes left to look at", len(self._notes) - self._tidy)
                return
        log.info("nap: ends, %d of %d notes dropped", before - len(self._notes), before)

    def _is_repeated(self, place: int) -> bool:
        matcher = SequenceMatcher(b=self._notes[place].casefold(), autojunk=False)
        for earlier in self._notes[:place]:
            matcher.set_seq1(earlier.casefold())
            if matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE:
                return True
        return False


class NappingServer(MCPServer[None]):
    """The SDK's server; it tells the scheduler of every tool call, and starts and stops it with itself."""

    def __init__(self, notes: Notes, scheduler: IdleDreamScheduler) -> None:
        super().__init__("napping-server", log_level="WARNING", lifespan=self._awake)
        self._scheduler = scheduler
        scheduler.set_dream_callback(notes.tidy)
        self.tool()(notes.add_notes)
        self.tool()(notes.list_notes)

    @asynccontextmanager
    async def _awake(self, _: MCPServer[None]) -> AsyncIterator[None]:
        await self._scheduler.start()
        try:
            yield
        finally:
            await self._scheduler.stop()

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[None, Any] | None = None
    ) -> Any:
        self._scheduler.notify_tool_call()
        return await super().call_tool(name, arguments, context)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="A small MCP server that tidies its notes while nobody calls."
    )
    parser.add_argument("--idle-timeout", type=float, default=60.0, metavar="SECONDS")
    scheduler = IdleDreamScheduler(parser.parse_args().idle_timeout)
    logging.basicConfig(format="%(name)s: %(message)s")
    log.setLevel(logging.INFO)
    NappingServer(Notes(), scheduler).run("stdio")
    log.info("the client has gone")


if __name__ == "__main__":
    main()
