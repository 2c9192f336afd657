"""What somebody waits for at a prompt, each a whole process.

Each ratio is against `python -c pass`, which any program in Python pays. The memory holds 10,000 notes, and a daemon runs.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.figures import Figure, absolute, constant, ratio
from benchmarks.living import Running, cpu
from benchmarks.measuring import Effort, by_turns, command, seconds, whole_command
from benchmarks.notes import filled
from iai_daemon.clock import Stopwatch
from iai_daemon.control import client
from iai_daemon.memory.opening import open_stores
from iai_daemon.metrics.families import families
from iai_daemon.metrics.textfile import write
from iai_daemon.paths import Home

RECORDS, MANY = 10_000, 100_000
_BARE = "python -c pass"
_NAPS, _ASYNC = "import iai_daemon.dreaming", "import asyncio"
_QUIET = "[consolidation]\nenabled = false\n"
# The command, what is promised in seconds, and whether it may answer no.
_COMMANDS = {
    "status": (["status"], 0.3, False),
    "memory search": (["memory", "search", "deploy0 region"], None, False),
    "doctor": (["doctor"], 5.0, True),
    "--help": (["--help"], None, False),
}


def measure(effort: Effort) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        filled(root / "home", RECORDS)
        with Running(root / "home", _QUIET) as daemon:
            yield from _prompt(daemon.home, effort)
            yield from _metrics(daemon)
            yield from _watching(daemon, effort.of(5, 20))
            yield from _report(daemon.home, effort.turns(2, 5), RECORDS)
        if not effort.quick:
            yield from _report(filled(root / "many", MANY), effort.turns(2, 5), MANY)


def _prompt(home: Home, effort: Effort) -> Iterator[Figure]:
    works = {
        name: lambda words=words, no=no: whole_command(command(home, *words), may_answer_no=no)
        for name, (words, _, no) in _COMMANDS.items()
    }
    works["completion"] = lambda: _completion(home)
    for program in (_NAPS, _ASYNC, "pass"):
        works[program] = lambda program=program: whole_command([sys.executable, "-c", program])
    for work in works.values():
        work()  # from here on, Python has kept what it compiled
    taken = by_turns(effort.turns(4, 10), works)
    goals = {name: goal for name, (_, goal, _) in _COMMANDS.items()} | {"completion": 0.5}
    for name, goal in goals.items():
        yield absolute(f"`{name}`", taken[name], "s", goal=goal)
        yield ratio(f"`{name}`, in bare Python's start", taken[name], taken["pass"], "s", _BARE)
    yield ratio(
        "a program that imports the scheduler of naps",
        taken[_NAPS],
        taken[_ASYNC],
        "s",
        "one that imports asyncio",
    )


def _completion(home: Home) -> float:
    """What bash asks when somebody presses the tab key behind `nights show`."""
    program = Path(sys.executable).with_name("iai-daemon")
    line = f"iai-daemon --home {home.root} nights show "
    environment = {"_IAI_DAEMON_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_BREAKS": ""}
    return seconds(
        lambda: subprocess.run(
            [program], env={**os.environ, **environment}, check=True, capture_output=True, stdin=subprocess.DEVNULL
        )
    )  # fmt: skip


def _metrics(daemon: Running) -> Iterator[Figure]:
    """What the metrics file costs a tick: made of the status, and written whole. And counting, which is done once a minute."""
    status = client.status(daemon.home)
    with closing(open_stores(daemon.home)) as stores:
        counting = [seconds(stores.counts.figures) for _ in range(20)]
        figures = stores.counts.figures()
    file = daemon.home.root / "metrics.prom"
    writing = [seconds(lambda: write(file, families(status, figures))) for _ in range(100)]
    yield absolute("the metrics file, made and written", writing, "s", goal=0.002)
    yield absolute(f"counting {RECORDS:,} memories for it", counting, "s")


def _watching(daemon: Running, watched: float) -> Iterator[Figure]:
    """The share of a core that `watch` takes on a terminal while nothing happens."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    words = command(daemon.home, "watch")
    process = subprocess.Popen(words, stdin=its, stdout=its, stderr=its, env={**os.environ, "TERM": "xterm"})
    try:
        _shown(ours, 3.0)
        before = cpu(process.pid)
        _shown(ours, watched)
        share = (cpu(process.pid) - before) / watched * 100
        os.write(ours, b"q")
        _shown(ours, 0.5)
    finally:
        process.terminate()
        process.wait(30)
        os.close(ours)
        os.close(its)
    yield constant("share of a core of `watch` while nothing happens", share, "%", goal=2.0)


def _shown(terminal: int, seconds_long: float) -> None:
    """Take what is drawn for so long."""
    watch = Stopwatch()
    while (left := seconds_long - watch.seconds()) > 0:
        if select.select([terminal], [], [], left)[0]:
            os.read(terminal, 65_536)


def _report(home: Home, rounds: int, records: int) -> Iterator[Figure]:
    file = home.root / "page.html"
    words = command(home, "report", "--out", str(file))
    works = {
        "page": lambda: whole_command(words),
        _BARE: lambda: whole_command([sys.executable, "-c", "pass"]),
    }
    taken = by_turns(rounds, works)
    large = records > RECORDS
    yield absolute(f"`report` among {records:,}", taken["page"], "s", goal=1.5, thorough=large)
    label = f"`report` among {records:,}, in bare Python's start"
    yield ratio(label, taken["page"], taken[_BARE], "s", _BARE, thorough=large)
    size = file.stat().st_size / 1e6
    yield constant(f"its page, among {records:,}", size, "MB", goal=3.0, thorough=large)
