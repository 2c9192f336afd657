"""The wrapper against no wrapper, in interleaved rounds. `python benchmarks/wrapper.py [--rounds N] [--sockets] [--peers DIR]`.

The server is as light as a Python program can be (`-I -S`, no import that is not built in), so the ratios are hard ones: before
a real server, which needs longer for its own start and for each call, the wrapper costs a smaller share. Only the message of
10 MB goes to a server that parses it, as every server has to.

A call's time depends on whether the kernel wakes the next process on the same core or on another one, which is several times
slower on virtual machines: when one side has met the one and one the other, run it again.

DIR of --peers is a virtual environment with fastmcp; in DIR/mcp-proxy another one with mcp-proxy, which wants an older SDK; and
supergateway, by `npm install --prefix DIR supergateway`. What is there is measured before a server that speaks MCP.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

import psutil

WRAPPER = Path(__file__).parents[1] / "wrappers" / "iai_wrapper.py"
LIGHT = [sys.executable, "-I", "-S"]
TEN_MEGABYTES = 10 * 1024 * 1024
CALLS = 1000
# Seconds after which what is measured counts as failed.
PATIENCE = 20.0

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
# As much of MCP as relays that take part in it need.
MCP_SERVER = rb"""
import json, sys
TOOL = {"name": "echo", "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}}}
for line in sys.stdin.buffer:
    request = json.loads(line)
    method, params = request.get("method"), request.get("params", {})
    if "id" not in request or not method:
        continue
    answer = {"jsonrpc": "2.0", "id": request["id"]}
    if method == "initialize":
        answer["result"] = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}}
    elif method == "tools/list":
        answer["result"] = {"tools": [TOOL]}
    elif method == "tools/call":
        answer["result"] = {"content": [{"type": "text", "text": params["arguments"]["text"]}]}
    elif method == "ping":
        answer["result"] = {}
    else:
        answer["error"] = {"code": -32601, "message": "no such method"}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    sys.stdout.buffer.flush()
"""


class Connection:
    """A client's connection to the server, directly or through the wrapper."""

    def __init__(self, command: Sequence[str], *, sockets: bool, errors: IO[bytes] | None = None) -> None:
        its_input, self._input, self._output, its_output = _socket_pairs() if sockets else _pipes()
        self._idents = 0
        self._process = subprocess.Popen(command, stdin=its_input, stdout=its_output, stderr=errors)
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
        while self._read()[-1:] != b"\n":
            pass
        return time.perf_counter() - began

    def _read(self) -> bytes:
        """What comes next. Raises TimeoutError when nothing does, and when the other side has ended."""
        chunk = os.read(self._output, 65536) if select.select([self._output], [], [], PATIENCE)[0] else b""
        if not chunk:
            raise TimeoutError
        return chunk

    def tell(self, method: str) -> None:
        """A notification."""
        self._write(b'{"jsonrpc":"2.0","method":"%s"}\n' % method.encode())

    def pipelined(self) -> float:
        """Seconds for as many calls that do not wait for one another."""
        calls = b"".join(
            b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"echo"}}\n' % ident
            for ident in range(CALLS)
        )
        sending = threading.Thread(target=self._write, args=(calls,))
        began = time.perf_counter()
        sending.start()
        answered = 0
        while answered < CALLS:
            answered += self._read().count(b"\n")
        took = time.perf_counter() - began
        sending.join()
        return took

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._input, data) :]

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

    def resident_without(self, server: Path) -> float:
        """MB of all that runs here, the server aside; of the server where there is nothing else."""
        first = psutil.Process(self._process.pid)
        relays = [
            each for each in (first, *first.children(recursive=True)) if each.cmdline()[-1] != str(server)
        ]
        return sum(each.memory_info().rss for each in relays or [first]) / 1024**2

    def wakeups(self) -> int:
        """How often its threads have gone to sleep so far, which is how often they were woken; 0 without a /proc."""
        tasks = Path(f"/proc/{self._process.pid}/task").glob("*/status")
        lines = [line for task in tasks for line in task.read_text(encoding="ascii").splitlines()]
        return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary"))

    def close(self) -> float:
        """Seconds until the process that the client started has gone. One that stays is killed."""
        began = time.perf_counter()
        os.close(self._input)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
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
    parsed_p99: list[float] = field(default_factory=list)
    pipelined: list[float] = field(default_factory=list)
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
        calls = connection.calls()
        self.parsed.append(statistics.median(calls))
        self.parsed_p99.append(statistics.quantiles(calls, n=100)[98])
        self.pipelined.append(statistics.median(connection.pipelined() for _ in range(5)))
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
    ("start", "start to first answer", "ms", 1e3, 2.5),
    ("parsed", "a call, p50", "µs", 1e6, 3.0),
    ("parsed_p99", "a call, p99", "µs", 1e6, 4.0),
    ("pipelined", "1,000 calls pipelined", "ms", 1e3, 1.1),
    ("p50", "a call to the light server, p50", "µs", 1e6, None),
    ("p99", "a call to the light server, p99", "µs", 1e6, None),
    ("ten_megabytes", "10 MB there and back", "ms", 1e3, 1.2),
    ("leaving", "gone after the end of input", "ms", 1e3, None),
)
RESIDENT_GOAL, WAKEUPS_GOAL = 10.0, 4.0


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


