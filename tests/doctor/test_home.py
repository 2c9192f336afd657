"""The home: modes, owners, leftovers, file systems and disks that are full, each really so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from iai_daemon import lines
from iai_daemon.clock import read
from iai_daemon.doctor.checks.home import kind_of, unfit
from iai_daemon.doctor.finding import Verdict
from iai_daemon.paths import Home
from tests.doctor.looking import failing, look
from tests.faults.stage import Stage, mounting
from tests.journeys.real import command
from tests.user_manager import UID

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def test_a_machine_without_a_home_is_well_and_keeps_none(tmp_path: Path) -> None:
    home = Home(tmp_path / "none")
    found = look(home, "home")
    assert failing(found) == {}
    assert "there is no home yet" in found["home"].seen
    assert not home.root.exists()


def test_a_home_as_it_should_be_is_well_and_nothing_is_left_in_it(home: Home) -> None:
    before = sorted(home.root.rglob("*"))
    found = look(home, "home")
    assert failing(found) == {}
    assert {"home", "disk"} <= found.keys()
    assert sorted(home.root.rglob("*")) == before


def test_something_else_in_the_place_of_the_home_is_told(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.root.symlink_to(tmp_path / "nowhere")
    assert look(home, "home")["home"].status is Verdict.FAIL
    home.root.unlink()
    home.root.write_text("notes")
    found = look(home, "home")["home"]
    assert (found.status, found.seen) == (Verdict.FAIL, f"{home.root} is no directory")
    assert "--home DIR" in (found.remedy or "")


@pytest.mark.parametrize("part", ["", "wrappers", "log", "backups"])
@pytest.mark.parametrize(
    ("mode", "verdict"), [(0o755, Verdict.WARN), (0o770, Verdict.WARN), (0o500, Verdict.FAIL)]
)
def test_a_directory_of_another_mode_is_made_private(
    home: Home, part: str, mode: int, verdict: Verdict
) -> None:
    directory = home.root / part
    directory.chmod(mode)
    found = look(home, "home")["home.private"]
    assert (found.status, found.remedy) == (verdict, f"chmod 700 {directory}")
    assert f"{mode:04o}" in found.seen
    assert found.mend
    found.mend.do()
    assert failing(look(home, "home")) == {}


def test_missing_directories_are_made(home: Home) -> None:
    home.wrappers.rmdir()
    home.backups.rmdir()
    found = look(home, "home")["home.directories"]
    assert (found.status, found.remedy) == (
        Verdict.WARN,
        f"mkdir -m 700 {home.wrappers} {home.backups}",
    )
    assert found.mend
    found.mend.do()
    assert failing(look(home, "home")) == {}


def test_a_file_in_the_place_of_a_directory_is_told(home: Home) -> None:
    home.log.parent.rmdir()
    home.log.parent.write_text("")
    found = look(home, "home")["home.directories"]
    assert (found.status, found.seen) == (Verdict.FAIL, f"{home.log.parent} is no directory")


@as_root
def test_files_of_another_user_are_told_unless_they_are_somebody_elses_business(home: Home) -> None:
    (home.root / "notes.txt").write_text("somebody's own")
    os.chown(home.root / "notes.txt", UID, UID)
    assert failing(look(home, "home")) == {}
    for path in (home.state, home.log, home.attendance, lines.older(home.history)):
        path.write_text("{}")
        os.chown(path, UID, UID)
    found = look(home, "home")["home.owner"]
    assert found.status is Verdict.FAIL
    assert found.seen.startswith("4 files in it are not yours")
    assert found.remedy == f"sudo chown -R root {home.root}"


@as_root
def test_who_looks_with_sudo_is_told_to_go_without(home: Home) -> None:
    os.chown(home.root, UID, UID)
    found = look(home, "home")["home.owner"]
    assert found.status is Verdict.FAIL
    assert "without sudo" in (found.remedy or "")


AS_NOBODY = """
import os, sys
from pathlib import Path
from iai_daemon.paths import Home
from tests.doctor.looking import failing, look
os.setgid(65534)
os.setuid(65534)
print(sorted(failing(look(Home(Path(sys.argv[1])), "home"))))
"""


@as_root
def test_a_home_that_its_user_cannot_enter_is_one_finding_with_its_remedy() -> None:
    """As its user, since nothing keeps root out; where everybody may pass."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        home = Home(Path(folder) / "home")
        home.create()
        for path in (home.root, *home.root.iterdir()):
            os.chown(path, UID, UID)
        home.root.chmod(0o000)
        words = [sys.executable, "-c", AS_NOBODY, str(home.root)]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout.strip(), done.returncode) == ("['home.private']", 0), done.stderr


