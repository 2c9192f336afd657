"""The wrapper against no wrapper, in interleaved rounds. `python benchmarks/wrapper.py [--rounds N] [--sockets] [--json]`.

The server is as light as a Python program can be (`-I -S`, no import that is not built in), so the ratios are hard ones: before
a real server, which needs longer for its own start and for each call, the wrapper costs a smaller share. Only the message of
10 MB goes to a server that parses it, as every server has to.

A call's time depends on whether the kernel wakes the next process on the same core or on another one, which is several times
slower on virtual machines: when one side has met the one and one the other, run it again.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

WRAPPER = Path(__file__).parents[1] / "wrappers" / "iai_wrapper.py"
LIGHT = [sys.executable, "-I", "-S"]
TEN_MEGABYTES = 10 * 1024 * 1024
CALLS = 1000

# Both answer every request with its own params: {"jsonrpc":"2.0","id":N,"method":…,"params":{…}} is how it is asked here.
LIGHT_SERVER = rb"""
import posix
while line := posix.read(0, 65536):
    posix.write(1, line[:line.index(b",", 22)] + b',"result":' + line[line.index(b'"params":') + 9:])
"""
PARSING_SERVER = rb"""
import json, sys
for line in sys.stdin.buffer:
    request = json.loads(line)
    answer = {"jsonrpc": "2.0", "id": request["id"], "result": request["params"]}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    sys.stdout.buffer.flush()
"""


class Connection:
    """A client's connection to the server, directly or through the wrapper."""

    def __init__(self, command: Sequence[str], *, sockets: bool) -> None:
        its_input, self._input, self._output, its_output = _socket_pairs() if sockets else _pipes()
        self._idents = 0
        self._process = subprocess.Popen(command, stdin=its_input, stdout=its_output)
        os.close(its_input)
        os.close(its_output)

    def call(self, method: str, params: bytes) -> float:
        """Seconds until the whole answer is there."""
        self._idents += 1
        message = b'{"jsonrpc":"2.0","id":%d,"method":"%s","params":%s}\n' % (
            self._idents,
            method.encode(),
            params,
        )
        began = time.perf_counter()
        sent = os.write(self._input, message)
        while sent < len(message):
            sent += os.write(self._input, message[sent : sent + TEN_MEGABYTES])
        while os.read(self._output, 65536)[-1:] != b"\n":
            pass
        return time.perf_counter() - began

    def calls(self) -> list[float]:
        """Seconds of each of many small calls."""
        return [
            self.call("tools/call", b'{"name":"echo","arguments":{"text":"hello"}}') for _ in range(CALLS)
        ]

    def resident(self) -> float:
        """MB, and NaN where there is no /proc."""
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        except OSError:
            return float("nan")
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))

    def close(self) -> float:
        """Seconds until the process that the client started has gone."""
        began = time.perf_counter()
        os.close(self._input)
        self._process.wait()
        os.close(self._output)
        return time.perf_counter() - began


def _pipes() -> tuple[int, int, int, int]:
    its_input, our_input = os.pipe()
    our_output, its_output = os.pipe()
    return its_input, our_input, our_output, its_output


def _socket_pairs() -> tuple[int, int, int, int]:
    its_input, our_input = socket.socketpair()
    our_output, its_output = socket.socketpair()
    return its_input.detach(), our_input.detach(), our_output.detach(), its_output.detach()