def at_rest(seconds: float) -> float:
    """Wakeups a minute of a wrapper whose client is silent."""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "wrappers").mkdir()
        connection = Connection([*LIGHT, str(WRAPPER), "--home", name, "--", "cat"], sockets=False)
        connection.call("initialize", b"{}")
        time.sleep(1)
        before = connection.wakeups()
        time.sleep(seconds)
        woken = connection.wakeups() - before
        connection.close()
    return woken / seconds * 60


_FASTMCP = """
import sys
from fastmcp.client.transports import StdioTransport
from fastmcp.server import create_proxy
create_proxy(StdioTransport(sys.argv[1], sys.argv[2:])).run("stdio", show_banner=False)
"""
# A relay that offers a server on a port, and one that brings it back to stdio: started together, ended together.
_TWO_LEGS = """
import json, shlex, socket, subprocess, sys, time
legs = json.loads(sys.argv[1])
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = str(free.getsockname()[1])
first, second = ([word.replace("PORT", port).replace("SERVER", shlex.join(sys.argv[2:])) for word in leg] for leg in legs)
near = subprocess.Popen(first + (sys.argv[2:] if "--" in first else []), stdin=subprocess.DEVNULL, stdout=sys.stderr)
while near.poll() is None:
    try:
        socket.create_connection(("127.0.0.1", int(port))).close()
        break
    except OSError:
        time.sleep(0.02)
else:
    sys.exit("the first leg has ended")
subprocess.run(second)
near.terminate()
near.wait()
"""


def peers(place: Path) -> Mapping[str, list[str]]:
    """What stands before the server's command line, for each relay that is installed in `place`."""
    python, proxy = str(place / "bin" / "python"), str(place / "mcp-proxy" / "bin" / "mcp-proxy")
    gateway = str(place / "node_modules" / ".bin" / "supergateway")
    legs = {
        "mcp-proxy": [
            [proxy, "--port", "PORT", "--"],
            [proxy, "--transport", "streamablehttp", "http://127.0.0.1:PORT/mcp"],
        ],
        "supergateway": [
            [
                gateway,
                "--stdio",
                "SERVER",
                "--port",
                "PORT",
                "--outputTransport",
                "streamableHttp",
                "--stateful",
            ],
            [gateway, "--streamableHttp", "http://127.0.0.1:PORT/mcp"],
        ],
    }
    found = {"FastMCP's proxy": [python, "-c", _FASTMCP]}
    found |= {name: [*LIGHT, "-c", _TWO_LEGS, json.dumps(pair)] for name, pair in legs.items()}
    programs = {"FastMCP's proxy": python, "mcp-proxy": proxy, "supergateway": gateway}
    return {name: words for name, words in found.items() if Path(programs[name]).exists()}


