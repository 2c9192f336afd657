"""The files that trajectories are read from: which there are, in what state, and what stands in them.

The daemon imports this to see whether anything has changed.
"""

from __future__ import annotations

import hashlib
import heapq
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from iai_daemon.consolidation.insights.calls import LONGEST_LINE

# What is read at most: of so many entries of a directory the newest files, so many bytes in all, so much at once.
MOST_ENTRIES, MOST_FILES = 10_000, 1_000
MOST_BYTES, CHUNK = 32_000_000, 512 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """One file of ours, as it was when it was looked at; `modified` in nanoseconds since the epoch."""

    path: Path
    device: int
    inode: int
    size: int
    modified: int


def find(directories: Sequence[Path]) -> list[Found]:
    """The newest files that may be read, the oldest of them first: regular ones of this user, no links."""
    found: dict[tuple[int, int], Found] = {}
    for directory in directories:
        for each in _files_in(directory):
            found.setdefault((each.device, each.inode), each)
    newest = heapq.nlargest(MOST_FILES, found.values(), key=_age)
    return sorted(newest, key=_age)


def _age(file: Found) -> tuple[int, str]:
    return file.modified, str(file.path)


def _files_in(directory: Path) -> Iterator[Found]:
    try:
        entries = os.scandir(directory)
    except OSError:
        return  # what is not there, or not ours to read, teaches nothing
    with entries:
        for _, entry in zip(range(MOST_ENTRIES), entries, strict=False):
            if entry.name.endswith(".jsonl"):
                try:
                    seen = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                if _may_be_read(seen) and seen.st_size:
                    yield Found(
                        directory / entry.name, seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns
                    )


def _may_be_read(seen: os.stat_result) -> bool:
    return stat.S_ISREG(seen.st_mode) and seen.st_uid == os.geteuid()


def state_of(files: Sequence[Found]) -> str:
    """Sixteen hex digits that change when a file comes, goes or changes; empty when there are none."""
    if not files:
        return ""
    told = "\n".join(f"{each.device} {each.inode} {each.size} {each.modified} {each.path}" for each in files)
    return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some whole lines of one file; `long`: how many were too long and are left out."""

    source: str
    lines: Sequence[bytes]
    long: int = 0


def read(files: Sequence[Found], most: int = MOST_BYTES) -> Iterator[Piece]:
    """Piece by piece, the oldest first; of what is more than `most` bytes in all, the end of the newest files."""
    left, chosen = most, list[tuple[Found, int]]()
    for file in reversed(files):
        if left <= 0:
            break
        chosen.append((file, max(0, file.size - left)))
        left -= file.size
    for file, begin in reversed(chosen):
        yield from _read_one(file, begin)


def _read_one(file: Found, begin: int) -> Iterator[Piece]:
    try:
        descriptor = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return  # gone, or another thing by now
    with os.fdopen(descriptor, "rb", buffering=0) as opened:
        if not _may_be_read(os.fstat(descriptor)):
            return
        opened.seek(max(0, begin - 1))
        rest, skipping, left = b"", begin > 0, file.size - max(0, begin - 1)
        while left > 0 and (chunk := opened.read(min(CHUNK, left))):
            left -= len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            if skipping and lines:
                lines, skipping = lines[1:], False
            long = 0
            if len(rest) > LONGEST_LINE and not skipping:
                rest, skipping, long = b"", True, 1
            elif skipping:
                rest = b""
            yield Piece(file.path.name, lines, long)
        if rest and not skipping:
            yield Piece(file.path.name, [rest])
