"""Hostile and broken heartbeats: each has a verdict and a reason, none disturbs another, none takes time."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from iai_daemon import clock
from iai_daemon.clock import Now, Stopwatch
from iai_daemon.presence.classify import Status
from iai_daemon.presence.files import read
from iai_daemon.presence.heartbeat import Unreadable
from iai_daemon.presence.processes import SystemProcesses
from iai_daemon.units import format_stamp
from tests.presence.heartbeats import content, publish, scanner

US = os.getpid()
STARTED = format_stamp(psutil.Process().create_time())
NAME = f"heartbeat-{US}-hostile.json"
FALLBACK = "taken from the file's name and time"

Make = Callable[[Path, Now], None]


@dataclass(frozen=True)
class Case:
    """One hostile file: how it is made, what is made of it, and what the reason says."""

    name: str
    make: Make
    status: Status
    reason: str
    file: str = NAME


def _bytes(name: str, data: bytes, status: Status = Status.FRESH, reason: str = FALLBACK) -> Case:
    def make(path: Path, _now: Now) -> None:
        path.write_bytes(data)

    return Case(name, make, status, reason)


def _with(name: str, status: Status, reason: str, drop: str = "", file: str = NAME, **changes: Any) -> Case:
    def make(path: Path, now: Now) -> None:
        payload = content(now, pid=US, started_at=STARTED) | {
            key: value(now) if callable(value) else value for key, value in changes.items()
        }
        payload.pop(drop, None)
        path.write_text(json.dumps(payload))

    return Case(name, make, status, reason, file)


def _stamp(text: str, seconds: float = 0.0) -> Callable[[Now], str]:
    """The time `seconds` from now in a notation of strftime."""
    return lambda now: datetime.fromtimestamp(now.wall + seconds, UTC).strftime(text)


def _valid(path: Path, now: Now) -> None:
    path.write_text(json.dumps(content(now, pid=US, started_at=STARTED)))


def _bom(path: Path, now: Now) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(content(now, pid=US, started_at=STARTED)).encode())


def _link(path: Path, now: Now) -> None:
    target = path.with_name("target")
    _valid(target, now)
    path.symlink_to(target)


def _dangling(path: Path, _now: Now) -> None:
    path.symlink_to("nowhere")


def _looping(path: Path, _now: Now) -> None:
    path.symlink_to(path.name)


def _fifo(path: Path, _now: Now) -> None:
    os.mkfifo(path)


def _socket(path: Path, _now: Now) -> None:
    # The path of a socket is short; its directory may be entered instead.
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.chdir(before)


def _directory(path: Path, _now: Now) -> None:
    path.mkdir()


def _device(path: Path, _now: Now) -> None:
    if os.geteuid():
        pytest.skip("only root can make a device")
    os.mknod(path, 0o20600, os.makedev(1, 3))


def _foreign(path: Path, now: Now) -> None:
    if os.geteuid():
        pytest.skip("only root can give a file away")
    _valid(path, now)
    os.chown(path, 65534, -1)


def _mode_000(path: Path, now: Now) -> None:
    _valid(path, now)
    path.chmod(0)


def _sparse(path: Path, _now: Now) -> None:
    with path.open("wb") as file:
        file.truncate(10_000_000)


_ANY = {
    "client": [1],
    "session_id": 7,
    "server": {},
    "started_at": 12,
    "last_activity": [],
    "activity_count": "x",
}
_ANY |= {
    "locked": "yes",
    "process_start": "x",
    "parent_pid": True,
    "boot_id": 9,
    "child_pid": 1.5,
    "in_flight": "3",
}
CASES = [
    _bytes("empty", b""),
    _bytes("an open brace", b"{"),
    _bytes("an array", b"[1]"),
    _bytes("null", b"null"),
    _bytes("a number", b"7"),
    _bytes("a string", b'"heartbeat"'),
    _bytes("not UTF-8", b'{"pid": "\xff\xfe"}'),
    _bytes("a byte order mark alone", b"\xef\xbb\xbf"),
    _bytes("zeros", bytes(1000)),
    _bytes("60,000 brackets", b"[" * 60_000),
    _bytes("a number of 5,000 digits", b'{"pid": ' + b"9" * 5000 + b"}"),
    _bytes("100,000 brackets", b"[" * 100_000, Status.INVALID, "100000 bytes are more than the 65536"),
    Case("ten megabytes", _sparse, Status.INVALID, "10000000 bytes are more than the 65536"),
    Case("a byte order mark before a valid one", _bom, Status.FRESH, f"process {US} runs"),
    *(
        _with(f"pid {value}", Status.FRESH, f"its pid is unusable: {FALLBACK}", pid=value)
        for value in (True, "12", 12.0, 2**40, 2**70, -(2**40), float("nan"), None, [], {})
    ),
    _with("no pid", Status.FRESH, FALLBACK, drop="pid"),
    _with("pid 0", Status.ORPHAN, "pid 0 is no process", pid=0),
    _with("pid -1", Status.ORPHAN, "pid -1 is no process", pid=-1),
    _with("a pid that contradicts the name", Status.FRESH, "its pid 1 contradicts its name", pid=1),
    _with("no uuid", Status.FRESH, "runs", drop="uuid"),
    _with("no last_refresh", Status.FRESH, FALLBACK, drop="last_refresh"),
    *(
        _with(f"refreshed at {value!r}", Status.FRESH, f"its last_refresh is unusable: {FALLBACK}", last_refresh=value)
        for value in (12, None, True, "", "yesterday", "0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "\ud800")
    ),
    _with("refreshed in year 9999 beyond UTC", Status.FRESH, FALLBACK, last_refresh="9999-12-31T23:59:59-14:00"),
    _with("an offset", Status.FRESH, "runs", last_refresh=_stamp("%Y-%m-%dT%H:%M:%S+02:00", 7200)),
    _with("naive", Status.FRESH, "runs", last_refresh=_stamp("%Y-%m-%dT%H:%M:%S")),
    _with("an hour ahead", Status.FRESH, "runs", last_refresh=_stamp("%Y-%m-%dT%H:%M:%SZ", 3600)),
    _with("ten years ahead", Status.FRESH, "runs", last_refresh=_stamp("%Y-%m-%dT%H:%M:%SZ", 315_360_000)),
    _with("two hours old", Status.STALE, "refreshed 2 h ago (limit 90 s)", last_refresh=_stamp("%Y-%m-%dT%H:%M:%SZ", -7200)),
    _with("schema 0", Status.FRESH, "runs", schema_version=0),
    _with("schema 2", Status.FRESH, "schema 2 is newer than ours, read as 1", schema_version=2),
    _with("schema of text", Status.FRESH, "runs", schema_version="two"),
    _with("unknown fields", Status.FRESH, "runs", mood="good", nested={"deep": [1] * 100}),
    _with("only pid and refresh", Status.FRESH, "runs", drop="started_at"),
    _with("everything else of the wrong type", Status.FRESH, "runs", **_ANY),
    _with("half a surrogate pair", Status.FRESH, "runs", client={"name": "\ud800"}, session_id="\udfff"),
    _with("locked, and nobody holds the lock", Status.ORPHAN, "its lock is free", locked=True),
    Case("a symbolic link", _link, Status.INVALID, "a symbolic link"),
    Case("a dangling link", _dangling, Status.INVALID, "a symbolic link"),
    Case("a link to itself", _looping, Status.INVALID, "a symbolic link"),
    Case("a FIFO", _fifo, Status.INVALID, "a FIFO"),
    Case("a socket", _socket, Status.INVALID, "a socket"),
    Case("a directory", _directory, Status.INVALID, "a directory"),
    Case("a device", _device, Status.INVALID, "a device"),
    Case("another owner", _foreign, Status.INVALID, "it belongs to another user (uid 65534)"),
    Case("mode 000", _mode_000, Status.FRESH, "runs"),
    _with("a name with a pid of 40 bits", Status.INVALID, "its name holds no possible pid", file=f"heartbeat-{2**40}-u.json", pid=2**40),
    _with("a name with a pid of 70 bits", Status.INVALID, "its name holds no possible pid", file=f"heartbeat-{2**70}-u.json", pid=2**70),
    _with("a name with a pid below 0", Status.ORPHAN, "pid -1 is no process", file="heartbeat--1-u.json", pid=-1),
    _with("a name that is not UTF-8", Status.FRESH, "runs", file=os.fsdecode(f"heartbeat-{US}-".encode() + b"\xff.json")),
]  # fmt: skip


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest, directory: Path) -> Case:
    """The hostile file stands between two neighbours."""
    case: Case = request.param
    now = clock.read()
    case.make(directory / case.file, now)
    publish(directory, now, pid=US, uuid="fresh", started_at=STARTED)
    publish(directory, Now(now.wall - 3600, now.awake, now.boot), pid=US, uuid="stale", started_at=STARTED)
    return case


def test_it_has_a_verdict_and_a_reason_and_its_neighbours_have_theirs(case: Case, directory: Path) -> None:
    watch = Stopwatch()
    presence = scanner(directory, SystemProcesses()).scan(clock.read())
    first = watch.seconds()
    watch = Stopwatch()
    scanner(directory, SystemProcesses()).scan(clock.read())
    assert min(first, watch.seconds()) < 0.05
    neighbours = {f"heartbeat-{US}-fresh.json": Status.FRESH, f"heartbeat-{US}-stale.json": Status.STALE}
    seen = {Path(wrapper.path).name: wrapper for wrapper in presence.wrappers}
    assert {name: seen.pop(name).status for name in neighbours} == neighbours
    (hostile,) = seen.values()
    assert hostile.status is case.status
    assert case.reason in hostile.reason


def test_what_is_said_of_it_can_be_printed(case: Case, directory: Path) -> None:
    for wrapper in scanner(directory, SystemProcesses()).scan(clock.read()).wrappers:
        said = (wrapper.path, wrapper.reason, wrapper.beat and (wrapper.beat.client_name, wrapper.beat.uuid))
        assert f"{said}".encode()
        assert json.loads(json.dumps(said))
        assert wrapper.path.encode()


def test_it_is_deleted_only_when_it_is_a_heartbeat_of_somebody_who_is_gone(
    case: Case, directory: Path
) -> None:
    now = clock.read()
    looking = scanner(directory, SystemProcesses())
    for later in (0.0, 100.0, 200.0):
        moment = Now(now.wall + later, now.awake + later, now.boot + later)
        looking.scan(moment)
        looking.clean_up(moment)
    assert os.path.lexists(directory / case.file) == (case.status is Status.INVALID)


def test_a_fifo_that_takes_a_files_place_while_we_look_does_not_hang_us(directory: Path) -> None:
    path = directory / NAME
    _valid(path, clock.read())
    seen = path.lstat()
    path.unlink()
    os.mkfifo(path)
    beat = read(str(path), NAME, seen)
    assert isinstance(beat, Unreadable)
    assert "a FIFO" in beat.reason


def test_names_of_others_are_ignored(directory: Path) -> None:
    now = clock.read()
    names = [
        "heartbeat.json",
        "heartbeat-12.json",
        "heartbeat-x-u.json",
        "Heartbeat-1-u.json",
        "notes.txt",
        ".DS_Store",
    ]
    names += [f"heartbeat-{US}-u.json.tmp", f"heartbeat-{US}-u.json.bak", "heartbeat-1-u.JSON"]
    for name in names:
        _valid(directory / name, now)
    assert scanner(directory, SystemProcesses()).scan(now).wrappers == ()
