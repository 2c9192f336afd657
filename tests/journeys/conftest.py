"""Fixtures of the journeys: everything that is started is ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iai_daemon.paths import Home

from .real import SHORT, RunningDaemon, RunningWrapper


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def start_daemon(home: Home) -> Iterator[Callable[..., RunningDaemon]]:
    started: list[RunningDaemon] = []

    def start(config: str = SHORT) -> RunningDaemon:
        started.append(RunningDaemon(home, config))
        return started[-1]

    yield start
    for daemon in started:
        daemon.stop()


@pytest.fixture
def start_wrapper(home: Home) -> Iterator[Callable[..., RunningWrapper]]:
    started: list[RunningWrapper] = []

    def start(*server: str) -> RunningWrapper:
        started.append(RunningWrapper(home, server or ("cat",)))
        return started[-1]

    yield start
    for wrapper in started:
        wrapper.leave()
