"""Where changes come from: the daemon's `subscribe`, the files of the home, a memory on a server, and the hour."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from iai_daemon.clock import Clock
from iai_daemon.control.address import address
from iai_daemon.control.messages import MAX_LINE, call
from iai_daemon.errors import IaiError
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from iai_daemon.report.serving.beside import beside
from iai_daemon.report.serving.changes import Changes
from iai_daemon.storage.where import address_of

# Seconds: how long until a daemon that is away is looked for again, first and at most.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 15.0
# Between two looks at the files, at a server, and until the page is renewed because time has passed.
_FILES_EVERY, _SERVER_EVERY, _HOUR_EVERY = 1.0, 5.0, 60.0
# Which of the newest nights are looked at: an undo changes an older one.
_NIGHTS = 100

# What a thing looks like; another value means that it has changed.
_Mark = tuple[object, ...]
_NOTHING: _Mark = ()


async def hear_daemon(home: Home, changes: Changes, clock: Clock) -> None:
    """Tell of everything that the daemon tells, for as long as the server runs, whether there is a daemon or not."""
    pause, never = _FIRST_PAUSE, asyncio.Event()
    while True:
        with contextlib.suppress(OSError):
            if await _subscribe(home, changes):
                pause = _FIRST_PAUSE
        await clock.wait(never, pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


async def _subscribe(home: Home, changes: Changes) -> bool:
    """Until the daemon hangs up; whether it said anything. Raises OSError when there is none."""
    with address(home.socket) as where:
        reader, writer = await asyncio.open_unix_connection(where)
    said = False
    try:
        writer.write(call("subscribe", {}, 1))
        # What it says is looked up in whole where it matters; here it counts that it says something.
        while await reader.read(MAX_LINE):
            said = True
            changes.tell()
        changes.tell()
    finally:
        writer.close()
    return said


async def look_at_files(home: Home, changes: Changes, clock: Clock) -> None:
    """Tell when files of the home have changed that the page is made of: without a daemon, or beside it."""
    never, seen = asyncio.Event(), _files(home)
    while True:
        await clock.wait(never, _FILES_EVERY)
        found = _files(home) if changes.hearing else seen
        if found != seen:
            seen = found
            changes.tell()


def _files(home: Home) -> _Mark:
    """An empty log says nothing: it comes and goes with whoever opens the memory."""
    log = _file(home.memory.with_name(home.memory.name + "-wal"))
    made_of = (home.memory, home.history, home.attendance, home.config)
    return (*map(_file, made_of), log if log and log[1] else None)


def _file(path: Path) -> tuple[int, int] | None:
    try:
        there = path.stat()
    except OSError:
        return None
    return there.st_mtime_ns, there.st_size


async def look_at_server(home: Home, changes: Changes, clock: Clock) -> None:
    """The same of a memory that is kept on a server."""
    never, place, seen = asyncio.Event(), _Place(home), _NOTHING
    while True:
        found = await beside(place.look, "the memory's changes") if changes.hearing else seen
        if found != seen:
            seen = found
            changes.tell()
        await clock.wait(never, _SERVER_EVERY)


class _Place:
    """A memory on a server, kept open between looks."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._stores: Stores | None = None

    def look(self) -> _Mark:
        """What is there; that it cannot be asked is one of the things that it may look like."""
        try:
            if self._stores is None and address_of(self._home) is None:
                return _NOTHING
            stores = self._stores = self._stores or open_stores(self._home)
            nights = [(each.id, each.outcome, each.undone_at) for each in stores.nights.nights(_NIGHTS)]
            return stores.nights.newest_change(), *nights
        except IaiError as cause:
            if self._stores is not None:
                self._stores.close()
            self._stores = None
            return (str(cause),)


async def look_at_the_time(changes: Changes, clock: Clock) -> None:
    """Tell again and again: what is told in days and ages is another one later."""
    never = asyncio.Event()
    while True:
        await clock.wait(never, _HOUR_EVERY)
        changes.tell()
