"""The process that works out when an iCalendar's events take place: `python -P -m iai_daemon.agenda.slots.courier.reading`.

Rules that never end, or never begin, hold up nobody but it: it is bounded in time and memory, and gives both back. It gets one
line of JSON and the calendar on standard input, and answers one object.

Whether an event is shown as busy or free time (TRANSP) does not count: whoever lets an agent work is free meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import resource
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import FrameType
from typing import Any
from zoneinfo import ZoneInfo

from iai_daemon.agenda.schedule.local_time import to_instant
from iai_daemon.agenda.slots.courier.answers import LONGEST_ID, LONGEST_MESSAGE, default_message
from iai_daemon.agenda.slots.courier.ending import end_with_parent
from iai_daemon.agenda.slots.courier.events import NUMBER, Event, Found, NoCalendar, Series, find
from iai_daemon.clock import Stopwatch
from iai_daemon.foreign import one_line

# Seconds: of the processor's for one series, so that no busy machine counts against it, and of the clock's for all of them.
_ONE, _ALL = 1.0, 6.0
_MEMORY = 600_000_000
_MOST_OCCURRENCES = 2000
_MOST_BYTES = 8_000_000
_MINUTE = 60_000
# An event is due for at least so long: there has to be a beat within.
_SHORTEST = 15 * _MINUTE
# Around the window, so that no zone's midnight is missed.
_MARGIN = timedelta(hours=38)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TooLong(Exception):
    """A series took longer than one may."""


@dataclass(frozen=True, slots=True)
class Window:
    """From `now` to `until`, in milliseconds. `zone`: that of this machine; None: Python has to ask the C library."""

    now: int
    until: int
    zone: ZoneInfo | None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One event taking place: a slot that is due from `start` until before `end`, milliseconds."""

    start: int
    end: int
    id: str
    agent: str
    title: str
    message: str


def main() -> int:
    """Read, work out, answer; exit status 0 also where the answer is that it cannot be."""
    end_with_parent()
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    asked = json.loads(sys.stdin.buffer.readline())
    window = Window(asked["now"], asked["until"], ZoneInfo(asked["zone"]) if asked["zone"] else None)
    try:
        answer = work_out(sys.stdin.buffer.read(), asked["agents"], window)
    except NoCalendar as cause:
        answer = {"problem": str(cause)}
    except ModuleNotFoundError as cause:
        answer = {"problem": f'{cause.name} is missing: `pip install "iai-daemon[calendar]"` brings it'}
    sys.stdout.write(json.dumps(answer))
    return 0


def work_out(data: bytes, agents: Sequence[str], window: Window, patience: float = _ALL) -> dict[str, Any]:
    """What takes place in the window, and why some events do not. Raises NoCalendar, ModuleNotFoundError."""
    found = find(data, agents)
    # The libraries are an extra, and who has no calendar like this has none of them.
    import icalendar  # noqa: F401, PLC0415
    import recurring_ical_events  # type: ignore[import-untyped]  # noqa: F401, PLC0415

    occurrences: list[Occurrence] = []
    watch = Stopwatch()
    for place, series in enumerate(found.series):
        if watch.seconds() > patience:
            rest = len(found.series) - place
            found.dropped.append(f"the calendar takes too long to read: {rest} of its events are left out")
            break
        try:
            with _at_most(_ONE):
                occurrences += _expand(series, found, window)
        except Exception as cause:  # noqa: BLE001 -- the libraries raise whatever a text of somebody's makes them
            found.dropped.append(f"{series.named}: {_say(cause)}")
    occurrences.sort(key=lambda each: (each.start, each.id))
    return {"occurrences": _bounded(occurrences, found.dropped), "dropped": found.dropped}


