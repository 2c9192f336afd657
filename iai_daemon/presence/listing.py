"""The heartbeats of one directory as they were last read: what changed is read again, and its stamps are dated. Used by the scanner."""

from __future__ import annotations

import contextlib
import heapq
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from iai_daemon.clock import Now
from iai_daemon.config import Settings
from iai_daemon.presence.ageing import Ageing, Sighting
from iai_daemon.presence.classify import Status, Trouble, Wrapper
from iai_daemon.presence.files import PASSING, FileIdentity, identify, read
from iai_daemon.presence.heartbeat import MAX_BYTES, Heartbeat, Unreadable, is_heartbeat_name
from iai_daemon.units import NEVER

# A file in a directory, and what its inode said when it was listed.
_Entry = tuple[os.DirEntry[str], os.stat_result]


@dataclass(slots=True)
class Known:
    """One file as it was last read; `identity` tells whether it has changed since, `wrapper` is the last verdict."""

    path: str
    directory: int
    identity: FileIdentity
    beat: Heartbeat | Unreadable
    refresh: Sighting | None = None
    activity: Sighting | None = None
    settled_at: float = -NEVER
    wrapper: Wrapper | None = None
    gone_since: float | None = None
    headless: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What a scan goes by: settings in seconds, and how much it takes in, whatever lies about.

    `files` in a directory are more than anybody has wrappers: others are only counted. A look reads so many `bytes`, all
    of so many usual heartbeats within half a second; the next look reads on.
    """

    stale_after: float
    settle_after: float
    tick: float
    files: int = 10_000
    bytes: int = 10_000_000

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        return cls(settings.presence.stale_after, settings.presence.settle_after, settings.lifecycle.tick)


class Listing:
    """`files`: what is known of each, by its name; `unread`: so many of them the next look reads."""

    def __init__(self, path: Path, limits: Limits, ageing: Ageing) -> None:
        self.path = path
        self._limits = limits
        self._ageing = ageing
        # Of the directory, when it was last listed.
        self._inode = 0
        self._trouble: Trouble | None = None
        self._held = 0
        self._to_read = 0
        self.files: dict[str, Known] = {}
        self.unread = 0

    def look(self, now: Now, most: int) -> int:
        """Bring `files` up to date, of which about `most` bytes are read; returns how many of these are left.

        When the directory cannot be listed, the last verdicts stand until each is stale.
        """
        found: dict[str, Known] = {}
        self._held = self.unread = 0
        self._trouble = None
        self._to_read = most
        try:
            inode = self._list(found, now)
        except FileNotFoundError:
            inode = 0
            if self._inode:
                self._trouble = Trouble(f"{self.path} has vanished", "put a directory there again")
        except OSError as cause:
            inode = 0
            self._trouble = _no_list(self.path, cause)
            for known in self.files.values():
                self._hold(known, now)
        for name in self.files.keys() - found.keys():
            known = self.files[name]
            if known.directory != inode and not self._is_stale(known, now):
                found[name] = known
        self._inode, self.files = inode or self._inode, found
        return self._to_read

    def troubles(self) -> Iterator[Trouble]:
        """What was wrong with the last look."""
        if self._trouble:
            yield self._trouble
        if self._held > self._limits.files:
            yield Trouble(
                f"{self.path} holds {self._held:,} heartbeats, of which {self._limits.files:,} are looked at",
                "delete those that no wrapper writes",
            )
        if self.unread:
            yield Trouble(
                f"{self.unread:,} heartbeats in {self.path} are not read yet", "wait: each look reads on"
            )

    def _list(self, found: dict[str, Known], now: Now) -> int:
        """Fill `found` with what is there now; returns the inode of the directory. Raises OSError."""
        inode = self.path.stat().st_ino
        with os.scandir(self.path) as entries:
            changed = heapq.nlargest(
                self._limits.files,
                self._changed(entries, found),
                lambda each: self._importance(each[0].name, each[1].st_ctime_ns),
            )
        if self._held > self._limits.files:
            changed = self._choose(found, changed)
        for entry, seen in changed:
            known = self._read(entry, seen, inode, now)
            if known:
                found[entry.name] = known
        return inode

    def _changed(self, entries: Iterable[os.DirEntry[str]], unchanged: dict[str, Known]) -> Iterator[_Entry]:
        """The heartbeats that are not known as they are now; those that are go into `unchanged`."""
        for entry in entries:
            known = self.files.get(entry.name)
            if known is None and not is_heartbeat_name(entry.name):
                continue
            try:
                seen = entry.stat(follow_symlinks=False)
            except OSError:
                continue  # it has just vanished
            self._held += 1
            if known is not None and known.identity == identify(seen):
                unchanged[entry.name] = known
            else:
                yield entry, seen

    def _choose(self, unchanged: dict[str, Known], changed: list[_Entry]) -> list[_Entry]:
        """Of too many heartbeats the most important: the changed ones; the others are what is left in `unchanged`."""
        times = {name: known.identity[2] for name, known in unchanged.items()}
        times |= {entry.name: seen.st_ctime_ns for entry, seen in changed}
        chosen = set(
            heapq.nlargest(self._limits.files, times, lambda name: self._importance(name, times[name]))
        )
        for name in unchanged.keys() - chosen:
            del unchanged[name]
        return [each for each in changed if each[0].name in chosen]

    def _importance(self, name: str, changed_at: int) -> tuple[bool, int]:
        """Of too many heartbeats those count that were FRESH, and then the newest: a wrapper refreshes, what lies about does not."""
        known = self.files.get(name)
        fresh = known is not None and known.wrapper is not None and known.wrapper.status is Status.FRESH
        return fresh, changed_at

    def _is_stale(self, known: Known, now: Now) -> bool:
        return known.refresh is None or self._ageing.age(known.refresh, now) > self._limits.stale_after

    def _read(self, entry: os.DirEntry[str], seen: os.stat_result, inode: int, now: Now) -> Known | None:
        """What is known of this file, read anew; None when it has just vanished. Raises OSError."""
        known = self.files.get(entry.name)
        if self._to_read <= 0:
            self.unread += 1
            return known
        self._to_read -= min(seen.st_size, MAX_BYTES)
        beat = read(entry.path, entry.name, seen)
        if beat is None:
            return None
        fresh = Known(entry.path, inode, identify(seen), beat)
        if isinstance(beat, Heartbeat):
            self._date(fresh, beat, known, now)
        return fresh

    def _hold(self, known: Known, now: Now) -> None:
        """What cannot be opened at present is as old as its file."""
        with contextlib.suppress(OSError):
            seen = os.lstat(known.path)
            if isinstance(known.beat, Heartbeat) and identify(seen) != known.identity:
                known.refresh = self._ageing.sight(seen.st_mtime, now)
                known.wrapper = None

    def _date(self, fresh: Known, beat: Heartbeat, known: Known | None, now: Now) -> None:
        """Fix when the stamps were. What the last file already said keeps its time, whatever the wall clock did since."""
        earlier = known.beat if known and isinstance(known.beat, Heartbeat) else None
        if known and earlier and earlier.last_refresh == beat.last_refresh:
            fresh.refresh = known.refresh
        else:
            fresh.refresh = self._ageing.sight(beat.last_refresh, now)
        if known and earlier and earlier.last_activity == beat.last_activity:
            fresh.activity = known.activity
        elif beat.last_activity is not None:
            fresh.activity = self._ageing.sight(beat.last_activity, now)
        if known and earlier and earlier.in_flight and not beat.in_flight:
            fresh.activity = fresh.refresh  # a call has just been answered: until now somebody was at work
        if known and earlier:
            fresh.settled_at, fresh.headless = known.settled_at, known.headless
        else:
            started = beat.started_at if beat.started_at is not None else now.wall
            fresh.settled_at = self._ageing.sight(started, now).stamped_at + self._limits.settle_after


def _no_list(directory: Path, cause: OSError) -> Trouble:
    if cause.errno in PASSING:
        return Trouble(
            f"{directory} cannot be looked at as it should ({cause.strerror})",
            "raise the daemon's limit of open files, or end what uses up memory",
        )
    return Trouble(
        f"{directory} cannot be listed ({cause.strerror})", "make it a directory that you may read"
    )
