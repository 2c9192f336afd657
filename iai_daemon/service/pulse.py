"""What a service manager hears of the loop: from its turns and from nothing else, so that a loop that hangs is not heard of."""

from __future__ import annotations

from collections.abc import Callable

from iai_daemon.clock import Now
from iai_daemon.service.notify import Notifier
from iai_daemon.units import NEVER

# So many times within the manager's limit: one that is lost, or a turn that takes long, is no end.
_TIMES = 3


class Pulse:
    """Felt at the end of each turn. `limit`: the manager's, in seconds; `next_at`: when he has to hear of the next (awake clock)."""

    def __init__(self, notifier: Notifier | None = None, limit: float | None = None) -> None:
        self._notifier = notifier or Notifier({})
        self._every = None if limit is None or not self._notifier.is_heard else limit / _TIMES
        self._told: str | None = None
        self.next_at = NEVER

    def beat(self, describe: Callable[[], str], now: Now) -> None:
        """A turn is done; the first one makes the daemon ready. `describe` is asked for the line that stands in the status."""
        if not self._notifier.is_heard:
            return
        status = describe()
        if self._told is None:
            self._notifier.ready(status)
        elif status != self._told:
            self._notifier.status(status)
        self._told = status
        if self._every is not None:
            self._notifier.watchdog()
            self.next_at = now.awake + self._every

    def reloading(self) -> None:
        """The settings are read anew; `reloaded` has to follow."""
        if self._told is not None:
            self._notifier.reloading()

    def reloaded(self, describe: Callable[[], str]) -> None:
        """By whatever settings it goes on."""
        if self._told is not None:
            self._told = describe()
            self._notifier.ready(self._told)

    def stop(self) -> None:
        """The daemon ends by itself."""
        self._told = None
        self._notifier.stopping()