def test_what_killed_processes_left_is_deleted_and_what_is_being_written_is_not(home: Home) -> None:
    old = [home.root / ".state.json.123.tmp", home.backups / ".memory-77.tmp"]
    kept = [
        home.root / ".history.jsonl.5.tmp",
        home.wrappers / ".heartbeat-1-a.json.tmp",
        home.wrappers / ".heartbeat-1-a.json.9.tmp",
        home.root / "notes.tmp",
    ]
    for path in (*old, *kept):
        path.write_text("")
    for path in (*old, *kept[1:]):
        os.utime(path, (0, read().wall - 3700))
    found = look(home, "home")["home.leftovers"]
    assert found.status is Verdict.WARN
    assert found.seen.startswith("2 files")
    assert found.mend
    found.mend.do()
    assert failing(look(home, "home")) == {}
    assert [path.exists() for path in (*old, *kept)] == [False, False, True, True, True, True]


MOUNTS = [
    ("/", "ext4"),
    ("/home", "btrfs"),
    ("/home/me/far", "nfs4"),
    ("/home/me/far away", "fuse.sshfs"),
    ("/home/me/over", "nfs"),
    ("/home/me/over", "xfs"),
    ("/tmp", "tmpfs"),  # noqa: S108 -- a name
]


@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        ("/opt/iai", "ext4", None),
        ("/home/me/.iai-daemon", "btrfs", None),
        ("/home/me/far/.iai-daemon", "nfs4", "across machines"),
        ("/home/me/farther", "btrfs", None),
        ("/home/me/far away/x", "fuse.sshfs", "across machines"),
        ("/home/me/over/x", "xfs", None),
        ("/tmp/x", "tmpfs", "starts anew"),  # noqa: S108 -- a name
    ],
)
def test_the_file_system_of_the_nearest_mount_counts(path: str, kind: str, words: str | None) -> None:
    assert kind_of(MOUNTS, Path(path)) == kind
    assert (words or "") in (unfit(kind) or "")
    assert bool(words) == bool(unfit(kind))


@pytest.mark.parametrize("kind", ["9p", "cifs", "smbfs", "virtiofs", "NFS", "fuse.rclone"])
def test_what_other_machines_share_is_unfit(kind: str) -> None:
    assert unfit(kind)


@pytest.mark.parametrize("kind", ["overlay", "apfs", "zfs", "f2fs", "fuseblk", ""])
def test_what_stands_in_this_machine_is_fit(kind: str) -> None:
    assert unfit(kind) is None


@pytest.fixture
def stage() -> Iterator[Stage]:
    with mounting() as stage:
        yield stage


def told(stage: Stage, home: Home) -> dict[str, tuple[str, str, str]]:
    """What the command finds in there, of the home and its disk."""
    done = subprocess.run(
        [*stage.before, *command(home, "doctor", "--json")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    checks = json.loads(done.stdout)["checks"]
    return {
        each["name"]: (each["status"], each["seen"], each["remedy"])
        for each in checks
        if each["name"].startswith(("home", "disk"))
    }


def mount(stage: Stage, home: Home, options: str) -> None:
    stage.run("mount", "-t", "tmpfs", "-o", f"mode=700,{options}", "none", home.root)
    Home(stage.seen(home.root)).create()


def test_a_home_in_memory_on_a_disk_without_room_is_told(stage: Stage, home: Home) -> None:
    mount(stage, home, "size=4m")
    found = told(stage, home)
    assert found["home.file-system"][0] == "warn"
    assert "tmpfs" in found["home.file-system"][1]
    assert found["disk"][0] == "fail"
    assert "a night may need 32 MB" in found["disk"][1]
    stage.run("mount", "-o", "remount,size=60m", home.root)
    assert told(stage, home)["disk"][0] == "warn"
    stage.run("mount", "-o", "remount,size=200m", home.root)
    assert told(stage, home)["disk"][0] == "ok"


def test_a_disk_that_takes_no_more_files_is_told(stage: Stage, home: Home) -> None:
    mount(stage, home, "size=200m,nr_inodes=50")
    assert told(stage, home)["disk.inodes"][0] == "warn"
    room = Home(stage.seen(home.root)).backups
    number = 0
    while True:
        try:
            (room / str(number)).write_text("")
        except OSError:
            break
        number += 1
    found = told(stage, home)
    assert found["disk.inodes"][:2] == ("fail", "the disk takes 0 more files")
    assert (found["home"][0], found["home"][2]) == ("fail", "make room on its disk")


def test_a_read_only_disk_is_told_with_what_to_look_for(stage: Stage, home: Home) -> None:
    mount(stage, home, "size=200m")
    stage.run("mount", "-o", "remount,ro", home.root)
    status, seen, remedy = told(stage, home)["home"]
    assert (status, seen) == ("fail", f"{home.root} cannot be written (Read-only file system)")
    assert remedy.startswith("`mount` shows why")