@dataclass
class Figures:
    """What the rounds gave, one entry for each: seconds, and MB."""

    start: list[float] = field(default_factory=list)
    parsed: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    ten_megabytes: list[float] = field(default_factory=list)
    leaving: list[float] = field(default_factory=list)
    resident: list[float] = field(default_factory=list)

    def take(self, before: Sequence[str], home: Path, *, sockets: bool) -> None:
        """One round; `before` is what stands before the server's command line."""
        began = time.perf_counter()
        connection = Connection([*before, *LIGHT, str(home / "light.py")], sockets=sockets)
        connection.call("initialize", b'{"protocolVersion":"2025-11-25","clientInfo":{"name":"bench"}}')
        self.start.append(time.perf_counter() - began)
        calls = connection.calls()
        self.p50.append(statistics.median(calls))
        self.p99.append(statistics.quantiles(calls, n=100)[98])
        self.leaving.append(connection.close())
        connection = Connection([*before, *LIGHT, str(home / "parsing.py")], sockets=sockets)
        connection.call("initialize", b"{}")
        self.parsed.append(statistics.median(connection.calls()))
        big = b'{"text":"' + b"x" * TEN_MEGABYTES + b'"}'
        self.ten_megabytes.append(statistics.median(connection.call("tools/call", big) for _ in range(3)))
        self.resident.append(connection.resident())
        connection.close()


def measure(rounds: int, *, sockets: bool) -> tuple[Figures, Figures]:
    """Without and with the wrapper; both in every round, so that a slow moment of the machine meets both."""
    alone, wrapped = Figures(), Figures()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "wrappers").mkdir()
        (home / "light.py").write_bytes(LIGHT_SERVER)
        (home / "parsing.py").write_bytes(PARSING_SERVER)
        through = [*LIGHT, str(WRAPPER), "--home", name, "--"]
        Figures().take(through, home, sockets=sockets)  # from here on, Python has kept what it compiled
        for _ in range(rounds):
            alone.take([], home, sockets=sockets)
            wrapped.take(through, home, sockets=sockets)
    return alone, wrapped


# What is measured, in words, its unit, how many of these are in one of ours, and the greatest ratio that is promised.
ROWS = (
    ("start", "start to first answer", "ms", 1e3, 2.6),
    ("parsed", "a call, p50", "µs", 1e6, 3.0),
    ("p50", "a call to the light server, p50", "µs", 1e6, None),
    ("p99", "a call to the light server, p99", "µs", 1e6, None),
    ("ten_megabytes", "10 MB there and back", "ms", 1e3, 1.2),
    ("leaving", "gone after the end of input", "ms", 1e3, None),
)
RESIDENT_GOAL = 11.0


@dataclass(frozen=True)
class Row:
    """One figure: the medians of both, in `unit`."""

    what: str
    unit: str
    without: float
    through: float
    ratio: float
    goal: float | None

    @property
    def reached(self) -> bool:
        return self.goal is None or self.ratio <= self.goal

    def __str__(self) -> str:
        aim = f"≤ {self.goal}×" if self.goal else ""
        return f"{self.what:34}{self.without:10.1f} {self.unit}{self.through:10.1f} {self.unit}{self.ratio:9.2f}×   {aim}"


def table(alone: Figures, wrapped: Figures) -> dict[str, Row]:
    rows = {}
    for name, what, unit, scale, goal in ROWS:
        without, through = (statistics.median(getattr(figures, name)) * scale for figures in (alone, wrapped))
        rows[name] = Row(what, unit, without, through, through / without, goal)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--sockets", action="store_true", help="over socket pairs, as node makes them, instead of pipes"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    alone, wrapped = measure(options.rounds, sockets=options.sockets)
    rows, resident = table(alone, wrapped), statistics.median(wrapped.resident)
    if options.json:
        figures = {name: asdict(row) for name, row in rows.items()}
        print(json.dumps({"schema": 1, "rounds": options.rounds, **figures, "resident_mb": resident}))
        return
    print(f"{'':34}{'without':>13}{'with':>13}{'ratio':>10}   goal", *rows.values(), sep="\n")
    print(f"{'resident, after all that':47}{resident:10.1f} MB{'':13}≤ {RESIDENT_GOAL:.0f} MB")
    missed = [row.what for row in rows.values() if not row.reached] + ["resident"] * (
        resident > RESIDENT_GOAL
    )
    print(f"{options.rounds} rounds; {'not reached: ' + ', '.join(missed) if missed else 'all reached'}")


if __name__ == "__main__":
    main()
