"""`iai-daemon install` and its like where there is no manager; with one, they are in tests/service."""

from __future__ import annotations

import os
import plistlib
import subprocess
import sys
from pathlib import Path

import pytest

from iai_daemon import lines
from iai_daemon.consolidation import lock
from iai_daemon.paths import Home
from tests.cli.calling import at_a_terminal, call, call_json, refused


@pytest.fixture(autouse=True)
def _nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user of the test's own, without a manager."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)


def test_dry_run_prints_the_whole_file_and_nothing_else_and_makes_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path / "trial")
    done = call(home, "install", "--dry-run")
    assert done.returncode == 0
    if sys.platform == "darwin":
        assert plistlib.loads(done.stdout.encode())["ProgramArguments"][-2] == str(home.root)
    else:
        lines = done.stdout.splitlines()
        assert (lines[0], lines[-1]) == ("[Unit]", "WantedBy=default.target")
        assert f"ExecStart={sys.executable} -P -m iai_daemon --home {home.root} run" in lines
    answer = call_json(home, "install", "--dry-run")
    assert answer["text"] == done.stdout
    assert answer["path"] in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_dry_run_resolves_the_interpreter_whatever_it_was_called_by(tmp_path: Path) -> None:
    """As a client may call it: by a name that PATH leads to, from anywhere."""
    done = subprocess.run(
        [Path(sys.executable).name, "-m", "iai_daemon", "install", "--dry-run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={"HOME": str(tmp_path), "PATH": str(Path(sys.executable).parent)},
    )
    assert f"{Path(sys.executable).parent}/python" in done.stdout
    assert f"{tmp_path}/.iai-daemon" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is launchd")
def test_without_a_manager_install_says_what_to_do_instead_and_leaves_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path / "trial")
    for command in ("install",):
        said = refused(home, command)
        assert "`iai-daemon run`" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["start", "stop", "restart"])
def test_what_is_not_installed_is_not_started_and_not_stopped(tmp_path: Path, command: str) -> None:
    said = refused(Home(tmp_path / "trial"), command)
    assert "`iai-daemon install` makes one" in said


def test_uninstall_of_nothing_is_fine(tmp_path: Path) -> None:
    assert call_json(Home(tmp_path / "trial"), "uninstall") == {
        "service": call_json(Home(tmp_path / "trial"), "uninstall")["service"],
        "deleted": [],
        "left": [],
        "pid": None,
    }


def test_uninstall_deletes_what_is_the_daemons_and_not_what_only_looks_so(tmp_path: Path) -> None:
    home = Home(tmp_path / "trial")
    home.create()
    mine = [home.root / "state.json.mine", home.root / "memory.txt", home.log.with_name("other.log")]
    told = (home.history, lines.older(home.history), home.attendance, lines.older(home.attendance))
    for path in (*mine, *told, home.state, home.log, home.memory, home.config):
        path.write_text("")
    call_json(home, "uninstall")
    assert sorted(each for each in home.root.rglob("*") if each.is_file()) == sorted(
        [*mine, home.memory, home.config]
    )


def test_whatever_a_home_has_is_either_the_daemons_or_the_memorys(tmp_path: Path) -> None:
    """Of a home in which every name of ours stands, a purge leaves nothing, and an uninstall what belongs to the memory."""
    for words, left in ((["--purge", "--yes"], set()), ([], {"clients.json", "config.toml", "memory.db"})):
        home = Home(tmp_path / f"trial{len(words)}")
        home.create()
        for name in (name for name, value in vars(Home).items() if isinstance(value, property)):
            path = getattr(home, name)
            if not path.suffix:
                path.mkdir(exist_ok=True)
            else:
                path.write_text("")
        call_json(home, "uninstall", *words)
        assert {each.name for each in home.root.glob("*")} == left


def test_purge_asks_and_without_a_terminal_refuses(home: Home) -> None:
    call_json(home, "memory", "add", "The staging API answers on port 8081.")
    assert "--yes" in refused(home, "uninstall", "--purge", status=2)
    assert home.memory.exists()
    call_json(home, "uninstall", "--purge", "--yes")
    assert not home.root.exists()


def test_purge_waits_for_nobody_who_is_at_work_on_the_memory(home: Home) -> None:
    call_json(home, "memory", "add", "The staging API answers on port 8081.")
    with lock.held(home.consolidation_lock, "process 7, since noon"):
        assert "process 7, since noon" in refused(home, "uninstall", "--purge", "--yes")
    assert home.memory.exists()


def test_purge_at_a_terminal_names_what_goes(home: Home) -> None:
    call_json(home, "memory", "add", "The staging API answers on port 8081.")
    said = at_a_terminal(home, "uninstall", "--purge", "--yes")
    assert str(home.memory) in said
    assert not home.root.exists()


def test_a_bad_configuration_is_told_before_anything_is_installed(home: Home, tmp_path: Path) -> None:
    home.config.write_text("[lifecycle]\ntock = 1\n")
    assert "line 2" in refused(home, "install", status=78)
    assert not (tmp_path / ".config").exists()
    assert call(home, "install", "--dry-run").returncode == 0


def test_what_only_this_shell_can_import_is_not_made_a_service(tmp_path: Path) -> None:
    """A package that PYTHONPATH leads to is not there for a service."""
    from iai_daemon.cli.service import _require_import  # noqa: PLC0415 -- of interest here only
    from iai_daemon.errors import Refused  # noqa: PLC0415 -- likewise
    from iai_daemon.service.manager import Service  # noqa: PLC0415 -- likewise

    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {os.path.realpath(sys.executable)} -S -I "$@"\n')
    bare.chmod(0o700)
    with pytest.raises(Refused, match="does not find iai-daemon by itself"):
        _require_import(Service(Home(tmp_path / "h"), "iai-daemon", bare))
