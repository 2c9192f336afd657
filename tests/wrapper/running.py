"""A real wrapper between this test and a real server, over pipes or a pair of sockets."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import psutil

from iai_daemon.clock import Stopwatch, pause

_T = TypeVar("_T")

WRAPPER = Path(__file__).parents[2] / "wrappers" / "iai_wrapper.py"
LIGHT = (sys.executable, "-I", "-S")
DEADLINE = 10.0

# Sends back whatever it gets, and ends with its input.
ECHO = """
import posix
while chunk := posix.read(0, 65536):
    while chunk:
        chunk = chunk[posix.write(1, chunk):]
"""


def server(script: str) -> list[str]:
    """The command line of a server that is a Python script."""
    return [*LIGHT, "-c", script]


def until(found: Callable[[], _T], seconds: float = DEADLINE) -> _T:
    """Ask again and again until the answer is true; fails after `seconds`."""
    watch = Stopwatch()
    while not (answer := found()):
        assert watch.seconds() < seconds, f"not within {seconds} s"
        pause(0.002)
    return answer


def is_alive(pid: int) -> bool:
    """Whether the process still runs: a zombie that nobody has asked for does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Running:
    """The wrapper as its client sees it. Kills what is left at the end of the `with`."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        home: Path | None = None,
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        sockets: bool = False,
        direct: bool = False,
    ) -> None:
        """`direct`: without the wrapper, for comparison. `sockets`: one pair for input and one for output, as node makes them."""
        place = ["--home", str(home)] if home else []
        line = list(command) if direct else [*LIGHT, str(WRAPPER), *place, *options, "--", *command]
        its_input, self.input, self.output, its_output = _socket_pairs() if sockets else _pipes()
        self.process = subprocess.Popen(
            line, stdin=its_input, stdout=its_output, stderr=subprocess.PIPE, env=environment, cwd=cwd
        )
        os.close(its_input)
        os.close(its_output)
        self._home = home
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stderr:
            self.process.stderr.close()
        self.close_input()
        if self.output >= 0:
            os.close(self.output)

    def send(self, *parts: bytes | Mapping[str, object] | Sequence[object]) -> None:
        """Messages as lines; bytes as they are."""
        for part in parts:
            data = part if isinstance(part, bytes) else json.dumps(part).encode() + b"\n"
            while data:
                data = data[os.write(self.input, data) :]

    def receive(self, size: int) -> bytes:
        """Exactly so many bytes of the server's output, fewer only when it ends."""
        while len(self._buffer) < size and self._more():
            pass
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def line(self) -> bytes:
        """The next line of the server's output."""
        while b"\n" not in self._buffer and self._more():
            pass
        found, _, self._buffer = self._buffer.partition(b"\n")
        return found

    def rest(self) -> bytes:
        """All that is still to come, until the output ends."""
        while self._more():
            pass
        found, self._buffer = self._buffer, b""
        return found

    def _more(self) -> bool:
        readable, _, _ = select.select([self.output], [], [], DEADLINE)
        assert readable, "nothing comes"
        chunk = os.read(self.output, 65536)
        self._buffer += chunk
        return bool(chunk)

    def close_input(self) -> None:
        if self.input >= 0:
            os.close(self.input)
            self.input = -1

    def leave(self) -> int:
        """The client closes the input; returns the wrapper's exit status."""
        self.close_input()
        return self.process.wait(DEADLINE)

    def complaints(self) -> str:
        """What stands on standard error, once the wrapper has ended."""
        assert self.process.stderr
        return self.process.stderr.read().decode()

    def heartbeats(self) -> list[Path]:
        assert self._home
        return sorted((self._home / "wrappers").glob("heartbeat-*.json"))

    def heartbeat(self, told: Callable[[dict[str, Any]], object] = bool) -> dict[str, Any]:
        """The heartbeat, as soon as it is there and tells what is asked for."""

        def read() -> dict[str, Any] | None:
            for path in self.heartbeats():
                try:
                    content: dict[str, Any] = json.loads(path.read_bytes())
                except FileNotFoundError:
                    continue  # replaced meanwhile
                if told(content):
                    return content
            return None

        found = until(read)
        assert found is not None
        return found


def _pipes() -> tuple[int, int, int, int]:
    its_input, our_input = os.pipe()
    our_output, its_output = os.pipe()
    return its_input, our_input, our_output, its_output


def _socket_pairs() -> tuple[int, int, int, int]:
    its_input, our_input = socket.socketpair()
    our_output, its_output = socket.socketpair()
    our_input.shutdown(socket.SHUT_RD)
    return its_input.detach(), our_input.detach(), our_output.detach(), its_output.detach()


def request(method: str, ident: object = 1, **params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": ident, "method": method, "params": params}
