"""What stands on the disk now of what runs, and under which name a home's service goes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from iai_daemon.paths import Home
from iai_daemon.service.installed import Outdated, Running, definition_path, find, service_name


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory of the user's own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "iai_daemon" / "__init__.py"
    path.parent.mkdir()
    path.write_text('"""Doc."""\n\n__version__ = "0.2.0"\n')
    return path


def replace(package: Path, version: str) -> None:
    """As an installer does."""
    fresh = package.with_name("new")
    fresh.write_text(f'"""Doc."""\n\n__version__ = "{version}"\n')
    fresh.replace(package)


def test_the_usual_home_has_the_usual_name(user: Path) -> None:
    assert service_name(Home(user / ".iai-daemon")) == "iai-daemon"
    assert (
        definition_path(Home(user / ".iai-daemon"), "linux")
        == user / ".config/systemd/user/iai-daemon.service"
    )
    assert (
        definition_path(Home(user / ".iai-daemon"), "darwin")
        == user / "Library/LaunchAgents/iai-daemon.plist"
    )
    assert find(Home(user / ".iai-daemon")) is None


def test_every_other_home_has_a_name_of_its_own_that_a_unit_may_have(user: Path) -> None:
    names = {
        service_name(Home(Path(root)))
        for root in ("/a/trial", "/b/trial", "/a/Trial", "/", "/ä b/%", "/" + "x" * 300)
    }
    assert len(names) == 6
    assert all(
        name.isascii() and len(name) < 60 and set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        for name in names
    )
    assert any(name.startswith("iai-daemon-trial-") for name in names)


def test_an_update_is_noticed_and_so_is_its_being_taken_back(user: Path, package: Path) -> None:
    running = Running("0.2.0", package, Path(sys.executable))
    home = Home(user / ".iai-daemon")
    assert running.outdated(home) is None
    replace(package, "0.3.0")
    assert running.outdated(home) == Outdated(
        "running 0.2.0, installed 0.3.0", "stop it, then start it again"
    )
    replace(package, "0.2.0")
    assert running.outdated(home) is None


def test_of_a_service_the_advice_is_to_restart_it(user: Path, package: Path) -> None:
    home = Home(user / ".iai-daemon")
    path = definition_path(home)
    path.parent.mkdir(parents=True)
    path.write_text("")
    replace(package, "0.3.0")
    outdated = Running("0.2.0", package, Path(sys.executable)).outdated(home)
    assert outdated
    assert outdated.fix == "`iai-daemon restart`"


def test_a_package_or_an_interpreter_that_is_gone_is_named(user: Path, package: Path) -> None:
    home = Home(user / ".iai-daemon")
    running = Running("0.2.0", package, Path(sys.executable))
    package.unlink()
    outdated = running.outdated(home)
    assert outdated
    assert str(package.parent) in outdated.why
    moved = Running("0.2.0", package, user / "bin" / "python").outdated(home)
    assert moved
    assert str(user / "bin" / "python") in moved.why
    assert "iai-daemon install" in moved.fix


def test_what_is_half_written_says_nothing_for_ever(user: Path, package: Path) -> None:
    home = Home(user / ".iai-daemon")
    running = Running("0.2.0", package, Path(sys.executable))
    package.write_bytes(b"\xff\xfe")
    assert running.outdated(home)
    replace(package, "0.2.0")
    assert running.outdated(home) is None


def test_this_process_runs_what_is_installed(user: Path) -> None:
    assert Running().outdated(Home(user / ".iai-daemon")) is None
