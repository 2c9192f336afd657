"""What other programs' files say, as an import reads them; the samples are written for these tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from iai_daemon.memory.importing import FORMATS
from iai_daemon.memory.importing.said import Bad, Passage, Skipped, Source

PLACE = Path("/home/ada/src/shop")


@dataclass
class Heard:
    """What one file said, in three heaps."""

    passages: list[Passage] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    @property
    def contents(self) -> list[str]:
        return [each.content for each in self.passages]


def hear(form: str, text: str | bytes, name: str | None = "CLAUDE.md") -> Heard:
    """`name`: None for standard input."""
    data = text if isinstance(text, bytes) else text.encode()
    path = None if name is None else PLACE / name
    heard = Heard()
    for said in FORMATS[form].read(Source(name or "-", data, path, 1_795_000_000.0)):
        if isinstance(said, Passage):
            heard.passages.append(said)
        elif isinstance(said, Bad):
            heard.bad.append(said)
        else:
            heard.skipped.append(said)
    return heard
