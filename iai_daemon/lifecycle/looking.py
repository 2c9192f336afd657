"""Who is here, as one sees it who looks only once: by what the daemon last knew of the clocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from iai_daemon.clock import Now
from iai_daemon.config import Settings
from iai_daemon.lifecycle import saved
from iai_daemon.paths import Home
from iai_daemon.presence.ageing import Ageing
from iai_daemon.presence.classify import Presence
from iai_daemon.presence.listing import Limits
from iai_daemon.presence.processes import SystemProcesses
from iai_daemon.presence.scanner import Scanner


def look(
    home: Home,
    settings: Settings,
    now: Now,
    status: Mapping[str, Any] | None,
    directories: Sequence[Path] = (),
) -> Presence:
    """Everybody who has a heartbeat in these directories, or in those of the settings. Never raises.

    `status` is what the daemon says of itself: it knows the agents that it woke. Without a daemon there are none.
    """
    processes = SystemProcesses()
    ageing = ageing_of(home, settings.lifecycle.tick, now, processes.boot_id)
    running = status["agenda"].get("running", ()) if status else ()
    woken = {(pid, start) for run in running for pid, start in run["processes"]}
    where = directories or settings.wrappers_dirs(home)
    return Scanner(where, Limits.of(settings), processes, ageing).scan(now, woken)


def ageing_of(home: Home, tick: float, now: Now, boot_id: str | None) -> Ageing:
    """How stamps age, by what the daemon of this boot has noted of the clocks; `tick` in seconds."""
    ageing = Ageing(tick)
    if clocks := saved.resume(home.state, now, boot_id).clocks:
        ageing.resume(clocks)
    return ageing
