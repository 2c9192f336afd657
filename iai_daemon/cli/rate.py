"""How fast a night's pass goes, and how long it will take. Pure; seconds on a clock that never steps."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from iai_daemon.units import say_duration

# By what was done within so many seconds: the speed of now, not that of an hour ago.
_WITHIN = 15.0
_LEAST = 1.0


class Rate:
    """Told again and again how far the night is."""

    def __init__(self) -> None:
        self._what: tuple[object, ...] | None = None
        self._seen: deque[tuple[float, int]] = deque(maxlen=256)

    def see(self, night: Mapping[str, Any], now: float) -> None:
        """The part `consolidation` of a status. Another pass, or another round, begins anew."""
        progress = night["progress"] or {}
        what = night["night"], night["pass"], progress.get("round")
        done = progress.get("done") or 0
        if what != self._what or (self._seen and done < self._seen[-1][1]):
            self._what = what
            self._seen.clear()
        if not self._seen or self._seen[-1][1] != done:
            self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[1][0] > _WITHIN:
            self._seen.popleft()

    def per_second(self, now: float) -> float | None:
        """None as long as too little is known."""
        if len(self._seen) < 2:
            return None
        (began, before), (_, done) = self._seen[0], self._seen[-1]
        took = now - began
        return (done - before) / took if took >= _LEAST else None

    def say(self, night: Mapping[str, Any], now: float) -> str:
        """`45/s, 20 s left`; nothing as long as too little is known."""
        speed = self.per_second(now)
        if speed is None:
            return ""
        said = f"{speed:,.0f}/s" if speed >= 10 else f"{speed:.1f}/s"
        progress = night["progress"] or {}
        left = (progress.get("total") or 0) - (progress.get("done") or 0)
        return f"{said}, {say_duration(left / speed)} left" if left > 0 else said
