"""What the daemon's home shows while a client is at work: who stands in the heartbeats, and which processes are theirs."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from typing import Any

import psutil

from iai_daemon.clock import pause
from iai_daemon.paths import Home
from tests.journeys.real import RunningDaemon, call_json, until
from tests.real_clients.homes import end_of

# As the wrapper promises: it ends within two seconds, whatever its server does.
ENDING_SECONDS = 3


@dataclass
class Watched:
    """What was seen of one client's wrappers until it had ended."""

    said: str = ""
    exit_status: int | None = None
    # The last heartbeat of each wrapper; and what `presence` said when its client was first known.
    beats: dict[str, dict[str, Any]] = field(default_factory=dict)
    presence: list[dict[str, Any]] = field(default_factory=list)

    @property
    def clients(self) -> list[str | None]:
        """Who each of the wrappers had on its other side."""
        return [beat["client"] and beat["client"]["name"] for beat in self.beats.values()]

    @property
    def pids(self) -> list[int]:
        """The wrappers and their servers."""
        return [beat[name] for beat in self.beats.values() for name in ("pid", "child_pid")]

    @property
    def sessions(self) -> list[str | None]:
        return [beat["session_id"] for beat in self.beats.values()]


def watch(daemon: RunningDaemon, process: subprocess.Popen[str]) -> Watched:
    """Follow the client; when it has ended, its wrapper and its server have to be gone, too, and so has its heartbeat."""
    seen = follow(daemon.home, process)
    until(lambda: not any(map(psutil.pid_exists, seen.pids)), ENDING_SECONDS)
    assert not list(daemon.home.wrappers.glob("heartbeat-*")), "a wrapper left its heartbeat behind"
    until(lambda: daemon.status()["presence"]["fresh"] == 0, ENDING_SECONDS)
    return seen


def follow(home: Home, process: subprocess.Popen[str]) -> Watched:
    """Look at the heartbeats until the client has ended."""
    seen = Watched()
    while process.poll() is None:
        _look(home, seen)
        pause(0.02)
    seen.said, seen.exit_status = end_of(process), process.returncode
    return seen


def _look(home: Home, seen: Watched) -> None:
    for path in home.wrappers.glob("heartbeat-*.json"):
        try:
            beat = json.loads(path.read_bytes())
        except FileNotFoundError:
            continue  # it has just left
        before = seen.beats.get(beat["uuid"], {})
        seen.beats[beat["uuid"]] = beat
        if beat.get("client") and not before.get("client"):
            seen.presence += call_json(home, "presence")["wrappers"]
