"""How old a stamp is, in spite of clock steps and sleep. Pure; the scanner keeps one `Ageing`."""

from __future__ import annotations

from dataclasses import dataclass

from iai_daemon.clock import Now
from iai_daemon.presence.heartbeat import REFRESH

# A smaller difference between two clocks is drift or a scheduling delay, not a step or a sleep.
_NOTICEABLE = 1.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """How old a stamp was, in seconds, when it was first seen; the awake clock and the sleep noticed until then."""

    age: float
    awake: float
    asleep: float

    @property
    def stamped_at(self) -> float:
        """The stamp on the awake clock."""
        return self.awake - self.age


@dataclass(frozen=True, slots=True)
class _Sleep:
    """One sleep of the machine: from when on (awake clock) it ages stamps, and all sleep until its end, in seconds."""

    counts_at: float
    asleep: float


class Ageing:
    """Turns wall-clock stamps into ages once, when they are first seen, and lets them age by clocks that never step.

    A stamp never becomes younger, whatever the clocks do. `disturbed` tells whether they stepped or slept between the
    last two observations, `clock_stepped` whether the wall clock ever stepped.
    """

    def __init__(self, tick: float) -> None:
        self._tick = tick
        self._last: Now | None = None
        self._step = 0.0
        self._slept = 0.0
        self._asleep = 0.0
        self._counted = 0.0
        self._forgiven: list[_Sleep] = []
        self.disturbed = False
        self.clock_stepped = False

    def observe(self, now: Now) -> None:
        """Notice what the clocks did since the last observation; called before the stamps of a scan are looked at."""
        if self._last is not None:
            by_boot = now.boot - self._last.boot
            self._step = _noticeable(now.wall - self._last.wall - by_boot)
            self._slept = max(0.0, _noticeable(by_boot - (now.awake - self._last.awake)))
            self.disturbed = bool(self._step or self._slept)
            self.clock_stepped = self.clock_stepped or bool(self._step)
            if self._slept:
                self._asleep += self._slept
                self._forgiven.append(_Sleep(now.awake + REFRESH + self._tick, self._asleep))
        while self._forgiven and self._forgiven[0].counts_at <= now.awake:
            self._counted = self._forgiven.pop(0).asleep
        self._last = now

    def sight(self, stamp: float, now: Now) -> Sighting:
        """A stamp (seconds since the epoch) seen for the first time.

        It may have been written before the step or the sleep that lies between the last two observations: of the
        possible ages the smallest that is not in the future holds. One more than a tick in the future is taken as now.
        """
        raw = now.wall - stamp
        ages = {raw, raw - self._step, raw - self._slept, raw - self._step - self._slept}
        possible = [age for age in ages if age >= 0] or [age for age in ages if age >= -self._tick]
        return Sighting(min(possible, default=0.0), now.awake, self._asleep)

    def age(self, sighting: Sighting, now: Now) -> float:
        """Seconds since the stamp. Time asleep counts only when the writer has had time to refresh since the waking."""
        return sighting.age + now.awake - sighting.awake + max(0.0, self._counted - sighting.asleep)

    def reaches(self, sighting: Sighting, age: float) -> float:
        """When, on the awake clock, the stamp will be so old; a sleep may make it older all at once."""
        at = sighting.stamped_at + age - max(0.0, self._counted - sighting.asleep)
        for sleep in self._forgiven:
            if sleep.asleep > sighting.asleep:
                at = min(
                    at, max(sleep.counts_at, sighting.stamped_at + age - (sleep.asleep - sighting.asleep))
                )
        return at


def _noticeable(seconds: float) -> float:
    return seconds if abs(seconds) >= _NOTICEABLE else 0.0
