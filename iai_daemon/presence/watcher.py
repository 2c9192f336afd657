"""Wake the loop when something moves in the wrappers' directories. Where watching fails, the tick carries on alone."""

from __future__ import annotations

import asyncio
import errno
import os
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from watchdog.events import (
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from iai_daemon.presence.classify import Trouble

_EVENT = struct.Struct("iIII")
_BUFFER = 64 * 1024
_TRIES_AGAIN = "the daemon looks on each tick and tries again at each look"
_LIMITS = {
    errno.ENOSPC: Trouble("the limit of inotify watches is used up", "raise fs.inotify.max_user_watches"),
    errno.EMFILE: Trouble(
        "the limit of inotify instances or of open files is used up",
        "raise fs.inotify.max_user_instances, or the daemon's limit of open files",
    ),
}


class _Backend(Protocol):
    """One way to hear of changes."""

    def watch(self, directory: Path) -> bool:
        """See that what stands at the path now is watched; False when it was already. Raises OSError."""
        ...

    def close(self) -> None: ...


class Watcher:
    """Keeps every directory watched, also one that was replaced, and calls `changed` in the event loop."""

    def __init__(self, directories: Sequence[Path], changed: Callable[[], None]) -> None:
        self._directories = directories
        self._changed = changed
        self._backend: _Backend | None = None
        self.trouble: tuple[Trouble, ...] = ()

    def check(self) -> None:
        """Watch what is not watched yet, or any more. Called at each look; never raises."""
        trouble = []
        for directory in self._directories:
            try:
                if self._backend is None:
                    self._backend = (
                        _Inotify(self._changed) if sys.platform == "linux" else _Threaded(self._changed)
                    )
                if self._backend.watch(directory):
                    self._changed()
            except OSError as cause:
                limit = _LIMITS.get(cause.errno or 0)
                why = f"{directory} cannot be watched ({limit.why if limit else cause.strerror})"
                fix = f"{limit.fix if limit else 'make it a directory that you may read'}; {_TRIES_AGAIN}"
                trouble.append(Trouble(why, fix))
        self.trouble = tuple(trouble)

    def close(self) -> None:
        """Stop watching; safe to call twice."""
        if self._backend is not None:
            self._backend.close()
            self._backend = None


class _Inotify:
    """inotify(7) read by the event loop itself.

    watchdog's observer hands each event through three threads: fourteen wakeups a minute for each wrapper against the
    three that this costs. Its bindings to the system calls are used.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        from watchdog.observers import inotify_c  # noqa: PLC0415 -- exists on Linux only

        self._calls: Any = inotify_c  # its types differ between the versions that we allow
        self._changed = changed
        self._watches: dict[Path, int] = {}
        self._descriptor = inotify_c.inotify_init()
        if self._descriptor < 0:
            raise _last_error()
        os.set_inheritable(self._descriptor, False)
        os.set_blocking(self._descriptor, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._descriptor, self._read)

    def watch(self, directory: Path) -> bool:
        """The kernel is asked each time: it drops a watch with its directory, and does not tell when its queue is full."""
        names = self._calls.InotifyConstants
        # Not what is opened or read: our own scan would wake the next one.
        mask = names.IN_MOVE | names.IN_CREATE | names.IN_DELETE | names.IN_DELETE_SELF | names.IN_MOVE_SELF
        watch: int = self._calls.inotify_add_watch(
            self._descriptor, os.fsencode(directory), mask | names.IN_ONLYDIR
        )
        cause = _last_error() if watch < 0 else None
        before = self._watches.pop(directory, None)
        if before is not None and before != watch:
            self._calls.inotify_rm_watch(self._descriptor, before)
        if cause:
            raise cause
        self._watches[directory] = watch
        return before != watch

    def close(self) -> None:
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, _BUFFER)
        except BlockingIOError:
            return
        if not all(map(_says_nothing, _names(data))):
            self._changed()


def _says_nothing(name: bytes) -> bool:
    """What is still being written, and the notes of ends, which wait for the tick."""
    return name.endswith(b".tmp") or name.startswith(b"ended-")


def _names(data: bytes) -> Iterator[bytes]:
    """The file name in each inotify event; empty when it concerns the directory itself, or events that were lost."""
    position = 0
    while position < len(data):
        _watch, _mask, _cookie, length = _EVENT.unpack_from(data, position)
        position += _EVENT.size
        yield data[position : position + length].rstrip(b"\0")
        position += length


def _last_error() -> OSError:
    import ctypes  # noqa: PLC0415 -- only where watchdog's bindings have loaded it already

    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))


class _Threaded(FileSystemEventHandler):
    """watchdog's observer (FSEvents on macOS, kqueue on BSD), which calls from threads of its own."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._watches: dict[Path, tuple[tuple[int, int], object]] = {}
        self._observer = Observer()
        self._observer.daemon = True
        self._observer.start()

    def watch(self, directory: Path) -> bool:
        seen = directory.stat()
        identity = (seen.st_dev, seen.st_ino)
        before, watch = self._watches.pop(directory, (None, None))
        if before != identity:
            if watch is not None:
                self._observer.unschedule(watch)  # type: ignore[arg-type]
            wanted: list[type[FileSystemEvent]] = [FileMovedEvent, FileCreatedEvent, FileDeletedEvent]
            watch = self._observer.schedule(self, str(directory), event_filter=wanted)
        self._watches[directory] = identity, watch
        return before != identity

    def close(self) -> None:
        self._observer.stop()
        self._observer.join()

    def on_any_event(self, event: FileSystemEvent) -> None:  # noqa: ARG002 -- what moved does not matter
        """Called in the observer's thread."""
        self._loop.call_soon_threadsafe(self._changed)
