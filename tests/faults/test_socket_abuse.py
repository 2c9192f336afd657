"""Whatever anybody does at the control socket: the status is answered, the ticks go on, and nothing of it stays."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

import psutil

from iai_daemon.clock import Stopwatch
from iai_daemon.control.address import address
from iai_daemon.control.client import TIMEOUT, ask
from iai_daemon.control.messages import call
from iai_daemon.paths import Home
from tests.fakes import LONG
from tests.faults.seeds import luck
from tests.journeys.real import RunningDaemon, until

CALLERS = 5000 if LONG else 200
AT_ONCE = 10
_THERE = "they are there"
MEGABYTES = 12
CONFIG = """
[lifecycle]
tick = "200ms"
[consolidation]
enabled = false
"""
METHODS = (
    "status",
    "subscribe",
    "presence",
    "sleep",
    "wake",
    "reload",
    "",
    "__class__",
    "no such method",
    "\0",
    "é" * 5000,
)
PARAMS = (None, [], {}, "x", 7, True, [[]], {"for": "never"}, {"for": -1}, {"for": 1e999}, {"id": {"a": [None]}}, {"\0": ""})  # fmt: skip


def _noise(chance: Random) -> bytes:
    return chance.randbytes(chance.randrange(1, 5000)) + b"\n" * chance.randrange(2)


def _half_a_line(chance: Random) -> bytes:
    whole = call("status", {}, 1)
    return whole[: chance.randrange(len(whole))]


def _a_line_without_end(chance: Random) -> bytes:
    return chance.choice((b"x", b"[", b'{"a":', b"\xff")) * chance.randrange(200_000)


def _nonsense(chance: Random) -> bytes:
    words = {"jsonrpc": chance.choice(("2.0", "1.0", 2, None)), "method": chance.choice((*METHODS, 7, None))}
    words |= {"params": chance.choice(PARAMS), "id": chance.choice((1, "a", None, {}, 1.5))}
    kept = {name: value for name, value in words.items() if chance.random() < 0.9}
    return (json.dumps([kept] * 3 if chance.random() < 0.1 else kept) + "\n").encode()


def _many_calls(chance: Random) -> bytes:
    return call(chance.choice(("status", "subscribe", "no such method")), {}, 1) * chance.randrange(1, 500)


def _nothing(_chance: Random) -> bytes:
    return b""


ABUSES: tuple[Callable[[Random], bytes], ...] = (
    _noise, _half_a_line, _a_line_without_end, _nonsense, _many_calls, _nothing,
)  # fmt: skip


def _abuse(home: Home, chance: Random) -> socket.socket:
    """One caller, who may have read something, or shut one side of it; he is still there."""
    caller = socket.socket(socket.AF_UNIX)
    caller.settimeout(TIMEOUT)
    with address(home.socket) as where:
        caller.connect(where)
    caller.setblocking(False)
    with contextlib.suppress(OSError):
        for _ in range(chance.randrange(1, 4)):
            caller.sendall(chance.choice(ABUSES)(chance))
            if chance.random() < 0.3:
                caller.recv(chance.randrange(1, 5000))
        if chance.random() < 0.3:
            caller.shutdown(chance.choice((socket.SHUT_RD, socket.SHUT_WR)))
    return caller


def be_rude(root: str) -> None:
    """In a process of its own: one process may have a quarter of the seats, and the rest is for others."""
    home, chance = Home(Path(root)), luck("callers")
    for _ in range(CALLERS // AT_ONCE):
        with ExitStack() as held:
            for _ in range(AT_ONCE):
                held.enter_context(_abuse(home, chance))
            print(_THERE, flush=True)  # noqa: T201 -- for the test
            sys.stdin.readline()


@contextmanager
def _somebody_rude(home: Home) -> Iterator[subprocess.Popen[str]]:
    program = "import sys; from tests.faults.test_socket_abuse import be_rude; be_rude(sys.argv[1])"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(home.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _longest_answer(daemon: RunningDaemon, rude: subprocess.Popen[str]) -> float:
    """Seconds that the status took at the longest while somebody was rude."""
    assert rude.stdin is not None
    assert rude.stdout is not None
    longest, batches = 0.0, 0
    while line := rude.stdout.readline():
        if line == f"{_THERE}\n":
            watch = Stopwatch()
            assert daemon.status()["pid"] == daemon.process.pid
            longest, batches = max(longest, watch.seconds()), batches + 1
            rude.stdin.write("\n")
            rude.stdin.flush()
    assert (rude.wait(), batches) == (0, CALLERS // AT_ONCE)
    return longest


def _open_files(process: psutil.Process) -> int:
    return len(list(Path(f"/proc/{process.pid}/fd").iterdir()))


def _tell_something(home: Home) -> bool:
    """Who listens, and had more to say when he hung up, is known to have gone when there is something to tell him."""
    for method in ("sleep", "wake"):
        ask(home, method, {"for": "100ms"})
    return True


def test_whatever_callers_do_everybody_else_is_answered_and_nothing_of_it_stays(home: Home) -> None:
    luck("callers")
    daemon = RunningDaemon(home, CONFIG)
    process = psutil.Process(daemon.process.pid)
    try:
        memory, files = process.memory_info().rss, _open_files(process)
        with _somebody_rude(home) as rude:
            assert _longest_answer(daemon, rude) < TIMEOUT / 2
        until(lambda: _tell_something(home) and _open_files(process) <= files)
        seen = daemon.status()
        assert (seen["tick"]["failures"], seen["degraded"]) == (0, [])
        until(lambda: daemon.status()["tick"]["at"] > seen["tick"]["at"])
        assert process.memory_info().rss - memory < MEGABYTES * 1e6
        entries = [json.loads(line) for line in home.log.read_text().splitlines()]
        assert not [each for each in entries if each["level"] in ("error", "critical")]
    finally:
        assert daemon.stop() == ""
