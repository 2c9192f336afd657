"""A home whose directory for heartbeats is there, as the daemon makes it."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The home as a path, with an empty `wrappers` in it."""
    (tmp_path / "home" / "wrappers").mkdir(parents=True, mode=0o700)
    return tmp_path / "home"
