"""Tells of each night when it is over, one thing at a time, beside the loop. What that takes is loaded when it is first needed."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Protocol

from iai_daemon.config import Notify, Settings
from iai_daemon.notify.news import News, worth_telling
from iai_daemon.paths import Home

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

# Nights come hours apart. Who takes longer to hear of one than the next ones to end hears of the newest.
_WAITING = 3


class Troubles(Protocol):
    """Where what does not work is kept until it is over."""

    def note(self, what: str, why: str, fix: str = ..., *, said: str) -> None: ...

    def over(self, what: str) -> None: ...


class Herald:
    """Every method but `close` returns at once."""

    def __init__(self, home: Home, settings: Settings, troubles: Troubles, log: BoundLogger) -> None:
        self._home = home
        self._settings = settings.notify
        self._troubles = troubles
        self._log = log
        self._waiting: deque[News] = deque(maxlen=_WAITING)
        self._task: asyncio.Task[None] | None = None
        self._wrong: dict[str, tuple[str, str]] = {}
        self._closing = False

    def tell(self, news: News) -> None:
        """A night is over."""
        if self._closing or not _wanted(self._settings) or not worth_telling(news):
            return
        if len(self._waiting) == _WAITING:
            self._log.warning("not told of a night", night=self._waiting[0].night, why="others still wait")
        self._waiting.append(news)
        if self._task is None:
            self._task = asyncio.create_task(self._work())
            self._task.add_done_callback(self._rest)

    def _rest(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("telling of a night failed", exc_info=error)

    @property
    def busy(self) -> bool:
        """Whether somebody is being told at this moment."""
        return self._task is not None

    def reload(self, settings: Settings) -> None:
        """Go by other settings from the next night on; what was wrong with those of before is tried anew."""
        if settings.notify != self._settings:
            self._settings = settings.notify
            self._wrong.clear()
            self._troubles.over("notify")

    async def _work(self) -> None:
        from iai_daemon.notify import channels  # noqa: PLC0415 -- only who wants to be told pays for it

        while self._waiting:
            news, settings = self._waiting.popleft(), self._settings
            if settings.desktop:
                wrong = await channels.tell_desktop(self._home, news)
                self._learn("desktop", wrong, news, settings)
            if settings.command:
                wrong = await channels.run_command(settings.command, self._home, news)
                self._learn("command", wrong, news, settings)

    def _learn(self, channel: str, wrong: tuple[str, str] | None, news: News, settings: Notify) -> None:
        if settings != self._settings:
            return  # whatever was wrong, it is not what holds now
        if wrong is None:
            self._wrong.pop(channel, None)
            self._log.info("told of a night", night=news.night, by=channel)
        else:
            self._wrong[channel] = wrong
        if self._wrong:
            whys, fixes = zip(*self._wrong.values(), strict=True)
            self._troubles.note("notify", "; ".join(whys), "; ".join(fixes), said="nobody is told of nights")
        else:
            self._troubles.over("notify")

    async def close(self) -> None:
        """Tell nobody any more, and end what is being told."""
        self._closing = True
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})


def _wanted(settings: Notify) -> bool:
    return settings.desktop or bool(settings.command)
