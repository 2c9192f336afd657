"""The guests of the soak: real wrappers, most in front of a tiny server, some in front of the memory server."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.journeys.real import wrapper_file
from tests.soak.planning import STUBBORN_EVERY

LIGHT = (sys.executable, "-I", "-S")
# Answers each request, and leaves with its input.
TINY = """
import json, os, sys
for line in sys.stdin:
    asked = json.loads(line)
    if "id" in asked:
        answer = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": {"content": []}}) + "\\n"
        try:
            os.write(1, answer.encode())
        except BrokenPipeError:
            break
"""
# The same, and then stays: who dies and leaves it behind leaves it to the daemon.
STUBBORN = TINY + "import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\nwhile True: signal.pause()\n"


class Guest:
    """One wrapper, as its client sees it. `told`: the texts that its memory server has said are kept."""

    def __init__(
        self, number: int, home: Path, environment: Mapping[str, str], said: Path, *, remembers: bool
    ) -> None:
        self.number = number
        self.remembers = remembers
        self.told: set[str] = set()
        self.answers = 0
        self._asked: dict[int, str] = {}
        self._next = 0
        self._buffer = b""
        server = [sys.executable, "-m", "iai_daemon", "--home", str(home), "mcp"]
        if not remembers:
            server = [*LIGHT, "-c", STUBBORN if number % STUBBORN_EVERY == STUBBORN_EVERY - 1 else TINY]
        line = [
            *LIGHT,
            wrapper_file(),
            "--home",
            str(home),
            "--session",
            f"guest-{number}",
            "--record-outcomes",
            "--",
            *server,
        ]
        with said.open("ab") as log:
            self.process = subprocess.Popen(
                line,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=dict(environment),
                start_new_session=True,
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._to, self._from = self.process.stdin.fileno(), self.process.stdout.fileno()
        os.set_blocking(self._to, False)
        os.set_blocking(self._from, False)
        self._ask(
            "initialize",
            protocolVersion="2025-06-18",
            capabilities={},
            clientInfo={"name": "soak", "version": "1"},
        )
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def work(self, text: str) -> None:
        """One tool call; of the memory server that it remembers this."""
        arguments = {"content": text} if self.remembers else {}
        self._asked[self._next] = text
        self._ask("tools/call", name="remember" if self.remembers else "look", arguments=arguments)

    def listen(self) -> None:
        """Take in what has been answered."""
        while True:
            try:
                data = os.read(self._from, 65536)
            except (BlockingIOError, ValueError):
                break
            if not data:
                break
            self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            answer = json.loads(line)
            self.answers += "result" in answer
            text = self._asked.pop(answer.get("id"), None)
            if text and self.remembers and not answer.get("result", {"isError": True}).get("isError"):
                self.told.add(text)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def leave(self) -> None:
        """As a client does that closes: no more input. Who was frozen has to thaw to notice."""
        self.thaw()
        if self.process.stdin is not None:
            self.process.stdin.close()

    def close(self) -> None:
        """Let go of an ended one."""
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def _signal(self, number: int) -> None:
        if self.is_alive:
            self.process.send_signal(number)

    def _ask(self, method: str, **params: Any) -> None:
        self._send({"jsonrpc": "2.0", "id": self._next, "method": method, "params": params})
        self._next += 1

    def _send(self, message: Mapping[str, Any]) -> None:
        # A frozen one takes what the pipe holds, a dead one nothing.
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(self._to, json.dumps(message).encode() + b"\n")
