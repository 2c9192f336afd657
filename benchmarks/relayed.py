"""A client's connection to a server, with or without something between them, and servers that are as light as they can be."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
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

    def __init__(
        self, command: Sequence[str], *, sockets: bool = False, errors: IO[bytes] | None = None
    ) -> None:
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
        """MB."""
        return psutil.Process(self._process.pid).memory_info().rss / 1e6

    def resident_without(self, server: Path) -> float:
        """MB of all that runs here, the server aside; of the server where there is nothing else."""
        first = psutil.Process(self._process.pid)
        relays = [
            each for each in (first, *first.children(recursive=True)) if each.cmdline()[-1] != str(server)
        ]
        return sum(each.memory_info().rss for each in relays or [first]) / 1e6

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
