"""A directory for one test on a disk: of a home in memory the doctor has something to say. For the conftest of who needs it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    where = os.environ.get("TMPDIR", "/tmp")  # noqa: S108 -- what is made in it gets a name of its own
    with tempfile.TemporaryDirectory(prefix="on-disk-", dir=where) as folder:
        yield Path(folder).resolve()
