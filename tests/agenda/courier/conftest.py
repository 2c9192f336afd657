"""A calendar backend, and a courier that really runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from iai_daemon.agenda.slots.courier.http import HttpBackend
from iai_daemon.agenda.slots.courier.web import Web
from iai_daemon.config import Calendar
from iai_daemon.paths import Home
from tests.agenda.backend import Backend, calendar_backend
from tests.agenda.courier.asking import STAMP


class Process:
    """A courier's process, asked one thing at a time."""

    def __init__(self, home: Home, **environment: str) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "iai_daemon.agenda.slots.courier", "--home", str(home.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
        )
        self.pid = self._child.pid
        self.heard = b""

    def send(self, line: bytes) -> dict[str, Any]:
        assert self._child.stdin
        assert self._child.stdout
        self._child.stdin.write(line + b"\n")
        self._child.stdin.flush()
        answer = self._child.stdout.readline()
        self.heard += answer
        return json.loads(answer)

    def ask(self, **order: Any) -> dict[str, Any]:
        return self.send(json.dumps({"id": 1, **order}).encode())

    def beat(self, *agents: str) -> dict[str, Any]:
        listed = [{"id": each, "model": "m", "status": "idle"} for each in agents]
        return self.ask(do="beat", captured_at=STAMP, agents=listed)

    def update(self, slot: str = "7", status: str = "completed") -> dict[str, Any]:
        return self.ask(do="update", slot=slot, status=status, summary=None, reason=None, key="k")

    def end(self) -> int:
        """End of input; what it said meanwhile is kept in `heard`."""
        out, complaints = self._child.communicate(timeout=20)
        self.heard += out + complaints
        return self._child.returncode

    def kill(self) -> None:
        self._child.kill()
        self._child.communicate()


@pytest.fixture
def backend() -> Iterator[Backend]:
    with calendar_backend() as backend:
        yield backend


@pytest.fixture
def webs() -> Iterator[Callable[..., Web]]:
    """Makes what asks servers."""
    made: list[Web] = []

    def make(whole: float = 15.0) -> Web:
        made.append(Web(whole))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def http(webs: Callable[..., Web]) -> Callable[..., HttpBackend]:
    """The backend at an address, asked without a process between."""

    def make(url: str, key: str | None = None, whole: float = 15.0, **settings: Any) -> HttpBackend:
        return HttpBackend(Calendar(url=url, **settings), webs(whole), lambda: key)

    return make


@pytest.fixture
def couriers(home: Home) -> Iterator[Callable[..., Process]]:
    """Starts one in the home as it stands then, with these variables beside its own."""
    started: list[Process] = []

    def start(**environment: str) -> Process:
        started.append(Process(home, **environment))
        return started[-1]

    yield start
    for each in started:
        each.kill()
