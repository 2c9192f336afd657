"""Which memories agents were given: noted beside the answers, once a second at most, and never in their way. Used by the server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from iai_daemon.clock import SystemClock, read
from iai_daemon.errors import IaiError
from iai_daemon.mcp_server.opened import Opened
from iai_daemon.memory.stores import Stores

# An agent reads the first few results; what stands below them it was hardly given.
TOLD = 3
_EVERY = 1.0
_log = logging.getLogger(__name__)


class Uses:
    """What the agent of one server was given."""

    def __init__(self, memory: Opened) -> None:
        self._memory = memory
        self._unwritten: list[int] = []
        self._writing: asyncio.Task[None] | None = None

    def note(self, records: Sequence[int]) -> None:
        """These were the answer to a question; of more than a few the first."""
        self._unwritten += records[:TOLD]
        if self._unwritten and (self._writing is None or self._writing.done()):
            self._writing = asyncio.get_running_loop().create_task(self._write_later())

    def write(self) -> None:
        """For who is alone with the memory, at the end."""
        if self._unwritten:
            try:
                with self._memory as stores:
                    self._write(stores)
            except IaiError as error:
                _log.debug("the last uses are not noted: %s", error)

    def _write(self, stores: Stores) -> None:
        """Whoever holds the store now goes before: what cannot be noted at once is dropped."""
        told, self._unwritten = self._unwritten, []
        stores.memory.note_use(told, read().milliseconds)

    async def _write_later(self) -> None:
        await SystemClock().wait(asyncio.Event(), _EVERY)
        try:
            await self._memory.use(self._write)
        except IaiError as error:
            _log.debug("some uses are not noted: %s", error)