def compare(place: Path, rounds: int) -> None:
    """A table of the relays, each against none, before a server that speaks MCP."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "wrappers").mkdir()
        (home / "server.py").write_bytes(MCP_SERVER)
        relays: dict[str, list[str]] = {
            "none": [],
            "iai-wrapper": [*LIGHT, str(WRAPPER), "--home", name, "--"],
        }
        relays |= peers(place)
        taken: dict[str, list[dict[str, float]]] = {relay: [] for relay in relays}
        for _ in range(rounds):
            for relay, before in relays.items():
                taken[relay].append(_through(before, home))
    print(f"{'':18}" + "".join(f"{what:>16}" for what in COMPARED))
    for relay, figures in taken.items():
        print(f"{relay:18}" + "".join(f"{_ratio(what, figures, taken['none']):>16}" for what in COMPARED))


COMPARED = ("start", "call, p50", "10 MB", "leaving, ms", "resident, MB")


def _ratio(what: str, figures: Sequence[Mapping[str, float]], alone: Sequence[Mapping[str, float]]) -> str:
    if not all(what in each for each in figures):
        return "fails"
    reached = statistics.median(each[what] for each in figures)
    if "," in what and what != "call, p50":
        return f"{reached:.1f}"
    return f"{reached / statistics.median(each[what] for each in alone):.1f}x"


def _through(before: Sequence[str], home: Path) -> dict[str, float]:
    """One round; what fails is left out."""
    found: dict[str, float] = {}
    began = time.perf_counter()
    errors = (home / "errors").open("ab")
    connection = Connection([*before, *LIGHT, str(home / "server.py")], sockets=False, errors=errors)
    try:
        hello = (
            b'{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}'
        )
        connection.call("initialize", hello)
        found["start"] = time.perf_counter() - began
        connection.tell("notifications/initialized")
        connection.call("tools/list", b"{}")
        calls = [connection.call("tools/call", _call(b"hello")) for _ in range(100)]
        found["call, p50"] = statistics.median(calls)
        found["resident, MB"] = connection.resident_without(home / "server.py")
        found["10 MB"] = connection.call("tools/call", _call(b"x" * TEN_MEGABYTES))
    except (TimeoutError, BrokenPipeError):
        pass
    finally:
        found["leaving, ms"] = connection.close() * 1e3
        errors.close()
    return found


def _call(text: bytes) -> bytes:
    return b'{"name":"echo","arguments":{"text":"' + text + b'"}}'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--sockets", action="store_true", help="over socket pairs, as node makes them, instead of pipes"
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rest", type=float, default=60, metavar="SECONDS", help="how long to count wakeups")
    parser.add_argument("--peers", type=Path, metavar="DIR", help="other relays, for comparison")
    options = parser.parse_args()
    if options.peers:
        compare(options.peers, min(options.rounds, 5))
        return
    woken = at_rest(options.rest)
    alone, wrapped = measure(options.rounds, sockets=options.sockets)
    rows, resident = table(alone, wrapped), statistics.median(wrapped.resident)
    if options.json:
        figures = {name: asdict(row) for name, row in rows.items()}
        print(
            json.dumps(
                {
                    "schema": 1,
                    "rounds": options.rounds,
                    **figures,
                    "resident_mb": resident,
                    "wakeups_a_minute": woken,
                }
            )
        )
        return
    print(f"{'':34}{'without':>13}{'with':>13}{'ratio':>10}   goal", *rows.values(), sep="\n")
    print(f"{'resident, after all that':47}{resident:10.1f} MB{'':13}≤ {RESIDENT_GOAL:.0f} MB")
    print(f"{'wakeups a minute, at rest':47}{woken:10.1f}{'':16}≤ {WAKEUPS_GOAL:.0f}")
    missed = [row.what for row in rows.values() if not row.reached] + ["resident"] * (
        resident > RESIDENT_GOAL
    )
    missed += ["wakeups"] * (woken > WAKEUPS_GOAL)
    print(f"{options.rounds} rounds; {'not reached: ' + ', '.join(missed) if missed else 'all reached'}")


if __name__ == "__main__":
    main()
