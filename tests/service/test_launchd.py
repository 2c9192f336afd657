"""The agent of launchd: its file goes by a table of rules, and launchctl may answer what it likes. Nothing here runs on macOS."""

from __future__ import annotations

import os
import plistlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.cli.bringing_up import bring_up
from iai_daemon.clock import Stopwatch
from iai_daemon.paths import Home
from iai_daemon.service import installed, manager
from iai_daemon.service.launchd import Launchd
from iai_daemon.service.manager import Kept, ManagerFailed, NoManager, Service, ServiceRefused
from tests.service.fake_launchctl import FakeLaunchctl

Fake = Callable[[Mapping[str, Sequence[int | str]]], tuple[FakeLaunchctl, Launchd]]

# launchd.plist(5): every key that may stand in ours, its type, and what it has to be.
RULES: dict[str, tuple[type, Callable[[Any], bool]]] = {
    "Label": (str, lambda label: label.startswith("iai-daemon")),
    "ProgramArguments": (
        list,
        lambda argv: Path(argv[0]).is_absolute() and argv[1:4] == ["-P", "-m", "iai_daemon"],
    ),
    "RunAtLoad": (bool, lambda holds: holds),
    "KeepAlive": (dict, lambda rule: rule == {"SuccessfulExit": False}),
    "ThrottleInterval": (int, lambda seconds: seconds >= 10),
    "ExitTimeOut": (int, lambda seconds: seconds == 20),
    "Umask": (int, lambda mask: mask == 0o077),
    "StandardOutPath": (str, lambda path: Path(path).is_absolute()),
    "StandardErrorPath": (str, lambda path: Path(path).is_absolute()),
}


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory of the user's own."""
    path = tmp_path / "user"
    path.mkdir()
    monkeypatch.setenv("HOME", str(path))
    return path


@pytest.fixture
def service(user: Path) -> Service:
    home = Home(user / ".iai-daemon")
    home.create()
    return Service.of(home)


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    made = []

    def make(answers: Mapping[str, Sequence[int | str]]) -> tuple[FakeLaunchctl, Launchd]:
        launchctl = FakeLaunchctl(tmp_path / "bin", answers)
        made.append(launchctl)
        return launchctl, Launchd(launchctl.environment, soon=5, starts_within=5, stops_within=5)

    yield make
    for each in made:
        each.end_all()


def write(launchd: Launchd, service: Service) -> None:
    manager.write(installed.definition_path(service.home, "darwin"), launchd.render(service))


def test_the_agent_has_the_keys_that_it_needs_and_no_other(service: Service) -> None:
    told = plistlib.loads(Launchd({}).render(service).encode())
    assert told.keys() == RULES.keys()
    for key, (kind, holds) in RULES.items():
        assert isinstance(told[key], kind), key
        assert holds(told[key]), key
    assert told["ProgramArguments"][4:] == ["--home", str(service.home.root), "run"]


@pytest.mark.parametrize("name", ["a b", "R&D", "<x>", 'say "hi"', "100%", "$HOME", "@NAME@", "ä€😀"])
def test_any_path_is_written_such_that_it_is_read_again(user: Path, name: str) -> None:
    service = Service.of(Home(user / name))
    told = plistlib.loads(Launchd({}).render(service).encode())
    assert told["ProgramArguments"][5] == str(user / name)
    assert told["StandardErrorPath"] == str(user / name / "log" / "launchd.log")


def test_a_path_that_no_file_can_name_is_refused(user: Path) -> None:
    with pytest.raises(ServiceRefused, match="cannot be written"):
        Launchd({}).render(Service.of(Home(user / "two\nlines")))


def test_the_definition_tells_its_interpreter_and_who_wrote_it(service: Service) -> None:
    write(Launchd({}), service)
    found = installed.find(service.home, "darwin")
    assert found == installed.Installed(
        installed.definition_path(service.home, "darwin"), service.interpreter, service.version
    )
    assert found.path.parent.parts[-2:] == ("Library", "LaunchAgents")


def test_a_daemon_comes_up_restarts_and_goes(service: Service, fake: Fake) -> None:
    launchctl, launchd = fake({})
    write(launchd, service)
    launchd.take_up(service)
    first = bring_up(launchd, service, anew=True)["pid"]
    assert launchd.look(service).pid == first
    assert bring_up(launchd, service, anew=False)["pid"] == first
    second = bring_up(launchd, service, anew=True)["pid"]
    assert second != first
    launchd.forget(service)
    assert launchctl.loaded == []
    assert not installed.definition_path(service.home, "darwin").exists()
    assert launchd.look(service).pid is None


