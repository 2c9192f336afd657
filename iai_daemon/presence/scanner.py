"""Read the wrappers' directories: what changed is read again, what is FRESH is probed, what is long gone is deleted."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import heapq
import math
import os
import stat
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from iai_daemon.clock import Now
from iai_daemon.config import Settings
from iai_daemon.presence.ageing import Ageing, Sighting
from iai_daemon.presence.classify import (
    Evidence,
    Lock,
    Presence,
    Status,
    Trouble,
    Wrapper,
    classify,
    why_orphaned,
)
from iai_daemon.presence.heartbeat import (
    MAX_BYTES,
    Heartbeat,
    Unreadable,
    from_name,
    is_heartbeat_name,
    parse,
    writer_of_temporary,
)
from iai_daemon.presence.processes import Processes, lineage

# A replaced file is probed again; a wrapper replaces it once in seconds, so a third replacement in a row is no wrapper.
_PROBES = 3
_LEFTOVER_AFTER = 300.0
# An agent, a shell or two, the client, the wrapper: a longer line of ancestors is none.
_GENERATIONS = 32
# These pass, and say nothing of the file that could not be opened.
_PASSING = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
# A heartbeat is looked at again so soon after its limit: exactly the limit is fresh, a millisecond more is not.
_BEYOND = 0.0005
_IRREGULAR = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a directory",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


# A process: its pid, and its start in clock ticks since boot (None where the kernel does not say).
Identity = tuple[int, int | None]
# Inode, and when content and owner or mode last changed, in nanoseconds.
_FileIdentity = tuple[int, int, int]
# A file in a directory, and what its inode said when it was listed.
_Entry = tuple[os.DirEntry[str], os.stat_result]


@dataclass(slots=True)
class _Known:
    """One file as it was last read; `identity` tells whether it has changed since, `wrapper` is the last verdict."""

    path: str
    directory: int
    identity: _FileIdentity
    beat: Heartbeat | Unreadable
    refresh: Sighting | None = None
    activity: Sighting | None = None
    settled_at: float = -math.inf
    wrapper: Wrapper | None = None
    gone_since: float | None = None
    headless: bool = False


@dataclass(slots=True)
class _Directory:
    """What is known of one directory: its inode when it was last listed, its files, and what was wrong with looking."""

    path: Path
    inode: int = 0
    files: dict[str, _Known] = field(default_factory=dict)
    trouble: Trouble | None = None
    held: int = 0
    unread: int = 0


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


class Scanner:
    """Scans the same directories again and again; not shared between threads."""

    def __init__(
        self,
        directories: Sequence[Path],
        limits: Limits,
        processes: Processes,
        ageing: Ageing | None = None,
    ) -> None:
        self._directories = [_Directory(path) for path in directories]
        self._limits = limits
        self._processes = processes
        self._ageing = ageing or Ageing(limits.tick)
        self._table: dict[int, Evidence] = {}
        self._to_read = 0
        self.behind = False
        self.undeletable = 0

    def scan(self, now: Now, woken: Container[Identity] = frozenset()) -> Presence:
        """Everybody who has a heartbeat file now. Never raises for what a file or a directory holds.

        `woken` are the agents that we woke: a wrapper that has one of them among its ancestors is headless, and stays so.
        """
        self._ageing.observe(now)
        self._table.clear()
        self._to_read = self._limits.bytes
        for directory in self._directories:
            self._list(directory, now)
        wrappers = tuple(self._judge(known, woken, now) for known in self._known())
        self.behind = any(directory.unread for directory in self._directories)
        return Presence(wrappers, tuple(self._troubles()))

    def _troubles(self) -> Iterator[Trouble]:
        for each in self._directories:
            if each.trouble:
                yield each.trouble
            if each.held > self._limits.files:
                yield Trouble(
                    f"{each.path} holds {each.held:,} heartbeats, of which {self._limits.files:,} are looked at",
                    "delete those that no wrapper writes",
                )
            if each.unread:
                yield Trouble(
                    f"{each.unread:,} heartbeats in {each.path} are not read yet", "wait: each look reads on"
                )

    def _known(self) -> Iterator[_Known]:
        for directory in self._directories:
            yield from directory.files.values()

    def _list(self, directory: _Directory, now: Now) -> None:
        """Bring `directory.files` up to date. When it cannot be listed, the last verdicts stand until each is stale."""
        found: dict[str, _Known] = {}
        directory.held = directory.unread = 0
        directory.trouble = None
        try:
            inode = directory.path.stat().st_ino
            with os.scandir(directory.path) as entries:
                changed = heapq.nlargest(
                    self._limits.files,
                    self._changed(directory, entries, found),
                    lambda each: _importance(directory, each[0].name, each[1].st_ctime_ns),
                )
            if directory.held > self._limits.files:
                changed = self._choose(directory, found, changed)
            for entry, seen in changed:
                known = self._read_entry(directory, entry, seen, inode, now)
                if known:
                    found[entry.name] = known
        except FileNotFoundError:
            inode = 0
            if directory.inode:
                directory.trouble = Trouble(f"{directory.path} has vanished", "put a directory there again")
        except OSError as cause:
            inode = 0
            directory.trouble = _no_list(directory.path, cause)
            for known in directory.files.values():
                self._hold(known, now)
        for name in directory.files.keys() - found.keys():
            known = directory.files[name]
            if known.directory != inode and not self._is_stale(known, now):
                found[name] = known
        directory.inode, directory.files = inode or directory.inode, found

    def _changed(
        self, directory: _Directory, entries: Iterable[os.DirEntry[str]], unchanged: dict[str, _Known]
    ) -> Iterator[_Entry]:
        """The heartbeats that are not known as they are now; those that are go into `unchanged`."""
        for entry in entries:
            known = directory.files.get(entry.name)
            if known is None and not is_heartbeat_name(entry.name):
                continue
            try:
                seen = entry.stat(follow_symlinks=False)
            except OSError:
                continue  # it has just vanished
            directory.held += 1
            if known is not None and known.identity == _identify(seen):
                unchanged[entry.name] = known
            else:
                yield entry, seen

    def _choose(
        self, directory: _Directory, unchanged: dict[str, _Known], changed: list[_Entry]
    ) -> list[_Entry]:
        """Of too many heartbeats the most important: the changed ones; the others are what is left in `unchanged`."""
        times = {name: known.identity[2] for name, known in unchanged.items()}
        times |= {entry.name: seen.st_ctime_ns for entry, seen in changed}
        chosen = set(
            heapq.nlargest(self._limits.files, times, lambda name: _importance(directory, name, times[name]))
        )
        for name in unchanged.keys() - chosen:
            del unchanged[name]
        return [each for each in changed if each[0].name in chosen]

    def _is_stale(self, known: _Known, now: Now) -> bool:
        return known.refresh is None or self._ageing.age(known.refresh, now) > self._limits.stale_after

    def _read_entry(
        self, directory: _Directory, entry: os.DirEntry[str], seen: os.stat_result, inode: int, now: Now
    ) -> _Known | None:
        """What is known of this file, read anew; None when it has just vanished. Raises OSError."""
        known = directory.files.get(entry.name)
        if self._to_read <= 0:
            directory.unread += 1
            return known
        self._to_read -= min(seen.st_size, MAX_BYTES)
        beat = _read(entry.path, entry.name, seen)
        if beat is None:
            return None
        fresh = _Known(entry.path, inode, _identify(seen), beat)
        if isinstance(beat, Heartbeat):
            self._date(fresh, beat, known, now)
        return fresh

    def _hold(self, known: _Known, now: Now) -> None:
        """What cannot be opened at present is as old as its file."""
        with contextlib.suppress(OSError):
            seen = os.lstat(known.path)
            if isinstance(known.beat, Heartbeat) and _identify(seen) != known.identity:
                known.refresh = self._ageing.sight(seen.st_mtime, now)
                known.wrapper = None

    def _date(self, fresh: _Known, beat: Heartbeat, known: _Known | None, now: Now) -> None:
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

    def _judge(self, known: _Known, woken: Container[Identity], now: Now) -> Wrapper:
        if known.wrapper is None or not self._stands(known, known.wrapper, now):
            known.wrapper = self._classify(known, now)
        if woken and not known.headless and self._is_below(woken, known.wrapper, now):
            known.headless = True
            known.wrapper = replace(known.wrapper, headless=True)
        return known.wrapper

    def _is_below(self, woken: Container[Identity], wrapper: Wrapper, now: Now) -> bool:
        if wrapper.status is not Status.FRESH or wrapper.beat is None:
            return False
        above = lineage(self._processes, wrapper.beat.pid, now, _GENERATIONS)
        return any((process.pid, process.start) in woken for process in above)

    def _stands(self, known: _Known, last: Wrapper, now: Now) -> bool:
        """Whether the last verdict on an unchanged file still holds: only FRESH can change, and ORPHAN into STALE."""
        if last.beat is None or last.status is Status.STALE:
            return True
        if now.awake >= last.stale_at or self._ageing.disturbed:
            return False
        if last.status is Status.ORPHAN:
            return True
        return not last.beat.in_flight and why_orphaned(last.beat, self._look(known, last.beat, now)) is None

    def _classify(self, known: _Known, now: Now) -> Wrapper:
        beat, refresh = known.beat, known.refresh
        path = os.fsencode(known.path).decode(errors="replace")
        if isinstance(beat, Unreadable) or refresh is None:
            return Wrapper(path, Status.INVALID, beat.reason if isinstance(beat, Unreadable) else "unread")
        stale_after = self._limits.stale_after
        age = self._ageing.age(refresh, now)
        status, reason = classify(beat, age, stale_after, lambda: self._look(known, beat, now))
        if status is Status.FRESH:
            known.gone_since = None
        elif known.gone_since is None:
            known.gone_since = now.awake
        return Wrapper(
            path,
            status,
            reason,
            beat,
            active_at=_active_at(beat, known, now),
            settled_at=known.settled_at,
            stale_at=self._ageing.reaches(refresh, stale_after) + _BEYOND,
            headless=known.headless,
        )

    def _look(self, known: _Known, beat: Heartbeat, now: Now) -> Evidence:
        evidence = self._table.get(beat.pid)
        if evidence is None:
            process, boot_id = self._processes.look_up(beat.pid, now), self._processes.boot_id
            evidence = Evidence(Lock.UNKNOWN, process, boot_id, clock_stepped=self._ageing.clock_stepped)
            self._table[beat.pid] = evidence
        return replace(evidence, lock=_probe(known.path)) if beat.locked else evidence

    def clean_up(self, now: Now) -> int:
        """Delete files that have been STALE or ORPHAN for a whole `stale_after`, and leftovers; returns how many."""
        cleaned = 0
        self.undeletable = 0
        for directory in self._directories:
            for name, known in list(directory.files.items()):
                if known.gone_since is None or now.awake - known.gone_since < self._limits.stale_after:
                    continue
                if self._delete(Path(known.path), known.identity):
                    del directory.files[name]
                    cleaned += 1
            for leftover, identity in self._leftovers(directory.path, now):
                cleaned += self._delete(leftover, identity)
        return cleaned

    def _delete(self, path: Path, identity: _FileIdentity) -> bool:
        """Delete a file that is still the one we judged; one that is already gone counts as deleted."""
        try:
            seen = path.lstat()
            if _identify(seen) != identity:
                return False
            path.unlink()
        except FileNotFoundError:
            return True
        except OSError:
            self.undeletable += 1
            return False
        return True

    def _leftovers(self, directory: Path, now: Now) -> Iterator[tuple[Path, _FileIdentity]]:
        """Temporary files older than five minutes whose writer is gone."""
        try:
            with os.scandir(directory) as entries:
                named = ((entry.name, writer_of_temporary(entry.name)) for entry in entries)
                found = list(islice((each for each in named if each[1] is not None), self._limits.files))
        except OSError:
            return
        for name, writer in found:
            try:
                seen = (directory / name).lstat()
            except OSError:
                continue
            old = now.wall - seen.st_mtime > _LEFTOVER_AFTER and stat.S_ISREG(seen.st_mode)
            if old and writer is not None and not self._is_running(writer, now):
                yield directory / name, _identify(seen)

    def _is_running(self, pid: int, now: Now) -> bool:
        process = self._processes.look_up(pid, now)
        return process is not None and not process.zombie


def _active_at(beat: Heartbeat, known: _Known, now: Now) -> float | None:
    """When its user last did something (awake clock); a call in flight is at work this moment."""
    if beat.in_flight > 0:
        return now.awake
    return known.activity.stamped_at if known.activity else None


def _importance(directory: _Directory, name: str, changed_at: int) -> tuple[bool, int]:
    """Of too many heartbeats those count that were FRESH, and then the newest: a wrapper refreshes, what lies about does not."""
    known = directory.files.get(name)
    fresh = known is not None and known.wrapper is not None and known.wrapper.status is Status.FRESH
    return fresh, changed_at


def _no_list(directory: Path, cause: OSError) -> Trouble:
    if cause.errno in _PASSING:
        return Trouble(
            f"{directory} cannot be looked at as it should ({cause.strerror})",
            "raise the daemon's limit of open files, or end what uses up memory",
        )
    return Trouble(
        f"{directory} cannot be listed ({cause.strerror})", "make it a directory that you may read"
    )


def _identify(seen: os.stat_result) -> _FileIdentity:
    return seen.st_ino, seen.st_mtime_ns, seen.st_ctime_ns


def _read(path: str, name: str, seen: os.stat_result) -> Heartbeat | Unreadable | None:
    """One heartbeat file, opened so that nothing found in its place can hang or mislead us; None: it has vanished.

    Raises OSError for what says nothing of the file.
    """
    odd = why_not_ours(seen)
    if odd:
        return Unreadable(odd)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as cause:
        if cause.errno in _PASSING:
            raise
        return from_name(name, seen.st_mtime, f"it cannot be opened ({cause.strerror})")
    try:
        opened = os.fstat(descriptor)
        odd = why_not_ours(opened)
        if odd:
            return Unreadable(odd)
        return parse(name, os.read(descriptor, MAX_BYTES + 1), opened.st_mtime)
    except OSError as cause:
        return from_name(name, seen.st_mtime, f"it cannot be read ({cause.strerror})")
    finally:
        os.close(descriptor)


def why_not_ours(seen: os.stat_result) -> str | None:
    if not stat.S_ISREG(seen.st_mode):
        return f"not a regular file but {_IRREGULAR.get(stat.S_IFMT(seen.st_mode), 'something else')}"
    if seen.st_uid != os.geteuid():
        return f"it belongs to another user (uid {seen.st_uid})"
    if seen.st_size > MAX_BYTES:
        return f"{seen.st_size} bytes are more than the {MAX_BYTES} that a heartbeat may have"
    return None


def _probe(path: str) -> Lock:
    """Whether somebody holds this heartbeat's lock. Shared, so that two scanners never see each other."""
    for _ in range(_PROBES):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return Lock.UNKNOWN
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink:
                return Lock.FREE
        except BlockingIOError:
            return Lock.HELD
        except OSError:
            return Lock.UNKNOWN
        finally:
            os.close(descriptor)
    return Lock.UNKNOWN
