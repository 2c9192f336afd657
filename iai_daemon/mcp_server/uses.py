"""Which memories agents were given: noted beside the answers, once a second at most, and never in their way. Used by the server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import anyio
import anyio.to_thread

from iai_daemon.clock import SystemClock, read
from iai_daemon.errors import IaiError
from iai_daemon.memory.store import MemoryStore

# An agent reads the first few results; what stands below them it was hardly given.
TOLD = 3
_EVERY = 1.0
_log = logging.getLogger(__name__)


class Uses:
    """`turn` is what lets one at a time use the memory."""

    def __init__(self, memory: MemoryStore, turn: anyio.CapacityLimiter) -> None:
        self._memory = memory
        self._turn = turn
        self._unwritten: list[int] = []
        self._writing: asyncio.Task[None] | None = None

    def note(self, records: Sequence[int]) -> None:
        """These were the answer to a question; of more than a few the first."""
        self._unwritten += records[:TOLD]
        if self._unwritten and (self._writing is None or self._writing.done()):
            self._writing = asyncio.get_running_loop().create_task(self._write_later())

    def write(self) -> None:
        """Whoever holds the store now goes before: what cannot be noted at once is dropped."""
        told, self._unwritten = self._unwritten, []
        if not told:
            return
        try:
            self._memory.note_use(told, read().milliseconds)
        except IaiError as error:
            _log.debug("uses of %d memories are not noted: %s", len(told), error)

    async def _write_later(self) -> None:
        await SystemClock().wait(asyncio.Event(), _EVERY)
        await anyio.to_thread.run_sync(self.write, limiter=self._turn)
