"""Whoever ends first, and however, in front of whatever server: in two seconds the wrapper is gone, and the server's group."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from iai_daemon.clock import Stopwatch
from tests.wrapper.running import LIGHT, WRAPPER, is_alive, server, until
from tests.wrapper.servers import BUSY, FORKING, LEAVING_A_CHILD, LEAVING_A_SESSION, POLITE, STUBBORN

KINDS = {
    "polite": POLITE,
    "busy": BUSY,
    "stubborn": STUBBORN,
    "forking": FORKING,
    "leaving a child": LEAVING_A_CHILD,
    "leaving a session": LEAVING_A_SESSION,
}
KILLED, TERMINATED = 128 + signal.SIGKILL, 128 + signal.SIGTERM
BY_ITSELF = dict.fromkeys(KINDS, 0) | {"busy": TERMINATED, "stubborn": KILLED, "forking": KILLED}
# A polite one may see the end of its input before the signal that comes with it, or after.
BY_SIGNAL = {"stubborn": KILLED, "forking": KILLED, "leaving a child": 0, "leaving a session": 0}

# A client that starts the wrapper, tells its pid and what the server says, and stays until it is ended or told to leave.
_CLIENT = """
import os, signal, subprocess, sys
wrapper = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(wrapper.pid, wrapper.stdout.readline().decode(), end="", flush=True)
sys.stdin.readline()
wrapper.stdin.close()
print(wrapper.wait(), flush=True)
"""


class Trio:
    """A client, a wrapper and a server, each of which can be ended; `pids`: the server's, and that of its child."""

    def __init__(self, place: Path, script: str) -> None:
        line = [*LIGHT, str(WRAPPER), "--home", str(place), "--", *server(script)]
        self.client = subprocess.Popen(
            [sys.executable, "-c", _CLIENT, *line], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.client.stdout is not None
        self.wrapper, *self.pids = map(int, self.client.stdout.readline().split())

    def end(self, sign: str) -> None:
        """`sign`: whom, and by what."""
        whom, _, number = sign.partition(" ")
        if whom == "input":
            self.client.stdin.write("\n")  # type: ignore[union-attr]
            self.client.stdin.flush()  # type: ignore[union-attr]
            return
        pid = {"client": self.client.pid, "wrapper": self.wrapper, "server": self.pids[0]}[whom]
        os.kill(pid, signal.Signals[number])

    def status(self) -> int | None:
        """The wrapper's, as its client saw it; None when there is no client to see it. Called when the wrapper is gone."""
        said, _ = self.client.communicate(timeout=10)
        return int(said) if said else None

    def clear(self) -> None:
        self.client.kill()
        self.client.wait()
        for pid in (self.wrapper, *self.pids):
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        for stream in (self.client.stdin, self.client.stdout):
            if stream:
                stream.close()


@contextmanager
def _trios(place: Path) -> Iterator[dict[str, Trio]]:
    """One of each kind."""
    trios: dict[str, Trio] = {}
    try:
        for kind, script in KINDS.items():
            trios[kind] = Trio(place, script)
        until(lambda: len(list((place / "wrappers").glob("heartbeat-*.json"))) == len(KINDS))
        yield trios
    finally:
        for trio in trios.values():
            trio.clear()


def _notes(place: Path) -> dict[int, dict[str, Any]]:
    """The notes of ends, by the wrapper's pid."""
    notes = [json.loads(path.read_bytes()) for path in (place / "wrappers").glob("ended-*.json")]
    return {note["pid"]: note for note in notes}


def _escaped(kind: str, trio: Trio) -> list[int]:
    """Who is in a session of its own is out of reach for a process group."""
    return trio.pids[1:] if kind == "leaving a session" else []


# The first sign, the reasons that may be noted for it, and the wrapper's exit status with each kind of server.
SIGNS: dict[str, tuple[set[str], Mapping[str, int]]] = {
    "input ends": ({"client closed"}, BY_ITSELF),
    "wrapper SIGTERM": ({"SIGTERM"}, BY_SIGNAL | {"busy": TERMINATED}),
    "wrapper SIGINT": ({"SIGINT"}, BY_SIGNAL | {"busy": 128 + signal.SIGINT}),
    "wrapper SIGHUP": ({"SIGHUP"}, BY_SIGNAL | {"busy": 128 + signal.SIGHUP}),
    "server SIGTERM": ({"server ended", "client closed"}, BY_ITSELF | {"polite": TERMINATED}),
    "server SIGKILL": ({"server ended"}, dict.fromkeys(KINDS, KILLED)),
    "client SIGTERM": ({"client closed", "client gone"}, {}),
    "client SIGKILL": ({"client closed", "client gone"}, {}),
}
# Three of them do not hear SIGTERM, and are told by the end of their input then.
DEAF_TO_SIGTERM = ("stubborn", "forking", "leaving a child", "leaving a session")


@pytest.mark.parametrize("sign", SIGNS)
def test_whoever_ends_first_the_heartbeat_goes_at_once_and_the_rest_within_two_seconds(
    place: Path, sign: str
) -> None:
    reasons, statuses = SIGNS[sign]
    with _trios(place) as trios:
        watch = Stopwatch()
        for trio in trios.values():
            trio.end(sign)
        if sign == "server SIGTERM":
            for kind in DEAF_TO_SIGTERM:
                trios[kind].end("input ends")
        until(lambda: not list((place / "wrappers").glob("heartbeat-*")), 0.9)
        until(lambda: not any(is_alive(trio.wrapper) for trio in trios.values()), 2.2)
        assert watch.seconds() < 2.2
        for kind, trio in trios.items():
            assert [pid for pid in trio.pids if is_alive(pid)] == _escaped(kind, trio), kind
        notes = _notes(place)
        # Of two whose numbers end alike the later one's note stands over the other's (wrappers/CONTRACT.md).
        alike = Counter(trio.wrapper % 100 for trio in trios.values())
        for kind, trio in trios.items():
            if alike[trio.wrapper % 100] > 1 and trio.wrapper not in notes:
                continue
            note = notes[trio.wrapper]
            assert note["reason"] in reasons, kind
            if statuses:
                assert note["status"] == trio.status() == statuses.get(kind, note["status"]), kind


@pytest.mark.parametrize("second", ["client SIGKILL", "input ends"])
def test_when_the_wrapper_is_killed_first_its_heartbeat_is_unlocked_and_who_reads_its_input_leaves(
    place: Path, second: str
) -> None:
    with _trios(place) as trios:
        for trio in trios.values():
            trio.end("wrapper SIGKILL")
        until(lambda: not any(is_alive(trio.wrapper) for trio in trios.values()))
        for kind in ("polite", "leaving a child", "leaving a session"):
            until(lambda pid=trios[kind].pids[0]: not is_alive(pid))  # type: ignore[misc]
        for trio in trios.values():
            trio.end(second)
        # A daemon ends the others: it knows each by its pid and start.
        beats = _beats(place)
        for kind in ("busy", "stubborn", "forking"):
            beat = beats[trios[kind].wrapper]
            assert is_alive(beat["child_pid"])
            assert beat["child_pid"] == trios[kind].pids[0]
        assert _notes(place) == {}


def _beats(place: Path) -> dict[int, dict[str, Any]]:
    beats = [json.loads(path.read_bytes()) for path in (place / "wrappers").glob("heartbeat-*.json")]
    return {beat["pid"]: beat for beat in beats}


@pytest.mark.parametrize(
    "order",
    [
        ("server SIGKILL", "input ends"),
        ("input ends", "server SIGKILL"),
        ("input ends", "wrapper SIGTERM"),
        ("wrapper SIGINT", "wrapper SIGTERM", "input ends"),
        ("server SIGKILL", "client SIGKILL"),
        ("client SIGKILL", "server SIGKILL"),
        ("client SIGKILL", "wrapper SIGHUP", "server SIGTERM"),
    ],
    ids=" then ".join,
)
def test_signs_on_top_of_one_another_end_it_once(place: Path, order: tuple[str, ...]) -> None:
    with _trios(place) as trios:
        watch = Stopwatch()
        for sign in order:
            for trio in trios.values():
                _survive(trio.end, sign)
        until(lambda: not any(is_alive(trio.wrapper) for trio in trios.values()), 2.2)
        assert watch.seconds() < 2.2
        assert not list((place / "wrappers").glob("heartbeat-*"))
        # Of two whose numbers end alike the later one's note stands over the other's (wrappers/CONTRACT.md).
        assert len(_notes(place)) == len({trio.wrapper % 100 for trio in trios.values()})
        for kind, trio in trios.items():
            assert [pid for pid in trio.pids if is_alive(pid)] == _escaped(kind, trio), kind


def _survive(end: Callable[[str], None], sign: str) -> None:
    """Who has gone already cannot be ended."""
    try:
        end(sign)
    except (ProcessLookupError, psutil.NoSuchProcess):
        return


def test_a_heartbeat_that_could_not_be_written_leaves_no_note_either(tmp_path: Path) -> None:
    (tmp_path / "wrappers").write_text("a file")
    trio = Trio(tmp_path, POLITE)
    try:
        trio.end("input ends")
        assert trio.status() == 0
    finally:
        trio.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["wrappers"]
