"""The arguments of `run`, `mcp` and `status`, read without click: these commands must start fast and stay small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from iai_daemon.errors import UsageError


@dataclass(frozen=True, slots=True)
class Arguments:
    """`home` is the value of --home, `json` whether --json was given."""

    home: str | None
    json: bool


def parse(words: Sequence[str], command: str, *, json: bool = False) -> Arguments:
    """The options around `command`; `--json` only where the command has it. Raises UsageError."""
    home: str | None = None
    wants_json = False
    rest = list(words)
    rest.remove(command)
    while rest:
        word = rest.pop(0)
        if word == "--home":
            home = rest.pop(0) if rest else ""
        elif word.startswith("--home="):
            home = word.removeprefix("--home=")
        elif word == "--json" and json:
            wants_json = True
        else:
            raise UsageError(
                problem=f"`iai-daemon {command}` does not know {word!r}: see `iai-daemon {command} --help`."
            )
    if home == "":
        raise UsageError(problem="--home needs a directory.")
    return Arguments(home, wants_json)
