"""What stands between the passes of a night and their next attempt: read as it begins, written where it changes."""

from __future__ import annotations

from collections.abc import Callable

from iai_daemon.consolidation import hindrances
from iai_daemon.consolidation.plan import Pass
from iai_daemon.memory.nights import QUARANTINE, Hindrance, NightStore


class Obstacles:
    """Times are milliseconds since the epoch. `note` is told what is written and how: it may leave it."""

    def __init__(self, store: NightStore, note: Callable[[str, Callable[[], None]], None]) -> None:
        self._store = store
        self._note = note
        self._known = store.hindrances()

    def portion(self, each: Pass) -> int:
        """How many records a pass may take at a time."""
        hindrance = self._known.get(each.name)
        return min(each.portion_size, (hindrance and hindrance.portion) or each.portion_size)

    def keep_out(self, name: str, now: int, *, asked: bool) -> str | None:
        """Why the pass may not run now, in words. A person's wish does not wait for a pass that was only deferred."""
        hindrance = self._known.get(name)
        if hindrance is None or (asked and hindrance.failures < QUARANTINE):
            return None
        return hindrances.say(hindrance, now)

    def failed(self, name: str, cause: str, now: int, portion: int | None = None) -> None:
        """It broke, for want of memory where it may take only a `portion` from now on."""
        self._write(name, hindrances.failed(self._known.get(name), cause, now, portion=portion))

    def settled(self, name: str, *, whole: bool) -> None:
        """It has got on, and if `whole` to its end."""
        self._write(name, hindrances.settled(self._known.get(name), whole=whole))

    def deferred(self, name: str, now: int) -> None:
        """Somebody came back before it had got on."""
        self._write(name, hindrances.deferred(self._known.get(name), now))

    def _write(self, name: str, hindrance: Hindrance | None) -> None:
        """Only where it is another: a night that has nothing to note leaves nothing behind."""
        if hindrance != self._known.get(name):
            self._note(f"what became of the pass {name}", lambda: self._store.hinder(name, hindrance))
            self._known = self._store.hindrances()
