"""Real wrappers and a running daemon: orphaned servers are ended, ends are told, windows are told apart, probes wake nobody."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.paths import Home
from iai_daemon.presence.orphans import GRACE
from tests.journeys.real import RunningDaemon, call_json
from tests.wrapper.running import ECHO, Running, is_alive, request, server, until
from tests.wrapper.servers import BUSY, FORKING, POLITE

CONFIG = """
[presence]
settle_after = "{settle}"
[lifecycle]
tick = "300ms"
[consolidation]
enabled = false
"""
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="a server's start is known on Linux only")


@pytest.fixture
def daemon(home: Home) -> Iterator[RunningDaemon]:
    daemon = RunningDaemon(home, CONFIG.format(settle="100ms"))
    yield daemon
    assert daemon.stop() == ""


def _told(home: Home, event: str) -> list[dict[str, Any]]:
    lines = home.log.read_text(encoding="utf-8").splitlines()
    return [entry for line in lines if (entry := json.loads(line))["event"] == event]


@LINUX
def test_what_a_killed_wrapper_leaves_behind_a_running_daemon_ends_and_tells_once(
    home: Home, daemon: RunningDaemon
) -> None:
    """And nothing else: neither a server that leaves by itself nor that of a wrapper that is only stopped."""
    scripts = (BUSY, FORKING, POLITE, BUSY)
    wrappers = [Running(server(script), home=home.root) for script in scripts]
    busy, forking, polite, stopped = wrappers
    pids: list[list[int]] = []
    try:
        pids = [[int(pid) for pid in wrapper.line().split()] for wrapper in wrappers]
        until(lambda: daemon.status()["presence"]["fresh"] == len(wrappers))
        stopped.process.send_signal(signal.SIGSTOP)
        for wrapper in (busy, forking, polite):
            wrapper.process.kill()
        until(lambda: daemon.status()["presence"]["orphan"] == 3)
        assert all(is_alive(pid) for pid in pids[0] + pids[1]), "they have their own time first"
        until(lambda: not any(is_alive(pid) for pid in pids[0] + pids[1]), 2 * GRACE + 5)
        until(lambda: len(_told(home, "orphaned server ended")) == 2, GRACE + 5)
        told = {entry["pid"]: entry for entry in _told(home, "orphaned server ended")}
        assert {pid: (entry["wrapper"], entry["by"]) for pid, entry in told.items()} == {
            pids[0][0]: (busy.process.pid, "SIGTERM"),
            pids[1][0]: (forking.process.pid, "SIGKILL"),
        }
        assert is_alive(pids[3][0])
    finally:
        stopped.process.send_signal(signal.SIGCONT)
        for wrapper in wrappers:
            wrapper.close_input()
        for pid in [pid for each in pids[:3] for pid in each if is_alive(pid)]:
            os.kill(pid, signal.SIGKILL)
        stopped.process.wait(5)
        for wrapper in wrappers:
            wrapper.__exit__(None, None, None)


def test_why_a_wrapper_ended_stands_in_the_log_and_nothing_is_left_of_it(
    home: Home, daemon: RunningDaemon
) -> None:
    with (
        Running(server(ECHO), home=home.root, options=["--session", "s-1"]) as closed,
        Running(server(ECHO), home=home.root) as terminated,
    ):
        closed.send(request("initialize", 0, clientInfo={"name": "editor"}), request("ping"))
        closed.heartbeat(lambda beat: beat["client"])
        until(lambda: len(closed.heartbeats()) == 2)
        assert closed.leave() == 0
        terminated.process.terminate()
        terminated.process.wait(5)
        until(lambda: len(_told(home, "wrapper ended")) == 2)
        told = {entry["pid"]: entry for entry in _told(home, "wrapper ended")}
        first, second = told[closed.process.pid], told[terminated.process.pid]
        assert (first["reason"], first["status"], first["client"]) == ("client closed", 0, "editor")
        assert (first["session"], first["server"]) == ("s-1", Path(sys.executable).name)
        assert first["lasted"]
        assert second["reason"] == "SIGTERM"
        until(lambda: not list(home.wrappers.iterdir()))


def test_without_a_daemon_notes_do_not_pile_up_and_the_newest_of_a_place_stays(home: Home) -> None:
    for number in range(100):
        (home.wrappers / f"ended-{number:02d}.json").write_text("an older one")
    with Running(server(ECHO), home=home.root) as wrapper:
        wrapper.heartbeat()
        place = home.wrappers / f"ended-{wrapper.process.pid % 100:02d}.json"
        wrapper.leave()
        note = json.loads(place.read_bytes())
    assert (note["pid"], note["reason"], note["status"]) == (wrapper.process.pid, "client closed", 0)
    assert len(list(home.wrappers.iterdir())) == 100
    assert place.stat().st_mode & 0o777 == 0o600


def test_two_windows_of_one_client_are_two_sessions(home: Home) -> None:
    hello = request("initialize", 0, clientInfo={"name": "editor", "version": "1"})
    environment = {**os.environ, "CLAUDE_CODE_SESSION_ID": "window-3"}
    with (
        Running(server(ECHO), home=home.root, options=["--session", "window-1"]) as first,
        Running(server(ECHO), home=home.root, options=["--session", "window-2"]) as second,
        Running(server(ECHO), home=home.root, environment=environment) as third,
        Running(server(ECHO), home=home.root) as fourth,
    ):
        running = (first, second, third, fourth)
        for each in running:
            each.send(hello)
        fourth.send(request("tools/call", 1, name="x", _meta={"threadId": "window-4"}))

        def sessions() -> dict[int, tuple[str, str]]:
            seen = call_json(home, "presence")["wrappers"]
            return {each["pid"]: (each["client"], each["session_id"]) for each in seen}

        expected = {
            each.process.pid: ("editor", f"window-{number}") for number, each in enumerate(running, 1)
        }
        until(lambda: sessions() == expected)


def test_twins_that_only_probe_wake_nobody(home: Home) -> None:
    daemon = RunningDaemon(home, CONFIG.format(settle="30s"))
    try:
        before = daemon.state()
        for _ in range(3):
            with (
                Running(server(ECHO), home=home.root) as first,
                Running(server(ECHO), home=home.root) as twin,
            ):
                for each in (first, twin):
                    each.send(
                        request("initialize", 0, clientInfo={"name": "probe"}), request("tools/list", 1)
                    )
                until(lambda: daemon.status()["presence"]["fresh"] == 2)
                assert daemon.status()["presence"]["active"] == 0
                twin.process.kill()
                first.leave()
            until(lambda: daemon.status()["presence"]["fresh"] == 0)
            assert daemon.state() == before
    finally:
        assert daemon.stop() == ""


def test_no_heartbeat_outlives_a_threshold_whatever_becomes_of_its_wrapper(home: Home) -> None:
    """A killed wrapper's is told from the living at once, by its lock, and deleted after one threshold as an orphan."""
    config = CONFIG.format(settle="100ms").replace("[presence]", '[presence]\nstale_after = "1s"')
    daemon = RunningDaemon(home, config)
    try:
        with Running(server(ECHO), home=home.root) as wrapper:
            wrapper.heartbeat()
            wrapper.process.kill()
            until(lambda: daemon.status()["presence"]["fresh"] == 0, 1)
            until(lambda: not wrapper.heartbeats(), 3)
    finally:
        assert daemon.stop() == ""


def test_the_end_is_no_later_for_the_note(home: Home) -> None:
    """With the directory gone there is nobody to tell, and no wait and no word about it either."""
    with Running(server(ECHO), home=home.root) as wrapper:
        wrapper.heartbeat()
        shutil.rmtree(home.wrappers)
        assert wrapper.leave() == 0
        assert wrapper.complaints() == ""
