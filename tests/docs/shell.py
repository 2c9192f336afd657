"""The lines of a ```sh block as commands, and which of them are run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from tests.docs.pages import Block

# What makes a line more than a command and its words: these go through a shell.
_OF_THE_SHELL = re.compile(r"[|<>&;$`]")
OURS = ("iai-daemon", "iai-wrapper")
_BEHIND_ANOTHER = re.compile(rf"[|&]\s*({'|'.join(OURS)}) ")


@dataclass(frozen=True)
class Command:
    """One line; `why_not`: why it is not run, None where it is."""

    place: str
    line: str
    why_not: str | None

    @property
    def words(self) -> list[str]:
        return shlex.split(self.line, comments=True)

    @property
    def program(self) -> str:
        """The first word that sets no variable."""
        return next(word for word in self.words if not re.match(r"[A-Z_]+=", word))

    @property
    def is_ours(self) -> bool:
        """Whether a program of ours is called in it, be it behind another one's output."""
        return self.program in OURS or bool(_BEHIND_ANOTHER.search(self.bare))

    @property
    def bare(self) -> str:
        """Without what is quoted, and without what is said about it."""
        return re.sub(r"(?:^|\s)#.*", "", re.sub(r"\"[^\"]*\"|'[^']*'", "", self.line))

    @property
    def needs_a_shell(self) -> bool:
        """Whether it is more than one command of `iai-daemon` that can run within this process."""
        return self.program != "iai-daemon" or "--home" in self.words or bool(_OF_THE_SHELL.search(self.bare))

    @property
    def name(self) -> str:
        """By what a comment above the block calls it: without `iai-daemon` before it."""
        return self.line.removeprefix("iai-daemon ")


def commands(block: Block) -> Iterator[Command]:
    for number, line in enumerate(block.text.splitlines(), block.line):
        if line and not line.startswith("#"):
            plain = Command(f"{block.page}:{number}", line, None)
            yield Command(plain.place, line, _why_not(block, plain))


def _why_not(block: Block, command: Command) -> str | None:
    for each in block.not_run:
        if not each.lines or command.name.startswith(each.lines):
            return each.why
    return None
