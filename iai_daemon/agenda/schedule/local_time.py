"""Between what clocks on a wall show and instants, which are milliseconds since the epoch. Pure.

One rule for both nights of a changing clock: a local time that does not exist stands for the first instant after the gap,
and one that exists twice for the first of the two.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from iai_daemon.errors import BadTrigger

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

SECOND = 1000
DAY = 86_400 * SECOND
# No plan reaches beyond the year 2199.
END = 7_258_118_400_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,39}(?:/[A-Za-z0-9_+-]{1,40}){0,3}", re.ASCII)
# Files beside the zones: the machine's own, and copies that count leap seconds.
_NO_ZONES = ("localtime", "posix", "posixrules", "right", "Factory")
# Zones change their clocks weeks apart; what is looked at twice within a week has not changed in between.
_STRIDE = 7 * DAY


def known_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises BadTrigger, which names the nearest ones."""
    # A daemon that has no recalls, and whoever names a zone that there is, need not pay for these.
    import zoneinfo  # noqa: PLC0415 -- as the comment says

    if _NAME.fullmatch(name) and not name.startswith(_NO_ZONES):
        try:
            return zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            pass  # a name that no zone has, or that of a directory of them
    import difflib  # noqa: PLC0415 -- as the comment says

    known = {zone.lower(): zone for zone in sorted(zoneinfo.available_timezones())}
    near = difflib.get_close_matches(name[:60].lower().replace(" ", "_"), known, n=3, cutoff=0.7)
    hint = " or ".join(known[each] for each in near) or "Europe/Berlin or UTC"
    raise BadTrigger(problem=f"There is no time zone {name[:60]!r}: say an IANA name such as {hint}.")


def to_local(instant: int, zone: tzinfo) -> datetime:
    """What the clocks of the zone show then, with their offset."""
    return (_EPOCH + timedelta(milliseconds=instant)).astimezone(zone)


def to_instant(local: datetime, zone: ZoneInfo) -> int:
    """When the clocks of the zone show this naive local time, by the rule above."""
    moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    instant = (moment - _EPOCH) // _MILLISECOND
    if moment.astimezone(zone).replace(tzinfo=None) == local:
        return instant
    # Read with the offset from after the gap it lies before the gap, and with the one from before it, behind.
    before = (local.replace(tzinfo=zone, fold=1).astimezone(UTC) - _EPOCH) // _MILLISECOND
    return _bisect(zone, before, instant)


def first_shift(zone: ZoneInfo, after: int, until: int) -> int | None:
    """The first instant within after < t <= until at which the zone changes its offset."""
    offset = to_local(after, zone).utcoffset()
    while after < until:
        ahead = min(after + _STRIDE, until)
        if to_local(ahead, zone).utcoffset() != offset:
            return _bisect(zone, after, ahead)
        after = ahead
    return None


def _bisect(zone: ZoneInfo, before: int, after: int) -> int:
    """The first instant of the offset in force at `after`, where that changes once between the two."""
    offset = to_local(before, zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if to_local(middle, zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def say_local(instant: int, zone: ZoneInfo) -> str:
    """For people: `Mon 2026-11-23 09:00 EST`; seconds only where there are any."""
    local = to_local(instant, zone)
    clock = local.strftime("%H:%M:%S" if local.second else "%H:%M")
    return f"{_DAYS[local.weekday()]} {local.date().isoformat()} {clock} {local.tzname()}"
