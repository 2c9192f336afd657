"""What the daemon tells the service manager that started it: sd_notify(3), in the standard library alone."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path

from iai_daemon import clock

# One datagram; systemd cuts a longer status by itself.
_LONGEST_STATUS = 1000


class Notifier:
    """Says how the daemon stands. Every method does nothing where nobody asked for it (`NOTIFY_SOCKET` is not set), and a manager
    that does not listen is nothing that could keep the daemon from its work."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))

    @property
    def is_heard(self) -> bool:
        """Whether there is anybody to tell."""
        return self._address is not None

    def ready(self, status: str) -> None:
        """It works: for the first time, or again after `reloading`."""
        self._send("READY=1", _status(status))

    def reloading(self) -> None:
        """It reads its settings anew; `ready` follows. By the stamp the manager tells this reload from the one before."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={int(clock.read().awake * 1_000_000)}")

    def watchdog(self) -> None:
        """It is alive."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """The one line that a person wants to read."""
        self._send(_status(text))

    def stopping(self) -> None:
        """It ends by itself."""
        self._send("STOPPING=1")

    def _send(self, *words: str) -> None:
        if self._address is None:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            connection.setblocking(False)
            try:
                connection.sendto("\n".join(words).encode(), self._address)
            except OSError:
                # It has gone, or does not keep up: what it wants to know it hears the next time.
                return


def watchdog_interval(environment: Mapping[str, str] = os.environ, pid: int | None = None) -> float | None:
    """Within how many seconds the manager wants to hear of this process again and again; None: it does not watch."""
    text, whose = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID")
    if whose is not None and whose != str(os.getpid() if pid is None else pid):
        return None
    if not (text.isascii() and text.isdecimal()) or int(text) == 0:
        return None
    return int(text) / 1_000_000


def _address(text: str) -> bytes | None:
    """A path, or a name in the kernel's own list, which begins with `@`; what is neither is not for us."""
    if text.startswith("@"):
        return b"\0" + os.fsencode(text[1:])
    return os.fsencode(text) if Path(text).is_absolute() else None


def _status(text: str) -> str:
    return f"STATUS={' '.join(text.split())[:_LONGEST_STATUS]}"
