"""Ask the daemon. Synchronous and light: `status`, the command line and the memory server use it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from iai_daemon.control.address import address
from iai_daemon.control.messages import MAX_LINE, NOT_RELOADED, call, parse_response
from iai_daemon.errors import DaemonAway, DaemonMute, NotReloaded, Refused
from iai_daemon.paths import Home

TIMEOUT = 5.0


def ask(
    home: Home,
    method: str,
    params: Mapping[str, object] | None = None,
    *,
    timeout: float | None = TIMEOUT,
    notified: Callable[[Mapping[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """The daemon's answer to one call. `timeout` is in seconds for each line (None: wait for ever, while it lives).

    Notifications that come before the answer are handed to `notified`. Raises DaemonAway, DaemonMute, Refused (NotReloaded).
    """
    with _connect(home, timeout) as connection:
        try:
            connection.sendall(call(method, params or {}, 1))
            for line in _lines(connection):
                message = parse_response(line)
                if "method" in message:
                    if notified is not None:
                        notified(_object(message.get("params")))
                    continue
                if "error" in message:
                    raise _refusal(_object(message["error"]))
                return _object(message.get("result"))
        except TimeoutError as cause:
            raise DaemonMute(home=home.root, seconds=timeout, log=home.log) from cause
        except (OSError, ValueError) as cause:
            raise DaemonAway(home=home.root) from cause
    raise DaemonAway(home=home.root)


def status(home: Home, *, timeout: float = TIMEOUT) -> dict[str, Any]:
    """The daemon's status (the object of `status --json`). Raises DaemonAway, DaemonMute."""
    return ask(home, "status", timeout=timeout)


def tell(home: Home, *, timeout: float = TIMEOUT) -> bool:
    """Let a running daemon look at once at what was changed in the store; whether there is one. Without one, or a busy one,
    nothing is lost: it looks at every tick."""
    try:
        ask(home, "look", timeout=timeout)
    except DaemonAway:
        return False
    except (DaemonMute, Refused):
        pass
    return True


def _connect(home: Home, timeout: float | None) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout)
    try:
        with address(Path(home.socket)) as where:
            connection.connect(where)
    except TimeoutError as cause:
        connection.close()
        raise DaemonMute(home=home.root, seconds=timeout, log=home.log) from cause
    except OSError as cause:
        connection.close()
        raise DaemonAway(home=home.root) from cause
    return connection


def _lines(connection: socket.socket) -> Iterator[bytes]:
    """Whole lines until the daemon closes; an answer may be longer than a call, but not without bound."""
    rest = b""
    while received := connection.recv(MAX_LINE):
        *lines, rest = (rest + received).split(b"\n")
        yield from lines
        if len(rest) > 256 * MAX_LINE:
            raise ValueError("the answer has no end")


def _refusal(error: Mapping[str, object]) -> Refused:
    problem = str(error.get("message"))
    if error.get("code") == NOT_RELOADED:
        return NotReloaded(problem=problem)
    return Refused(problem=problem)


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
