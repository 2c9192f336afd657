"""Watching: whether what wrappers write is heard of at once, tried with a file of our own where they write theirs."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from iai_daemon.clock import Stopwatch, SystemClock
from iai_daemon.doctor.checks.home import kind_of, unfit
from iai_daemon.doctor.finding import Finding, NotChecked, fail, ok, warn
from iai_daemon.doctor.patient import Patient
from iai_daemon.presence.watcher import Watcher
from iai_daemon.units import format_duration

# Within so many seconds an event has come, or none does: inotify takes less than a millisecond, FSEvents gathers them.
_SOON = 0.5 if sys.platform == "linux" else 1.5
_INOTIFY = Path("/proc/sys/fs/inotify")
_LIMITS = ("max_user_watches", "max_user_instances")


def look(patient: Patient) -> Iterator[Finding]:
    settings, home = patient.require_settings(), patient.require_home()
    tick = format_duration(settings.lifecycle.tick)
    wanted = settings.wrappers_dirs(home)
    directories = [each for each in wanted if each.exists()]
    if not directories:
        raise NotChecked("there is no directory for wrappers yet")
    for each in wanted:
        # That of the home is made with it: the check `home` sees to that.
        if each not in (*directories, home.wrappers):
            seen = f"there is no directory {each}: wrappers cannot say there that they are alive"
            remedy = f"mkdir -m 700 -p {each}, or take it out of `presence.wrappers_dirs`"
            yield fail("watching", seen, remedy)
    took = []
    for directory, heard in zip(directories, asyncio.run(_all(directories)), strict=True):
        if isinstance(heard, float):
            took.append(heard)
        elif isinstance(heard, OSError):
            seen = f"{directory} cannot be written to ({heard.strerror}): wrappers cannot say there that they are alive"
            yield fail(
                "watching", seen, f"`chmod 700 {directory}`, and see that it is yours and its disk has room"
            )
        else:
            yield unheard(directory, heard, tick)
    if took:
        yield ok(
            "watching", f"a file in {_directories(len(took))} was heard of after {max(took) * 1000:.1f} ms"
        )


async def _all(directories: Sequence[Path]) -> list[float | str | OSError]:
    return await asyncio.gather(*(hear(each) for each in directories))


async def hear(directory: Path) -> float | str | OSError:
    """Seconds until the event came of a file that was written there as wrappers do.

    Else why none can come (empty: not known), or the OSError that kept it from being written. One event, or two, is all
    that the daemon notices of it.
    """
    changed = asyncio.Event()
    watcher = Watcher((directory,), changed.set)
    path = directory / f"doctor-{os.getpid()}.json"
    temporary = path.with_name(path.name + ".tmp")
    try:
        watcher.check()
        if watcher.trouble:
            return watcher.trouble[0].why
        changed.clear()
        temporary.write_bytes(b"{}")
        watch = Stopwatch()
        temporary.replace(path)
        return watch.seconds() if await SystemClock().wait(changed, _SOON) else ""
    except OSError as error:
        return error
    finally:
        for each in (temporary, path):
            _delete(each)
        watcher.close()


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # what could not be written cannot be deleted either


def unheard(directory: Path, why: str, tick: str) -> Finding:
    """What is to be said of a directory of which no event comes: nothing is lost, it is seen later."""
    later = f"the daemon looks all the same, every {tick}"
    if "limit" in why:
        raised = " ".join(f"fs.inotify.{name}={_twice(name)}" for name in _LIMITS)
        return warn(
            "watching", f"{why}: {later}", f"`sudo sysctl {raised}`, and a file in /etc/sysctl.d that says so"
        )
    mounted = [(each.mountpoint, each.fstype) for each in psutil.disk_partitions(all=True)]
    kind = kind_of(mounted, directory.resolve())
    seen = why or f"no event came of a file in {directory} ({kind or 'disk'}) within {format_duration(_SOON)}"
    restart = "`iai-daemon restart`; where that does not help, a shorter `lifecycle.tick`"
    elsewhere = "choose a directory on a disk of this machine (`presence.wrappers_dirs`)"
    return warn("watching", f"{seen}: {later}", elsewhere if unfit(kind) else restart)


def _twice(name: str) -> int:
    """Twice what this limit of inotify's is now; where it is not known, what is usual on large machines."""
    try:
        return 2 * int((_INOTIFY / name).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return {"max_user_watches": 524_288, "max_user_instances": 1024}[name]


def _directories(count: int) -> str:
    return "the wrappers' directory" if count == 1 else f"each of {count} wrappers' directories"
