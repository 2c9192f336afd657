"""When nights were, on the boot clock: it never steps, and the time asleep counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from iai_daemon.clock import Now
from iai_daemon.consolidation.keeper import Seen
from iai_daemon.consolidation.when import due_in
from iai_daemon.memory.nights import NightRow


class Times(NamedTuple):
    """Seconds since the machine was started; what was before that is negative."""

    first_started: float
    last_began: float | None
    last_asked: float | None
    last_night_ended: float | None

    def due_in(self, now: Now, interval: float) -> float:
        """In how many seconds the next night's time comes; 0 when it has come."""
        return due_in(now.boot, interval, self.last_began, self.first_started, self.last_asked)

    def waited(self, now: Now) -> float:
        """For how many seconds no night has completed."""
        since, ended = self.first_started, self.last_night_ended
        if ended is not None and ended <= now.boot:
            since = max(since, ended)
        return now.boot - since


class Dating:
    """Turns the stamps of a store into moments once, when each is first seen: a clock that was set back may show the same time
    again."""

    def __init__(self) -> None:
        self._dated: dict[int, float] = {}

    def read(
        self, seen: Seen, now: Now, on_boot_clock: Callable[[float, Now], float], *, shared: bool
    ) -> Times:
        """`shared`: other hosts write into the store, too; one whose clock is ahead of ours has not stamped the future."""
        dated, self._dated = self._dated, {}

        def moment(milliseconds: int) -> float:
            at = dated.get(milliseconds)
            at = on_boot_clock(milliseconds / 1000, now) if at is None else at
            self._dated[milliseconds] = at
            return min(at, now.boot) if shared else at

        def began(night: NightRow | None) -> float | None:
            return None if night is None else moment(night.started_at)

        night = seen.night
        return Times(
            first_started=min(now.boot, moment(seen.first_started_at)),
            last_began=began(seen.due),
            last_asked=began(seen.asked),
            last_night_ended=None if night is None else moment(night.ended_at or night.started_at),
        )
