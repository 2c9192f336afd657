"""Installed packages that offer passes, for as long as a test takes, and a home that names them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from iai_daemon import config
from iai_daemon.paths import Home
from tests.project.source import ROOT

OURS = "tests.consolidation.foreign_passes:"


class Site:
    """A directory of installed packages that every process of this test sees."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        path.mkdir()
        monkeypatch.syspath_prepend(str(path))
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(path), str(ROOT)]))

    def offer(self, package: str, **points: str) -> None:
        """Install a package that offers these passes: its metadata, as an installer leaves it."""
        info = self.path / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"{name.replace('_', '-')} = {what}" for name, what in points.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{config.PLUG_INS}]", *lines, ""]))


def choose(home: Home, *passes: str) -> None:
    """These passes and no others."""
    home.create()
    home.config.write_text(f"[consolidation]\npasses = {json.dumps(passes)}\n")
