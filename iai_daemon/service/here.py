"""The service manager of this system."""

from __future__ import annotations

import sys

from iai_daemon.service.launchd import Launchd
from iai_daemon.service.manager import SOON, Manager
from iai_daemon.service.systemd import Systemd


def manager_here(soon: float = SOON) -> Manager:
    """Whether it answers or not; what only asks or notes may take it `soon` seconds."""
    return Launchd(soon=soon) if sys.platform == "darwin" else Systemd(soon=soon)
