"""What is left in a home when its service goes: what the daemon kept for itself, and the memory with all that belongs to it.

Files are deleted by their names and directories only when they are empty: a home may be a place where others keep theirs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from iai_daemon import lines
from iai_daemon.flock import is_held
from iai_daemon.paths import Home
from iai_daemon.service.manager import ServiceRefused


def delete_daemons(home: Home) -> list[Path]:
    """Everything that the daemon kept for itself; returns what is gone. The caller knows that none is running."""
    gone = list(_deleted(_of_daemon(home)))
    return gone + _without_content(_directories(home))


def delete_all(home: Home) -> list[Path]:
    """The memory, its backups, its settings and all the rest of ours; returns what is gone. The caller has asked."""
    gone = list(_deleted([*_of_daemon(home), *_of_memory(home)]))
    return gone + _without_content((*_directories(home), home.root))


def what_is_left(home: Home) -> list[Path]:
    """Everything that stands in the home now."""
    return sorted(home.root.iterdir()) if home.root.is_dir() else []


def _of_daemon(home: Home) -> Iterator[Path]:
    yield from (home.state, home.starts, home.killed_night, home.last_night, home.report)
    yield from (home.socket, home.daemon_lock)
    # Another process may hold this one: of a lock that is deleted two can be had.
    if not is_held(home.consolidation_lock):
        yield home.consolidation_lock
    for told in (home.history, home.attendance):
        yield from (told, lines.older(told))
    yield from home.root.glob(".*.tmp")
    yield from home.log.parent.glob(f"{home.log.name}*")
    yield from (home.crash, home.log.with_name("launchd.log"), home.host)


def _directories(home: Home) -> tuple[Path, ...]:
    return (
        home.wrappers,
        home.log.parent,
        home.backups,
        home.trajectories,
        home.spool / "set-aside",
        home.spool,
    )


def _of_memory(home: Home) -> Iterator[Path]:
    yield home.config
    yield from home.root.glob(f"{home.memory.name}*")
    yield from home.backups.glob("memory-*.db*")
    yield from home.trajectories.glob("*.jsonl")
    yield from home.wrappers.glob("heartbeat-*.json*")
    yield from home.wrappers.glob("ended-*.json")
    yield from home.spool.glob("set-aside/*")
    # The notes, and the locks of those who keep and deliver them.
    yield from home.spool.glob("*.json")
    yield from (home.spool / ".lock", home.spool / ".delivering")
    yield home.clients


def _deleted(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        try:
            path.unlink()
        except FileNotFoundError:
            continue
        except OSError as cause:
            problem = (
                f"{path} cannot be deleted ({cause.strerror}): delete it yourself, then uninstall again."
            )
            raise ServiceRefused(problem=problem) from cause
        yield path


def _without_content(directories: Iterable[Path]) -> list[Path]:
    gone = []
    for directory in directories:
        with contextlib.suppress(OSError):  # it is not there, or something is in it
            directory.rmdir()
            gone.append(directory)
    return gone
