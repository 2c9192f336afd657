"""A server of PostgreSQL that these tests may break; each leaves it running."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes import LASTING
from tests.postgres import Server, running


@pytest.fixture(scope="session")
def breakable() -> Iterator[Server]:
    # What it says is kept has to survive a crash.
    with running(max_connections="20", fsync="on", synchronous_commit="on") as server:
        yield server


@pytest.fixture
def postgres(breakable: Server) -> Iterator[Server]:
    """It may be frozen, stopped and crashed."""
    LASTING.add(breakable.pid)
    yield breakable
    breakable.thaw()
    LASTING.add(breakable.pid)
