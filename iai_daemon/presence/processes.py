"""What the kernel knows of a process. Used by the scanner."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import psutil

from iai_daemon.clock import Now
from iai_daemon.presence.classify import Process


class Processes(Protocol):
    """Where the scanner looks processes up; a small fake stands in for it in tests."""

    @property
    def boot_id(self) -> str | None: ...

    def look_up(self, pid: int, now: Now) -> Process | None:
        """The process with this pid; None when there is none. Never raises."""
        ...


def lineage(processes: Processes, pid: int, now: Now, longest: int) -> Iterator[Process]:
    """The process with this pid and those above it, the nearest first, at most so many."""
    process = processes.look_up(pid, now)
    for _ in range(longest):
        if process is None:
            return
        yield process
        process = None if process.parent is None else processes.look_up(process.parent, now)


class SystemProcesses:
    """The machine's own process table."""

    def __init__(self) -> None:
        self._boot_id = _read_boot_id()
        self._ticks = os.sysconf("SC_CLK_TCK")

    @property
    def boot_id(self) -> str | None:
        """What tells this boot from every other; None where the kernel does not say."""
        return self._boot_id

    def look_up(self, pid: int, now: Now) -> Process | None:
        if pid <= 0:
            return None
        return self._from_proc(pid, now) if sys.platform == "linux" else _from_psutil(pid)

    def _from_proc(self, pid: int, now: Now) -> Process | None:
        """From /proc/<pid>/stat (proc(5)): a tenth of what the same questions cost through psutil, at every tick."""
        try:
            # A Path would leave each pid among the names that Python keeps, and their table is built anew, 1 MB, again and again.
            with open(f"/proc/{pid}/stat", "rb", buffering=0) as stat:  # noqa: PTH123 -- as above
                text = stat.read()
        except OSError:
            return _hidden(pid)
        # The second field is the command's name in parentheses and may itself hold spaces and parentheses.
        values = text[text.rindex(b")") + 2 :].split()
        start = int(values[19])
        return Process(
            pid=pid,
            parent=int(values[1]),
            zombie=values[0] in (b"Z", b"X"),
            start=start,
            started_at=now.wall - now.boot + start / self._ticks,
            group=int(values[2]),
        )


def _hidden(pid: int) -> Process | None:
    """A process that cannot be looked at (hidepid, too many open files) is alive if a signal finds it, allowed or not."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        pass
    except (ProcessLookupError, OverflowError):
        return None
    return Process(pid=pid, parent=None, zombie=False, start=None, started_at=None)


def _from_psutil(pid: int) -> Process | None:
    try:
        seen = psutil.Process(pid)
        with seen.oneshot():
            zombie = seen.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
            return Process(
                pid=pid, parent=seen.ppid(), zombie=zombie, start=None, started_at=seen.create_time()
            )
    except psutil.ZombieProcess:
        return Process(pid=pid, parent=None, zombie=True, start=None, started_at=None)
    except psutil.NoSuchProcess:
        return None
    except psutil.AccessDenied:
        return Process(pid=pid, parent=None, zombie=False, start=None, started_at=None)


def _read_boot_id() -> str | None:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None
