"""The wrapper against no wrapper.

The server is as light as a Python program can be (`-I -S`, no import that is not built in), so the ratios are hard ones: before a
real server, which needs longer for its own start and for each call, the wrapper costs a smaller share. Calls by the thousand and
messages of 10 MB go to a server that parses them, as every server has to.

A call's time depends on whether the kernel wakes the next process on the same core or on another one, which is several times slower
on virtual machines: when one side has met the one and one the other, measure again.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.figures import Better, Figure, absolute, ratio
from benchmarks.measuring import Effort, quantile
from benchmarks.relayed import (
    CALLS,
    LIGHT,
    LIGHT_SERVER,
    PARSING_SERVER,
    TEN_MEGABYTES,
    WRAPPER,
    Connection,
)

Taken = dict[str, list[float]]
_HELLO = b'{"protocolVersion":"2025-11-25","clientInfo":{"name":"bench"}}'
# What is measured, in words, the greatest ratio that is promised, and whether it takes long.
_TIMES = (
    ("start", "start to first answer", 2.5, False),
    ("call", "a call, p50", 3.0, False),
    ("call_p99", "a call, p99", 4.0, False),
    ("ten_megabytes", "a message of 10 MB, there and back", 1.2, False),
    ("light", "a call to the lightest server, p50", None, False),
    ("light_p99", "a call to the lightest server, p99", None, True),
    ("by_sockets", "a call over socket pairs, as node makes them, p50", None, True),
    ("leaving", "gone after the end of input", None, True),
)


def measure(effort: Effort) -> Iterator[Figure]:
    """Both in every round, so that a slow moment of the machine meets both."""
    alone: Taken = {}
    wrapped: Taken = {}
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "wrappers").mkdir()
        (home / "light.py").write_bytes(LIGHT_SERVER)
        (home / "parsing.py").write_bytes(PARSING_SERVER)
        through = [*LIGHT, str(WRAPPER), "--home", name, "--"]
        _take({}, through, home)  # from here on, Python has kept what it compiled
        for number in range(effort.turns(5, 11)):
            sides = ((alone, []), (wrapped, through))
            for taken, before in sides if number % 2 else reversed(sides):
                _take(taken, before, home)
        bare = [_bare() for _ in wrapped["resident"]]
    for each, words, goal, thorough in _TIMES:
        yield ratio(words, wrapped[each], alone[each], "s", "no wrapper", goal=goal, thorough=thorough)
    rates = ([CALLS / each for each in side["pipelined"]] for side in (wrapped, alone))
    yield ratio(
        "1,000 calls that do not wait, throughput",
        *rates,
        "a second",
        "no wrapper",
        better=Better.HIGHER,
        goal=0.9,
    )
    yield absolute("memory after all that", wrapped["resident"], "MB", goal=10.0)
    yield ratio("memory after all that, in bare Python's", wrapped["resident"], bare, "MB", "bare Python")


def _take(taken: Taken, before: Sequence[str], home: Path) -> None:
    """One round; `before` is what stands before the server's command line."""

    def keep(name: str, value: float) -> None:
        taken.setdefault(name, []).append(value)

    began = time.perf_counter()
    connection = Connection([*before, *LIGHT, str(home / "light.py")])
    connection.call("initialize", _HELLO)
    keep("start", time.perf_counter() - began)
    calls = connection.calls()
    keep("light", statistics.median(calls))
    keep("light_p99", quantile(calls, 99))
    keep("leaving", connection.close())
    connection = Connection([*before, *LIGHT, str(home / "parsing.py")])
    connection.call("initialize", b"{}")
    calls = connection.calls()
    keep("call", statistics.median(calls))
    keep("call_p99", quantile(calls, 99))
    keep("pipelined", statistics.median(connection.pipelined() for _ in range(5)))
    big = b'{"text":"' + b"x" * TEN_MEGABYTES + b'"}'
    keep("ten_megabytes", statistics.median(connection.call("tools/call", big) for _ in range(3)))
    keep("resident", connection.resident())
    connection.close()
    connection = Connection([*before, *LIGHT, str(home / "parsing.py")], sockets=True)
    connection.call("initialize", b"{}")
    keep("by_sockets", statistics.median(connection.calls()))
    connection.close()


def _bare() -> float:
    """MB of a Python that only waits."""
    connection = Connection(
        [*LIGHT, "-c", "import posix\nwhile line := posix.read(0, 9): posix.write(1, line)"]
    )
    connection.call("", b"")
    held = connection.resident()
    connection.close()
    return held
