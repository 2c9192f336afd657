"""The wrapper beside other relays, before a server that speaks as much of MCP as relays that take part in it need.

Each ratio is the wrapper's figure in that of the other relay: 0.1× is a tenth. The others do more than pass bytes on: they change
the transport, or let servers be put together. Who only wants to know whether somebody is there pays for that all the same. mcp-proxy
and supergateway offer a server on a port; here a second one of their kind brings it back to stdio, as a client that speaks stdio
needs it.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.figures import Absent, Figure, ratio
from benchmarks.measuring import Effort
from benchmarks.peers import FASTMCP, MCP_PROXY, SUPERGATEWAY, Peer, found
from benchmarks.relayed import LIGHT, MCP_SERVER, PATIENCE, TEN_MEGABYTES, WRAPPER, Connection

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
_HELLO = b'{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}'
_CALLS = 100
_COMPARED = {
    "start": ("start to first answer", "s"),
    "call": ("a call, p50", "s"),
    "big": ("a message of 10 MB, there and back", "s"),
    "leaving": ("gone after the end of input", "s"),
    "resident": ("memory", "MB"),
}
Round = dict[str, float]


def measure(effort: Effort) -> Iterator[Figure | Absent]:
    """All relays in every round."""
    there = {peer: absent for peer in (FASTMCP, MCP_PROXY, SUPERGATEWAY) if (absent := found(peer))}
    yield from there.values()
    peers = [peer for peer in (FASTMCP, MCP_PROXY, SUPERGATEWAY) if peer not in there]
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "wrappers").mkdir()
        (home / "server.py").write_bytes(MCP_SERVER)
        ours: list[Round] = []
        theirs: dict[Peer, list[Round]] = {peer: [] for peer in peers}
        for number in range(effort.turns(2, 4)):
            # What fails costs the whole of somebody's patience: once is enough to know it.
            big = not effort.quick
            ours.append(_through([*LIGHT, str(WRAPPER), "--home", name, "--"], home, big=big))
            for peer, rounds in theirs.items():
                again = number == 0 or "big" in rounds[0]
                rounds.append(_through(_before(peer), home, big=big and again))
    for peer, rounds in theirs.items():
        yield from _figures(peer, ours, rounds, effort)


def _figures(
    peer: Peer, ours: Sequence[Round], theirs: Sequence[Round], effort: Effort
) -> Iterator[Figure | Absent]:
    if not all("start" in each for each in theirs):
        yield Absent(peer.name, f"no answer within {PATIENCE:.0f} s")
        return
    for key, (words, unit) in _COMPARED.items():
        thorough = key == "big"
        if all(key in each for each in (*ours, *theirs)):
            taken = ([each[key] for each in side] for side in (ours, theirs))
            against = peer.name
            yield ratio(
                f"{words}, against {against}",
                *taken,
                unit,
                against,
                needs=against,
                thorough=thorough,
            )
        elif not (thorough and effort.quick):
            yield Absent(f"{words}, against {peer.name}", f"no answer within {PATIENCE:.0f} s")


def _before(peer: Peer) -> list[str]:
    """What stands before the server's command line."""
    if peer is FASTMCP:
        return [peer.path, "-c", _FASTMCP]
    return [*LIGHT, "-c", _TWO_LEGS, json.dumps(_legs(peer))]


def _legs(peer: Peer) -> list[list[str]]:
    address = "http://127.0.0.1:PORT/mcp"
    if peer is MCP_PROXY:
        return [[peer.path, "--port", "PORT", "--"], [peer.path, "--transport", "streamablehttp", address]]
    words = ["--stdio", "SERVER", "--port", "PORT", "--outputTransport", "streamableHttp", "--stateful"]
    return [[peer.path, *words], [peer.path, "--streamableHttp", address]]


def _through(before: Sequence[str], home: Path, *, big: bool) -> Round:
    """One round; what fails is left out."""
    taken: Round = {}
    began = time.perf_counter()
    with (home / "errors").open("ab") as errors:
        connection = Connection([*before, *LIGHT, str(home / "server.py")], errors=errors)
        try:
            connection.call("initialize", _HELLO)
            taken["start"] = time.perf_counter() - began
            connection.tell("notifications/initialized")
            connection.call("tools/list", b"{}")
            taken["call"] = statistics.median(
                connection.call("tools/call", _call(b"hello")) for _ in range(_CALLS)
            )
            taken["resident"] = connection.resident_without(home / "server.py")
            if big:
                taken["big"] = connection.call("tools/call", _call(b"x" * TEN_MEGABYTES))
        except (TimeoutError, BrokenPipeError):
            pass
        finally:
            taken["leaving"] = connection.close()
    return taken


def _call(text: bytes) -> bytes:
    return b'{"name":"echo","arguments":{"text":"' + text + b'"}}'
