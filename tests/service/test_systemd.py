"""The unit as it is written, and a systemctl that does not answer. What systemd makes of the unit is in test_under_systemd.py."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from iai_daemon.clock import Stopwatch
from iai_daemon.paths import Home
from iai_daemon.service import installed, manager
from iai_daemon.service.manager import Kept, ManagerFailed, NoManager, Service, ServiceRefused
from iai_daemon.service.systemd import Systemd
from tests.service.served import NAMES


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory of the user's own."""
    path = tmp_path / "user"
    path.mkdir()
    monkeypatch.setenv("HOME", str(path))
    return path


def settings(unit: str) -> dict[str, str]:
    """What is set in a unit; a setting that stands there twice fails."""
    found = re.findall(r"^([A-Za-z]+)=(.*)$", unit, re.MULTILINE)
    assert len(found) == len(dict(found))
    return dict(found)


def test_the_unit_says_what_keeps_a_service_up(user: Path) -> None:
    unit = Systemd({}).render(Service.of(Home(user / ".iai-daemon")))
    told = settings(unit)
    assert told["ExecStart"] == f"{sys.executable} -P -m iai_daemon --home {user}/.iai-daemon run"
    expected = {
        "Type": "notify",
        "NotifyAccess": "main",
        "Restart": "on-failure",
        "RestartPreventExitStatus": "0 78",
        "StartLimitBurst": "5",
        "TimeoutStopSec": "20",
        "KillMode": "mixed",
        "ExecReload": "/bin/kill -HUP $MAINPID",
        "WantedBy": "default.target",
    }
    assert {name: told.get(name) for name in expected} == expected
    assert "WatchdogSec" in told
    assert re.findall(r"^\[(.+)\]$", unit, re.MULTILINE) == ["Unit", "Service", "Install"]


def test_nothing_stands_in_the_unit_that_an_agent_would_inherit(user: Path) -> None:
    told = settings(Systemd({}).render(Service.of(Home(user / ".iai-daemon"))))
    inherited = re.compile(
        r"Limit[A-Z]+|Nice|IO.*|CPU.*|OOMScoreAdjust|Memory.*|Protect.*|Private.*|System.*|Restrict.*|"
        r"NoNewPrivileges|UMask|Environment|ReadOnly.*|Capability.*|Lock.*|Slice|Tasks.*"
    )
    assert [name for name in told if inherited.fullmatch(name)] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_interpreter_is_read_back_from_the_unit(user: Path, name: str) -> None:
    home = Home(user / ".iai-daemon")
    service = Service(home, "iai-daemon", user / name / "python")
    systemd = Systemd({})
    if "$" in name:
        with pytest.raises(ServiceRefused, match="for the \\$ in its path"):
            systemd.render(service)
        return
    path = installed.definition_path(home, "linux")
    assert manager.write(path, systemd.render(service))
    assert not manager.write(path, systemd.render(service))
    found = installed.find(home, "linux")
    assert found == installed.Installed(path, service.interpreter, service.version)
    gone = installed.trouble(home, "linux")
    assert gone
    assert str(service.interpreter) in gone.why
    service.interpreter.parent.mkdir()
    service.interpreter.write_text("")
    service.interpreter.chmod(0o700)
    assert installed.trouble(home, "linux") is None


def test_a_systemctl_that_hangs_is_ended_at_the_deadline(user: Path) -> None:
    program = user / "systemctl"
    program.write_text("#!/bin/sh\nsleep 1000\n")
    program.chmod(0o700)
    watch = Stopwatch()
    with pytest.raises(ManagerFailed, match="did not end within") as failed:
        manager.run([str(program), "start"], {"PATH": "/usr/bin:/bin"}, 0.3)
    assert watch.seconds() < 5
    assert "\n" not in str(failed.value)


def test_a_systemctl_has_so_long_as_its_caller_gives_it(user: Path) -> None:
    program = user / "systemctl"
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o700)
    watch = Stopwatch()
    with pytest.raises(ManagerFailed, match="did not end within"):
        Systemd({"PATH": f"{user}:/usr/bin:/bin"}, soon=0.3).require()
    assert watch.seconds() < 5


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("UnitFileState=enabled\nNeedDaemonReload=no\nProtectHome=no", Kept(True)),
        ("UnitFileState=disabled\nNeedDaemonReload=yes\nPrivateTmp=", Kept(False, True)),
        ("UnitFileState=\nProtectHome=read-only", Kept(None, False, {"ProtectHome": "read-only"})),
    ],
)
def test_what_systemctl_shows_is_told_as_it_is_meant(user: Path, said: str, kept: Kept) -> None:
    program = user / "systemctl"
    program.write_text(f"#!/bin/sh\ncat <<END\n{said}\nEND\n")
    program.chmod(0o700)
    service = Service.of(Home(user / ".iai-daemon"))
    assert Systemd({"PATH": f"{user}:/usr/bin:/bin"}).examine(service) == kept


def test_a_systemctl_without_a_manager_is_no_manager(user: Path) -> None:
    program = user / "systemctl"
    program.write_text("#!/bin/sh\necho Failed to connect to bus: No medium found >&2\nexit 1\n")
    program.chmod(0o700)
    with pytest.raises(NoManager, match=r"No medium found.*run it yourself with `iai-daemon run`"):
        Systemd({"PATH": str(user)}).require()


def test_a_unit_that_cannot_be_written_is_one_sentence(user: Path) -> None:
    (user / ".config").write_text("a file")
    with pytest.raises(ServiceRefused, match="cannot be written"):
        manager.write(installed.definition_path(Home(user / "x"), "linux"), "x")


def test_without_a_manager_the_unit_and_its_link_are_deleted_all_the_same(user: Path) -> None:
    service = Service.of(Home(user / ".iai-daemon"))
    path = installed.definition_path(service.home, "linux")
    link = path.parent / "default.target.wants" / path.name
    link.parent.mkdir(parents=True)
    path.write_text("")
    link.symlink_to(path)
    Systemd({"XDG_RUNTIME_DIR": str(user), "PATH": "/usr/bin:/bin"}).forget(service)
    assert not link.is_symlink()
    assert not path.exists()
