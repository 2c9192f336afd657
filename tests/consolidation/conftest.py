"""A real store in a home of its own, and what these tests do with it again and again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.consolidation.packages import Site


@pytest.fixture
def stores(home: Home) -> Iterator[Stores]:
    """Both sides of a new store."""
    stores = open_stores(home)
    yield stores
    stores.close()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Where a test installs packages."""
    return Site(tmp_path / "site", monkeypatch)