def _say(cause: Exception) -> str:
    if isinstance(cause, TooLong):
        return f"its rule takes longer than {_ONE:g} s to work out"
    if isinstance(cause, MemoryError):
        return "its rule takes too much memory to work out"
    return f"it cannot be read ({one_line(str(cause), 120) or type(cause).__name__})"


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """TooLong is raised inside after so much of the processor's time, and again should anybody have swallowed it."""

    def ring(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 -- of the signal module
        raise TooLong

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds, seconds / 10)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _expand(series: Series, found: Found, window: Window) -> list[Occurrence]:
    """Raises whatever the libraries raise."""
    import icalendar  # noqa: PLC0415 -- an extra
    import recurring_ical_events  # noqa: PLC0415 -- an extra

    calendar: Any = icalendar.Calendar.from_ical(series.text(found.zones, found.head))
    problem = next((event.problem for event in series.events if event.problem), None)
    if problem:
        raise ValueError(problem)
    for event, component in zip(series.events, calendar.walk("VEVENT"), strict=True):
        if "DTSTART" not in component:
            raise ValueError("it has no DTSTART")
        _refuse_unknown_zone(event, component["DTSTART"].dt)
    first = _EPOCH + timedelta(milliseconds=window.now) - _MARGIN
    last = _EPOCH + timedelta(milliseconds=window.until) + _MARGIN
    made = []
    for each in recurring_ical_events.of(calendar).between(first, last):
        event = series.events[int(each[NUMBER])]
        if event.agent and not event.is_cancelled:
            occurrence = _occurrence(series, event, each, window)
            if occurrence.end > window.now and occurrence.start < window.until:
                made.append(occurrence)
    return made


def _refuse_unknown_zone(event: Event, start: date) -> None:
    """The libraries take the time for a floating one then, which is a wrong time."""
    zoned = any(line.upper().startswith("DTSTART;") and "TZID=" in line.upper() for line in event.when)
    if zoned and isinstance(start, datetime) and start.tzinfo is None:
        raise ValueError(f"nobody knows its time zone {', '.join(sorted(event.zones))}")


def _occurrence(series: Series, event: Event, component: Any, window: Window) -> Occurrence:
    """Raises ValueError where its message is too long."""
    start: date = component["DTSTART"].dt
    begins = _instant(start, window.zone)
    ends = _instant(component["DTEND"].dt, window.zone) if "DTEND" in component else begins
    if not isinstance(start, datetime) and ends <= begins:
        ends = _instant(start + timedelta(days=1), window.zone)
    slot = f"{_named(series.uid)}/{_stamp(start)}"
    if len(event.message) > LONGEST_MESSAGE:
        raise ValueError(f"its text is longer than {LONGEST_MESSAGE:,} characters")
    message = event.message or default_message(slot, event.title)
    return Occurrence(begins, max(ends, begins + _SHORTEST), slot, event.agent or "", event.title, message)


def _instant(time: date, zone: ZoneInfo | None) -> int:
    """A day begins at its midnight; a day and a floating time are those of the clocks here."""
    local = time if isinstance(time, datetime) else datetime(time.year, time.month, time.day)  # noqa: DTZ001 -- as said
    if local.tzinfo is None and zone is not None:
        return to_instant(local, zone)
    return (local.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)


def _stamp(start: date) -> str:
    """When it starts, as iCalendar writes it. A day and a floating time without a zone: else who travels would meet the same
    one twice."""
    if not isinstance(start, datetime):
        return start.strftime("%Y%m%d")
    if start.tzinfo is None:
        return start.strftime("%Y%m%dT%H%M%S")
    return start.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _named(uid: str) -> str:
    if len(uid) <= LONGEST_ID - len("/00000000T000000Z") and uid.isprintable():
        return uid
    import hashlib  # noqa: PLC0415 -- for the one calendar in many that needs it

    return f"sha256-{hashlib.sha256(uid.encode()).hexdigest()}"


def _bounded(occurrences: Sequence[Occurrence], dropped: list[str]) -> list[list[object]]:
    rows: list[list[object]] = []
    size = 0
    for each in occurrences:
        rows.append([each.start, each.end, each.id, each.agent, each.title, each.message])
        size += len(each.message)
        if len(rows) == _MOST_OCCURRENCES or size > _MOST_BYTES:
            dropped.append(f"there are more events at a time than {len(rows)}: the later ones are left out")
            break
    return rows


if __name__ == "__main__":
    sys.exit(main())
