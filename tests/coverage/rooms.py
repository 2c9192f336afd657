"""What coverage saw, told by room: the first name below the package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Seen:
    """Lines and branches of one file or of several."""

    lines: int
    lines_seen: int
    branches: int
    branches_seen: int

    def __add__(self, other: Seen) -> Seen:
        return Seen(
            self.lines + other.lines,
            self.lines_seen + other.lines_seen,
            self.branches + other.branches,
            self.branches_seen + other.branches_seen,
        )

    @property
    def percent(self) -> float:
        """Of lines and branches together, as coverage counts it."""
        everything = self.lines + self.branches
        return 100.0 * (self.lines_seen + self.branches_seen) / everything if everything else 100.0


def seen_of(summary: Mapping[str, Any]) -> Seen:
    """Of the summary of one file in coverage's own JSON."""
    return Seen(
        summary["num_statements"],
        summary["covered_lines"],
        summary["num_branches"],
        summary["covered_branches"],
    )


def room_of(path: str) -> str:
    """`presence` of iai_daemon/presence/scanner.py, `shift` of iai_daemon/shift.py, `wrappers` of what stands alone."""
    package, *below = path.split("/")
    return below[0].removesuffix(".py") if package == "iai_daemon" else package


def told(report: Mapping[str, Any]) -> Iterator[str]:
    """Room by room, and below each its files with what was never run: lines, and branches as `from->to`."""
    rooms: dict[str, dict[str, Any]] = {}
    for path, file in sorted(report["files"].items()):
        rooms.setdefault(room_of(path), {})[path] = file
    for room, files in rooms.items():
        yield _row(room, sum((seen_of(file["summary"]) for file in files.values()), Seen(0, 0, 0, 0)))
        for path, file in files.items():
            if missing := _missing(file):
                yield _row(f"  {path}", seen_of(file["summary"])) + f"  {missing}"
    yield _row("all", total(report))


def total(report: Mapping[str, Any]) -> Seen:
    """Of every file."""
    return sum((seen_of(file["summary"]) for file in report["files"].values()), Seen(0, 0, 0, 0))


def _row(name: str, seen: Seen) -> str:
    return f"{name:55} {seen.percent:6.2f} %  {seen.lines_seen}/{seen.lines} lines, {seen.branches_seen}/{seen.branches} branches"


def _missing(file: Mapping[str, Any]) -> str:
    lines = set(file["missing_lines"])
    jumps = [f"{a}->{'exit' if b < 0 else b}" for a, b in file.get("missing_branches", ()) if a not in lines]
    return ", ".join([*_stretches(sorted(lines)), *jumps])


def _stretches(lines: list[int]) -> Iterator[str]:
    """`3-5, 9` of 3, 4, 5, 9."""
    first = last = None
    for line in [*lines, None]:
        if line is not None and last is not None and line == last + 1:
            last = line
            continue
        if first is not None:
            yield str(first) if first == last else f"{first}-{last}"
        first = last = line