@pytest.mark.parametrize("status", [5, 37])
def test_what_is_still_loaded_is_unloaded_first(service: Service, fake: Fake, status: int) -> None:
    launchctl, launchd = fake({"bootstrap": [status, status]})
    write(launchd, service)
    launchd.start(service)
    uid = os.getuid()
    assert launchctl.loaded == [f"gui-{uid}-iai-daemon"]
    assert [call.split()[0] for call in launchctl.calls] == ["bootstrap", "bootout"] * 2 + ["bootstrap"]


def test_an_error_5_that_stays_is_told_and_not_tried_for_ever(service: Service, fake: Fake) -> None:
    launchctl, launchd = fake({"bootstrap": [5] * 20})
    write(launchd, service)
    with pytest.raises(ManagerFailed, match=r"5: as planned.*launchd\.log` tells why"):
        launchd.start(service)
    assert len(launchctl.calls) < 12


def test_without_a_session_at_the_screen_the_agent_belongs_to_the_user(service: Service, fake: Fake) -> None:
    launchctl, launchd = fake({"bootstrap gui": [125], "bootout gui": [125, 125]})
    write(launchd, service)
    status = bring_up(launchd, service, anew=True)
    assert launchctl.loaded == [f"user-{os.getuid()}-iai-daemon"]
    assert launchd.look(service).pid == status["pid"]
    launchd.stop(service)
    assert launchctl.loaded == []


def test_stopping_what_is_not_there_is_fine(service: Service, fake: Fake) -> None:
    launchctl, launchd = fake({"bootout": [113, 3]})
    launchd.stop(service)
    launchd.forget(service)
    assert {call.split()[0] for call in launchctl.calls} == {"bootout"}


def test_another_error_is_one_sentence_with_the_next_step(service: Service, fake: Fake) -> None:
    _, launchd = fake({"bootout": [1], "bootstrap": [78]})
    write(launchd, service)
    with pytest.raises(ManagerFailed, match=r"Bootout failed: 1: as planned.*try again"):
        launchd.stop(service)
    with pytest.raises(ManagerFailed, match="Bootstrap failed: 78") as failed:
        launchd.start(service)
    assert str(failed.value).count("\n") == 0


@pytest.mark.parametrize("verb", ["bootstrap", "bootout", "print"])
def test_a_launchctl_that_hangs_is_ended_with_all_that_it_has_started(
    service: Service, fake: Fake, verb: str
) -> None:
    launchctl, _ = fake({verb: ["hang"]})
    launchd = Launchd(launchctl.environment, soon=0.5, starts_within=0.5, stops_within=0.5)
    write(launchd, service)
    watch = Stopwatch()
    with pytest.raises(ManagerFailed, match=f"launchctl {verb}.* did not end within"):
        launchd.restart(service) if verb != "print" else launchd.look(service)
    assert watch.seconds() < 5
    assert not launchctl.left_hanging()


def test_without_launchctl_there_is_no_service(user: Path) -> None:
    with pytest.raises(NoManager, match="run it yourself"):
        Launchd({"PATH": str(user)}).require()


def test_lingering_is_no_question_here() -> None:
    assert Launchd({}).lingers() is None
    with pytest.raises(ServiceRefused, match="launchd starts an agent at its user's login"):
        Launchd({}).linger()


@pytest.mark.parametrize(
    ("said", "enabled"),
    [
        ('\t\t"iai-daemon" => enabled\n', True),
        ('\t\t"com.example.other" => disabled\n', True),
        ('\t\t"iai-daemon" => disabled\n', False),
        ('\t\t"iai-daemon" => true\n', False),
        ("exit 1", None),
    ],
)
def test_whether_a_login_starts_the_agent_is_read_from_the_list_of_its_domain(
    service: Service, tmp_path: Path, said: str, enabled: bool | None
) -> None:
    program = tmp_path / "launchctl"
    program.write_text("#!/bin/sh\n" + (said if enabled is None else f"cat <<END\n{said}END\n"))
    program.chmod(0o700)
    assert Launchd({"PATH": f"{tmp_path}:/usr/bin:/bin"}).examine(service) == Kept(enabled)
