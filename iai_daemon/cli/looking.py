"""Who is here, as a command sees it that looks once: by what the daemon last knew of the clocks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from iai_daemon.clock import Now
from iai_daemon.config import Settings
from iai_daemon.control import client
from iai_daemon.errors import DaemonAway, DaemonMute
from iai_daemon.lifecycle import saved
from iai_daemon.paths import Home
from iai_daemon.presence.ageing import Ageing
from iai_daemon.presence.classify import Presence
from iai_daemon.presence.processes import SystemProcesses
from iai_daemon.presence.scanner import Identity, Limits, Scanner


def look(home: Home, settings: Settings, now: Now, directories: Sequence[Path] = ()) -> Presence:
    """Everybody who has a heartbeat in these directories, or in those of the settings. Never raises."""
    processes, ageing = SystemProcesses(), Ageing(settings.lifecycle.tick)
    clocks = saved.resume(home.state, now, processes.boot_id).clocks
    if clocks:
        ageing.resume(clocks)
    where = directories or settings.wrappers_dirs(home)
    return Scanner(where, Limits.of(settings), processes, ageing).scan(now, _woken(home))


def _woken(home: Home) -> set[Identity]:
    """The agents at work that the daemon woke; without a daemon there are none."""
    try:
        running = client.status(home)["agenda"].get("running", ())
    except (DaemonAway, DaemonMute):
        return set()
    return {(pid, start) for run in running for pid, start in run["processes"]}
