"""Daemons, wrappers and clocks as in the journeys and the faults: everything that is started is ended. A home lies on a disk here: of
one in memory the doctor has something to say."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import machine
from tests.journeys.conftest import start_daemon, start_wrapper

__all__ = ["machine", "start_daemon", "start_wrapper"]


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(
        prefix="doctor-",
        dir=os.environ.get("TMPDIR", "/tmp"),  # noqa: S108 -- where a disk is
    ) as folder:
        yield Path(folder).resolve()
