"""Why wrappers ended: the notes that they leave beside their heartbeats, taken in by the daemon once a tick."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from iai_daemon.foreign import printable
from iai_daemon.presence.files import why_not_ours
from iai_daemon.presence.heartbeat import stamp, text, whole

REASONS = ("client closed", "client gone", "SIGTERM", "SIGINT", "SIGHUP", "server ended")

_NAME = re.compile(r"ended-\d\d\.json", re.ASCII)
_MAX_BYTES = 4096
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class End:
    """What one wrapper said when it ended; `lasted` in seconds. None where it says nothing usable."""

    pid: int
    reason: str
    status: int | None = None
    lasted: float | None = None
    client: str | None = None
    session: str | None = None
    server: str | None = None


def parse(data: bytes) -> End | None:
    """The note in `data`; None when it is none. Total, whatever the bytes are."""
    try:
        payload = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(payload, dict):
        return None
    pid, reason, client = whole(payload.get("pid")), payload.get("reason"), payload.get("client")
    if pid is None or reason not in REASONS:
        return None
    began, ended = stamp(payload.get("started_at")), stamp(payload.get("ended_at"))
    return End(
        pid=pid,
        reason=reason,
        status=whole(payload.get("status")),
        lasted=max(0.0, ended - began) if ended is not None and began is not None else None,
        client=_shown(client.get("name") if isinstance(client, dict) else None),
        session=_shown(payload.get("session_id")),
        server=_shown(payload.get("server")),
    )


def _shown(value: object) -> str | None:
    """A text from outside as it may stand on a terminal."""
    found = text(value)
    return found and printable(found[:_LONGEST], "?", keep="")


def take(directories: Iterable[Path]) -> Iterator[End]:
    """Every note that lies there now, and delete it. What cannot be read says nothing; never raises."""
    for directory in directories:
        try:
            with os.scandir(directory) as entries:
                found = sorted(entry.path for entry in entries if _NAME.fullmatch(entry.name))
        except OSError:
            continue
        for path in found:
            end = parse(_taken(path))
            if end:
                yield end


def _taken(path: str) -> bytes:
    """The content of a file of ours, which is deleted; empty for anything else, which stays."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if why_not_ours(os.fstat(descriptor)):
                return b""
            content = os.read(descriptor, _MAX_BYTES)
        finally:
            os.close(descriptor)
        os.unlink(path)  # noqa: PTH108 -- a path as the directory gave it
    except OSError:
        return b""
    return content
