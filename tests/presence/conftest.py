"""Fixtures of presence: a directory of heartbeats, and a clock whose noon the stamps are relative to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes import FakeClock


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = tmp_path / "wrappers"
    directory.mkdir()
    return directory


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
