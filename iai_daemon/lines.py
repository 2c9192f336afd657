"""Files of JSON lines that only grow: appended by one process, read by any, bounded by one older file beside them."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path


def append(path: Path, entry: Mapping[str, object], most: int) -> None:
    """Add one line, in one write, so that a reader never sees half of it. Raises OSError, and then nothing was added.

    A file that would grow beyond `most` bytes becomes the older one first.
    """
    line = json.dumps(entry).encode() + b"\n"
    if _size(path) + len(line) > most:
        path.replace(older(path))
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line  # the last line was torn: it must not take this one with it
        if os.write(descriptor, line) < len(line):
            os.ftruncate(descriptor, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(descriptor)


def read(path: Path) -> list[dict[str, object]]:
    """The objects in both files, oldest first. A line that is not whole, and what is no object, is left out. Raises OSError."""
    lines: list[bytes] = []
    for each in (older(path), path):
        try:
            lines += each.read_bytes().splitlines()
        except FileNotFoundError:
            continue
    return [entry for line in lines if (entry := _parse(line)) is not None]


def older(path: Path) -> Path:
    """Where what was written before the file was full is kept."""
    return path.with_suffix(".1.jsonl")


def _parse(line: bytes) -> dict[str, object] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0
