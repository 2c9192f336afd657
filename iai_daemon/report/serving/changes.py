"""That something may have changed: told by the daemon, by the memory, by time; heard by every open page."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from iai_daemon.clock import Clock

# A page is not asked to renew itself more often than this, and not for more than a quarter of the time that it takes.
_REST = 1.0
_SHARE = 4.0


class Changes:
    """`number` grows with each change that pages were told of."""

    def __init__(self) -> None:
        self.number = 0
        self.ended = False
        self._told = asyncio.Event()
        self._hearing: set[asyncio.Event] = set()

    def tell(self) -> None:
        """Something may have changed; pages hear of it soon."""
        self._told.set()

    def tell_at_once(self) -> None:
        """Something has changed by a page's own wish: what was gathered before does not do any more."""
        self.number += 1
        self._set_all()

    @contextlib.contextmanager
    def heard(self) -> Iterator[asyncio.Event]:
        """An event that is set at each change, and at the end."""
        one = asyncio.Event()
        self._hearing.add(one)
        try:
            yield one
        finally:
            self._hearing.discard(one)

    @property
    def hearing(self) -> int:
        """How many pages there are to tell."""
        return len(self._hearing)

    def end(self) -> None:
        """The server ends: nobody is told anything any more."""
        self.ended = True
        self._set_all()

    async def pass_on(self, clock: Clock, cost: Callable[[], float]) -> None:
        """Tell the pages for as long as the server runs; `cost`: how many seconds the last renewal took."""
        never = asyncio.Event()
        while True:
            await self._told.wait()
            self._told.clear()
            self.tell_at_once()
            await clock.wait(never, max(_REST, cost() * _SHARE))

    def _set_all(self) -> None:
        for each in self._hearing:
            each.set()
