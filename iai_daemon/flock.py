"""Kernel locks on files that are never unlinked: a kill frees them, and nobody ever has to clear one by hand."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from iai_daemon.clock import pause

# A probe by somebody who only looks holds a shared lock for microseconds: who takes a lock tries again for a moment.
_TRIES = 10
_BETWEEN = 0.02


class FileLock:
    """An exclusive lock on `path`. What stands in the file (who holds it, since when) is for people to read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self, content: str) -> bool:
        """Take the lock and write `content`; False when another process holds it. Raises OSError."""
        for attempt in range(_TRIES):
            if attempt:
                pause(_BETWEEN)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                continue
            if not _is_at(descriptor, self._path):
                os.close(descriptor)
                continue
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, content.encode(), 0)
            self._descriptor = descriptor
            return True
        return False

    @property
    def held(self) -> bool:
        """Whether we hold the lock of the file that stands at `path` now."""
        return self._descriptor is not None and _is_at(self._descriptor, self._path)

    def release(self) -> None:
        """Give the lock back; safe to call twice. The file stays."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def is_held(path: Path) -> bool:
    """Whether some process holds the lock; asked with a shared lock, so that two who ask never see each other."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def holder(path: Path) -> str:
    """What the holder wrote, for people; empty when there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether the open file is the one that stands at `path`: somebody may have put another in its place."""
    try:
        there = path.stat()
    except OSError:
        return False
    ours = os.fstat(descriptor)
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)
