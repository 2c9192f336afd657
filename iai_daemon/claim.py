"""What makes a process the only daemon of its home: two locks, taken at the start and kept while it runs."""

from __future__ import annotations

import os
from typing import Self

from iai_daemon.clock import Stopwatch, pause
from iai_daemon.control import client
from iai_daemon.errors import (
    AlreadyRunning,
    DaemonAway,
    DaemonMute,
    FileUnusable,
    HomeLost,
    HomeUnusable,
    Refused,
)
from iai_daemon.flock import DirectoryLock, FileLock, holder, is_held
from iai_daemon.paths import Home

# Who has just taken the home needs a moment until it answers; one that is stopped never does.
_PATIENCE = 2.0
_ANSWERS_WITHIN = 1.0
_BETWEEN = 0.05


class Claim:
    """The right to be the daemon of `home`.

    The home's directory is locked, which nobody can delete or replace without ending the home itself: this is what lets
    in one daemon and no other. `daemon.lock` is what others look at, and what counts between two machines that share the
    home over the network, where a lock on a directory is not seen.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        self.trouble: str | None = None
        self._directory = DirectoryLock(home.root)
        self._file = FileLock(home.daemon_lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def take(self) -> bool:
        """False when another process has it. Raises HomeUnusable, FileUnusable."""
        try:
            if not self._directory.acquire():
                return False
        except OSError as cause:
            raise HomeUnusable(path=self.home.root, cause=cause.strerror or cause) from cause
        taken = False
        try:
            taken = self._take_file()
        finally:
            if not taken:
                self._directory.release()
        return taken

    def check(self) -> None:
        """Raises HomeLost when the home is no longer where it was: what the daemon would do there is not its business."""
        if not self._directory.held:
            raise HomeLost(path=self.home.root)

    def renew(self) -> bool:
        """Take a lock file that was deleted or replaced again, once a tick; whether it was.

        What keeps it from that is `trouble`. Raises HomeLost, and AlreadyRunning when another daemon has the file: of two
        that run, the one whose lock stands at the path goes on.
        """
        self.check()
        if self._file.held:
            self.trouble = None
            return False
        try:
            taken = self._take_file()
        except FileUnusable as error:
            self.trouble = str(error)
            return False
        if not taken:
            raise AlreadyRunning(pid=holder(self.home.daemon_lock) or "unknown")
        self.trouble = None
        return self._file.held

    def release(self) -> None:
        """Let the next one in; safe to call twice."""
        self._file.release()
        self._directory.release()

    def _take_file(self) -> bool:
        if self._file.acquire(f"{os.getpid()}\n"):
            return True
        # A file that vanishes each time before it is locked is nobody's: the next tick has another try.
        return not is_held(self.home.daemon_lock)


def claim(home: Home) -> Claim:
    """Make this process the daemon of `home`. Raises AlreadyRunning, HomeUnusable, FileUnusable."""
    claimed, watch = Claim(home), Stopwatch()
    while not claimed.take():
        pid = _pid_of_who_answers(home)
        if pid is not None:
            raise AlreadyRunning(pid=pid)
        if watch.seconds() > _PATIENCE:
            raise AlreadyRunning(pid=holder(home.daemon_lock) or "unknown")
        pause(_BETWEEN)
    return claimed


def _pid_of_who_answers(home: Home) -> object:
    """What is written in the lock file may still be of the daemon before: the one who answers knows better."""
    try:
        return client.status(home, timeout=_ANSWERS_WITHIN).get("pid")
    except DaemonMute:
        # It is stopped, or busy. Whoever has the lock has written its pid while we waited.
        return holder(home.daemon_lock) or None
    except (DaemonAway, Refused):
        return None
