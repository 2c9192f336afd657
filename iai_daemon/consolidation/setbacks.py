"""What kept nights from their end, and when the next one is tried after it. Times are seconds awake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from iai_daemon.consolidation.death import Death

# A night that was cut short is tried again after a tick, then two, four …, and at least once an hour. Where nights have no
# interval, a plug-in whose worker found nothing to do is asked again after so long, too.
LONGEST_BACK_OFF = 3600.0


class Setbacks:
    """`tick`: seconds. `failure`: why the last night of this daemon could not be run."""

    def __init__(self, tick: float) -> None:
        self._tick = tick
        self._cut_short = 0
        self._fruitless = 0
        self._death: Death | None = None
        self._mended: int | None = None
        self.failure: str | None = None
        self.retry_at = 0.0

    def go_by(self, tick: float) -> None:
        """Settings are others: what was mended in them is tried at once."""
        self._tick = tick
        self._fruitless = 0
        self.retry_at = 0.0

    def ended(self, outcome: str, death: Death | None, at: float) -> None:
        """A night has come to its end."""
        finished = outcome in ("completed", "nothing_to_do")
        if finished or (death is not None and not death.ours):
            self._death = death
        self._cut_short = 0 if finished else self._cut_short + 1
        self._fruitless = self._fruitless + 1 if outcome == "nothing_to_do" else 0
        if not finished:
            self.retry_at = at + self._back_off(self._cut_short)

    def found_nothing(self, at: float) -> None:
        """The worker has looked closer, or by other settings than these: to ask it at each tick would not make work."""
        self.retry_at = at + self._back_off(self._fruitless)

    def forget(self, night: int | None) -> None:
        """What nights failed of until now, this newest one among them, has left nothing undone."""
        self._death = self.failure = None
        self._cut_short = 0
        if night is not None:
            self._mended = night

    def leave_to_others(self) -> None:
        """Another host runs a night: once that one is over it is known whether anything is left to do."""
        self._cut_short, self.retry_at = 0, 0.0

    def _back_off(self, times: int) -> float:
        """Seconds until the next try, after so many in vain."""
        return min(self._tick * 2.0 ** min(times - 1, 16), LONGEST_BACK_OFF)

    @property
    def waits_for(self) -> str:
        """Why the next one is not tried before `retry_at`."""
        return "the last one was cut short" if self._cut_short else "the last one found nothing to do"

    def say(self, last: Mapping[str, Any] | None, *, elsewhere: bool) -> Iterator[tuple[str, str]]:
        """What does not work, and what mends it. `last`: what is known of the newest night; `elsewhere`: one runs on another host."""
        if self._death is not None:
            yield self._death.say(), self._death.remedy
        if why := self.failure or self._failed(last):
            yield why, "as the sentence says; the next night tries again"
        if self._cut_short > 1 and not elsewhere:
            yield (
                f"the last {self._cut_short} nights were cut short",
                "`iai-daemon nights list` tells by what",
            )

    def _failed(self, last: Mapping[str, Any] | None) -> str | None:
        """Why the newest night failed, as it stands in the books."""
        if last is None or last["outcome"] != "failed" or last["id"] == self._mended:
            return None
        return f"night {last['id']} failed: {last['reason']}"
