"""The lines that `iai-daemon memory import` reads, and how far they are taken over."""

from __future__ import annotations

import json
import os
import shlex
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from iai_daemon.cli.progress import Work
from iai_daemon.foreign import printable
from iai_daemon.memory.archive import Restored
from iai_daemon.memory.store import Imported

# A line longer than this is no memory; reading it whole would let one bad file take all memory.
_MAX_LINE = 1 << 20
# Passes may keep more than anybody tells. A longer line is cut, and is no JSON then.
_MAX_FULL_LINE = 1 << 26
# How a line of a full export begins.
_OURS = (b'{"type": "record"', b'{"type": "journal"')


@dataclass(frozen=True, slots=True)
class Good:
    """A line that holds a JSON value, and its number."""

    number: int
    values: Any


@dataclass(frozen=True, slots=True)
class Bad:
    """A line that cannot be used, its number, and why."""

    number: int
    problem: str


class Lines:
    """A file, line by line. `number` and `offset`: up to where it has been read; `size` in bytes, None where that is not known."""

    def __init__(self, file: IO[Any], path: str) -> None:
        self._file = file
        self.size = _size(file)
        # One that can be read again.
        self.path = None if self.size is None or path == "-" else path
        self.number = 0
        self.offset = 0
        self.bad: list[Bad] = []

    def read(self, work: Work) -> Iterator[Good]:
        """The lines that hold JSON; the others are noted in `bad`. Empty ones are passed over."""
        while line := self._line(work, _MAX_LINE):
            self.number += 1
            if len(line) == _MAX_LINE and not line.endswith(b"\n") and line.startswith(_OURS):
                line += self._line(work, _MAX_FULL_LINE)
            if len(line) == _MAX_LINE and not line.endswith(b"\n"):
                while (rest := self._line(work, _MAX_LINE)) and not rest.endswith(b"\n"):
                    pass
                self.bad.append(Bad(self.number, f"a line may have {_MAX_LINE} bytes"))
            elif line.strip():
                try:
                    yield Good(
                        self.number, json.loads(line.decode("utf-8-sig" if self.number == 1 else "utf-8"))
                    )
                except (ValueError, RecursionError):
                    self.bad.append(Bad(self.number, "it is not JSON"))

    def _line(self, work: Work, most: int) -> bytes:
        if self.size is not None:
            line: bytes = self._file.readline(most)
        else:
            with work.waiting():  # for whoever writes it
                line = self._file.readline(most)
        self.offset += len(line)
        return line


def _size(file: IO[Any]) -> int | None:
    """How many bytes are still to come; None: whoever writes them knows."""
    try:
        status = os.fstat(file.fileno())
        return max(0, status.st_size - file.tell()) if stat.S_ISREG(status.st_mode) else None
    except (OSError, ValueError):
        return None


@dataclass(slots=True)
class Taken:
    """What of these lines is in the memory by now. `whole`: they are a full export, and none is until all are (`restored`).

    `through`: up to which line all is dealt with; `unnamed`: how many of the memories read have no id of their own, and
    `unnamed_kept` of those that are kept.
    """

    lines: Lines
    whole: bool = False
    imported: Imported = field(default_factory=lambda: Imported(0, 0, 0))
    restored: Restored | None = None
    holding: int = 0
    redacted: dict[int, tuple[str, ...]] = field(default_factory=dict)
    left_out: list[int] = field(default_factory=list)
    through: int = 0
    unnamed: int = 0
    unnamed_kept: int = 0

    def keep_up(self) -> None:
        """Everything that was read is kept."""
        self.through, self.unnamed_kept = self.lines.number, self.unnamed

    def say(self) -> str:
        """What was done, and how the rest comes in."""
        if self.restored is not None:
            return (
                f"everything was restored ({self.restored.records:,} memories and {self.restored.journal:,} lines of the journal), "
                "and was not looked through for secrets: `iai-daemon memory secrets` does that."
            )
        if self.whole:
            return (
                "nothing was restored, since that is done whole or not at all. The same command begins anew."
            )
        if not self.through:
            return "nothing was imported yet."
        lines = "1 line was" if self.through == 1 else f"{self.through:,} lines were"
        return f"{lines} taken over{self._share()}. {self._rest()}"

    def _share(self) -> str:
        return f" ({self.lines.offset / self.lines.size:.0%} of the file)" if self.lines.size else ""

    def _rest(self) -> str:
        if not self.unnamed_kept:
            return "The same command goes on where it stopped: what is there already stays as it is."
        rest = f"the lines from {self.through + 1:,} on"
        if self.lines.path is not None:
            path = shlex.quote(printable(self.lines.path))
            rest = f"`tail -n +{self.through + 1} {path} | iai-daemon memory import -`"
        return f"Go on with {rest}: {self.unnamed_kept:,} of them have no `id`, and would be stored a second time."
