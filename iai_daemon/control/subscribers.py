"""Those who asked to be told of every change. Each has a short queue of his own: who reads slowly misses the oldest lines, never the last."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from iai_daemon.control.server import Notify

# Changes that wait for one reader.
_MOST_WAITING = 64

News = Mapping[str, object]


@dataclass(eq=False, slots=True)
class _Subscriber:
    waiting: deque[News] = field(default_factory=lambda: deque(maxlen=_MOST_WAITING))
    told: asyncio.Event = field(default_factory=asyncio.Event)


class Subscribers:
    """`look` says how everything stands; what it says is told when it is not what it said before."""

    def __init__(self, look: Callable[[], News]) -> None:
        self._look = look
        self._last: News | None = None
        self._all: set[_Subscriber] = set()

    def tell(self) -> None:
        """Something may have changed. Without subscribers nobody even looks."""
        if not self._all:
            return
        news = self._look()
        if news == self._last:
            return
        self._last = news
        for each in self._all:
            each.waiting.append(news)
            each.told.set()

    async def serve(self, notify: Notify) -> Mapping[str, object]:
        """Tell how it stands now, and then every change, until the caller hangs up. Raises Refused when too many listen already."""
        notify.stay()
        one = _Subscriber()
        self.tell()
        self._last = self._look()
        one.waiting.append(self._last)
        one.told.set()
        self._all.add(one)
        try:
            while True:
                await one.told.wait()
                one.told.clear()
                while one.waiting:
                    notify(one.waiting.popleft())
                    await notify.read()
        finally:
            self._all.discard(one)
