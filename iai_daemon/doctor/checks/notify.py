"""Whether anybody hears of a night: the programs that tell it, in the daemon's own environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from iai_daemon.doctor.environment import of_daemon
from iai_daemon.doctor.finding import Finding, fail, ok, warn
from iai_daemon.doctor.patient import Patient
from iai_daemon.notify.desktop import KNOW_DESKTOP, desktop_of
from iai_daemon.programs.starting import find


def look(patient: Patient) -> Iterator[Finding]:
    settings = patient.require_settings().notify
    environment = of_daemon(patient)
    if settings.command:
        program = settings.command[0]
        path = find(program, environment)
        if path is None:
            remedy = "give its whole path in notify.command, or make it executable"
            yield fail("notify", f"there is no program {program} that the daemon could start", remedy)
        else:
            yield ok("notify", f"nights are told to {path}")
    if settings.desktop:
        yield from _desktop(environment)


def _desktop(environment: Mapping[str, str]) -> Iterator[Finding]:
    desktop = desktop_of(sys.platform)
    path = find(desktop.program, environment)
    if path is None:
        yield fail("notify.desktop", f"there is no program {desktop.program}", desktop.install)
    elif sys.platform == "linux" and not _has_bus(environment):
        yield warn("notify.desktop", "the daemon knows no desktop that it could tell", KNOW_DESKTOP)
    else:
        yield ok("notify.desktop", f"nights are told to the desktop by {path}")


def _has_bus(environment: Mapping[str, str]) -> bool:
    """As libdbus finds it."""
    runtime = environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    return "DBUS_SESSION_BUS_ADDRESS" in environment or (Path(runtime) / "bus").exists()
