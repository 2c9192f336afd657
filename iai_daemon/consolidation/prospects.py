"""What a night would find, as the daemon knows it, who loads no plug-in: asked of the store at most once a tick."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from typing import NamedTuple

from iai_daemon.clock import Now
from iai_daemon.config import Settings
from iai_daemon.consolidation.keeper import Keeper
from iai_daemon.consolidation.passes import expected, outlook
from iai_daemon.errors import IaiError
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home


class Work(Enum):
    """Whether a night would find anything. GUESSED: only plug-ins might, and their worker finds out."""

    NONE = auto()
    GUESSED = auto()
    KNOWN = auto()


class _Refuted(NamedTuple):
    """A worker found nothing to do where plug-ins were guessed to have work: true of the store as of this change, and until
    then (seconds awake)."""

    change: int
    until: float


class Prospects:
    """`changed` is called when a store that is asked beside the loop has told of work, `failed` when it cannot be asked.

    `guess`: the newest change as of which nothing but plug-ins was thought to have work.
    """

    def __init__(
        self,
        settings: Settings,
        home: Home,
        keeper: Keeper,
        changed: Callable[[], None],
        failed: Callable[[IaiError], None],
    ) -> None:
        self._settings = settings
        self._home = home
        self._keeper = keeper
        self._changed = changed
        self._failed = failed
        self._found: dict[bool, Work] = {}
        self._refuted: dict[bool, _Refuted] = {}
        self.guess = 0

    def forget(self) -> None:
        """Ask anew from now on."""
        self._found.clear()

    def known(self, *, alone: bool) -> Work | None:
        """What the store has told of the passes that may run, `alone` with those that need it alone; None: it was not asked."""
        return self._found.get(alone)

    def look(self, now: Now, *, alone: bool) -> Work:
        """The same, asked of the store where it was not yet."""
        if alone not in self._found:
            question = partial(_look, self._settings, self._home, now.milliseconds, alone)
            self._keeper.ask(f"work {alone}", question, partial(self._learn, now, alone), self._failed)
        return self._found.get(alone, Work.NONE)

    def _learn(self, now: Now, alone: bool, found: tuple[Work, int]) -> None:
        work, change = found
        if work is Work.GUESSED:
            self.guess = change
            refuted = self._refuted.get(alone)
            if refuted is not None and now.awake < refuted.until and refuted.change == change:
                work = Work.NONE
        self._found[alone] = work
        if self._keeper.beside and work is not Work.NONE:
            self._changed()

    def refute(self, guess: int, until: float, *, alone: bool) -> None:
        """A worker has found nothing to do in the store as of this guess: until then (seconds awake) it is not made again."""
        self._refuted[alone] = _Refuted(guess, until)


def _look(settings: Settings, home: Home, now: int, alone: bool, stores: Stores) -> tuple[Work, int]:
    """What a night would find, and the newest change as of which nothing but plug-ins is thought to have work."""
    known, guessed = expected(settings, home, alone=alone)
    if outlook(stores.nights, known, now).work:
        return Work.KNOWN, 0
    if not guessed or not outlook(stores.nights, guessed, now).work:
        return Work.NONE, 0
    return Work.GUESSED, stores.nights.newest_change()
