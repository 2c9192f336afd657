"""Real processes for the journeys: a daemon, wrappers in front of a server, and waiting for what they do."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from iai_daemon.clock import Stopwatch, pause
from iai_daemon.control import client
from iai_daemon.errors import DaemonAway, DaemonMute
from iai_daemon.paths import Home

_T = TypeVar("_T")

# Thresholds of an evening in seconds instead of minutes; a tick that no step of it waits for.
SHORT = """
[presence]
stale_after = "5s"
settle_after = "300ms"
[lifecycle]
tick = "2s"
idle_after = "600ms"
absent_for = "400ms"
[consolidation]
naps = false
interval = "0s"
"""


def until(found: Callable[[], _T], seconds: float = 10.0) -> _T:
    """Ask again and again until the answer is true; fails after `seconds`."""
    watch = Stopwatch()
    while not (answer := found()):
        assert watch.seconds() < seconds, f"not within {seconds} s"
        pause(0.01)
    return answer


def command(home: Home, *words: str) -> list[str]:
    return [sys.executable, "-m", "iai_daemon", "--home", str(home.root), *words]


def wrapper_file() -> str:
    """The wrapper as a script, which is found and never imported."""
    found = importlib.util.find_spec("iai_wrapper")
    assert found is not None
    assert found.origin
    return found.origin


def call(home: Home, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """One command, to its end."""
    return subprocess.run(
        command(home, *words), input=stdin, capture_output=True, text=True, check=False, timeout=60
    )


def call_json(home: Home, *words: str, stdin: str | None = None) -> dict[str, Any]:
    """One command with `--json`: the one object on its standard output."""
    done = call(home, *words, "--json", stdin=stdin)
    assert done.stdout.count("\n") == 1, done
    answer = json.loads(done.stdout)
    assert answer["schema"] == 1
    return answer


class RunningDaemon:
    """`iai-daemon run` in a process of its own."""

    def __init__(self, home: Home, config: str = SHORT) -> None:
        self.home = home
        home.create()
        home.config.write_text(config)
        self.process = subprocess.Popen(
            command(home, "run"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        until(lambda: self.process.poll() is not None or self._answers())

    def _answers(self) -> bool:
        try:
            return self.status()["pid"] == self.process.pid
        except (DaemonAway, DaemonMute):
            return False

    def status(self) -> dict[str, Any]:
        return client.status(self.home)

    def state(self) -> tuple[str, str]:
        seen = self.status()
        return seen["state"], seen["rule"]

    def wait_state(self, state: str, rule: str | None = None, seconds: float = 10.0) -> None:
        until(lambda: self.state()[0] == state and rule in (None, self.state()[1]), seconds)

    def stop(self) -> str:
        """End it as a service manager would; returns what it wrote to standard error."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.communicate(timeout=20)[1]
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise


class RunningWrapper:
    """A real wrapper in front of a real server; `client` is what talks to it: this test."""

    def __init__(self, home: Home, server: Sequence[str] = ("cat",), before: Sequence[str] = ()) -> None:
        self.process = subprocess.Popen(
            [*before, sys.executable, "-I", "-S", wrapper_file(), "--home", str(home.root), "--", *server],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def send(self, method: str, identity: int = 1) -> bytes:
        """One request; the server here is `cat`, so what comes back is what was sent."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        message = {"jsonrpc": "2.0", "id": identity, "method": method, "params": {"name": "x"}}
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def answer(self, identity: int = 1) -> bytes:
        """Through `cat` an answer to the call comes back from the server's side."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(
            json.dumps({"jsonrpc": "2.0", "id": identity, "result": {}}).encode() + b"\n"
        )
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def leave(self) -> None:
        """The client closes the pipe and goes."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()

    def kill(self) -> None:
        self.process.kill()
        self.leave()


def environment() -> dict[str, str]:
    """What little an MCP client passes on."""
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
