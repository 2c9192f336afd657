"""Writes the morning note down: after a night, and when what it tells is no longer so. What it says stands in note.py."""

from __future__ import annotations

import contextlib

from iai_daemon import atomic
from iai_daemon.consolidation.note import look, morning_note
from iai_daemon.errors import IaiError
from iai_daemon.memory.nights import NightStore
from iai_daemon.paths import Home


def leave_note(home: Home, note: str) -> None:
    """Write it into `last-night.txt`. Raises OSError, and then what was there before stands."""
    atomic.write(home.last_night, note.encode())


def renew_note(home: Home, store: NightStore) -> None:
    """What it tells was taken back, carried out or erased. Where it cannot be written anew there is rather none."""
    if not home.last_night.exists():
        return
    try:
        if morning := look(store):
            leave_note(home, morning_note(morning))
    except (OSError, IaiError):
        with contextlib.suppress(OSError):  # nothing can be changed there at all
            home.last_night.unlink()
