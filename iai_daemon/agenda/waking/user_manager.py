"""The user's systemd manager: has it a guard started, agent and guard are a transient unit of it. Used by wake.py."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from iai_daemon.programs import starting

_UNIT_STOPS_WITHIN = "1s"


class UserManager:
    """The user's systemd manager, and how it is reached from here."""

    def __init__(self, ours: Mapping[str, str]) -> None:
        runtime = ours.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
        bus = "DBUS_SESSION_BUS_ADDRESS"
        self.environment = {"XDG_RUNTIME_DIR": runtime} | ({bus: ours[bus]} if bus in ours else {})
        self._socket = Path(runtime) / "systemd" / "private"
        self._systemd_run = shutil.which("systemd-run", path=f"/usr/bin:/bin:{ours.get('PATH', '')}")

    def may_answer(self) -> bool:
        """Whether it is worth asking."""
        return self._systemd_run is not None and self._socket.is_socket()

    def argv(self) -> list[str]:
        """Of what starts a guard in a unit."""
        return [
            os.path.abspath(self._systemd_run or "systemd-run"),  # noqa: PTH100 -- it is asked by its own name
            *("--user", "--pipe", "--wait", "--collect", "--quiet"),
            f"--unit=iai-agent-{os.urandom(8).hex()}",
            "--description=An agent that iai-daemon woke",
            "--property=KillMode=control-group",
            f"--property=TimeoutStopSec={_UNIT_STOPS_WITHIN}",
            "--",
            *starting.guard(tells=True),
        ]
