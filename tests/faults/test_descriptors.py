"""No file descriptor is left: who is there stays there, whoever calls, and afterwards all is as it was."""

from __future__ import annotations

import json
import resource
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.control.address import address
from iai_daemon.control.messages import call, parse_response
from iai_daemon.paths import Home
from tests.faults.stage import playing
from tests.journeys.real import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has prlimit and /proc")


def _connect(home: Home) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(5)
    with address(home.socket) as where:
        connection.connect(where)
    return connection


class _Line:
    """A call that is held: who has one is answered although nobody else gets through."""

    def __init__(self, home: Home) -> None:
        self.connection = _connect(home)

    def status(self) -> dict[str, Any]:
        self.connection.sendall(call("status", {}, 1))
        received = b""
        while not received.endswith(b"\n"):
            received += self.connection.recv(65536)
        found: dict[str, Any] = parse_response(received)["result"]
        return found

    def tells(self, what: str, words: str) -> bool:
        return any(each["what"] == what and words in each["why"] for each in self.status()["degraded"])


@contextmanager
def _none_left(pid: int) -> Iterator[None]:
    """The process has as many descriptors as it may have."""
    used = {int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()}
    first_free = next(number for number in range(len(used) + 1) if number not in used)
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (first_free, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def test_without_descriptors_nobody_dies(home: Home) -> None:
    with playing(home) as scene:
        line = _Line(home)
        line.status()
        with line.connection, _none_left(scene.daemon.process.pid):
            until(lambda: line.tells("presence", "Too many open files"))
            before = line.status()
            until(lambda: line.status()["tick"]["at"] > before["tick"]["at"])
            found = line.status()
            assert (found["pid"], found["presence"]["fresh"]) == (scene.daemon.process.pid, 1)
            assert (found["presence"]["invalid"], found["presence"]["orphan"]) == (0, 0)
        scene.assert_goes_on()


def test_callers_who_take_every_descriptor_take_none_of_those_that_the_daemon_needs(home: Home) -> None:
    with playing(home, before=["prlimit", "--nofile=48"]) as scene:
        line = _Line(home)
        line.status()
        with ExitStack() as callers:
            for _ in range(45):
                callers.enter_context(_connect(home))
            until(lambda: line.tells("control", "Too many open files"))
            assert line.status()["tick"]["failures"] > 0
            scene.wrapper.leave()
            until(lambda: line.status()["presence"]["fresh"] == 0)
            assert line.status()["pid"] == scene.daemon.process.pid
        until(lambda: not line.status()["degraded"])
        line.connection.close()
        scene.daemon.wait_started()
        scene.leave_work()
        scene.wait_night()


def test_a_wrapper_without_descriptors_relays_and_stays_there(home: Home) -> None:
    """What it has open is enough for that; how often its user did something is told when there is one again."""
    with playing(home) as scene:
        ((before, path),) = _told(home)
        with _none_left(scene.wrapper.process.pid):
            for _ in range(20):
                scene.act()
            scene.wait_tick()
            assert (scene.presence()["fresh"], scene.presence()["orphan"]) == (1, 0)
        scene.act()
        until(lambda: _told(home)[0][0] > before)
        assert [each for _, each in _told(home)] == [path]
        scene.assert_goes_on()


def _told(home: Home) -> list[tuple[int, Path]]:
    """How many activities each heartbeat tells of."""
    return [
        (json.loads(path.read_bytes())["activity_count"], path)
        for path in home.wrappers.glob("heartbeat-*.json")
    ]
