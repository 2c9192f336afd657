"""What leaves the daemon by itself: news of nights, and the metrics file. Each is loaded where the settings want it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from iai_daemon.clock import Now
from iai_daemon.config import Settings
from iai_daemon.notify.news import News
from iai_daemon.paths import Home
from iai_daemon.troubles import Troubles

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

    from iai_daemon.measuring import Measuring
    from iai_daemon.notify.herald import Herald


class Outlets:
    """Called from the event loop; all but `close` return at once."""

    def __init__(self, home: Home, settings: Settings, troubles: Troubles, log: BoundLogger) -> None:
        self._home = home
        self._troubles = troubles
        self._log = log
        self._herald: Herald | None = None
        self._measuring: Measuring | None = None
        self.reload(settings)

    def reload(self, settings: Settings) -> None:
        """Go by other settings from now on; what runs goes on."""
        if self._herald is not None:
            self._herald.reload(settings)
        elif settings.notify.desktop or settings.notify.command:
            from iai_daemon.notify.herald import Herald  # noqa: PLC0415 -- who wants no news does not pay for it

            self._herald = Herald(self._home, settings, self._troubles, self._log)
        if self._measuring is not None:
            self._measuring.reload(settings)
        elif settings.metrics.textfile:
            from iai_daemon.measuring import Measuring  # noqa: PLC0415 -- who sets no file does not pay for it

            self._measuring = Measuring(self._home, settings, self._troubles)

    def over(self, news: News) -> None:
        """A night has ended."""
        if self._herald is not None:
            self._herald.tell(news)

    def tick(self, now: Now, describe: Callable[[], Mapping[str, object]], *, safe: bool) -> None:
        """Once a tick, when it has been looked; `describe`: the object of `status --json`, `safe`: in safe mode."""
        if self._measuring is not None:
            self._measuring.tick(now, describe, safe=safe)

    async def close(self) -> None:
        """Say a last time that nobody is there any more, and tell nobody of anything."""
        if self._measuring is not None:
            self._measuring.close()
        if self._herald is not None:
            await self._herald.close()
