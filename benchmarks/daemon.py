"""The daemon: how fast it notices, and what it costs at rest. `python benchmarks/daemon.py [--quick]`."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from iai_daemon.control import client
from iai_daemon.errors import DaemonAway
from iai_daemon.paths import Home
from iai_daemon.units import format_stamp
from tests.faults.ticking import tick_costs

CONFIG = """
[presence]
settle_after = "{settle}"
[lifecycle]
tick = "30s"
idle_after = "200ms"
absent_for = "1h"
inactive_for = "1h"
[consolidation]
enabled = false
"""


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

    def close(self) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._held)


class Running:
    """A real daemon in a home of its own."""

    def __init__(self, root: Path, config: str | None) -> None:
        self.home = Home(root)
        self.home.create()
        if config:
            self.home.config.write_text(config)
        command = [sys.executable, "-m", "iai_daemon", "--home", str(root), "run"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE)
        until(self.answers, 10)

    def answers(self) -> bool:
        try:
            return bool(client.status(self.home)["pid"])
        except DaemonAway:
            return False

    def state(self) -> str:
        return str(client.status(self.home)["state"])

    def proc(self, name: str) -> int:
        """A figure of /proc/<pid>/status, summed over the daemon's threads."""
        total = 0
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            for line in (task / "status").read_text().splitlines():
                if line.startswith(name):
                    total += int(line.split()[1])
        return total

    def rss(self) -> int:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=20)


def until(condition: Callable[[], bool], seconds: float, pause: float = 0.02) -> float:
    """Poll until the condition holds; returns when (perf_counter)."""
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        if condition():
            return time.perf_counter()
        time.sleep(pause)
    raise TimeoutError(f"not within {seconds} s")


def reaction(root: Path, rounds: int) -> list[float]:
    """Milliseconds from an activity in a heartbeat to the daemon's transition to WAKE, in its history."""
    daemon = Running(root, CONFIG.format(settle="1h"))
    writer = Writer(daemon.home)
    writer.write(None)
    times = []
    try:
        for _ in range(rounds):
            until(lambda: daemon.state() == "IDLE", 5)
            size = daemon.home.history.stat().st_size
            began = writer.write(time.time())
            noticed = until(lambda size=size: daemon.home.history.stat().st_size > size, 5, pause=0.0002)
            times.append((noticed - began) * 1000)
    finally:
        writer.close()
        daemon.stop()
    return times


def settling(root: Path, rounds: int) -> list[float]:
    """Milliseconds beyond `settle_after` (500 ms here) until a new wrapper means WAKE."""
    daemon = Running(root, CONFIG.format(settle="500ms"))
    times = []
    try:
        for _ in range(rounds):
            until(lambda: daemon.state() == "IDLE", 5)
            size = daemon.home.history.stat().st_size
            writer = Writer(daemon.home)
            began = writer.write(None)
            noticed = until(lambda size=size: daemon.home.history.stat().st_size > size, 5, pause=0.0002)
            times.append((noticed - began) * 1000 - 500)
            writer.close()
    finally:
        daemon.stop()
    return times


def rest(root: Path, seconds: float, wrappers: int) -> dict[str, float]:
    """What a daemon with so many wrappers costs while nothing happens but their refreshes."""
    daemon = Running(root, None)
    command = [sys.executable, "-I", "-S", wrapper_path(), "--home", str(root), "--", "cat"]
    started = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(wrappers)]
    try:
        time.sleep(5)
        files = {path: path.stat().st_mtime_ns for path in root.rglob("*") if "wrappers" not in path.parts}
        before = daemon.proc("voluntary_ctxt_switches")
        time.sleep(seconds)
        wakeups = (daemon.proc("voluntary_ctxt_switches") - before) * 60 / seconds
        written = sum(path.stat().st_mtime_ns != stamp for path, stamp in files.items())
        return {"rss_mb": daemon.rss() / 1e6, "wakeups_per_minute": wakeups, "files_written": written}
    finally:
        for process in started:
            process.stdin.close()
            process.wait(timeout=10)
        daemon.stop()


def wrapper_path() -> str:
    import importlib.util  # noqa: PLC0415 -- the wrapper is found, never imported

    found = importlib.util.find_spec("iai_wrapper")
    assert found is not None
    assert found.origin
    return found.origin


def status_time(root: Path, rounds: int) -> list[float]:
    """Seconds of a whole `iai-daemon status` against a running daemon."""
    daemon = Running(root, None)
    command = [sys.executable, "-m", "iai_daemon", "--home", str(root), "status"]
    times = []
    try:
        for _ in range(rounds):
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            times.append(time.perf_counter() - began)
    finally:
        daemon.stop()
    return times


def p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[98]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, shorter rests")
    quick = parser.parse_args().quick
    rounds, seconds = (20, 30) if quick else (200, 120)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        rows = []
        times = reaction(root / "a", rounds)
        rows.append(
            ("activity → WAKE, p50 / p99", f"{statistics.median(times):.1f} / {p99(times):.1f} ms", "≤ 50 ms")
        )
        times = settling(root / "b", rounds // 4)
        rows.append(("new wrapper → WAKE beyond settle_after, p99", f"{p99(times):.1f} ms", "≤ 50 ms"))
        alone = rest(root / "c", seconds, 0)
        rows.append(("daemon at rest, resident memory", f"{alone['rss_mb']:.1f} MB", "≤ 30 MB"))
        rows.append(("wakeups a minute at rest", f"{alone['wakeups_per_minute']:.1f}", "≤ 5"))
        rows.append(("files written at rest", f"{alone['files_written']:.0f}", "0"))
        five = rest(root / "d", seconds, 5)
        more = (five["wakeups_per_minute"] - alone["wakeups_per_minute"]) / 5
        rows.append(("wakeups a minute more for each wrapper", f"{more:.1f}", "≤ 4"))
        times = status_time(root / "e", 10)
        costs = tick_costs(Home(root / "f"), 10, 100 if quick else 500)
        rows.append(
            ("CPU of a tick with 10 wrappers, median", f"{statistics.median(costs) * 1000:.1f} ms", "≤ 5 ms")
        )
        rows.append(("iai-daemon status, median", f"{statistics.median(times):.2f} s", "≤ 0.3 s"))
    for what, reached, goal in rows:
        print(f"{what:46} {reached:>18}   goal {goal}")


if __name__ == "__main__":
    main()
