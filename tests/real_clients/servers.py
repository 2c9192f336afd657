"""What clients are told to start: servers behind our wrapper, as they stand in a client's configuration."""

from __future__ import annotations

import sys

from iai_daemon.paths import Home
from tests.journeys.real import command, wrapper_file


def wrapped(home: Home, *server: str) -> list[str]:
    """The command of any server behind our wrapper."""
    return [sys.executable, "-I", "-S", wrapper_file(), "--home", str(home.root), "--", *server]


def memory(home: Home) -> list[str]:
    """Our memory server behind our wrapper."""
    return wrapped(home, *command(home, "mcp"))
