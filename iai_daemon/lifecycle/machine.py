"""What the machine may object to a night: it runs on battery, or has other work. Never to yielding."""

from __future__ import annotations

import os

import psutil

from iai_daemon.config import Lifecycle


def objection(settings: Lifecycle) -> str | None:
    """Why no night should start now, in words; None when nothing stands against it."""
    if settings.only_on_ac and _on_battery():
        return "the machine runs on battery (only_on_ac)"
    if settings.max_load:
        load = os.getloadavg()[0]
        if load > settings.max_load:
            return f"the load is {load:.1f} (max_load {settings.max_load:g})"
    return None


def _on_battery() -> bool:
    """A machine without a battery, or one that does not tell, is taken to be on mains."""
    battery = psutil.sensors_battery()
    return battery is not None and battery.power_plugged is False
