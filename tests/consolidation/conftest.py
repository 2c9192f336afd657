"""A real store in a home of its own, and what these tests do with it again and again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from iai_daemon.memory.opening import Stores, open_stores
from iai_daemon.paths import Home


@pytest.fixture
def stores(home: Home) -> Iterator[Stores]:
    """Both sides of a new store."""
    stores = open_stores(home)
    yield stores
    stores.close()
