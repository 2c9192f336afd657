"""One connection to the daemon for who waits for other things as well: it never blocks, and can be waited for with `select` or `poll`."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from iai_daemon.control.address import address
from iai_daemon.control.messages import MAX_LINE, call, parse_response
from iai_daemon.errors import DaemonAway
from iai_daemon.paths import Home

# An answer has an end; so much of one without is read.
_LONGEST = 256 * MAX_LINE


class Line:
    """Open until `close`. Raises DaemonAway, here and in every method, when there is nobody at the other end (any more)."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._rest = b""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        try:
            with address(home.socket) as where:
                self._socket.connect(where)
        except OSError as cause:
            # Also where so many call that nobody more can even wait: who tries again may come through.
            self._socket.close()
            raise DaemonAway(home=home.root) from cause

    def fileno(self) -> int:
        return self._socket.fileno()

    def ask(self, method: str) -> None:
        """Send one call without parameters."""
        try:
            self._socket.sendall(call(method, {}, 1))
        except OSError as cause:
            raise DaemonAway(home=self._home.root) from cause

    def read(self) -> list[Mapping[str, object]]:
        """The messages that have come; none, where there is nothing to read."""
        found: list[Mapping[str, object]] = []
        try:
            while received := self._socket.recv(MAX_LINE):
                *lines, self._rest = (self._rest + received).split(b"\n")
                found += map(parse_response, lines)
                if len(self._rest) > _LONGEST:
                    raise ValueError("the answer has no end")
        except BlockingIOError:
            return found
        except (OSError, ValueError) as cause:
            raise DaemonAway(home=self._home.root) from cause
        if found:
            return found  # that nobody is there any more is said at the next call
        raise DaemonAway(home=self._home.root)

    def close(self) -> None:
        """Safe to call twice."""
        self._socket.close()
