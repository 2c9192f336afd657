"""What the command of a server means to us: whether it goes through the wrapper, and what is behind that. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

_SCRIPT, _PROGRAM, _MODULE = "iai_wrapper.py", "iai-wrapper", "iai_wrapper"
_OPTIONS, _FLAGS = ("--home", "--session"), ("--record-outcomes",)
_PYTHON = re.compile(r"(?:python|pypy)(?:\d+(?:\.\d+)*)?t?", re.ASCII)
# What runs a script that stands behind its own options.
_RUNS_SCRIPTS = {"node", "bun", "sh", "bash", "zsh"}
# The interpreter's options that take the next word.
_TAKES_ONE = {"-X", "-W"}
# So much of a word of somebody else's is shown.
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Through:
    """One command, taken apart.

    `wrapper`: it goes through ours. `script` is the wrapper's file where the command names one, `home` what --home
    names, `inner` the command of the server itself. `memory`: that is our memory server, whose --home is `memory_home`.
    `wrong`: why the wrapper would refuse it.
    """

    outer: tuple[str, ...]
    inner: tuple[str, ...]
    wrapper: bool = False
    script: str | None = None
    home: str | None = None
    memory: bool = False
    memory_home: str | None = None
    wrong: str | None = None


@dataclass(frozen=True, slots=True)
class Needed:
    """A file that a command names by its whole path; `program`: it has to be executable."""

    path: str
    program: bool


def understand(command: Sequence[str]) -> Through:
    """Take a command apart; one that does not go through the wrapper is all `inner`."""
    words = tuple(command)
    at = _wrapper_in(words)
    if at is None:
        memory, home = _memory_server(words)
        return Through((), words, memory=memory, memory_home=home)
    options, wrong, inner = _arguments(words[at + 1 :])
    if wrong and not _is_certain(words, at):
        return Through((), words)
    memory, memory_home = _memory_server(inner)
    script = words[at] if _name(words[at]) == _SCRIPT else None
    return Through(
        outer=words[: at + 1],
        inner=inner,
        wrapper=True,
        script=script,
        home=options.get("--home") or None,
        memory=memory,
        memory_home=memory_home,
        wrong=wrong,
    )


def needed(through: Through) -> Iterator[Needed]:
    """The files without which it cannot start, as far as it names them by their whole paths."""
    if through.outer:
        yield from _whole(through.outer[0], program=True)
        if through.script and through.script != through.outer[0]:
            yield from _whole(through.script, program=False)
    if through.inner:
        yield from _whole(through.inner[0], program=True)
        script = _script_of(through.inner)
        if script:
            yield from _whole(script, program=False)


def _wrapper_in(words: Sequence[str]) -> int | None:
    """Where our wrapper stands: as the program, as a script or module of Python's, or behind what starts it (uvx)."""
    for at, word in enumerate(words):
        if word == "--":
            return None
        if _name(word) in (_SCRIPT, _PROGRAM) or (word == _MODULE and at and words[at - 1] == "-m"):
            return at
    return None


def _is_certain(words: Sequence[str], at: int) -> bool:
    """Whether it is ours whatever stands behind it: elsewhere the same name may be an argument of another program."""
    return at == 0 or _script_at(words) == at or words[at - 1] == "-m"


def _arguments(words: Sequence[str]) -> tuple[dict[str, str], str | None, tuple[str, ...]]:
    """The wrapper's own options, why it would refuse them, and the command behind them: as iai_relay.py reads it."""
    options: dict[str, str] = {}
    rest = list(words)
    while rest and rest[0] != "--":
        name, equals, value = rest.pop(0).partition("=")
        if name in _FLAGS and not equals:
            continue
        if name not in _OPTIONS or not (equals or rest):
            return options, f"{name[:_LONGEST]!r} is no option of the wrapper, or lacks its value", ()
        options[name] = value if equals else rest.pop(0)
    if len(rest) < 2:
        return options, "no command stands behind a --", ()
    return options, None, tuple(rest[1:])


def _memory_server(words: Sequence[str]) -> tuple[bool, str | None]:
    """Whether this is `iai-daemon … mcp`, and which home it names."""
    start = None
    for at, word in enumerate(words):
        if _name(word) == "iai-daemon" or (word == "iai_daemon" and at and words[at - 1] == "-m"):
            start = at + 1
            break
    if start is None:
        return False, None
    home, rest, commands = None, list(words[start:]), []
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name == "--home":
            home = value if equals else (rest.pop(0) if rest else None)
        elif not name.startswith("-"):
            commands.append(name)
    return commands[:1] == ["mcp"], home


def _script_of(words: Sequence[str]) -> str | None:
    at = _script_at(words)
    return None if at is None else words[at]


def _script_at(words: Sequence[str]) -> int | None:
    """Where the script of an interpreter stands; None for another program, and where a module or a text is run."""
    if not words or not (_PYTHON.fullmatch(_name(words[0])) or _name(words[0]) in _RUNS_SCRIPTS):
        return None
    at = 1
    while at < len(words) and words[at].startswith("-"):
        if words[at] in ("-m", "-c", "-e", "--", "-") or words[at].startswith("--"):
            return None
        at += 2 if words[at] in _TAKES_ONE else 1
    return at if at < len(words) else None


def _whole(word: str, *, program: bool) -> Iterator[Needed]:
    """What a client fills in (`${userHome}`) is not known here, and neither is what PATH leads to."""
    if word.startswith("/") and "${" not in word:
        yield Needed(word, program)


def _name(word: str) -> str:
    return PurePath(word).name
