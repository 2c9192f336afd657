"""The memory server's first answers, against the smallest server that the SDK makes. Ours holds 1,000 memories."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, ratio
from benchmarks.measuring import Effort
from iai_daemon.clock import read
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.paths import Home
from tests.introduction import HELLO

SMALLEST = '''
from mcp.server.mcpserver import MCPServer

server = MCPServer("smallest")


@server.tool()
def echo(query: str) -> str:
    """Say it again."""
    return query


server.run("stdio")
'''
MEMORIES = 1000
STEPS = ("initialize", "tools/list", "tools/call")
GOAL = 1.2
_AGAINST = "the SDK's smallest server"


def measure(effort: Effort) -> Iterator[Figure]:
    """Both in every round, so that a slow moment of the machine meets both."""
    smallest, ours = _taken(effort.turns(4, 12))
    for step in STEPS:
        times = (ours.answers[step], smallest.answers[step])
        yield ratio(f"start to the answer of {step}", *times, "s", _AGAINST, goal=GOAL)
    if ours.cpu:
        yield ratio("CPU of all that", ours.cpu, smallest.cpu, "s", _AGAINST, goal=GOAL)


@dataclass
class Taken:
    """Seconds from the start of the process to the answer of each step, a list for each; and of CPU, for all of them."""

    answers: dict[str, list[float]] = field(default_factory=lambda: {step: [] for step in STEPS})
    cpu: list[float] = field(default_factory=list)

    def take(self, words: Sequence[str], tool: str) -> None:
        """One process, from its start to its first answers."""
        began = time.perf_counter()
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
            calls = (HELLO, {}, {"name": tool, "arguments": {"query": "vault"}})
            for step, params in zip(STEPS, calls, strict=True):
                answer = _ask(server, step, params)
                self.answers[step].append(time.perf_counter() - began)
                assert not answer["result"].get("isError"), answer
            ticks = Path(f"/proc/{server.pid}/stat")
            if ticks.exists():
                user, system = ticks.read_text().rpartition(")")[2].split()[11:13]
                self.cpu.append((int(user) + int(system)) / 100)


def _ask(server: subprocess.Popen[bytes], method: str, params: object) -> dict[str, Any]:
    assert server.stdin
    assert server.stdout
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    server.stdin.write(json.dumps(message).encode() + b"\n")
    server.stdin.flush()
    answer: dict[str, Any] = json.loads(server.stdout.readline())
    return answer


def _taken(rounds: int) -> tuple[Taken, Taken]:
    smallest, ours = Taken(), Taken()
    with tempfile.TemporaryDirectory() as name:
        home = Home(Path(name) / "home")
        home.create()
        stores = open_stores(home)
        drafts = [Draft(f"Host {number} is backed up to the vault.") for number in range(MEMORIES)]
        stores.memory.import_many(drafts, read().milliseconds)
        stores.close()
        script = Path(name) / "smallest.py"
        script.write_text(SMALLEST)
        kinds = (
            (smallest, [sys.executable, str(script)], "echo"),
            (ours, [sys.executable, "-m", "iai_daemon", "--home", str(home.root), "mcp"], "search_memory"),
        )
        for _, words, tool in kinds:
            Taken().take(words, tool)  # from here on, Python has kept what it compiled
        for number in range(rounds):
            for taken, words, tool in kinds if number % 2 else reversed(kinds):
                taken.take(words, tool)
    return smallest, ours
