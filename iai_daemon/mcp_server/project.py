"""Which project a memory server works for: the git repository that it was started in."""

from __future__ import annotations

import os
from pathlib import Path

from iai_daemon.memory.record import GLOBAL_SCOPE


def current_project() -> str:
    """The project of the working directory; `global` when that has been deleted."""
    try:
        return project_scope(Path.cwd())
    except FileNotFoundError:
        return GLOBAL_SCOPE


def project_scope(directory: Path) -> str:
    """The path of the repository around `directory` (a `.git` folder, or the file that a worktree has); else `global`."""
    for folder in (directory, *directory.parents):
        # Path.exists raises where a directory may not be searched.
        if os.path.exists(folder / ".git"):  # noqa: PTH110
            return os.fsencode(folder).decode("utf-8", "backslashreplace")
    return GLOBAL_SCOPE
