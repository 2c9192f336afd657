"""Who is here, as a command sees it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from iai_daemon.clock import Now
from iai_daemon.config import Settings
from iai_daemon.control import client
from iai_daemon.errors import DaemonAway, DaemonMute
from iai_daemon.lifecycle import looking
from iai_daemon.paths import Home
from iai_daemon.presence.classify import Presence


def look(home: Home, settings: Settings, now: Now, directories: Sequence[Path] = ()) -> Presence:
    """Everybody who has a heartbeat in these directories, or in those of the settings. Never raises."""
    try:
        status = client.status(home)
    except (DaemonAway, DaemonMute):
        status = None
    return looking.look(home, settings, now, status, directories)
