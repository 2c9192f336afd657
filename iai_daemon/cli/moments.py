"""Times as people say them: by the clock on the wall, and how far away they are. Pure; seconds since the epoch in."""

from __future__ import annotations

from datetime import datetime, tzinfo

from iai_daemon.units import say_duration

# Closer than that is now, in either direction.
_NOW = 1.5
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# So many days away the weekday says which day is meant.
_NEAR = 6


def clock_time(at: float, now: float, zone: tzinfo | None = None) -> str:
    """`14:02`, `tomorrow 09:00`, `yesterday 18:00`, `Mon 09:00` within a week, else `2026-11-12 09:00`; local time without a zone."""
    moment, today = datetime.fromtimestamp(at, zone), datetime.fromtimestamp(now, zone)
    said = f"{moment:%H:%M}"
    match (moment.date() - today.date()).days:
        case 0:
            return said
        case 1:
            return f"tomorrow {said}"
        case -1:
            return f"yesterday {said}"
        case days if abs(days) <= _NEAR:
            return f"{_WEEKDAYS[moment.weekday()]} {said}"
    return f"{moment:%Y-%m-%d} {said}"


def ago(at: float, now: float) -> str:
    """`3 min ago`; `just now`, also for what seems to lie ahead."""
    return "just now" if now - at < _NOW else f"{say_duration(now - at)} ago"


def since(at: float, now: float, zone: tzinfo | None = None) -> str:
    """`14:02 (31 min ago)`"""
    return f"{clock_time(at, now, zone)} ({ago(at, now)})"


def coming(at: float, now: float, zone: tzinfo | None = None) -> str:
    """`14:36 (in 12 min)`; `now` for what has come already."""
    return "now" if at - now < _NOW else f"{clock_time(at, now, zone)} (in {say_duration(at - now)})"
