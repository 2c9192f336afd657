"""Other people's programs that do what ours do, each installed below `.peers/` in a place of its own, in the version that stands here."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Absent

PLACE = Path(__file__).parents[1] / ".peers"
# Seconds that an installation may take.
_LONGEST = 600
_READY, _REFUSED = "ready", "refused"


@dataclass(frozen=True, slots=True)
class Peer:
    """`packages` by pip, or by npm; `program`: what is started, below its place."""

    name: str
    packages: tuple[str, ...]
    program: str
    by_npm: bool = False
    below: Path = PLACE

    @property
    def place(self) -> Path:
        package = self.packages[0].rpartition("/")[2]
        return self.below / package.partition("@")[0].partition("==")[0]

    @property
    def path(self) -> str:
        return str(self.place / self.program)

    @property
    def versions(self) -> str:
        return " ".join(self.packages)


FASTMCP = Peer("FastMCP's proxy", ("fastmcp==4.1.2",), "bin/python")
MCP_PROXY = Peer("mcp-proxy", ("mcp-proxy==0.13.0",), "bin/mcp-proxy")
SUPERGATEWAY = Peer("supergateway", ("supergateway@4.0.0",), "node_modules/.bin/supergateway", by_npm=True)
SERVER_MEMORY = Peer(
    "server-memory",
    ("@modelcontextprotocol/server-memory@2026.8.31",),
    "node_modules/.bin/mcp-server-memory",
    by_npm=True,
)
APSCHEDULER = Peer("APScheduler", ("apscheduler==3.11.3", "sqlalchemy==2.1.9"), "bin/python")
# Which bench puts what beside ours.
BESIDE = {
    "relays": (FASTMCP, MCP_PROXY, SUPERGATEWAY),
    "servers": (SERVER_MEMORY,),
    "schedulers": (APSCHEDULER,),
}


def prepare(wanted: Iterable[Peer]) -> None:
    """Install what is not there yet. What cannot be installed is noted, with the reason."""
    for peer in wanted:
        peer.below.mkdir(exist_ok=True)
        (peer.below / ".gitignore").write_text("*\n", encoding="utf-8")
        ready = peer.place / _READY
        if ready.is_file() and ready.read_text(encoding="utf-8") == peer.versions:
            continue
        print(f"installing {peer.versions} below {peer.below.name}", file=sys.stderr, flush=True)
        shutil.rmtree(peer.place, ignore_errors=True)
        peer.place.mkdir(parents=True)
        why = _install(peer)
        told = peer.place / (_REFUSED if why else _READY)
        told.write_text(why or peer.versions, encoding="utf-8")


def found(peer: Peer) -> Absent | None:
    """None: it is there."""
    if (peer.place / _READY).is_file() and Path(peer.path).exists():
        return None
    refused = peer.place / _REFUSED
    why = refused.read_text(encoding="utf-8") if refused.is_file() else "nobody has tried"
    return Absent(peer.name, f"not installed: {why}")


def _install(peer: Peer) -> str | None:
    """Why not, in words that name no machine; None when it is done."""
    if peer.by_npm:
        if shutil.which("npm") is None:
            return "there is no npm here"
        words = ["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(peer.place)]
        return _ran([*words, *peer.packages], "npm")
    why = _ran([sys.executable, "-m", "venv", str(peer.place)], "venv")
    python = str(peer.place / "bin" / "python")
    return why or _ran([python, "-m", "pip", "install", "--quiet", *peer.packages], "pip")


def _ran(argv: Sequence[str], name: str) -> str | None:
    try:
        done = subprocess.run(argv, capture_output=True, check=False, timeout=_LONGEST)
    except (OSError, subprocess.TimeoutExpired) as cause:
        return f"{name} could not be run to its end ({type(cause).__name__})"
    return f"{name} ended with status {done.returncode}" if done.returncode else None
