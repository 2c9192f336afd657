"""Who is to be told of nights: the programs for it, where they are and where they are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from iai_daemon.doctor.finding import Verdict
from iai_daemon.paths import Home
from tests.doctor.looking import failing, look
from tests.notify.telling import program


@pytest.fixture
def bin_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory in which programs are found."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_who_wants_to_be_told_of_nothing_hears_nothing_of_it(home: Home) -> None:
    assert look(home, "notify") == {}


def test_a_program_that_is_gone_fails_until_it_is_there(home: Home, bin_: Path) -> None:
    home.config.write_text('[notify]\ncommand = ["tell-me", "of it"]\n')
    found = look(home, "notify")["notify"]
    assert (found.status, found.seen) == (
        Verdict.FAIL,
        "there is no program tell-me that the daemon could start",
    )
    assert found.remedy
    assert "notify.command" in found.remedy
    program(bin_, "tell-me")
    assert failing(look(home, "notify")) == {}


def test_a_desktop_needs_its_program_and_its_bus(
    home: Home, bin_: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.config.write_text("[notify]\ndesktop = true\n")
    monkeypatch.setattr("sys.platform", "linux")
    found = look(home, "notify")["notify.desktop"]
    assert (found.status, found.seen) == (Verdict.FAIL, "there is no program notify-send")
    assert found.remedy
    assert "libnotify-bin" in found.remedy
    program(bin_, "notify-send")
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    found = look(home, "notify")["notify.desktop"]
    assert found.status is Verdict.WARN
    assert "import-environment" in str(found.remedy)
    (tmp_path / "bus").touch()
    assert failing(look(home, "notify")) == {}
