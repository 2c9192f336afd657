"""The clients' own command lines, which know best how their configuration is written."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

_ADD = {
    "claude-code": ("claude", "mcp", "add", "--scope", "user"),
    "codex": ("codex", "mcp", "add"),
    "gemini": ("gemini", "mcp", "add", "--scope", "user"),
}
# Node needs a second or two for its start, on a slow machine more.
_WITHIN = 30.0
_LONGEST_SAID = 300


def is_found(client: str) -> bool:
    """Whether the client's program is there; some have none that is known."""
    return _found(_ADD.get(client)) is not None


def add(client: str, server: str, command: Sequence[str], present: str) -> list[str] | None:
    """The command that adds a server for this user to what is `present` in its file; None where the client has none, it is not
    found, or it would lose something."""
    words = _found(_ADD.get(client))
    # Codex writes the tables of the other servers anew, without the comments in them.
    if words is None or (client == "codex" and "#" in present):
        return None
    if client == "gemini":
        # It takes the first -- for its own, wherever that stands: the wrapper would miss it.
        return [*words, server, command[0], "--", *command[1:]]
    return [*words, server, "--", *command]


def run(argv: Sequence[str]) -> str | None:
    """Run it to its end; what it says where it fails, None where it works."""
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_WITHIN
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)[:_LONGEST_SAID]
    if done.returncode == 0:
        return None
    said = (done.stderr or done.stdout).decode(errors="replace").strip()
    return said[:_LONGEST_SAID] or f"exit status {done.returncode}"


def _found(words: Sequence[str] | None) -> list[str] | None:
    program = shutil.which(words[0]) if words else None
    return None if program is None or words is None else [program, *words[1:]]
