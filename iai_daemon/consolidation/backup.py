"""Backups of the memory: made before the first change of a night when the newest is older than a day, and when asked for;
of each sort the last seven are kept. A server is backed up by those who run it: nothing is made of one here."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from iai_daemon.consolidation import lock
from iai_daemon.errors import HomeUnusable, NoBackup
from iai_daemon.memory.nights import NightStore
from iai_daemon.paths import Home, backups, compact, make_private
from iai_daemon.progress import Tell, unheard
from iai_daemon.units import format_stamp

# Why a backup was made, as its name tells: by a night, or by a person's wish. A restore makes others.
_BY_NIGHT, _ASKED = "", "asked"
_OLD_AFTER = 86_400.0
_KEEP = 7


def back_up_when_old(store: NightStore, folder: Path, now: float, may_go_on: Callable[[], bool]) -> bool:
    """Make a backup in `folder` unless there is one of the last day; `now` in seconds since the epoch.

    False when `may_go_on` said no before it was whole: nothing is left of it then. Raises NoBackup, and CorruptStore when
    what was copied is damaged: older backups are what is needed then, so none of them is deleted.
    """
    # A stamp in the future, left by a clock that was set back, says nothing about how old that backup is; and what was
    # replaced by a restore is not what this night changes.
    young = [each for each in backups(folder) if now - _OLD_AFTER < each.made_at <= now]
    if any(each.purpose in (_BY_NIGHT, _ASKED) for each in young):
        return True
    return _back_up(store, folder, _BY_NIGHT, now, may_go_on) is not None


def back_up_now(
    store: NightStore,
    home: Home,
    now: float,
    may_go_on: Callable[[], bool] = lambda: True,
    tell: Tell = unheard,
) -> Path:
    """Make a backup because a person asks for it. Raises NightBusy, CorruptStore, and NoBackup, also when `may_go_on` says no before
    it is whole: nothing is left of it then. `tell` hears of bytes."""
    with lock.held(home.consolidation_lock, f"process {os.getpid()}, backup, since {format_stamp(now)}"):
        made = _back_up(store, home.backups, _ASKED, now, may_go_on, tell)
    if made is None:
        raise NoBackup(path=home.backups, cause="it was interrupted")
    return made


def _back_up(
    store: NightStore,
    folder: Path,
    purpose: str,
    now: float,
    may_go_on: Callable[[], bool],
    tell: Tell = unheard,
) -> Path | None:
    try:
        make_private(folder)
        path = _name(folder, purpose, now)
        if not store.back_up(path, may_go_on, tell):
            return None
        # Of a server there is nothing to keep here.
        if path.exists():
            drop_old(path, now)
    except HomeUnusable as error:
        raise NoBackup(path=folder, cause=error.data["cause"]) from error
    except OSError as cause:
        raise NoBackup(path=folder, cause=cause.strerror or cause) from cause
    return path


def _name(folder: Path, purpose: str, now: float) -> Path:
    """One that is free: no backup takes the place of another."""
    ending = f"-{purpose}.db" if purpose else ".db"
    while (path := folder / f"memory-{compact(now)}{ending}").exists():
        now += 1
    return path


def drop_old(made: Path, now: float) -> None:
    """Beside the backup just made keep the newest of the same sort: what a person asks for in an hour must not take the
    place of a week's nights. Raises OSError.

    One from the future was made before a clock was set back: nothing is known but that it is older than this one.
    """
    found = {each.path: each for each in backups(made.parent)}
    purpose = found.pop(made).purpose
    others = [each for each in found.values() if each.purpose == purpose]
    others.sort(key=lambda each: (each.made_at <= now, each.made_at))
    for each in others[: -(_KEEP - 1)]:
        each.path.unlink(missing_ok=True)
