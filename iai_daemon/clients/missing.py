"""What of a server's command is not there any more: a Python that an upgrade took away, a wrapper that was moved."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from iai_daemon.clients.reading import shown
from iai_daemon.clients.through import Needed, Through, needed

# Without these, which have to lie beside it, the wrapper ends at once.
_BESIDE = ("iai_relay.py", "iai_heartbeat.py")


def missing(through: Through) -> Iterator[str]:
    """Each file that it cannot start without, and what is wrong with it, in words."""
    for each in needed(through):
        wrong = _wrong(each)
        if wrong:
            yield wrong
    script = through.script
    if script and script.startswith("/") and Path(script).is_file():
        folder = Path(script).resolve().parent
        for name in _BESIDE:
            if not (folder / name).is_file():
                yield f"{shown(str(folder / name))} is gone"


def _wrong(wanted: Needed) -> str | None:
    path, said = Path(wanted.path), shown(wanted.path)
    try:
        if not path.exists():
            return f"{said} is gone"
        if not path.is_file():
            return f"{said} is no file"
        if not os.access(path, os.X_OK if wanted.program else os.R_OK):
            return f"{said} cannot be {'executed' if wanted.program else 'read'}"
    except (OSError, ValueError):  # too long, or with something in it that no path holds
        return f"{said[:80]} can be no path"
    return None
