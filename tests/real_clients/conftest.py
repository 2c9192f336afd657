"""Real clients, where they are installed: `make test-clients` does so, and tells where."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real_clients.homes import CLIENTS, Client


def installed(name: str) -> Path:
    """The program of that name among those that npm has installed; skips the test where there is none."""
    folder = os.environ.get("TESTS_CLIENTS")
    if not folder:
        pytest.skip("no clients are installed for tests: `make test-clients` does it")
    program = Path(folder).absolute() / "node_modules" / ".bin" / name
    if not program.exists():
        pytest.skip(f"{name} is not installed in {folder}: `make test-clients` does it")
    return program


@pytest.fixture
def claude() -> Path:
    """The program of Claude Code."""
    return installed("claude")


@pytest.fixture
def inspector() -> Path:
    """The program of the official inspector."""
    return installed("mcp-inspector")


@pytest.fixture
def everything() -> list[str]:
    """The command of the reference server that offers everything that a server can."""
    return [shutil.which("node") or "node", str(installed("mcp-server-everything").resolve()), "stdio"]


@pytest.fixture(params=CLIENTS, ids=lambda kind: kind.name)
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Client]:
    """Each client in turn, in a home of its own."""
    kind: type[Client] = request.param
    made = kind(installed(kind.program_name), tmp_path)
    yield made
    # What is in it: a client's own packages and caches, by the thousand.
    shutil.rmtree(made.home, ignore_errors=True)
