"""Those who talk to a real daemon all the time: one who listens to a whole evening, and forty who are stuck."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.clock import Stopwatch
from iai_daemon.control import client
from iai_daemon.errors import DaemonAway
from iai_daemon.paths import Home
from tests.control.test_seats import stuck
from tests.journeys.real import SHORT, RunningDaemon, RunningWrapper, call_json, until
from tests.journeys.test_nights import fill

Daemons = Callable[..., RunningDaemon]
Wrappers = Callable[..., RunningWrapper]
News = list[dict[str, Any]]


@contextmanager
def listening(home: Home) -> Iterator[News]:
    """What a subscriber hears, until the daemon ends."""
    heard: News = []

    def listen() -> None:
        with pytest.raises(DaemonAway):
            client.ask(home, "subscribe", timeout=None, notified=lambda news: heard.append(dict(news)))

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield heard
    finally:
        thread.join(timeout=20)
        assert not thread.is_alive()


def test_a_subscriber_hears_every_change_of_an_evening_and_nothing_twice(
    home: Home, tmp_path: Path, start_daemon: Daemons, start_wrapper: Wrappers
) -> None:
    home.create()
    fill(home, 2000)
    lasts_until_opened = tmp_path / "pipe"
    os.mkfifo(lasts_until_opened)
    agent = f'[agents.scribe]\ncommand = ["cat", "{lasts_until_opened}"]\n'
    daemon = start_daemon(SHORT.replace('absent_for = "400ms"', 'absent_for = "1s"') + agent)
    with listening(home) as heard:
        until(lambda: heard)
        wrapper = start_wrapper()
        daemon.wait_state("WAKE")
        wrapper.leave()
        until(lambda: daemon.status()["consolidation"]["last"], 60)
        call_json(home, "recall", "add", "Look.", "--agent", "scribe", "--session", "s1", "--now")
        until(lambda: heard[-1]["agents"])
        lasts_until_opened.write_text("")
        until(lambda: call_json(home, "recall", "history")["occurrences"][0]["state"] == "done")
        daemon.stop()
    states = [state for state, _ in groupby(each["state"] for each in heard)]
    assert states[-3:] == ["WAKE", "IDLE", "BEDTIME"]
    assert all(before != after for before, after in pairwise(heard))
    progress = [each["night"]["progress"]["done"] for each in heard if each["night"]["progress"]]
    assert max(progress) > min(progress)
    assert {agent["agent"] for each in heard for agent in each["agents"]} == {"scribe"}
    assert not heard[-1]["agents"]
    nights = [running for running, _ in groupby(each["night"]["running"] for each in heard)]
    assert nights[:3] == [False, True, False]


def test_forty_who_are_stuck_cost_the_status_nothing(home: Home, start_daemon: Daemons) -> None:
    daemon = start_daemon()

    def asked_ten_times() -> float:
        watch = Stopwatch()
        for _ in range(10):
            assert daemon.status()["pid"] == daemon.process.pid
        return watch.seconds()

    with stuck(home, processes=4, each=10):
        assert asked_ten_times() < 1.0
    assert daemon.status()["degraded"] == []
