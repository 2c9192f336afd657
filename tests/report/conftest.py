"""Servers of the page: everything that is started is ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from iai_daemon.paths import Home
from tests.report.served import Served


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Starts servers, and ends them."""
    with ExitStack() as started:

        def start(home: Home, *words: str) -> Served:
            served = Served(home, *words)
            started.callback(served.stop)
            return served

        yield start
