"""Real clients, where they are installed: `make test-clients` does so, and tells where."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def _installed(name: str) -> Path:
    folder = os.environ.get("TESTS_CLIENTS")
    if not folder:
        pytest.skip("no clients are installed for tests: `make test-clients` does it")
    return Path(folder).absolute() / "node_modules" / ".bin" / name


@pytest.fixture
def claude() -> Path:
    """The program of Claude Code."""
    return _installed("claude")


@pytest.fixture
def inspector() -> Path:
    """The program of the official inspector."""
    return _installed("mcp-inspector")
