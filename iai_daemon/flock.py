"""Kernel locks on files that are never unlinked, and on directories: a kill frees them, nobody ever has to clear one."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from pathlib import Path

from iai_daemon.clock import pause
from iai_daemon.errors import FileUnusable

# A probe by somebody who only looks holds a shared lock for microseconds: who takes a lock tries again for a moment.
_TRIES = 10
_BETWEEN = 0.02

# O_NONBLOCK: what stands in the place of a lock file may be a FIFO, whose opening would wait for its other end.
_CAREFUL = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

# More than any of us writes into a lock file: what is longer is somebody's data, which is not overwritten.
_LONGEST = 4096


class _Lock:
    """An exclusive lock on what stands at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether what we hold is what stands at `path` now."""
        return self._descriptor is not None and _is_at(self._descriptor, self._path)

    def release(self) -> None:
        """Give the lock back; safe to call twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class FileLock(_Lock):
    """An exclusive lock on a file. What stands in it (who holds it, since when) is for people to read."""

    def acquire(self, content: str) -> bool:
        """Take the lock, again where its file was replaced, and write `content`; False when another process holds it.

        Raises FileUnusable when what stands there cannot be a lock.
        """
        try:
            descriptor = _lock(self._path, os.O_RDWR | os.O_CREAT | _CAREFUL)
            if descriptor is None:
                return False
            _refuse_what_is_no_lock(descriptor)
        except OSError as cause:
            raise FileUnusable(path=self._path, cause=_why(cause)) from cause
        super().release()
        self._descriptor = descriptor
        # A full disk takes no content, and is a lock all the same.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, content.encode(), 0)
        return True

    def release(self) -> None:
        """Give the lock back; safe to call twice. The file stays."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, 0)
        super().release()


class DirectoryLock(_Lock):
    """An exclusive lock on a directory itself: what is deleted or replaced inside does not touch it."""

    def acquire(self) -> bool:
        """Take the lock; False when another process holds it. Raises OSError."""
        self._descriptor = _lock(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return self._descriptor is not None


def is_held(path: Path) -> bool:
    """Whether some process holds the lock; asked with a shared lock, so that two who ask never see each other."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _CAREFUL)
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
        descriptor = os.open(path, os.O_RDONLY | _CAREFUL)
    except OSError:
        return ""
    try:
        return os.pread(descriptor, _LONGEST, 0).decode(errors="replace").strip()
    except OSError:
        return ""
    finally:
        os.close(descriptor)


def _lock(path: Path, flags: int) -> int | None:
    """A descriptor that holds the lock of what stands at `path`; None when another process holds it. Raises OSError."""
    for attempt in range(_TRIES):
        if attempt:
            pause(_BETWEEN)
        descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        except OSError:
            os.close(descriptor)
            raise
        if _is_at(descriptor, path):
            return descriptor
        os.close(descriptor)
    return None


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether what is open is what stands at `path`: gone needs proof, a path that we may not look at proves nothing."""
    ours = os.fstat(descriptor)
    try:
        there = path.stat(follow_symlinks=stat.S_ISDIR(ours.st_mode))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)


def _refuse_what_is_no_lock(descriptor: int) -> None:
    """Close it and raise OSError for a FIFO, a device, a file with somebody's data."""
    seen = os.fstat(descriptor)
    if stat.S_ISREG(seen.st_mode) and seen.st_size <= _LONGEST:
        return
    os.close(descriptor)
    raise OSError(errno.EINVAL, "it is no lock file")


def _why(cause: OSError) -> str:
    """In words; a symlink, a directory, a socket give errors that name anything but what is wrong."""
    if cause.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.ENODEV):
        return "it is no lock file"
    return cause.strerror or str(cause)
