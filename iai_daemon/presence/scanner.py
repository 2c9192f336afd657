"""Scan the wrappers' directories: each heartbeat is judged, what is FRESH is probed, what is long gone is deleted."""

from __future__ import annotations

import os
import stat
from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from iai_daemon.clock import Now
from iai_daemon.presence.ageing import Ageing
from iai_daemon.presence.classify import (
    Evidence,
    Lock,
    Presence,
    Status,
    Wrapper,
    classify,
    why_orphaned,
)
from iai_daemon.presence.files import FileIdentity, identify, probe
from iai_daemon.presence.heartbeat import Heartbeat, Unreadable, writer_of_temporary
from iai_daemon.presence.listing import Known, Limits, Listing
from iai_daemon.presence.processes import Processes, lineage

_LEFTOVER_AFTER = 300.0
# An agent, a shell or two, the client, the wrapper: a longer line of ancestors is none.
_GENERATIONS = 32
# A heartbeat is looked at again so soon after its limit: exactly the limit is fresh, a millisecond more is not.
_BEYOND = 0.0005

# A process: its pid, and its start in clock ticks since boot (None where the kernel does not say).
Identity = tuple[int, int | None]


class Scanner:
    """Scans the same directories again and again; not shared between threads."""

    def __init__(
        self,
        directories: Sequence[Path],
        limits: Limits,
        processes: Processes,
        ageing: Ageing | None = None,
    ) -> None:
        self._limits = limits
        self._processes = processes
        self._ageing = ageing or Ageing(limits.tick)
        self._listings = [Listing(path, limits, self._ageing) for path in directories]
        self._table: dict[int, Evidence] = {}
        self.behind = False
        self.undeletable = 0

    def scan(self, now: Now, woken: Container[Identity] = frozenset()) -> Presence:
        """Everybody who has a heartbeat file now. Never raises for what a file or a directory holds.

        `woken` are the agents that we woke: a wrapper that has one of them among its ancestors is headless, and stays so.
        """
        self._ageing.observe(now)
        self._table.clear()
        to_read = self._limits.bytes
        for each in self._listings:
            to_read = each.look(now, to_read)
        wrappers = tuple(self._judge(known, woken, now) for known in self._known())
        self.behind = any(each.unread for each in self._listings)
        return Presence(wrappers, tuple(trouble for each in self._listings for trouble in each.troubles()))

    def _known(self) -> Iterator[Known]:
        for each in self._listings:
            yield from each.files.values()

    def _judge(self, known: Known, woken: Container[Identity], now: Now) -> Wrapper:
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

    def _stands(self, known: Known, last: Wrapper, now: Now) -> bool:
        """Whether the last verdict on an unchanged file still holds: only FRESH can change, and ORPHAN into STALE."""
        if last.beat is None or last.status is Status.STALE:
            return True
        if now.awake >= last.stale_at or self._ageing.disturbed:
            return False
        if last.status is Status.ORPHAN:
            return True
        return not last.beat.in_flight and why_orphaned(last.beat, self._look(known, last.beat, now)) is None

    def _classify(self, known: Known, now: Now) -> Wrapper:
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

    def _look(self, known: Known, beat: Heartbeat, now: Now) -> Evidence:
        evidence = self._table.get(beat.pid)
        if evidence is None:
            process, boot_id = self._processes.look_up(beat.pid, now), self._processes.boot_id
            evidence = Evidence(Lock.UNKNOWN, process, boot_id, clock_stepped=self._ageing.clock_stepped)
            self._table[beat.pid] = evidence
        return replace(evidence, lock=probe(known.path)) if beat.locked else evidence

    def clean_up(self, now: Now) -> int:
        """Delete files that have been STALE or ORPHAN for a whole `stale_after`, and leftovers; returns how many."""
        cleaned = 0
        self.undeletable = 0
        for listing in self._listings:
            for name, known in list(listing.files.items()):
                if known.gone_since is None or now.awake - known.gone_since < self._limits.stale_after:
                    continue
                if self._delete(Path(known.path), known.identity):
                    del listing.files[name]
                    cleaned += 1
            for leftover, identity in self._leftovers(listing.path, now):
                cleaned += self._delete(leftover, identity)
        return cleaned

    def _delete(self, path: Path, identity: FileIdentity) -> bool:
        """Delete a file that is still the one we judged; one that is already gone counts as deleted."""
        try:
            seen = path.lstat()
            if identify(seen) != identity:
                return False
            path.unlink()
        except FileNotFoundError:
            return True
        except OSError:
            self.undeletable += 1
            return False
        return True

    def _leftovers(self, directory: Path, now: Now) -> Iterator[tuple[Path, FileIdentity]]:
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
                yield directory / name, identify(seen)

    def _is_running(self, pid: int, now: Now) -> bool:
        process = self._processes.look_up(pid, now)
        return process is not None and not process.zombie


def _active_at(beat: Heartbeat, known: Known, now: Now) -> float | None:
    """When its user last did something (awake clock); a call in flight is at work this moment."""
    if beat.in_flight > 0:
        return now.awake
    return known.activity.stamped_at if known.activity else None
