"""What is handed out, built once: with what the tests are installed with, and without asking anybody on the way."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.project.source import ROOT

_SECONDS = 120


@dataclass(frozen=True)
class Built:
    """The two files that are handed out."""

    wheel: Path
    source: Path


def build(tree: Path, folder: Path, *targets: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", *targets, "-d", str(folder)],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, folder)
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Built(wheel, source)
