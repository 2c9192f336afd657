"""The days of a report: from midnight to midnight on the clocks here, which may be 23 or 25 hours. Pure but for `local_zone`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from iai_daemon.agenda.asking.here import machine_zone
from iai_daemon.units import to_local

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Day:
    """One day; `since` and `until` in seconds since the epoch."""

    date: date
    since: float
    until: float


def local_zone() -> tzinfo:
    """The zone that clocks show here; UTC where it has no name."""
    return ZoneInfo(machine_zone() or "UTC")


def the_days(now: int, number: int, zone: tzinfo) -> list[Day]:
    """The last `number` days, oldest first, the last of them the one that holds `now` (milliseconds since the epoch)."""
    today = to_local(now / 1000, zone).date()
    return [_day(today - timedelta(days=back), zone) for back in range(number - 1, -1, -1)]


def _day(day: date, zone: tzinfo) -> Day:
    return Day(day, _midnight(day, zone), _midnight(day + timedelta(days=1), zone))


def _midnight(day: date, zone: tzinfo) -> float:
    """Where the clocks skip midnight the day begins with the first instant behind it, as near as makes no difference here."""
    return (datetime.combine(day, datetime.min.time(), tzinfo=zone).astimezone(UTC) - _EPOCH).total_seconds()
