"""Daemons of the commands that look at one: everything that is started is ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from iai_daemon.paths import Home
from tests.journeys.real import RunningDaemon


@pytest.fixture
def start(home: Home) -> Iterator[Callable[..., RunningDaemon]]:
    started: list[RunningDaemon] = []

    def begin(config: str = "") -> RunningDaemon:
        started.append(RunningDaemon(home, config))
        return started[-1]

    yield begin
    for each in started:
        each.stop()
