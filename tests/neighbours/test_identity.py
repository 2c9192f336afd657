"""A host is the same over restarts, and another one when its home was copied."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from iai_daemon.neighbours.identity import identify
from iai_daemon.paths import Home


def test_a_restart_is_the_same_host(home: Home) -> None:
    assert identify(home) == identify(home)


def test_a_home_that_was_copied_is_another_host(home: Home, tmp_path: Path) -> None:
    own = identify(home)
    copy = Home(tmp_path / "copy")
    shutil.copytree(home.root, copy.root)
    assert identify(copy).id != own.id
    assert identify(home) == own


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"id": 7}', b"[" * 100_000, b'{"id": "../x", "place": ""}', b"\xff"]
)
def test_a_damaged_note_of_it_is_made_anew(home: Home, content: bytes) -> None:
    home.host.write_bytes(content)
    own = identify(home)
    assert identify(home) == own
    assert own.id.isalnum()


def test_several_homes_of_one_machine_are_told_apart_by_their_names(tmp_path: Path) -> None:
    machine = os.uname().nodename.partition(".")[0]
    usual, other = Home(tmp_path / ".iai-daemon"), Home(tmp_path / "other")
    usual.create()
    other.create()
    assert identify(usual).name == machine
    assert identify(other).name == f"{machine}:other"


def test_a_home_that_cannot_be_written_to_still_has_an_identity(tmp_path: Path) -> None:
    assert identify(Home(tmp_path / "missing")).id
