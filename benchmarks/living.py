"""Real daemons and wrappers to be measured, and what the system says of a process."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

import psutil

from benchmarks.measuring import command, until
from iai_daemon.control import client
from iai_daemon.errors import DaemonAway, DaemonMute
from iai_daemon.paths import Home
from iai_daemon.units import format_stamp

# Seconds in which a daemon, and anything that it decides, must have come.
PATIENCE = 30.0


class Running(AbstractContextManager["Running"]):
    """A real daemon in a home of its own, until the end of the block."""

    def __init__(self, root: Path, config: str = "") -> None:
        self.home = Home(root)
        self.home.create()
        if config:
            self.home.config.write_text(config)
        self.process = subprocess.Popen(command(self.home, "run"), stderr=subprocess.PIPE)
        until(self._answers, PATIENCE)

    def _answers(self) -> bool:
        try:
            return bool(client.status(self.home)["pid"])
        except (DaemonAway, DaemonMute):
            return False

    def state(self) -> str:
        return str(client.status(self.home)["state"])

    def noticed(self, change: Callable[[], float]) -> float:
        """Seconds from when `change` says that it was made until the history has an entry more."""
        size = self.home.history.stat().st_size
        began = change()
        return until(lambda: self.home.history.stat().st_size > size, PATIENCE, pause=0.0002) - began

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        self.process.communicate(timeout=PATIENCE)


class Writer:
    """A wrapper's heartbeats without the wrapper, so that the moment of writing is known exactly."""

    def __init__(self, home: Home) -> None:
        self._uuid = str(uuid.uuid4())
        self._path = home.wrappers / f"heartbeat-{os.getpid()}-{self._uuid}.json"
        self._started = time.time()
        self._held = -1

    def write(self, activity: float | None) -> float:
        """Publish a heartbeat; returns the moment (perf_counter) just before it became visible."""
        content = {
            "pid": os.getpid(),
            "uuid": self._uuid,
            "last_refresh": format_stamp(time.time()),
            "started_at": format_stamp(self._started),
            "last_activity": None if activity is None else format_stamp(activity),
            "activity_count": 1,
            "locked": True,
            "schema_version": 1,
        }
        temporary = self._path.with_suffix(".json.tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(descriptor, json.dumps(content).encode())
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        moment = time.perf_counter()
        temporary.rename(self._path)
        if self._held >= 0:
            os.close(self._held)
        self._held = descriptor
        return moment

    def leave(self) -> float:
        """Take it away as a wrapper does at its end; returns the moment just before."""
        moment = time.perf_counter()
        self._path.unlink(missing_ok=True)
        os.close(self._held)
        return moment


def wrapper(home: Home) -> subprocess.Popen[bytes]:
    """A real one, in front of a server that says nothing by itself."""
    found = importlib.util.find_spec("iai_wrapper")
    assert found is not None
    assert found.origin
    words = [sys.executable, "-I", "-S", found.origin, "--home", str(home.root), "--", "cat"]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def greeted(process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    """The same, once it has passed something on."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}\n')
    process.stdin.flush()
    process.stdout.readline()
    return process


def wakeups(pid: int) -> int:
    """How often its threads have gone to sleep so far, which is how often they were woken; 0 without a /proc."""
    tasks = Path(f"/proc/{pid}/task").glob("*/status")
    lines = [line for task in tasks for line in task.read_text(encoding="ascii").splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary"))


def resident(pid: int) -> float:
    """MB."""
    return psutil.Process(pid).memory_info().rss / 1e6


def cpu(pid: int) -> float:
    """Seconds so far, in hundredths."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system
