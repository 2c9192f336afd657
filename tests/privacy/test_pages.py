"""What the pages on security and privacy name is there: files, tests, settings."""

from __future__ import annotations

import re

import pytest

from iai_daemon import config
from tests.project.source import ROOT

_PATH = re.compile(r"`((?:iai_daemon|wrappers|tests|systemd)/[\w./-]+)`")
_SETTING = re.compile(rf"`((?:{'|'.join(config.SECTIONS)})\.(?!db)[a-z_]+)`")


@pytest.fixture(params=["security.md", "privacy.md"])
def text(request: pytest.FixtureRequest) -> str:
    return (ROOT / "docs" / str(request.param)).read_text(encoding="utf-8")


def test_every_place_that_they_name_exists(text: str) -> None:
    assert not [name for name in _PATH.findall(text) if not (ROOT / name).exists()]


def test_every_setting_that_they_name_exists(text: str) -> None:
    known = {*config.keys(), *config.keys(tables=True)}
    named = set(_SETTING.findall(text))
    assert named
    assert named <= known


def test_each_attacker_has_what_we_do_and_what_we_do_not() -> None:
    security = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    heads = ("Another user", "A hostile", "Hostile words", "Neighbours", "A web page", "A stolen")
    parts = [part for part in security.split("\n## ") if part.startswith(heads)]
    assert len(parts) == 8
    assert all("**What we do.**" in part and "**What we do not.**" in part for part in parts)
