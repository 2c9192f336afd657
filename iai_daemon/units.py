"""Stamps, durations and sizes, read and written. Pure: seconds since the epoch in, text out, and back."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, tzinfo

NEVER = math.inf

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The last second that format_stamp can write, and more than anybody means by a duration.
_LAST_SECOND = 253_402_300_799.0
_LONGEST = 100 * 366 * 86400.0
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)(ms|s|m|h|d))+", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|KiB|MiB|GiB)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LARGEST = 2.0**60
_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def parse_stamp(text: str) -> float:
    """Seconds since the epoch of an RFC 3339 stamp with `Z`, with an offset, or naive (taken as UTC).

    Raises ValueError for anything else.
    """
    # RFC 3339 §5.6 allows a small t and z, which fromisoformat does not read.
    moment = datetime.fromisoformat(text.upper())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        seconds = (moment.astimezone(UTC) - _EPOCH).total_seconds()
    except OverflowError as cause:
        raise ValueError(f"{text!r} is out of range") from cause
    if seconds > _LAST_SECOND:
        raise ValueError(f"{text!r} is out of range")
    return seconds


def format_stamp(seconds: float) -> str:
    """RFC 3339 in UTC with milliseconds and `Z`: `2026-11-21T11:00:00.000Z`."""
    moment = _EPOCH + timedelta(milliseconds=round(seconds * 1000))
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def stamp_of(milliseconds: int) -> str:
    """The same of whole milliseconds, as the store has its times."""
    return format_stamp(milliseconds / 1000)


def to_local(seconds: float, zone: tzinfo | None) -> datetime:
    """What clocks show then, in that zone or (None) in this machine's own."""
    return (_EPOCH + timedelta(seconds=seconds)).astimezone(zone)


def say_count(number: int, what: str) -> str:
    """`1 night`, `2 nights`"""
    return f"1 {what}" if number == 1 else f"{number} {what}s"


def parse_duration(text: str) -> float:
    """Seconds of `"90s"`, `"5m"`, `"1h30m"`, `"250ms"`, or infinity for `"never"`. Raises ValueError for anything else."""
    if text == "never":
        return NEVER
    if not _DURATION.fullmatch(text):
        raise ValueError(f'{text!r} is not a duration such as "90s", "5m", "48h" or "never"')
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    if seconds > _LONGEST:
        raise ValueError(f'{text!r} is longer than a hundred years: say "never"')
    return seconds


def format_duration(seconds: float) -> str:
    """The shortest exact text that parse_duration reads back, in one unit: `90s`, `5m`, `48h`, `250ms`, `never`."""
    if seconds == NEVER:
        return "never"
    milliseconds = round(seconds * 1000)
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0s"


def say_duration(seconds: float) -> str:
    """About how long, for people: `12 s`, `31 min`, `2.5 h`, `3 d`."""
    for unit, size, limit in (("s", 1, 120), ("min", 60, 120), ("h", 3600, 48)):
        if seconds < limit * size:
            return (
                f"{round(seconds / size, 1):g} {unit}" if unit == "h" else f"{round(seconds / size)} {unit}"
            )
    return f"{round(seconds / 86400, 1):g} d"


def parse_size(text: str) -> int:
    """Bytes of `"600MB"` (decimal) or `"64KiB"` (binary). Raises ValueError for anything else."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f'{text!r} is not a size such as "600MB"')
    size = float(match[1]) * _BYTES[match[2]]
    if size > _LARGEST:
        raise ValueError(f"{text!r} is larger than any disk")
    return round(size)


def format_size(size: int) -> str:
    """The shortest exact text that parse_size reads back: `1GB`, `10MB`, `65536B`."""
    for unit in ("GB", "MB", "KB", "GiB", "MiB", "KiB"):
        if size and size % _BYTES[unit] == 0:
            return f"{size // _BYTES[unit]}{unit}"
    return f"{size}B"
