"""`history.jsonl`: every transition with its rule and figures, appended by the daemon, read by `history` and the report."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from iai_daemon.units import format_stamp

# About 20,000 transitions: half a year of restless days. One older file is kept.
MAX_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Transition:
    """One line of the history; `at` in seconds since the epoch, `before` None at a start."""

    at: float
    before: str | None
    after: str
    rule: str
    reason: str
    figures: Mapping[str, float]

    def plain(self) -> dict[str, object]:
        """As it stands in the file and in `history --json`."""
        return {
            "at": format_stamp(self.at),
            "from": self.before,
            "to": self.after,
            "rule": self.rule,
            "reason": self.reason,
            "figures": dict(self.figures),
        }


def append(path: Path, transition: Transition) -> None:
    """Add one line, in one write, so that a reader never sees half of it. Raises OSError, and then nothing was added."""
    line = json.dumps(transition.plain()).encode() + b"\n"
    if _size(path) + len(line) > MAX_BYTES:
        path.replace(_older(path))
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


def read(path: Path, limit: int | None = None) -> list[dict[str, object]]:
    """The transitions, oldest first, at most the newest `limit`. A line that is not whole is left out."""
    lines: list[bytes] = []
    for each in (_older(path), path):
        try:
            lines += each.read_bytes().splitlines()
        except FileNotFoundError:
            continue
    transitions = [transition for line in lines if (transition := _parse(line)) is not None]
    return transitions[-limit:] if limit else transitions


def _parse(line: bytes) -> dict[str, object] | None:
    try:
        transition = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return transition if isinstance(transition, dict) and "to" in transition else None


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


def _older(path: Path) -> Path:
    return path.with_suffix(".1.jsonl")
