"""The memory server beside `@modelcontextprotocol/server-memory`, which keeps a graph in one file of JSON lines.

Both are spoken to over stdio with the same memories in them. Each ratio is ours in theirs: 0.5× is half of it. What differs: ours
finds words wherever they stand in a memory and ranks what it finds, theirs finds what contains the whole question as it is
written; ours has written what it was told to a database when it answers, theirs writes its whole file anew.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil

from benchmarks.figures import Absent, Figure, ratio
from benchmarks.measuring import Effort, command
from benchmarks.notes import notes
from benchmarks.peers import SERVER_MEMORY, found
from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
from tests.introduction import HELLO

MEMORIES = 5_000
_CALLS = 20
_FIGURES = {
    "start": ("start to first answer", "s"),
    "search": ("a search for one word", "s"),
    "add": ("a new memory", "s"),
    "resident": ("memory after all that", "MB"),
}


def measure(effort: Effort) -> Iterator[Figure | Absent]:
    """Both in every round."""
    if absent := found(SERVER_MEMORY):
        yield absent
        return
    with tempfile.TemporaryDirectory() as name:
        ours, theirs = _ours(Path(name)), _theirs(Path(name))
        taken: list[tuple[dict[str, float], dict[str, float]]] = []
        for number in range(effort.turns(3, 9)):
            sides = (ours, theirs) if number % 2 else (theirs, ours)
            pair = {side is ours: side.round(number) for side in sides}
            taken.append((pair[True], pair[False]))
    for key, (words, unit) in _FIGURES.items():
        both = ([pair[side][key] for pair in taken] for side in (0, 1))
        label = f"{words}, among {MEMORIES:,}"
        yield ratio(label, *both, unit, SERVER_MEMORY.name, needs=SERVER_MEMORY.name)


class Side:
    """One of the two: how it is started, searched and told."""

    def __init__(
        self, argv: Sequence[str], environment: Mapping[str, str], search: str, add: str, home: Path
    ) -> None:
        self._argv = argv
        self._environment = {**os.environ, **environment}
        self._search = search
        self._add = add
        self._home = home

    def round(self, number: int) -> dict[str, float]:
        """Start it, ask it, tell it something, and end it."""
        began = time.perf_counter()
        with subprocess.Popen(
            self._argv, env=self._environment, cwd=self._home,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            _ask(process, "initialize", HELLO)
            start = time.perf_counter() - began
            _send(process, {"method": "notifications/initialized"})
            words = [f"deploy{each}" for each in range(_CALLS)]
            search = statistics.median(self._timed(process, self._search, {"query": word}) for word in words)
            told = [self._told(number * _CALLS + each) for each in range(_CALLS)]
            add = statistics.median(self._timed(process, self._add, each) for each in told)
            resident = psutil.Process(process.pid).memory_info().rss / 1e6
            assert process.stdin
            process.stdin.close()
            process.wait(30)
        return {"start": start, "search": search, "add": add, "resident": resident}

    def _told(self, number: int) -> dict[str, Any]:
        text = f"The staging host {number} answers on port {8000 + number}."
        if self._add == "remember":
            return {"content": text}
        return {"entities": [{"name": f"host {number}", "entityType": "note", "observations": [text]}]}

    def _timed(self, process: subprocess.Popen[bytes], tool: str, arguments: dict[str, Any]) -> float:
        began = time.perf_counter()
        answer = _ask(process, "tools/call", {"name": tool, "arguments": arguments})
        assert not answer["result"].get("isError"), answer
        return time.perf_counter() - began


def _ours(folder: Path) -> Side:
    home = Home(folder / "home")
    home.create()
    now = time.time()
    with closing(open_stores(home)) as stores:
        stores.memory.import_many(notes(MEMORIES, now), round(now * 1000))
    return Side(command(home, "mcp"), {}, "search_memory", "remember", folder)


def _theirs(folder: Path) -> Side:
    file = folder / "memory.jsonl"
    with file.open("w", encoding="utf-8") as lines:
        for number, draft in enumerate(notes(MEMORIES, 0.0)):
            entity = {"name": f"note {number}", "entityType": "note", "observations": [draft.content]}
            lines.write(json.dumps({"type": "entity", **entity}) + "\n")
    environment = {"MEMORY_FILE_PATH": str(file)}
    return Side([SERVER_MEMORY.path], environment, "search_nodes", "create_entities", folder)


def _send(process: subprocess.Popen[bytes], message: Mapping[str, Any]) -> None:
    assert process.stdin
    process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    process.stdin.flush()


def _ask(process: subprocess.Popen[bytes], method: str, params: object) -> dict[str, Any]:
    _send(process, {"id": 1, "method": method, "params": params})
    assert process.stdout
    while line := process.stdout.readline():
        answer: dict[str, Any] = json.loads(line)
        if answer.get("id") == 1:
            return answer
    raise RuntimeError("the server has gone")
