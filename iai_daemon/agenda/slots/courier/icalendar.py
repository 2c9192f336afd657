"""An iCalendar as a backend, from a file or an address: its events are slots while they last. There is nobody to tell what
became of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from iai_daemon.agenda.asking.here import machine_zone
from iai_daemon.agenda.slot import Listed
from iai_daemon.agenda.slots.courier import answers
from iai_daemon.agenda.slots.courier.answers import Answer, Gathering, Kind, Trouble
from iai_daemon.agenda.slots.courier.files import open_file
from iai_daemon.agenda.slots.courier.orders import Beat, Tell
from iai_daemon.agenda.slots.courier.web import Web
from iai_daemon.clock import Now
from iai_daemon.foreign import one_line
from iai_daemon.units import format_stamp

_MOST_MEGABYTES = 10
_NOT_MODIFIED = 304
_LONGEST_VALIDATOR = 1000
# Seconds: how old what was fetched may get, and how soon to try again after that failed.
_FETCH_EVERY, _AGAIN_AFTER = 300.0, 60.0
# Seconds for reading it, which bounds itself below that; with a fetch that takes its whole time it is what the daemon waits for.
_READING_WITHIN = 9.0
_READING = "iai_daemon.agenda.slots.courier.reading"
_HOUR, _DAY = 3_600_000, 86_400_000


class Source(Protocol):
    """Where a calendar is read from."""

    def read(self, now: Now) -> bytes | None:
        """None: as it was the last time. Raises Trouble."""
        ...


class File:
    """A calendar in a file, read again when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, ...] | None = None

    def read(self, now: Now) -> bytes | None:  # noqa: ARG002 -- of the protocol
        try:
            with open_file(self._path) as file:
                seen = os.fstat(file.fileno())
                identity = (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
                if identity == self._seen:
                    return None
                data = file.read(_MOST_MEGABYTES * 1_000_000 + 1)
        except OSError as cause:
            raise self._trouble(Kind.AWAY, f"it cannot be read ({cause.strerror})") from cause
        if len(data) > _MOST_MEGABYTES * 1_000_000:
            raise self._trouble(Kind.BAD, f"it is longer than {_MOST_MEGABYTES} MB")
        self._seen = identity
        return data

    def _trouble(self, kind: Kind, problem: str) -> Trouble:
        return Trouble(kind=kind, problem=f"the calendar {self._path}: {problem}")


class Address:
    """A calendar on a server, fetched every five minutes, and only when it has changed where the server tells that."""

    def __init__(self, url: str, web: Web, key: Callable[[], str | None]) -> None:
        self._url = url
        self._web = web
        self._key = key
        self._next = 0.0
        self._known: dict[str, str] = {}
        self._trouble: Trouble | None = None

    def read(self, now: Now) -> bytes | None:
        if now.boot < self._next:
            if self._trouble:
                raise self._trouble
            return None
        try:
            data = self._fetch()
        except Trouble as cause:
            # Its path is often all that keeps others out: only whose it is is told.
            parts = urlsplit(self._url)
            self._trouble = Trouble(
                kind=cause.kind, problem=f"the calendar at {parts.scheme}://{parts.netloc}: {cause}"
            )
            self._next = now.boot + _AGAIN_AFTER
            raise self._trouble from cause
        self._trouble, self._next = None, now.boot + _FETCH_EVERY
        return data

    def _fetch(self) -> bytes | None:
        key = self._key()
        head = {"Authorization": f"Bearer {key}"} if key is not None else {}
        reply = self._web.ask("GET", self._url, {**head, **self._known}, None, _MOST_MEGABYTES)
        if reply.status == _NOT_MODIFIED and self._known:
            return None
        trouble = answers.trouble_of(reply.status, reply.body)
        if trouble:
            raise trouble
        asking = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
        given = {ask: reply.head.get(name, "") for name, ask in asking.items()}
        self._known = {ask: value for ask, value in given.items() if _fits_a_head(value)}
        return reply.body


def _fits_a_head(value: str) -> bool:
    return 0 < len(value) <= _LONGEST_VALIDATOR and value.isascii() and value.isprintable()


@dataclass(frozen=True, slots=True)
class _Plan:
    """What takes place within a day of `made_at`, for these agents and in this zone. `occurrences`: as reading.py answers."""

    occurrences: Sequence[Any]
    dropped: Sequence[str]
    made_at: int
    agents: Sequence[str]
    zone: str | None

    def holds(self, now: int, agents: Sequence[str], zone: str | None) -> bool:
        return (self.agents, self.zone) == (agents, zone) and self.made_at <= now < self.made_at + _HOUR


class ICalendar:
    """Lists the events of a calendar that are for an agent and take place now."""

    def __init__(self, source: Source, clock: Callable[[], Now]) -> None:
        self._source = source
        self._clock = clock
        # What can be gone by, and when it was last seen to be what the source holds.
        self._data: bytes | None = None
        self._seen_at = 0.0
        self._plan: _Plan | None = None
        # What came later and could not be read, why, and when to try again.
        self._unread: bytes | None = None
        self._trouble: Trouble | None = None
        self._again = 0.0

    def beat(self, order: Beat) -> Answer:
        """Raises Trouble when there is no calendar to go by, also no earlier one."""
        now = self._clock()
        agents = [each.id for each in order.agents]
        stale = self._look(now, agents)
        if self._data is None:
            raise stale or Trouble(kind=Kind.AWAY, problem="there is no calendar yet")
        if self._plan is None or not self._plan.holds(now.milliseconds, agents, machine_zone()):
            self._plan = _read(self._data, now.milliseconds, agents)
        gathered = Gathering()
        if stale:
            gathered.drop(f"{stale}; what it held at {format_stamp(self._seen_at)} still counts")
        return _due(self._plan, now.milliseconds, gathered)

    def tell(self, order: Tell) -> None:
        """Nobody wants to know."""

    def _look(self, now: Now, agents: Sequence[str]) -> Trouble | None:
        """Take what is new; why that could not be."""
        try:
            data = self._source.read(now)
        except Trouble as cause:
            return cause
        if data is None and now.boot >= self._again:
            data = self._unread
        if data is not None:
            self._take(data, now, agents)
        if self._trouble is None:
            self._seen_at = now.wall
        return self._trouble

    def _take(self, data: bytes, now: Now, agents: Sequence[str]) -> None:
        try:
            self._plan = _read(data, now.milliseconds, agents)
        except Trouble as cause:
            self._unread, self._trouble, self._again = data, cause, now.boot + _FETCH_EVERY
        else:
            self._data, self._unread, self._trouble = data, None, None


def _due(plan: _Plan, now: int, gathered: Gathering) -> Answer:
    for reason in plan.dropped:
        gathered.drop(reason)
    next_at = None
    for start, end, id, agent, title, message in plan.occurrences:  # noqa: A001 -- as in a slot
        if start <= now < end:
            gathered.take(Listed(id, agent, title, message))
        elif now < start <= now + _DAY and next_at is None:
            next_at = start / 1000
    return Answer(list(gathered.slots.values()), False, gathered.dropped, next_at)


def _read(data: bytes, now: int, agents: Sequence[str]) -> _Plan:
    """In a process of its own. Raises Trouble."""
    zone = machine_zone()
    asked = {"now": now, "until": now + _DAY + _HOUR, "zone": zone, "agents": agents}
    try:
        ended = subprocess.run(
            [sys.executable, "-P", "-m", _READING],
            input=json.dumps(asked).encode() + b"\n" + data,
            capture_output=True,
            check=False,
            timeout=_READING_WITHIN,
        )
    except subprocess.TimeoutExpired as cause:
        raise Trouble(kind=Kind.BAD, problem="the calendar takes too long to read") from cause
    if ended.returncode != 0:
        last = ended.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise Trouble(
            kind=Kind.BAD, problem=f"the calendar cannot be read ({one_line(last) or ended.returncode})"
        )
    answer = json.loads(ended.stdout)
    if "problem" in answer:
        raise Trouble(kind=Kind.BAD, problem=f"the calendar cannot be read: {answer['problem']}")
    return _Plan(answer["occurrences"], answer["dropped"], now, agents, zone)
