"""Fixtures of the faults, and their seed beside every failure."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.machine import Machine
from tests.faults.seeds import pytest_runtest_makereport

__all__ = ["machine", "pytest_runtest_makereport"]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Clocks by which every Python process lives that is started from here on."""
    machine = Machine(tmp_path / "machine")
    for name, value in machine.environment.items():
        monkeypatch.setenv(name, value, prepend=os.pathsep)
    return machine
