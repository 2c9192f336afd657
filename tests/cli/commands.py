"""Every command that there is, those in groups too, as click knows them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import click

from iai_daemon.cli.group import iai
from iai_daemon.cli.manual import examples


@dataclass(frozen=True)
class Listed:
    """One command, by the words that call it."""

    words: tuple[str, ...]
    command: click.Command

    @property
    def examples(self) -> list[str]:
        return examples(self.command.help or "")

    def __str__(self) -> str:
        return " ".join(self.words) or "iai-daemon"


def every() -> list[Listed]:
    """The top group first."""
    return list(_below((), iai, click.Context(iai, info_name="iai-daemon")))


def _below(words: tuple[str, ...], command: click.Command, context: click.Context) -> Iterator[Listed]:
    yield Listed(words, command)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _below((*words, name), inner, click.Context(inner, info_name=name, parent=context))


def words_of(line: str) -> list[str]:
    """What `iai-daemon` is called with in a line for a shell: without what is before it, and where its output goes."""
    inner = line.partition("$(")[2].rpartition(")")[0]
    lexer = shlex.shlex(inner or line, posix=True, punctuation_chars="|<>&;")
    lexer.whitespace_split = True
    words = list(lexer)
    words = words[words.index("iai-daemon") + 1 :]
    ends = [place for place, word in enumerate(words) if set(word) <= set("|<>&;")]
    return words[: min(ends, default=len(words))]


def parse(words: Sequence[str]) -> tuple[str, ...]:
    """Read as click does before it runs anything; the names of the commands. Raises click.UsageError."""
    called: list[str] = []
    command: click.Command | None = iai
    name: str | None = "iai-daemon"
    rest, parent = list(words), None
    while command is not None:
        with command.make_context(name, rest, parent=parent) as context:
            if not isinstance(command, click.Group):
                break
            parent = context
            name, command, rest = command.resolve_command(
                context,
                [*context._protected_args, *context.args],
            )
            called.append(name or "")
    return tuple(called)
