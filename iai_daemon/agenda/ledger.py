"""The agenda's store as one daemon has it: opened, let go of when it cannot be used and opened again, under the daemon's own name and by
the time that all who share it go by. Used by `dispatch`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sized
from contextlib import contextmanager
from typing import TYPE_CHECKING

from iai_daemon.agenda.store.opening import OpenedAgenda, open_agenda
from iai_daemon.clock import Clock, Now
from iai_daemon.config import Settings
from iai_daemon.errors import IaiError, StoreAway
from iai_daemon.paths import Home
from iai_daemon.units import NEVER

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

# A claim holds for so many ticks, and is renewed at each.
_LEASE_TICKS = 3
_LONGEST_PAUSE = 60.0
# The loop waits for a server's answer: once so many seconds, then somebody else looks whether it is there again.
_DEADLINE = 2.0


class Ledger:
    """`opened`: the store, while it can be used; `trouble`: why it cannot. `holder`: what this daemon calls itself where several share
    the agenda; `lease`: for how many milliseconds its claims hold.

    `ahead`: by how many milliseconds the time that the agenda goes by is ahead of this host's. `retry_at`: when the store is tried
    again (awake clock), never where nothing is wrong. `reached_since`: when it was opened (awake clock).
    """

    def __init__(
        self, home: Home, settings: Settings, clock: Clock, log: BoundLogger, at_work: Sized
    ) -> None:
        self._home = home
        self._memory = settings.memory
        self._clock = clock
        self._log = log
        self._at_work = at_work
        self._failures = 0
        self._is_away = False
        self.holder = f"{os.getpid()}-{os.urandom(8).hex()}"
        self.lease = _lease(settings)
        self.opened: OpenedAgenda | None = None
        self.trouble: str | None = None
        self.ahead = 0
        self.retry_at = NEVER
        self.reached_since = NEVER

    def reload(self, settings: Settings) -> None:
        """Go by other settings from the next `open` on."""
        before, self._memory = self._memory, settings.memory
        if (before.store, before.store_env) != (settings.memory.store, settings.memory.store_env):
            self.close()
        self.lease = _lease(settings)

    def time(self, now: Now) -> int:
        """The time that the agenda goes by: where several hosts share it, the server's, for their own clocks differ."""
        return now.whole_milliseconds + self.ahead

    def open(self, now: Now) -> tuple[OpenedAgenda, bool]:
        """The store, and whether it was opened just now. Raises StoreUnusable and StoreBusy."""
        if self.opened is not None and self.opened.moved():
            self.close()
        if self.opened is not None:
            return self.opened, False
        self.opened = open_agenda(self._home, self._memory, deadline=_DEADLINE)
        self.reached_since = now.awake
        self.compare_clocks(self.opened)
        return self.opened, True

    def compare_clocks(self, opened: OpenedAgenda) -> None:
        """Against the server's, in the middle of the time that its answer took."""
        if not opened.shared:
            self.ahead = 0
            return
        before = self._clock.now().whole_milliseconds
        server = opened.store.clock(before)
        after = self._clock.now().whole_milliseconds
        self.ahead = server - (before + after) // 2

    @contextmanager
    def surviving(self, now: Now) -> Iterator[None]:
        """What the store cannot do now is said and tried again: after a second, then two, four …"""
        try:
            yield
        except IaiError as error:
            self._failures += 1
            self.retry_at = now.awake + min(2.0 ** (self._failures - 1), self._longest_pause())
            if self.trouble != str(error):
                self._log.error("agenda cannot go on", cause=str(error))
            self.trouble = str(error)
            self._is_away = isinstance(error, StoreAway)
            self.close()
        else:
            self._failures, self.trouble, self._is_away = 0, None, False
            self.retry_at = NEVER

    def _longest_pause(self) -> float:
        """Who has agents at work comes back to a server before their leases are over."""
        return min(_LONGEST_PAUSE, max(1.0, self.lease / 3000)) if len(self._at_work) else _LONGEST_PAUSE

    def must_wait(self, now: Now) -> bool:
        """Whether the server could not be reached a moment ago: each try may keep the loop waiting for seconds."""
        return self._is_away and now.awake < self.retry_at

    def reached(self) -> None:
        """The server answers again: whatever waits for it is tried in this turn."""
        if self._failures:
            self.retry_at = 0.0

    def close(self) -> None:
        """Let go of the store, until it is opened again."""
        if self.opened is not None:
            self.opened.close()
            self.opened = None


def _lease(settings: Settings) -> int:
    return round(_LEASE_TICKS * settings.lifecycle.tick * 1000)
