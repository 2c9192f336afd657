"""Backups of the memory: made before the first change of a night when the newest is older than a day, the last seven kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from iai_daemon.errors import HomeUnusable, NoBackup
from iai_daemon.memory.nights import NightStore
from iai_daemon.paths import make_private
from iai_daemon.units import format_stamp, parse_stamp

_OLD_AFTER = 86_400.0
_KEEP = 7
_PREFIX, _SUFFIX = "memory-", ".db"


def back_up_when_old(store: NightStore, folder: Path, now: float, may_go_on: Callable[[], bool]) -> bool:
    """Make a backup in `folder` unless there is one of the last day; `now` in seconds since the epoch.

    False when `may_go_on` said no before it was whole: nothing is left of it then. Raises NoBackup.
    """
    try:
        make_private(folder)
        # A stamp in the future, left by a clock that was set back, says nothing about how old that backup is.
        if any(now - _OLD_AFTER < made_at(path) <= now for path in backups(folder)):
            return True
        if not _write(store, folder / f"{_PREFIX}{_compact(now)}{_SUFFIX}", may_go_on):
            return False
        for path in backups(folder)[:-_KEEP]:
            path.unlink(missing_ok=True)
    except HomeUnusable as error:
        raise NoBackup(path=folder, cause=error.data["cause"]) from error
    except OSError as cause:
        raise NoBackup(path=folder, cause=cause.strerror or cause) from cause
    return True


def backups(folder: Path) -> list[Path]:
    """Every whole backup, oldest first."""
    return sorted((path for path in folder.glob(f"{_PREFIX}*{_SUFFIX}") if made_at(path) >= 0), key=made_at)


def made_at(path: Path) -> float:
    """When a backup was made, from its name, in seconds since the epoch; -1 when the name is not one of ours."""
    try:
        return parse_stamp(path.name[len(_PREFIX) : -len(_SUFFIX)])
    except ValueError:
        return -1.0


def _write(store: NightStore, path: Path, may_go_on: Callable[[], bool]) -> bool:
    """Under a temporary name first: what bears the name of a backup is whole."""
    for left in path.parent.glob(f".{_PREFIX}*"):
        left.unlink(missing_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            whole = store.back_up(temporary, may_go_on)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if whole:
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return whole


def _compact(seconds: float) -> str:
    """`20261121T110000Z`."""
    return format_stamp(seconds)[:19].replace("-", "").replace(":", "") + "Z"
