"""Starts of `iai-daemon run` that wait at a barrier and go all at once, and who is the daemon after them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from iai_daemon.control import client
from iai_daemon.errors import DaemonAway, DaemonMute
from iai_daemon.flock import holder, is_held
from iai_daemon.paths import Home
from tests.journeys.real import command, until

AT_ONCE = 8

# Each writes one byte when it stands at the barrier, and goes on when the other end of its standard input is closed.
_COLD = """
import os, sys
os.write(int(sys.argv[1]), b"!"); os.close(int(sys.argv[1])); os.read(0, 1)
os.execv(sys.argv[2], sys.argv[2:])
"""
# Everything is imported before the barrier: these meet at the lock itself.
_HOT = """
import os, sys
from iai_daemon.lean import without
with without("ssl", "_hashlib"):
    import iai_daemon.cli.run
from iai_daemon.__main__ import main
os.write(int(sys.argv[1]), b"!"); os.close(int(sys.argv[1])); os.read(0, 1)
sys.exit(main(sys.argv[5:]))
"""


@dataclass(frozen=True)
class Ended:
    """How a start ended."""

    status: int
    said: str
    errors: str


def already(pid: int) -> Ended:
    """How a start ends that finds a daemon."""
    return Ended(0, f"already running (pid {pid})\n", "")


class Starts:
    """Simultaneous starts in one home. `ended`: those that have, in the order of their start."""

    def __init__(self, processes: list[subprocess.Popen[str]]) -> None:
        self.processes = processes
        self.ended: list[Ended] = []

    def running(self) -> list[subprocess.Popen[str]]:
        return [process for process in self.processes if process.poll() is None]

    def collect(self) -> list[Ended]:
        """Those that have ended, with what they said."""
        for process in [each for each in self.processes if each.poll() is not None]:
            said, errors = process.communicate(timeout=20)
            self.ended.append(Ended(process.returncode, said, errors))
            self.processes.remove(process)
        return self.ended

    def close(self) -> None:
        """End what still runs, as a service manager would."""
        for process in self.running():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self.processes:
            try:
                process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                raise


@contextmanager
def all_at_once(home: Home, count: int = AT_ONCE, *, hot: bool = False) -> Iterator[Starts]:
    """So many starts, which have just been let go. `hot`: with everything imported before."""
    barrier, let_go = os.pipe()
    ready, tell = os.pipe()
    try:
        processes = [
            subprocess.Popen(
                [
                    sys.executable,
                    *(["-c", _HOT] if hot else ["-ISc", _COLD]),
                    str(tell),
                    *command(home, "run"),
                ],
                stdin=barrier,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(tell,),
                text=True,
            )
            for _ in range(count)
        ]
        os.close(tell)
        for _ in range(count):
            assert os.read(ready, 1), "a start did not come to the barrier"
    finally:
        for descriptor in (barrier, let_go, ready):
            os.close(descriptor)
    starts = Starts(processes)
    try:
        yield starts
    finally:
        starts.close()


def answering(home: Home) -> int | None:
    """The pid of the daemon that answers in this home."""
    try:
        pid: int = client.status(home, timeout=1.0)["pid"]
    except (DaemonAway, DaemonMute):
        return None
    return pid


def in_the_process_table(home: Home) -> set[int]:
    """The processes that run, or are about to run, `iai-daemon run` in this home."""
    return {
        process.pid
        for process in psutil.process_iter(["cmdline", "status"])
        if process.info["status"] != psutil.STATUS_ZOMBIE
        and [str(home.root), "run"] == (process.info["cmdline"] or [])[-2:]
    }


def the_only_daemon(home: Home, pid: int, seconds: float = 10.0) -> bool:
    """Whether `pid` is the home's only daemon, by the lock, by who answers and by the process table."""
    until(lambda: is_held(home.daemon_lock) and holder(home.daemon_lock) == str(pid), seconds)
    until(lambda: answering(home) == pid, seconds)
    return in_the_process_table(home) == {pid}


def the_one_that_stays(home: Home, starts: Starts, seconds: float = 30.0) -> subprocess.Popen[str]:
    """The only start that still runs and answers, once all others have left as they should."""
    until(lambda: len(starts.running()) <= 1, seconds)
    assert starts.running(), starts.collect()
    (winner,) = starts.running()
    until(lambda: answering(home) == winner.pid or winner.poll() is not None)
    others = len(starts.processes) - 1
    assert starts.collect() == [already(winner.pid)] * others
    return winner
