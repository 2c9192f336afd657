"""How old a stamp is, in spite of clock steps and sleep. Pure; the scanner keeps one `Ageing`."""

from __future__ import annotations

from dataclasses import dataclass

from iai_daemon.clock import Now
from iai_daemon.presence.heartbeat import REFRESH

# A smaller difference between two clocks is drift or a scheduling delay, not a step or a sleep.
_NOTICEABLE = 1.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """How old a stamp was, in seconds, when it was first seen, and when that was."""

    age: float
    awake: float
    boot: float

    @property
    def stamped_at(self) -> float:
        """The stamp on the awake clock."""
        return self.awake - self.age


class Ageing:
    """Turns wall-clock stamps into ages once, when they are first seen, and lets them age by clocks that never step."""

    def __init__(self, tick: float) -> None:
        self._tick = tick
        self._last: Now | None = None
        self._step = 0.0
        self._slept = 0.0
        self._woke_at: float | None = None
        self.clock_stepped = False

    def observe(self, now: Now) -> None:
        """Notice what the clocks did since the last observation; called before the stamps of a scan are looked at."""
        if self._last is not None:
            by_boot = now.boot - self._last.boot
            self._step = _noticeable(now.wall - self._last.wall - by_boot)
            self._slept = _noticeable(by_boot - (now.awake - self._last.awake))
            if self._step:
                self.clock_stepped = True
            if self._slept:
                self._woke_at = now.awake
        self._last = now

    def sight(self, stamp: float, now: Now) -> Sighting:
        """A stamp (seconds since the epoch) seen for the first time.

        It may have been written before the step or the sleep that lies between the last two observations: of the
        possible ages the smallest that is not in the future holds. One more than a tick in the future is taken as now.
        """
        raw = now.wall - stamp
        ages = {raw, raw - self._step, raw - self._slept, raw - self._step - self._slept}
        possible = [age for age in ages if age >= 0] or [age for age in ages if age >= -self._tick]
        return Sighting(min(possible, default=0.0), now.awake, now.boot)

    def age(self, sighting: Sighting, now: Now) -> float:
        """Seconds since the stamp. Time asleep counts only when the writer has had time to refresh since the waking."""
        if self._woke_at is not None and now.awake - self._woke_at < REFRESH + self._tick:
            return sighting.age + now.awake - sighting.awake
        return sighting.age + now.boot - sighting.boot


def _noticeable(seconds: float) -> float:
    return seconds if abs(seconds) >= _NOTICEABLE else 0.0
