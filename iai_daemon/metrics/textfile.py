"""The file that node_exporter's textfile collector reads, written whole."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from iai_daemon import atomic
from iai_daemon.metrics.families import Family
from iai_daemon.metrics.text import prometheus

# Who reads it is another user, whatever we otherwise let others see.
_MODE = 0o644


def write(path: Path, families: Sequence[Family]) -> None:
    """Replace it. Raises OSError, and then what was there before stands."""
    with atomic.writing(path) as file:
        file.write(prometheus(families).encode(errors="replace"))
        os.fchmod(file.fileno(), _MODE)


def remedy(cause: OSError, path: Path) -> str:
    """What mends it."""
    if isinstance(cause, (FileNotFoundError, NotADirectoryError)):
        return f"make the directory, and let the daemon write there: `mkdir -p {path.parent}`; or set metrics.textfile to another file"
    if isinstance(cause, PermissionError):
        return f"let the daemon's user write in {path.parent} (a group of its own for it), or set metrics.textfile to another file"
    return (
        f"make room on that disk, or see that {path} can be replaced; or set metrics.textfile to another file"
    )
