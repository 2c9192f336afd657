"""What other programs remember, read as memories: one file per format, and what they share. Called by the command line.

Every format is parsed totally: whatever stands in a file, it is a passage, a mistake with its line, or left out for a reason.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from iai_daemon.memory.importing import basic_memory, claude_md, mcp_memory, mem0
from iai_daemon.memory.importing.files import Reader, Refused, Tree
from iai_daemon.memory.importing.said import Said, Source


@dataclass(frozen=True, slots=True)
class Format:
    """What there is to know of a format. `wanted` says which files below a directory are read, of those that `enters` leads
    to; None where it is one file."""

    name: str
    read: Callable[[Source], Iterator[Said]]
    largest: int
    wanted: Callable[[Path, Path], bool] | None = None
    enters: Callable[[Path], bool] | None = None


FORMATS = {
    each.name: each
    for each in (
        Format("claude-md", claude_md.read, claude_md.LARGEST, claude_md.wanted, claude_md.enters),
        Format("mcp-memory", mcp_memory.read, mcp_memory.LARGEST),
        Format(
            "basic-memory", basic_memory.read, basic_memory.LARGEST, basic_memory.wanted, basic_memory.enters
        ),
        Format("mem0", mem0.read, mem0.LARGEST),
    )
}


def sources(form: Format, path: Path, *, now: float) -> Iterator[Source | Refused]:
    """The file, or those below the directory that the format reads. `now` in seconds since the epoch."""
    reader = Reader(largest=form.largest, now=now)
    wanted, enters = form.wanted, form.enters
    if wanted is None or enters is None or not os.path.isdir(path):  # noqa: PTH112 -- Path's raises where it may not look
        yield reader.read(path)
        return
    for found in Tree(path, wanted=lambda each: wanted(each, path), enters=enters).files():
        yield found if isinstance(found, Refused) else reader.read(found)
