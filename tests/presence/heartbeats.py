"""Heartbeat files and the real processes that write them, for the tests beside this file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from iai_daemon import clock
from iai_daemon.clock import Now
from iai_daemon.presence.classify import Presence, Status, Wrapper
from iai_daemon.presence.listing import Limits
from iai_daemon.presence.processes import Processes, SystemProcesses
from iai_daemon.presence.scanner import Scanner
from iai_daemon.units import format_stamp
from tests.fakes import NOON

PID = 4242
LIMITS = Limits(stale_after=90.0, settle_after=2.0, tick=30.0)


def scanner(directory: Path, processes: Processes) -> Scanner:
    return Scanner([directory], LIMITS, processes)


def content(now: Now, *, pid: int = PID, **changes: Any) -> dict[str, Any]:
    """What a wrapper writes that started ten minutes before noon and whose user has not done anything yet."""
    return {
        "pid": pid,
        "uuid": "a-b",
        "last_refresh": format_stamp(now.wall),
        "started_at": format_stamp(NOON - 600),
        "wrapper_version": "0.1.0",
        "schema_version": 1,
        "last_activity": None,
        "activity_count": 0,
        **changes,
    }


def publish(directory: Path, now: Now, *, pid: int = PID, uuid: str = "a-b", **changes: Any) -> Path:
    """Write a heartbeat as wrappers do: beside it, then renamed."""
    path = directory / f"heartbeat-{pid}-{uuid}.json"
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps(content(now, pid=pid, uuid=uuid, **changes)))
    temporary.replace(path)
    return path


def publish_many(directory: Path, files: int, status: Status) -> None:
    """Heartbeats of wrappers whose process is this one, or of ones that are gone."""
    now = clock.read()
    me = SystemProcesses().look_up(os.getpid(), now)
    assert me is not None
    for number in range(files):
        pid = me.pid if status is Status.FRESH else 10**9 + number
        publish(
            directory, now, pid=pid, uuid=f"{number}", process_start=me.start, parent_pid=me.parent,
            last_activity=format_stamp(now.wall - 60), client={"name": "editor", "version": "1"}, server="memory",
            started_at=format_stamp(me.started_at or 0.0),
        )  # fmt: skip


def only(presence: Presence) -> Wrapper:
    assert len(presence.wrappers) == 1
    return presence.wrappers[0]


def verdicts(presence: Presence) -> dict[str, Status]:
    """The status of every heartbeat, by file name."""
    return {Path(wrapper.path).name: wrapper.status for wrapper in presence.wrappers}


# A wrapper reduced to its heartbeat: it locks the new file before it renames it into place, then closes the old one.
# It writes once, or again and again ("spin"), says who it is, and ends when its standard input does.
_PROGRAM = """
import fcntl, json, os, select, sys, time
directory, uuid, locked, manner = sys.argv[1:]
pid, held = os.getpid(), None
stat = open("/proc/self/stat").read() if os.path.exists("/proc/self/stat") else ""
def stamp():
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time()))
started = stamp()
def write():
    global held
    payload = {"pid": pid, "uuid": uuid, "last_refresh": stamp(), "started_at": started, "wrapper_version": "1",
        "schema_version": 1, "last_activity": None, "activity_count": 0, "parent_pid": os.getppid()}
    if stat:
        payload["process_start"] = int(stat[stat.rindex(")") + 2:].split()[19])
    if locked == "locked":
        payload["locked"] = True
    path = f"{directory}/heartbeat-{pid}-{uuid}.json"
    new = os.open(path + ".tmp", os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    os.write(new, json.dumps(payload).encode())
    if locked == "locked":
        fcntl.flock(new, fcntl.LOCK_EX)
    os.rename(path + ".tmp", path)
    if held is not None:
        os.close(held)
    held = new
write()
child = os.posix_spawnp("sleep", ["sleep", "60"], os.environ) if manner == "parent" else 0
print(pid, child, flush=True)
while not select.select([0], [], [], 0 if manner == "spin" else None)[0]:
    write()
os.unlink(f"{directory}/heartbeat-{pid}-{uuid}.json")
"""


class Writer:
    """A real process with a heartbeat. `child` is the pid of a process that it started ("parent")."""

    def __init__(self, directory: Path, *, locked: bool = True, manner: str = "once") -> None:
        self.process = subprocess.Popen(
            command(directory, locked=locked, manner=manner),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.pid, self.child = map(int, self.process.stdout.readline().split())

    def kill(self) -> None:
        """SIGKILL, and nobody asks for its status: a zombie is left until `end`."""
        self.process.kill()
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)

    def end(self) -> None:
        self.process.communicate(timeout=10)


def command(directory: Path, *, locked: bool, manner: str) -> list[str]:
    words = [str(directory), "u-1", "locked" if locked else "unlocked", manner]
    return [sys.executable, "-I", "-S", "-c", _PROGRAM, *words]


@contextmanager
def writing(directory: Path, *, locked: bool = True, manner: str = "once") -> Iterator[Writer]:
    writer = Writer(directory, locked=locked, manner=manner)
    try:
        yield writer
    finally:
        writer.end()
