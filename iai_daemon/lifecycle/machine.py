"""What the machine may object to a night: it runs on battery, has other work, or its disk is full. Never to yielding."""

from __future__ import annotations

import os

import psutil

from iai_daemon.config import Lifecycle
from iai_daemon.paths import Home

# What a night writes beside the copy of the store: its log, the journal's growth, the night's own pages.
_ROOM = 32_000_000


def objection(settings: Lifecycle, home: Home) -> str | None:
    """Why no night should start now, in words; None when nothing stands against it."""
    if settings.only_on_ac and _on_battery():
        return "the machine runs on battery (only_on_ac)"
    if settings.max_load:
        load = os.getloadavg()[0]
        if load > settings.max_load:
            return f"the load is {load:.1f} (max_load {settings.max_load:g})"
    return _too_full(home)


def room_for_a_night(home: Home) -> int:
    """How many bytes one may need: it copies the store before its first change, and what it changes it writes twice. Raises
    OSError."""
    return 2 * (home.memory.stat().st_size if home.memory.exists() else 0) + _ROOM


def _too_full(home: Home) -> str | None:
    try:
        disk = os.statvfs(home.root)
        needed = room_for_a_night(home)
    except OSError as cause:
        return f"{home.root} cannot be looked at ({cause.strerror})"
    free = disk.f_bavail * disk.f_frsize
    if free < needed:
        return f"the disk has {free / 1e6:,.0f} MB left, and a night may need {needed / 1e6:,.0f} MB"
    if disk.f_files and not disk.f_favail:
        return "the disk has no inode left for another file"
    return None


def _on_battery() -> bool:
    """A machine without a battery, or one that does not tell, is taken to be on mains."""
    battery = psutil.sensors_battery()
    return battery is not None and battery.power_plugged is False
