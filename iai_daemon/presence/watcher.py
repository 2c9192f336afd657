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

_EVENT = struct.Struct("iIII")
_BUFFER = 64 * 1024
_LIMITS = {
    errno.ENOSPC: "the limit of inotify watches is used up: raise fs.inotify.max_user_watches",
    errno.EMFILE: "the limit of inotify instances is used up: raise fs.inotify.max_user_instances",
}


class _Backend(Protocol):
    """One way to hear of changes. `watch` raises OSError when a directory cannot be watched."""

    def watch(self, directory: Path) -> None: ...

    def watches(self, directory: Path) -> bool:
        """Whether the watch that `watch` made is still there: the kernel drops one with its directory."""
        ...

    def forget(self, directory: Path) -> None: ...

    def close(self) -> None: ...


class Watcher:
    """Keeps every directory watched, also one that was replaced, and calls `changed` in the event loop."""

    def __init__(self, directories: Sequence[Path], changed: Callable[[], None]) -> None:
        self._directories = directories
        self._changed = changed
        self._watched: dict[Path, tuple[int, int]] = {}
        self._backend: _Backend | None = None
        self.trouble: tuple[str, ...] = ()

    def check(self) -> None:
        """Watch what is not watched yet, or has another inode now. Called at start and at each tick; never raises."""
        trouble = []
        for directory in self._directories:
            try:
                self._check(directory)
            except OSError as cause:
                why = _LIMITS.get(cause.errno or 0, cause.strerror)
                trouble.append(f"{directory} cannot be watched ({why}); it is looked at on each tick")
        self.trouble = tuple(trouble)

    def _check(self, directory: Path) -> None:
        seen = directory.stat()
        identity = (seen.st_dev, seen.st_ino)
        if self._backend is None:
            self._backend = _Inotify(self._changed) if sys.platform == "linux" else _Threaded(self._changed)
        # A new directory may have the inode of the one that was deleted before it.
        if self._watched.get(directory) == identity and self._backend.watches(directory):
            return
        if self._watched.pop(directory, None):
            self._backend.forget(directory)
        self._backend.watch(directory)
        self._watched[directory] = identity
        self._changed()

    def close(self) -> None:
        """Stop watching; safe to call twice."""
        if self._backend is not None:
            self._backend.close()
            self._backend = None
            self._watched.clear()


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

    def watch(self, directory: Path) -> None:
        names = self._calls.InotifyConstants
        # Not what is opened or read: our own scan would wake the next one.
        mask = names.IN_MOVE | names.IN_CREATE | names.IN_DELETE | names.IN_DELETE_SELF | names.IN_MOVE_SELF
        watch = self._calls.inotify_add_watch(
            self._descriptor, os.fsencode(directory), mask | names.IN_ONLYDIR
        )
        if watch < 0:
            raise _last_error()
        self._watches[directory] = watch

    def watches(self, directory: Path) -> bool:
        return directory in self._watches

    def forget(self, directory: Path) -> None:
        watch = self._watches.pop(directory, None)
        if watch is not None:
            self._calls.inotify_rm_watch(self._descriptor, watch)

    def close(self) -> None:
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, _BUFFER)
        except BlockingIOError:
            return
        events = list(_events(data))
        dropped = {watch for watch, mask, _ in events if mask & self._calls.InotifyConstants.IN_IGNORED}
        self._watches = {path: watch for path, watch in self._watches.items() if watch not in dropped}
        if not all(name.endswith(b".tmp") for _, _, name in events):
            self._changed()


def _events(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Watch, mask and file name of each inotify event; the name is empty when it concerns the directory itself."""
    position = 0
    while position < len(data):
        watch, mask, _cookie, length = _EVENT.unpack_from(data, position)
        position += _EVENT.size
        yield watch, mask, data[position : position + length].rstrip(b"\0")
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
        self._watches: dict[Path, object] = {}
        self._observer = Observer()
        self._observer.daemon = True
        self._observer.start()

    def watch(self, directory: Path) -> None:
        wanted: list[type[FileSystemEvent]] = [FileMovedEvent, FileCreatedEvent, FileDeletedEvent]
        self._watches[directory] = self._observer.schedule(self, str(directory), event_filter=wanted)

    def watches(self, directory: Path) -> bool:
        return directory in self._watches

    def forget(self, directory: Path) -> None:
        self._observer.unschedule(self._watches.pop(directory))  # type: ignore[arg-type]

    def close(self) -> None:
        self._observer.stop()
        self._observer.join()

    def on_any_event(self, event: FileSystemEvent) -> None:  # noqa: ARG002 -- what moved does not matter
        """Called in the observer's thread."""
        self._loop.call_soon_threadsafe(self._changed)
