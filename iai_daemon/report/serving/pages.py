"""The report as it stands now: gathered and made HTML of, in a thread, one at a time, and kept for a moment."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from iai_daemon.clock import Clock, Stopwatch
from iai_daemon.config import Settings, load
from iai_daemon.errors import BadConfig
from iai_daemon.paths import Home
from iai_daemon.report.gather import look
from iai_daemon.report.page import Live, render, render_content
from iai_daemon.report.serving.beside import beside
from iai_daemon.report.serving.changes import Changes

# Seconds for which what was gathered does for everybody who asks, unless something changes.
_KEPT = 2.0


@dataclass(slots=True)
class _Gathered:
    """`number`: that of the changes when it was begun; `at`: seconds on the awake clock."""

    number: int
    at: float
    report: dict[str, Any]
    made: dict[Callable[..., str], str] = field(default_factory=dict)


class Pages:
    """What a browser is shown. `cost`: how many seconds the last one took."""

    def __init__(self, home: Home, settings: Settings, days: int, live: Live, changes: Changes) -> None:
        self._home, self._settings, self._days, self._live = home, settings, days, live
        self._changes = changes
        self._one_at_a_time = asyncio.Lock()
        self._gathered: _Gathered | None = None
        self.cost = 0.0

    async def page(self, clock: Clock) -> str:
        """The whole of it. Raises IaiError."""
        return await self._made(render, clock)

    async def content(self, clock: Clock) -> str:
        """What stands within <main>. Raises IaiError."""
        return await self._made(render_content, clock)

    async def _made(self, make: Callable[..., str], clock: Clock) -> str:
        wanted = self._changes.number
        async with self._one_at_a_time:
            now = clock.now()
            gathered = self._gathered
            if gathered is None or gathered.number < wanted or now.awake - gathered.at > _KEPT:
                number, watch = self._changes.number, Stopwatch()
                report = await beside(lambda: self._look(now.milliseconds), "the report")
                gathered = self._gathered = _Gathered(number, now.awake, report)
                self.cost = watch.seconds()
            if make not in gathered.made:
                report = gathered.report
                gathered.made[make] = await beside(lambda: make(report, self._live), "the page")
            return gathered.made[make]

    def _look(self, now: int) -> dict[str, Any]:
        # Settings that cannot be read change nothing, as with the daemon: those of before hold.
        with contextlib.suppress(BadConfig):
            self._settings = load(self._home)
        return look(self._home, self._settings, now, days=self._days)
