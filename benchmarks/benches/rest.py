"""What daemon and wrappers cost while nothing happens.

A daemon alone, one with five wrappers, and two bare programs, all during the same stretch of time: one minute, a quarter of it in a quick
run. Wakeups are how often threads have gone to sleep.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks.figures import Figure, absolute, constant, ratio
from benchmarks.living import Running, cpu, greeted, resident, wakeups, wrapper
from benchmarks.measuring import Effort
from iai_daemon.clock import pause

WRAPPERS = 5
# What any daemon in Python stands on that speaks with others and keeps a log.
_GROUND = "import asyncio, sqlite3, structlog, sys; sys.stdin.read()"
_BARE = "import sys; sys.stdin.read()"
# Seconds after which what belongs to a start is over.
_SETTLES = 4.0


def measure(effort: Effort) -> Iterator[Figure]:
    seconds = effort.of(15, 60)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        bare, ground = (_python(stack, program) for program in (_BARE, _GROUND))
        alone = stack.enter_context(Running(Path(name) / "alone"))
        five = stack.enter_context(Running(Path(name) / "five"))
        wrappers = [greeted(wrapper(five.home)) for _ in range(WRAPPERS)]
        stack.callback(_leave, wrappers)
        pause(_SETTLES)
        pids = [process.pid for process in (alone.process, five.process, *wrappers)]
        stamps = _stamps(alone.home.root)
        before = [(wakeups(pid), cpu(pid)) for pid in pids]
        pause(seconds)
        spent = [
            (wakeups(pid) - woken, cpu(pid) - used) for pid, (woken, used) in zip(pids, before, strict=True)
        ]
        woken = [count * 60 / seconds for count, _ in spent]
        written = sum(stamp != stamps.get(path) for path, stamp in _stamps(alone.home.root).items())
        yield constant("the daemon's memory", resident(pids[0]), "MB", goal=30.0)
        held = [resident(pids[0])], [resident(ground)]
        yield ratio(
            "the daemon's memory, in that of its ground",
            *held,
            "MB",
            "Python with asyncio, sqlite3 and structlog",
        )
        held = [resident(pids[2])], [resident(bare)]
        yield ratio("a wrapper's memory at rest, in bare Python's", *held, "MB", "Python that waits")
    yield constant("the daemon's wakeups", woken[0], "a minute", goal=5.0)
    more = (woken[1] - woken[0]) / WRAPPERS
    yield constant("its wakeups for each wrapper, more", more, "a minute", goal=4.0)
    yield absolute("a wrapper's wakeups", woken[2:], "a minute", goal=4.0)
    yield constant("the daemon's share of a core", spent[0][1] / seconds * 100, "%", goal=0.1)
    yield constant("files that the daemon has written", written, "", goal=0.0)


def _python(stack: ExitStack, program: str) -> int:
    """The pid of one that waits."""
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)
    stack.callback(_leave, [process])
    return process.pid


def _leave(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.communicate(timeout=30)


def _stamps(root: Path) -> dict[Path, int]:
    """When each file was last written. `attendance.jsonl` is left out: its time alone is set, as the sign of life of the daemon."""
    files = [path for path in root.rglob("*") if "wrappers" not in path.parts and path.is_file()]
    return {path: path.stat().st_mtime_ns for path in files if path.name != "attendance.jsonl"}
