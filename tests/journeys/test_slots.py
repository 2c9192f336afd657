"""A backend's plan carried out by real agents, over a network that drops and a daemon that is killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from iai_daemon.paths import Home
from tests.agenda.backend import Backend, Handler, calendar_backend, configure
from tests.journeys.real import RunningDaemon, call, call_json, until

CONFIG = """
[lifecycle]
tick = "1s"
[consolidation]
enabled = false
[agents.scribe]
command = ["{scribe}", "{{message}}"]
[agents.waiter]
command = ["{waiter}", "{{message}}"]
"""
SCRIBE = """#!/bin/sh
echo "$1" >> "{ran}"
echo "wrote it down"
"""
# Goes on when it is let go, and then fails.
WAITER = """#!/bin/sh
echo "$1" >> "{ran}"
while [ ! -e "{go}" ]; do sleep 0.05; done
exit 3
"""
OVER = ("completed", "aborted")


@pytest.fixture
def backend() -> Iterator[Backend]:
    with calendar_backend() as backend:
        yield backend


def script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o700)
    return path


def ends(backend: Backend) -> dict[str, set[tuple[str, str]]]:
    """Of each slot the terminal statuses that were told, each with its key: what is told twice has the same."""
    found: dict[str, set[tuple[str, str]]] = {}
    for each in backend.updates:
        if each.body["status"] in OVER:
            found.setdefault(each.slot, set()).add((each.body["status"], each.head["Idempotency-Key"]))
    return found


def drop(handler: Handler) -> None:
    """The connection breaks, before anything has been done."""
    handler.server.asked.pop()
    handler.close_connection = True
    handler.connection.close()


def test_every_slot_ends_in_exactly_one_status_at_the_backend(
    home: Home, tmp_path: Path, backend: Backend
) -> None:
    ran, go = tmp_path / "ran", tmp_path / "go"
    ran.touch()
    scribe = script(tmp_path / "scribe", SCRIBE.format(ran=ran))
    waiter = script(tmp_path / "waiter", WAITER.format(ran=ran, go=go))
    home.create()
    home.config.write_text(CONFIG.format(scribe=scribe, waiter=waiter))
    configure(home, backend.url, interval="300ms")
    config = home.config.read_text()
    backend.list_slot("one", "scribe", "First.")
    backend.list_slot("two", "waiter", "Second.")
    daemon = RunningDaemon(home, config)
    try:
        until(lambda: ("one", "completed") in backend.told())
        assert ("two", "in_progress") in backend.told()
        backend.on_beat = backend.on_update = drop
        until(lambda: [each for each in daemon.status()["degraded"] if each["what"] == "calendar"])
        go.touch()
        until(lambda: call_json(home, "slots", "list")["outbox"])
        daemon.process.kill()
        daemon.stop()
        backend.list_slot("three", "scribe", "Third.")
        backend.list_slot("four", "scribe", "Fourth.", wake_options={"override_message": "Rather this."})
        daemon = RunningDaemon(home, config)
        until(lambda: daemon.status()["agenda"]["calendar"]["failures"])
        backend.on_beat = backend.on_update = None
        until(lambda: len(ends(backend)) == 4, 20)
        until(lambda: not daemon.status()["agenda"]["calendar"]["outbox"])
    finally:
        daemon.stop()
    assert {slot: [status for status, _ in told] for slot, told in ends(backend).items()} == {
        "one": ["completed"],
        "two": ["aborted"],
        "three": ["completed"],
        "four": ["completed"],
    }
    reasons = [each.body["reason"] for each in backend.updates if each.slot == "two"]
    assert reasons[-1] == "wake-agent failed: exit status 3"
    assert sorted(ran.read_text().splitlines()) == ["First.", "Rather this.", "Second.", "Third."]
    assert "four" in call(home, "slots", "list", "--all").stdout


def test_a_slot_is_paused_resumed_and_ended_by_hand_and_its_agent_with_it(
    home: Home, tmp_path: Path, backend: Backend
) -> None:
    ran, go = tmp_path / "ran", tmp_path / "go"
    ran.touch()
    waiter = script(tmp_path / "waiter", WAITER.format(ran=ran, go=go))
    home.create()
    home.config.write_text(CONFIG.format(scribe=waiter, waiter=waiter))
    configure(home, backend.url, interval="1s")
    backend.list_slot(7, "waiter", "Wait.")
    daemon = RunningDaemon(home, home.config.read_text())
    try:
        until(lambda: backend.told() == [("7", "in_progress")] and ran.read_text())
        for words in (("pause", "7"), ("resume", "7"), ("abort", "7", "--reason", "not today")):
            assert call(home, "slots", *words).returncode == 0
        until(
            lambda: (
                [status for _, status in backend.told()]
                == ["in_progress", "paused", "in_progress", "aborted"]
            )
        )
        until(lambda: not daemon.status()["agenda"]["running"])
        assert call(home, "slots", "complete", "7", "--summary", "x").returncode == 1
    finally:
        daemon.stop()
    assert backend.updates[-1].body["reason"] == "not today"
