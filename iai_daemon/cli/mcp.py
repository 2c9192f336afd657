"""`iai-daemon mcp`: the built-in memory server on stdio."""

from __future__ import annotations

from collections.abc import Sequence

from iai_daemon.cli import quick
from iai_daemon.config import load
from iai_daemon.mcp_server.server import serve
from iai_daemon.paths import find_home, make_private


def mcp(words: Sequence[str]) -> int:
    """Serve until the client closes standard input; returns the exit status."""
    home = find_home(quick.parse(words, "mcp").home)
    settings = load(home)
    make_private(home.root)
    serve(home, settings)
    return 0
