"""The daemon's metrics file: written at each tick, beside the loop. What it takes is loaded where one is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from iai_daemon import __version__
from iai_daemon.aside import Aside
from iai_daemon.clock import Now
from iai_daemon.config import Memory, Settings
from iai_daemon.errors import IaiError
from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
from iai_daemon.troubles import Troubles

if TYPE_CHECKING:
    from pathlib import Path

    from iai_daemon.memory.figures import Figures

# Seconds: counting a large memory takes a part of one, and nobody looks more often.
_COUNTS_EVERY = 60.0
# Seconds that the memory may keep what writes the file waiting: to be opened, and for an answer of a server's.
_OPENS_WITHIN, _ANSWERS_WITHIN = 0.5, 5.0
# Seconds that the last one may take: a daemon that was told to end does not wait for a disk.
_LAST = 1.0
_SLOW = "see whether that disk answers, or set metrics.textfile to another file"


class Measuring:
    """Called from the event loop; all but `close` return at once."""

    def __init__(self, home: Home, settings: Settings, troubles: Troubles) -> None:
        self._home = home
        self._settings = settings
        self._troubles = troubles
        self._figures: Figures | None = None
        self._counts_at = 0.0
        self._writing: Aside[Figures | None] | None = None

    def tick(self, now: Now, describe: Callable[[], Mapping[str, object]], *, safe: bool) -> None:
        """Write how it stands; `describe`: the object of `status --json`. In safe mode the store is not even opened."""
        path = self._settings.metrics_path(self._home)
        if path is None or not self._learn(path):
            return
        counts = now.awake >= self._counts_at and not safe
        if counts:
            self._counts_at = now.awake + _COUNTS_EVERY
        work = partial(_write, path, describe(), self._figures, self._count if counts else None)
        self._writing = Aside(work, "metrics")

    def _learn(self, path: Path) -> bool:
        """What became of the last one; whether the next may be written."""
        if self._writing is None:
            return True
        said = "metrics not written"
        if not self._writing.ended(0):
            self._troubles.note("metrics", f"{path} has not been written within a tick", _SLOW, said=said)
            return False
        writing, self._writing = self._writing, None
        try:
            self._figures = writing.result()
        except OSError as cause:
            from iai_daemon.metrics.textfile import remedy  # noqa: PLC0415 -- who sets no file does not pay for it

            self._counts_at = 0.0
            why = f"{path} cannot be written ({cause.strerror or cause})"
            self._troubles.note("metrics", why, remedy(cause, path), said=said)
        else:
            self._troubles.over("metrics")
        return True

    @property
    def _count(self) -> Callable[[], Figures | None]:
        return partial(_count, self._home, self._settings.memory)

    def reload(self, settings: Settings) -> None:
        """Go by other settings from the next tick on."""
        if settings.metrics != self._settings.metrics:
            self._writing = None
            self._troubles.over("metrics")
        if settings != self._settings:
            self._figures, self._counts_at = None, 0.0
        self._settings = settings

    def close(self) -> None:
        """Say a last time that nobody is there any more; where nothing was said before nothing is said now."""
        path, writing = self._settings.metrics_path(self._home), self._writing
        if path is None or writing is None or not writing.ended(_LAST):
            return
        self._learn(path)
        gone = {"pid": None, "version": __version__, "store": {"engine": self._settings.memory.engine}}
        Aside(partial(_write, path, gone, self._figures, None), "metrics").ended(_LAST)


def _write(
    path: Path,
    status: Mapping[str, object],
    figures: Figures | None,
    count: Callable[[], Figures | None] | None,
) -> Figures | None:
    """In a thread of its own: also a file takes its time to be counted, and a disk to be written."""
    from iai_daemon.metrics import families, textfile  # noqa: PLC0415 -- who sets no file does not pay for it

    if count is not None:
        figures = count()
    textfile.write(path, families.families(status, figures))
    return figures


def _count(home: Home, settings: Memory) -> Figures | None:
    """None: it cannot be asked, and `store` in the status says why."""
    try:
        opened = open_stores(home, within=_OPENS_WITHIN, settings=settings, deadline=_ANSWERS_WITHIN)
        with closing(opened) as stores:
            return stores.counts.figures()
    except IaiError:
        return None
