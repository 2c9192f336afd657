"""When a stamp was, in spite of clock steps and sleep. Pure; the daemon keeps one `Ageing`, and its eras over a restart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from iai_daemon.clock import Now
from iai_daemon.presence.heartbeat import REFRESH
from iai_daemon.units import NEVER

# A smaller difference between two clocks is drift or a scheduling delay, not a step or a sleep.
_NOTICEABLE = 1.0
# Older eras are read by the clocks of the oldest that is kept: what was so long ago need not be known to the second.
_ERAS = 32


@dataclass(frozen=True, slots=True)
class Era:
    """A stretch of this boot in which the clocks neither stepped nor slept.

    `began` is when it was first seen (awake clock) and `last` the last moment that was seen of it: what ended it, and
    began the next, happened between that moment and the next era's `began`. `asleep` is all sleep before it, in seconds.
    """

    began: float
    last: Now
    asleep: float = 0.0


@dataclass(frozen=True, slots=True)
class Clocks:
    """What the clocks of this boot did, as far as it was seen: its eras, and whether the wall clock ever stepped."""

    eras: tuple[Era, ...] = ()
    stepped: bool = False


@dataclass(frozen=True, slots=True)
class Sighting:
    """How old a stamp was, in seconds awake, when it was first seen; the awake clock then, and the sleep before the stamp."""

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


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read a stamp: when it was by the clocks of an era, if it was in a time to which they belong."""

    at: Now
    asleep: float
    earliest: float
    latest: float

    def awake(self, stamp: float) -> float:
        """The stamp on the awake clock."""
        return self.at.awake + stamp - self.at.wall

    def boot(self, stamp: float) -> float:
        """The stamp on the boot clock."""
        return self.at.boot + stamp - self.at.wall

    def holds(self, stamp: float) -> bool:
        return self.earliest - _NOTICEABLE <= self.awake(stamp) <= self.latest + _NOTICEABLE


class Ageing:
    """Turns wall-clock stamps into ages once, when they are first seen, and lets them age by clocks that never step.

    A stamp never becomes younger, whatever the clocks do. `disturbed` tells whether they stepped or slept between the
    last two observations, `clock_stepped` whether the wall clock ever stepped.
    """

    def __init__(self, tick: float) -> None:
        self._tick = tick
        self._eras: tuple[Era, ...] = ()
        self._counted = 0.0
        self._forgiven: list[_Sleep] = []
        # A scan reads thousands of stamps at one moment.
        self._readings: tuple[Now, tuple[_Reading, ...]] | None = None
        self.disturbed = False
        self.clock_stepped = False

    @property
    def clocks(self) -> Clocks:
        """What a later daemon of this boot goes on from."""
        return Clocks(self._eras, self.clock_stepped)

    def resume(self, clocks: Clocks) -> None:
        """Go on from what an earlier daemon of this boot saw of the clocks; called before the first observation."""
        self._eras, self.clock_stepped = clocks.eras, clocks.stepped
        for before, after in pairwise(clocks.eras):
            self._take_note(before, after)

    def observe(self, now: Now) -> None:
        """Notice what the clocks did since the last observation; called before the stamps of a scan are looked at."""
        before, self._eras = self._eras[-1:], self._until(now)
        self.disturbed = bool(before) and before == self._eras[-2:-1]
        if self.disturbed:
            self._take_note(*self._eras[-2:])
        while self._forgiven and self._forgiven[0].counts_at <= now.awake:
            self._counted = self._forgiven.pop(0).asleep

    def sight(self, stamp: float, now: Now) -> Sighting:
        """A stamp (seconds since the epoch) seen for the first time.

        It may have been written in any era: of the times at which the clocks showed it the one nearest to now holds. One
        more than a tick in the future is taken as now.
        """
        reading = self._read(stamp, now)
        age = now.awake - reading.awake(stamp)
        return Sighting(age if age >= -self._tick else 0.0, now.awake, reading.asleep)

    def on_boot_clock(self, stamp: float, now: Now) -> float:
        """When a stamp (seconds since the epoch) was, on the boot clock; one in the future stays there."""
        return self._read(stamp, now).boot(stamp)

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

    def _take_note(self, before: Era, after: Era) -> None:
        self.clock_stepped = self.clock_stepped or bool(_step(before, after))
        if after.asleep > before.asleep:
            self._forgiven.append(_Sleep(after.began + REFRESH + self._tick, after.asleep))

    def _until(self, now: Now) -> tuple[Era, ...]:
        """The eras as they are known at `now`."""
        if not self._eras:
            return (Era(now.awake, now),)
        *earlier, current = self._eras
        slept = max(0.0, _noticeable(now.boot - current.last.boot - (now.awake - current.last.awake)))
        begun = Era(now.awake, now, current.asleep + slept)
        if slept or _step(current, begun):
            return (*earlier, current, begun)[-_ERAS:]
        return (*earlier, replace(current, last=now))

    def _read(self, stamp: float, now: Now) -> _Reading:
        """Of the readings of a stamp that hold the one nearest to now; by the present clocks when none does."""
        if self._readings is None or self._readings[0] != now:
            self._readings = (now, tuple(_readings(self._until(now), now.awake + self._tick)))
        readings = self._readings[1]
        possible = [each for each in readings if each.holds(stamp)]
        return min(possible, key=lambda each: abs(now.awake - each.awake(stamp)), default=readings[-1])


def _readings(eras: Sequence[Era], latest: float) -> Iterator[_Reading]:
    earliest = -NEVER
    for before, after in pairwise(eras):
        yield _Reading(before.last, before.asleep, earliest, after.began)
        earliest = before.last.awake
        step = _step(before, after)
        if step and after.asleep > before.asleep:
            # Written between the two: after the waking and before the step, or the other way round.
            woken = replace(after.last, wall=after.last.wall - step)
            stepped = replace(before.last, wall=before.last.wall + step)
            yield _Reading(woken, after.asleep, earliest, after.began)
            yield _Reading(stepped, before.asleep, earliest, after.began)
    yield _Reading(eras[-1].last, eras[-1].asleep, earliest, latest)


def _step(before: Era, after: Era) -> float:
    """By how many seconds the wall clock was set between two eras."""
    return _noticeable(after.last.wall - before.last.wall - (after.last.boot - before.last.boot))


def _noticeable(seconds: float) -> float:
    return seconds if abs(seconds) >= _NOTICEABLE else 0.0
