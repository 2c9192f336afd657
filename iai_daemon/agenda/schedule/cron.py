"""The firings of cron expressions. `triggers` calls it; what an expression means on one clock is cronsim's.

A job for certain hours fires at its local times: one that a gap skips at the end of the gap, one that exists twice the first
time. A job for every hour goes on by elapsed time: it fires whenever a clock shows its minutes, in both passes of a repeated
hour, and a gap takes nothing from it, since the hour after it comes at once; only what would be left out altogether (half
an hour is skipped, or a whole day) is made up for at the end of the gap.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from iai_daemon.agenda.schedule.local_time import END, SECOND, first_shift, to_instant, to_local
from iai_daemon.errors import BadTrigger

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_LONGEST = 200
_LOOK_AHEAD = 7 * 86_400 * SECOND
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 -- what clocks on a wall show has no zone
_NAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


def check(expression: str) -> str:
    """The expression as it is kept. Raises BadTrigger when it is none; that it ever fires is not said."""
    text = " ".join(expression[: _LONGEST + 1].split())
    if len(expression) > _LONGEST or not expression.isascii() or not text.isprintable():
        raise BadTrigger(
            problem=f"{_quote(expression)} is no cron expression: say one such as '0 9 * * 1-5'."
        )
    if text.startswith("@"):
        if text.lower() not in _NAMES:
            names = ", ".join(_NAMES)
            raise BadTrigger(problem=f"{_quote(text)} is no cron expression: of names there are {names}.")
        return text.lower()
    from cronsim import CronSim, CronSimError  # noqa: PLC0415 -- only who has such a recall pays for it

    try:
        CronSim(text, _EPOCH)
    except CronSimError as cause:
        problem = f"{_quote(text)} is no cron expression ({cause}): say one such as '0 9 * * 1-5'."
        raise BadTrigger(problem=problem) from cause
    return text


def firings(expression: str, zone: ZoneInfo, after: int) -> Iterator[int]:
    """All firings later than `after`, in their order."""
    expression = _NAMES.get(expression, expression)
    if _is_for_every_hour(expression):
        return _by_elapsed_time(expression, zone, after)
    return _by_local_time(expression, zone, after)


@lru_cache(maxsize=64)
def _is_for_every_hour(expression: str) -> bool:
    from cronsim import CronSim  # noqa: PLC0415 -- as above

    return CronSim(expression, _EPOCH).hours >= set(range(24))


def _local_times(expression: str, after: datetime) -> Iterator[datetime]:
    """The naive local times that match, later than `after`."""
    from cronsim import CronSim  # noqa: PLC0415 -- as above

    return iter(CronSim(expression, after.replace(tzinfo=None, microsecond=0)))


def _by_local_time(expression: str, zone: ZoneInfo, after: int) -> Iterator[int]:
    for local in _local_times(expression, to_local(after, zone)):
        instant = to_instant(local, zone)
        if instant >= END:
            return
        if instant > after:
            yield instant
            after = instant


def _by_elapsed_time(expression: str, zone: ZoneInfo, after: int) -> Iterator[int]:
    """From one change of the clocks to the next, with the offset that is in force between them."""
    while after < END:
        shift = None
        here = to_local(after, zone)
        behind = here.utcoffset() or timedelta()
        clear = after
        for local in _local_times(expression, here):
            instant = (local - behind - _EPOCH) // timedelta(milliseconds=1)
            if instant >= END:
                return
            if instant > clear:
                ahead = max(instant, clear + _LOOK_AHEAD)
                shift = first_shift(zone, clear, ahead)
                clear = ahead if shift is None else shift - 1
            if instant > clear:
                break
            yield instant
        if shift is None:
            return
        if _fires_at_shift(expression, zone, shift):
            yield shift
        after = shift


def _fires_at_shift(expression: str, zone: ZoneInfo, shift: int) -> bool:
    """Whether a job for every hour fires as the clocks change: they show its time, or a gap would leave something out."""
    behind = to_local(shift - 1, zone).utcoffset() or timedelta()
    would = to_local(shift, UTC).replace(tzinfo=None) + behind
    shows = to_local(shift, zone).replace(tzinfo=None)
    if _matches(expression, shows):
        return True
    for skipped in _local_times(expression, would - timedelta(seconds=1)):
        if skipped >= shows:
            return False
        if not _matches(expression, skipped + (shows - would)):
            return True
    return False


def _matches(expression: str, local: datetime) -> bool:
    return next(_local_times(expression, local - timedelta(seconds=1)), None) == local


def _quote(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:60]}…")
