"""Writes the morning note down: after a night, and when what it tells is no longer so. What it says stands in note.py."""

from __future__ import annotations

import contextlib

from iai_daemon import atomic
from iai_daemon.consolidation.note import Morning, look, morning_note
from iai_daemon.errors import IaiError
from iai_daemon.memory.nights import NightStore
from iai_daemon.paths import Home


def leave_note(home: Home, morning: Morning | None) -> None:
    """Write it into `last-night.txt`. Raises OSError, and then what was there before stands."""
    if morning is not None:
        atomic.write(home.last_night, morning_note(morning).encode())


def renew_note(home: Home, store: NightStore) -> None:
    """What it tells was taken back, carried out or erased. Where it cannot be written anew there is rather none."""
    if not home.last_night.exists():
        return
    try:
        leave_note(home, look(store))
    except (OSError, IaiError):
        with contextlib.suppress(OSError):  # nothing can be changed there at all
            home.last_night.unlink()
