"""Read one heartbeat file, whatever its bytes are. Pure; the scanner calls it, `wrappers/CONTRACT.md` describes the format."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from iai_daemon.units import parse_stamp

MAX_BYTES = 64 * 1024
REFRESH = 30.0
SCHEMA = 1

_NAME = re.compile(r"heartbeat-(-?\d+)-(.*)\.json", re.ASCII | re.DOTALL)
_TEMPORARY = re.compile(r"\.?heartbeat-(\d+)-.*\.tmp", re.ASCII | re.DOTALL)
_MAX_PID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What one wrapper says of itself; stamps in seconds since the epoch, None where it says nothing usable.

    `fallback` tells in words why pid, uuid and refresh were taken from the file's name and time instead of its content.
    """

    pid: int
    uuid: str
    last_refresh: float
    started_at: float | None = None
    last_activity: float | None = None
    activity_count: int = 0
    reports_activity: bool = False
    in_flight: int = 0
    locked: bool = False
    process_start: int | None = None
    boot_id: str | None = None
    parent_pid: int | None = None
    child_pid: int | None = None
    child_start: int | None = None
    client_name: str | None = None
    client_version: str | None = None
    session_id: str | None = None
    server: str | None = None
    wrapper_version: str | None = None
    schema_version: int = SCHEMA
    fallback: str | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that says nothing usable, not even by its name; `reason` in words."""

    reason: str


class _Unusable(ValueError):
    """The content cannot be used; its name and time may."""


def is_heartbeat_name(name: str) -> bool:
    """Whether a file of this name is a heartbeat at all; others, and `.tmp` leftovers, are ignored."""
    return _NAME.fullmatch(name) is not None


def writer_of_temporary(name: str) -> int | None:
    """The pid of the wrapper that was writing the temporary file of this name; None for any other file."""
    match = _TEMPORARY.fullmatch(name)
    return int(match[1]) if match else None


def parse(name: str, data: bytes, mtime: float) -> Heartbeat | Unreadable:
    """The heartbeat in `data`, which was found under `name` with this modification time (seconds since the epoch).

    Total: broken content falls back to the name and the time, so that a torn write never hides a wrapper.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return Unreadable("its name is not heartbeat-<pid>-<uuid>.json")
    named_pid = int(match[1])
    try:
        return _from_content(_decode(data), named_pid)
    except _Unusable as cause:
        return from_name(name, mtime, str(cause))


def from_name(name: str, mtime: float, why: str) -> Heartbeat | Unreadable:
    """What the name and the modification time alone tell, when the content does not: the fallback."""
    match = _NAME.fullmatch(name)
    if match is None or abs(int(match[1])) > _MAX_PID:
        return Unreadable(f"{why}, and its name holds no possible pid")
    return Heartbeat(pid=int(match[1]), uuid=text(match[2]) or "", last_refresh=mtime, fallback=why)


def _decode(data: bytes) -> Mapping[str, object]:
    try:
        payload = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as cause:
        raise _Unusable("not JSON") from cause
    if not isinstance(payload, dict):
        raise _Unusable("not a JSON object")
    return payload


def _from_content(payload: Mapping[str, object], named_pid: int) -> Heartbeat:
    pid = whole(payload.get("pid"))
    if pid is None or pid > _MAX_PID or pid < -_MAX_PID:
        raise _Unusable("its pid is unusable")
    if pid > 0 and pid != named_pid:
        raise _Unusable(f"its pid {pid} contradicts its name")
    last_refresh = stamp(payload.get("last_refresh"))
    if last_refresh is None:
        raise _Unusable("its last_refresh is unusable")
    client = payload.get("client")
    client = client if isinstance(client, dict) else {}
    return Heartbeat(
        pid=pid,
        uuid=text(payload.get("uuid")) or "",
        last_refresh=last_refresh,
        started_at=stamp(payload.get("started_at")),
        last_activity=stamp(payload.get("last_activity")),
        activity_count=max(0, whole(payload.get("activity_count")) or 0),
        reports_activity="last_activity" in payload,
        in_flight=max(0, whole(payload.get("in_flight")) or 0),
        locked=payload.get("locked") is True,
        process_start=whole(payload.get("process_start")),
        boot_id=text(payload.get("boot_id")),
        parent_pid=whole(payload.get("parent_pid")),
        child_pid=whole(payload.get("child_pid")),
        child_start=whole(payload.get("child_start")),
        client_name=text(client.get("name")),
        client_version=text(client.get("version")),
        session_id=text(payload.get("session_id")),
        server=text(payload.get("server")),
        wrapper_version=text(payload.get("wrapper_version")),
        schema_version=_schema(payload.get("schema_version")),
    )


def whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _schema(value: object) -> int:
    version = whole(value)
    return SCHEMA if version is None else version


def text(value: object) -> str | None:
    """A text; half a surrogate pair, which nobody could print or store, becomes a question mark."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else None


def stamp(value: object) -> float | None:
    """Seconds since the epoch; None for what is no stamp, or one before 1970."""
    if not isinstance(value, str):
        return None
    try:
        seconds = parse_stamp(value)
    except ValueError:
        return None
    return seconds if seconds >= 0 else None
