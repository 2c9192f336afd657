"""The daemon as a service of a real user manager: how a test installs it, asks after it and harms it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from iai_daemon.clock import Stopwatch, pause
from iai_daemon.control import client
from iai_daemon.errors import DaemonAway, DaemonMute, Refused
from iai_daemon.paths import Home
from tests.user_manager import UID, UserManager

_T = TypeVar("_T")

UNIT = "iai-daemon.service"
# What a path may look like, with all that means something to systemd.
NAMES = [
    "plain",
    "a b",
    'say "hi"',
    "it's",
    "100%",
    "%h",
    "$HOME",
    "${HOME}",
    "back\\slash",
    "@NAME@",
    "ä€😀",
    "#x",
    ";",
]


def until(found: Callable[[], _T], seconds: float = 20.0) -> _T:
    """Ask again and again until the answer is true; fails after `seconds`."""
    watch = Stopwatch()
    while not (answer := found()):
        assert watch.seconds() < seconds, f"not within {seconds} s"
        pause(0.02)
    return answer


class Served:
    """A user, and what becomes of the daemon in the user's own home."""

    def __init__(self, manager: UserManager) -> None:
        self.manager = manager
        self.home = Home(manager.home / ".iai-daemon")
        self.units = manager.home / ".config" / "systemd" / "user"

    def iai(self, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """One command of ours, as its user calls it."""
        return self.manager.run([sys.executable, "-P", "-m", "iai_daemon", *words], stdin=stdin)

    def iai_json(self, *words: str, stdin: str | None = None) -> dict[str, Any]:
        done = self.iai(*words, "--json", stdin=stdin)
        assert done.returncode == 0, done
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def systemctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.manager.run(["systemctl", "--user", *words])

    def show(self, name: str, unit: str = UNIT) -> str:
        return self.systemctl("show", unit, f"--property={name}", "--value").stdout.strip()

    @property
    def pid(self) -> str:
        """The process that the manager takes for the daemon; `0`: there is none."""
        return self.show("MainPID")

    def signal(self, name: str) -> str:
        """To the daemon; returns the pid that it had."""
        pid = self.pid
        done = self.manager.run(["kill", "-s", name, pid])
        assert done.returncode == 0, done
        return pid

    def status(self) -> dict[str, Any] | None:
        """What the daemon answers; None when none does."""
        try:
            return client.status(self.home, timeout=2)
        except (DaemonAway, DaemonMute, Refused):
            return None

    def wait_for_another(self, pid: str) -> dict[str, Any]:
        """The answer of a daemon that is not the one with this pid, and that the manager knows of."""

        def another() -> dict[str, Any] | None:
            status = self.status()
            return status if status and str(status["pid"]) != pid and self.pid == str(status["pid"]) else None

        found = until(another)
        assert found
        return found

    def configure(self, text: str) -> None:
        self.home.root.mkdir(mode=0o700, exist_ok=True)
        self.own(self.home.root)
        self.home.config.write_text(text, encoding="utf-8")
        self.own(self.home.config)

    def drop_in(self, text: str, unit: str = UNIT) -> Path:
        """What the user changes of the unit."""
        path = self.units / f"{unit}.d" / "test.conf"
        self.make_directories(path.parent)
        path.write_text(text, encoding="utf-8")
        self.systemctl("daemon-reload")
        return path

    def make_directories(self, path: Path) -> None:
        done = self.manager.run(["mkdir", "-p", str(path)])
        assert done.returncode == 0, done

    def own(self, path: Path) -> None:
        """What the test has made is the user's."""
        os.chown(path, UID, UID)
