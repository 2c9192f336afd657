"""The files that an import reads: found in a directory, read to their end, and never changed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from iai_daemon.memory.importing.said import Source

# More than anybody's notes are; a directory of something else ends here.
MOST_FILES = 20_000
MOST_SEEN = 200_000
DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Refused:
    """A file or directory that is not read, and why. `bad`: it should have been."""

    name: str
    reason: str
    bad: bool


class Tree:
    """The files below a directory that are wanted, in the order of their names. No link to a directory is followed. `enters` is asked of each directory, `wanted` of each file. What lies deeper, or is more, is named."""

    def __init__(
        self,
        top: Path,
        *,
        wanted: Callable[[Path], bool],
        enters: Callable[[Path], bool],
        most_files: int = MOST_FILES,
    ) -> None:
        self._top = top
        self._wanted = wanted
        self._enters = enters
        self._most_files = most_files
        self._seen = 0
        self._found = 0

    def files(self) -> Iterator[Path | Refused]:
        waiting = [(self._top, 0)]
        while waiting:
            folder, depth = waiting.pop()
            try:
                with os.scandir(folder) as listed:
                    entries = sorted(listed, key=lambda entry: entry.name)
            except OSError as cause:
                yield Refused(shown(folder), cause.strerror or str(cause), bad=True)
                continue
            self._seen += len(entries)
            inner: list[tuple[Path, int]] = []
            for entry in entries:
                path = Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    if self._enters(path):
                        inner.append((path, depth + 1))
                elif self._wanted(path):
                    yield from self._file(entry, path)
            waiting += [each for each in reversed(inner) if each[1] <= DEEPEST]
            yield from (
                Refused(shown(path), "it is too deep", bad=True) for path, at in inner if at > DEEPEST
            )
            if self._found >= self._most_files or self._seen >= MOST_SEEN:
                yield Refused(shown(self._top), "there is too much in it: import parts of it", bad=True)
                return

    def _file(self, entry: os.DirEntry[str], path: Path) -> Iterator[Path | Refused]:
        if entry.is_symlink() and os.path.isdir(path):  # noqa: PTH112 -- Path's raises where it may not look
            yield Refused(shown(path), "it is a link to a directory", bad=False)
        else:
            self._found += 1
            yield path


class Reader:
    """Reads files whole, each once. `now`, in seconds since the epoch, is the latest that a file can have been changed."""

    def __init__(self, *, largest: int, now: float) -> None:
        self._largest = largest
        self._now = now
        self._read: dict[tuple[int, int], str] = {}

    def read(self, path: Path) -> Source | Refused:
        name = shown(path)
        try:
            if os.path.isdir(path):  # noqa: PTH112 -- Path's raises where it may not look
                return Refused(name, "it is a directory, and a file is asked for", bad=True)
            # Without waiting: where a pipe stands nobody may ever write.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                status = os.fstat(file.fileno())
                refused = self._refused(name, status)
                if refused is not None:
                    return refused
                data = file.read(self._largest + 1)
        except OSError as cause:
            return Refused(name, cause.strerror or str(cause), bad=True)
        if len(data) > self._largest:
            return self._too_long(name)
        self._read[status.st_dev, status.st_ino] = name
        # Where it was put, whatever it is a link to.
        placed = Path(os.path.abspath(path))  # noqa: PTH100 -- Path.resolve would follow it
        return Source(name, data, placed, self._moment(status.st_mtime))

    def _refused(self, name: str, status: os.stat_result) -> Refused | None:
        if not stat.S_ISREG(status.st_mode):
            return Refused(name, "it is no file: `-` reads standard input", bad=True)
        earlier = self._read.get((status.st_dev, status.st_ino))
        if earlier is not None:
            return Refused(name, f"it is the same file as {earlier}", bad=False)
        return self._too_long(name) if status.st_size > self._largest else None

    def _too_long(self, name: str) -> Refused:
        return Refused(name, f"a file may have {self._largest} bytes", bad=True)

    def _moment(self, modified_at: float) -> float | None:
        return min(modified_at, self._now) if modified_at >= 0 else None


def shown(path: Path) -> str:
    """A path as a text, whatever its bytes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
