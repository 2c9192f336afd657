"""How a server stands in a client's configuration: our memory as an entry of each client's own shape, and the wrapper put in
front of what is there. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# What the built-in memory is called among a client's servers.
MEMORY = "iai-memory"


class NotWrapped(Exception):
    """Why the wrapper cannot be put in front of a server; `str()` of it goes on from its name."""


@dataclass(frozen=True, slots=True)
class Commands:
    """What clients are told to start: absolute paths throughout, since they cut the environment. `python` is the interpreter,
    `script` the wrapper's file, which starts in half the time of the installed command."""

    python: str
    script: str
    home: str

    @property
    def wrapper(self) -> list[str]:
        """The words that stand before a server's own command."""
        return [self.python, "-I", "-S", self.script, "--home", self.home, "--"]

    @property
    def memory(self) -> list[str]:
        """The whole command of the built-in memory, behind the wrapper."""
        return [*self.wrapper, self.python, "-P", "-m", "iai_daemon", "--home", self.home, "mcp"]


def entry(client: str, command: Sequence[str]) -> dict[str, object]:
    """A server with this command, as the client writes one itself."""
    program, *arguments = command
    if client == "opencode":
        return {"type": "local", "command": [*command]}
    if client == "claude-code":
        return {"type": "stdio", "command": program, "args": arguments, "env": {}}
    if client == "vscode":
        return {"type": "stdio", "command": program, "args": arguments}
    return {"command": program, "args": arguments}


def wrapped(server: Mapping[str, object], before: Sequence[str]) -> dict[str, object]:
    """The members of an entry that are others with the wrapper in front; all the rest of it stays. Raises NotWrapped."""
    program, arguments = server.get("command"), server.get("args", [])
    words = [*program] if isinstance(program, list) else [program]
    listed = arguments if isinstance(arguments, list) else None
    if program is None or not words:
        raise NotWrapped(
            "is not started by the client but reached in the network: only a command can be wrapped"
        )
    if listed is None or not all(isinstance(each, str) for each in [*words, *listed]):
        raise NotWrapped("has a command that is no text, or arguments that are no list of texts")
    if isinstance(program, list):
        return {"command": [*before, *words]}
    return {"command": before[0], "args": [*before[1:], *words, *listed]}
