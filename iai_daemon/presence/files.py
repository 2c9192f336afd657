"""One heartbeat file, read and probed such that nothing found in its place can hang or mislead us. Used by `listing` and the scanner."""

from __future__ import annotations

import errno
import fcntl
import os
import stat

from iai_daemon.presence.classify import Lock
from iai_daemon.presence.heartbeat import MAX_BYTES, Heartbeat, Unreadable, from_name, parse

# These pass, and say nothing of the file that could not be opened.
PASSING = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
# A replaced file is probed again; a wrapper replaces it once in seconds, so a third replacement in a row is no wrapper.
_PROBES = 3
_IRREGULAR = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a directory",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

# Inode, and when content and owner or mode last changed, in nanoseconds.
FileIdentity = tuple[int, int, int]


def identify(seen: os.stat_result) -> FileIdentity:
    """Whether a file is still the same, and has not changed."""
    return seen.st_ino, seen.st_mtime_ns, seen.st_ctime_ns


def read(path: str, name: str, seen: os.stat_result) -> Heartbeat | Unreadable | None:
    """What stands in it; None: it has vanished.

    Raises OSError for what says nothing of the file.
    """
    odd = why_not_ours(seen)
    if odd:
        return Unreadable(odd)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as cause:
        if cause.errno in PASSING:
            raise
        return from_name(name, seen.st_mtime, f"it cannot be opened ({cause.strerror})")
    try:
        opened = os.fstat(descriptor)
        odd = why_not_ours(opened)
        if odd:
            return Unreadable(odd)
        return parse(name, os.read(descriptor, MAX_BYTES + 1), opened.st_mtime)
    except OSError as cause:
        return from_name(name, seen.st_mtime, f"it cannot be read ({cause.strerror})")
    finally:
        os.close(descriptor)


def why_not_ours(seen: os.stat_result) -> str | None:
    """Why it can be no heartbeat, whatever stands in it; None where it may be one."""
    if not stat.S_ISREG(seen.st_mode):
        return f"not a regular file but {_IRREGULAR.get(stat.S_IFMT(seen.st_mode), 'something else')}"
    if seen.st_uid != os.geteuid():
        return f"it belongs to another user (uid {seen.st_uid})"
    if seen.st_size > MAX_BYTES:
        return f"{seen.st_size} bytes are more than the {MAX_BYTES} that a heartbeat may have"
    return None


def probe(path: str) -> Lock:
    """Whether somebody holds this heartbeat's lock. Shared, so that two scanners never see each other."""
    for _ in range(_PROBES):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return Lock.UNKNOWN
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink:
                return Lock.FREE
        except BlockingIOError:
            return Lock.HELD
        except OSError:
            return Lock.UNKNOWN
        finally:
            os.close(descriptor)
    return Lock.UNKNOWN
