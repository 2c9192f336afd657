"""Which project a memory server works for: the git repository that it was started in."""

from __future__ import annotations

from pathlib import Path

from iai_daemon.memory.record import GLOBAL_SCOPE


def project_scope(directory: Path) -> str:
    """The path of the repository around `directory` (a `.git` folder, or the file that a worktree has); else `global`."""
    for folder in (directory, *directory.parents):
        if (folder / ".git").exists():
            return str(folder)
    return GLOBAL_SCOPE
