"""The home, files written whole, locks that a kill frees."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from iai_daemon import atomic, flock
from iai_daemon.errors import HomeUnusable, NoHome
from iai_daemon.flock import FileLock
from iai_daemon.paths import Home, find_home, make_private


def test_the_home_is_the_option_else_the_variable_else_below_home(tmp_path: Path) -> None:
    variable = {"IAI_DAEMON_HOME": str(tmp_path / "variable"), "XDG_DATA_HOME": "/xdg"}
    assert find_home(str(tmp_path / "option"), variable).root == tmp_path / "option"
    assert find_home(None, variable).root == tmp_path / "variable"
    assert find_home(None, {"XDG_DATA_HOME": "/xdg"}).root == Path.home() / ".iai-daemon"


def test_the_home_is_absolute_and_knows_the_tilde() -> None:
    assert find_home("there", {}).root == Path.cwd() / "there"
    assert find_home("~/there", {}).root == Path.home() / "there"


def test_the_home_of_nobody_is_one_sentence() -> None:
    with pytest.raises(NoHome, match="--home DIR"):
        find_home("~nobody-of-this-name/there", {})


def test_every_directory_of_the_home_is_ours_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "deep" / "home")
    home.root.mkdir(parents=True, mode=0o755)
    home.create()
    home.create()
    for directory in (home.root, home.wrappers, home.backups, home.log.parent):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_home_that_is_a_file_is_refused_with_the_next_step(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(HomeUnusable, match="--home DIR"):
        Home(tmp_path / "home").create()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_the_home_of_another_user_is_refused(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, -1)
    with pytest.raises(HomeUnusable, match="belongs to another user"):
        make_private(tmp_path)


def test_a_file_is_replaced_whole_and_is_ours_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(b"old")
    path.chmod(0o644)
    with path.open("rb") as reader:
        atomic.write(path, b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_changes_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        atomic.write(path, b"new")
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_does_not_follow_a_link_that_waits_for_it(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    path = tmp_path / "state.json"
    path.with_name(f".state.json.{os.getpid()}.tmp").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        atomic.write(path, b"new")
    assert victim.read_bytes() == b"precious"


def test_a_lock_is_held_by_one_and_free_after(tmp_path: Path) -> None:
    path = tmp_path / "daemon.lock"
    first, second = FileLock(path), FileLock(path)
    assert not flock.is_held(path)
    assert first.acquire("first\n")
    assert flock.is_held(path)
    assert flock.holder(path) == "first"
    assert not second.acquire("second\n")
    assert flock.holder(path) == "first"
    first.release()
    first.release()
    assert second.acquire("second\n")
    second.release()
    assert path.exists()
    assert not flock.is_held(path)


def test_two_who_ask_never_see_each_other_as_the_holder(tmp_path: Path) -> None:
    path = tmp_path / "daemon.lock"
    lock = FileLock(path)
    assert lock.acquire("")
    lock.release()
    assert not any(flock.is_held(path) for _ in range(1000))


def test_a_lock_whose_file_was_replaced_is_held_no_longer_and_can_be_taken(tmp_path: Path) -> None:
    path = tmp_path / "daemon.lock"
    first, second = FileLock(path), FileLock(path)
    assert first.acquire("first\n")
    path.unlink()
    assert not first.held
    assert second.acquire("second\n")
    assert second.held
    first.release()
    assert flock.holder(path) == "second"
    second.release()


def test_a_kill_frees_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "daemon.lock"
    program = (
        "import sys\nfrom pathlib import Path\nfrom iai_daemon.flock import FileLock\n"
        "lock = FileLock(Path(sys.argv[1]))\nprint(lock.acquire('child'), flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "True\n"
        assert flock.is_held(path)
        child.send_signal(signal.SIGKILL)
        child.wait(timeout=10)
    assert not flock.is_held(path)
    lock = FileLock(path)
    assert lock.acquire("next")
    lock.release()
