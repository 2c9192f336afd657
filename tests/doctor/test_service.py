"""The service: a unit that is wrong, a manager that does not answer or says what is wrong, and a daemon that lives in a sandbox. What a
real manager makes of it is in tests/service/test_under_systemd.py."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from iai_daemon.clock import Stopwatch
from iai_daemon.doctor.checks.confinement import confine, is_read_only, lacking, limits, read
from iai_daemon.doctor.finding import Finding, Verdict
from iai_daemon.paths import Home
from iai_daemon.service import installed
from iai_daemon.service.manager import Service
from iai_daemon.service.systemd import Systemd
from tests.doctor.looking import failing, look
from tests.journeys.real import SHORT, RunningDaemon, command, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it is systemd's")

SYSTEMCTL = """#!/bin/sh
here={here}
shift 2
case "$1 $2" in
"show --property=Version") cat $here/answer; exit $(cat $here/status);;
show*) cat $here/properties;;
*)
  echo "$*" >> $here/calls
  case "$1" in
  enable) sed -i s/UnitFileState=.*/UnitFileState=enabled/ $here/properties;;
  daemon-reload) sed -i 's/NeedDaemonReload=.*/NeedDaemonReload=no/; s/LoadState=.*/LoadState=loaded/' $here/properties;;
  esac;;
esac
"""
LOGINCTL = "#!/bin/sh\ncat {here}/linger\n"


class FakeSystemd:
    """A `systemctl` and a `loginctl` that say what a test wants, and note what they are told to do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name, script in (("systemctl", SYSTEMCTL), ("loginctl", LOGINCTL)):
            program = folder / name
            program.write_text(script.format(here=folder))
            program.chmod(0o755)
        self.answers(0, "Version=252")
        (folder / "linger").write_text("yes\n")
        (folder / "properties").write_text("")

    def answers(self, status: int, said: str) -> None:
        (self.folder / "status").write_text(str(status))
        (self.folder / "answer").write_text(said)

    def says(self, unit: Path, **properties: object) -> None:
        """Of the unit; what is not given is as it is where all is well."""
        well = {
            "LoadState": "loaded",
            "ActiveState": "active",
            "Result": "success",
            "MainPID": 0,
            "FragmentPath": unit,
            "UnitFileState": "enabled",
            "NeedDaemonReload": "no",
            "ProtectHome": "no",
            "PrivateTmp": "no",
            "MemoryDenyWriteExecute": "no",
        }
        lines = [f"{name}={value}\n" for name, value in {**well, **properties}.items()]
        (self.folder / "properties").write_text("".join(lines))

    @property
    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSystemd:
    """The manager of a user whose home directory is empty."""
    user = tmp_path / "user"
    user.mkdir()
    monkeypatch.setenv("HOME", str(user))
    fake = FakeSystemd(tmp_path / "tools")
    monkeypatch.setenv("PATH", f"{fake.folder}:/usr/bin:/bin")
    return fake


@pytest.fixture
def unit(home: Home, systemd: FakeSystemd) -> Path:
    """The unit, as this iai-daemon writes it."""
    path = installed.definition_path(home)
    path.parent.mkdir(parents=True)
    path.write_text(Systemd().render(Service.of(home)))
    systemd.says(path)
    return path


@pytest.fixture
def daemon(home: Home, unit: Path, systemd: FakeSystemd) -> Iterator[RunningDaemon]:
    """The daemon, which the manager takes for its own."""
    daemon = RunningDaemon(home)
    systemd.says(unit, MainPID=daemon.process.pid)
    yield daemon
    daemon.stop()


def service(home: Home, name: str = "service") -> Finding:
    found: Finding = look(home, "service")[name]
    return found


def test_a_machine_without_a_manager_says_so_in_a_moment(home: Home, systemd: FakeSystemd) -> None:
    systemd.answers(1, "Failed to connect to bus: No medium found")
    watch = Stopwatch()
    found = service(home)
    assert watch.seconds() < 2
    assert found.status is Verdict.OK
    assert "No medium found" in found.seen


def test_a_machine_where_nothing_is_installed_is_well(home: Home, systemd: FakeSystemd) -> None:
    assert failing(look(home, "service")) == {}


def test_a_service_that_no_manager_starts_is_told(home: Home, unit: Path, systemd: FakeSystemd) -> None:
    systemd.answers(1, "Failed to connect to bus: No medium found")
    found = service(home)
    assert (found.status, str(unit) in found.seen) == (Verdict.WARN, True)
    assert "`iai-daemon run`" in (found.remedy or "")


def test_a_manager_that_hangs_does_not_keep_the_doctor(home: Home, unit: Path, systemd: FakeSystemd) -> None:
    (systemd.folder / "systemctl").write_text("#!/bin/sh\nexec sleep 1000\n")
    watch = Stopwatch()
    found = service(home)
    assert watch.seconds() < 2.9
    assert (found.status, "did not end within" in found.seen) == (Verdict.WARN, True)


def test_a_daemon_that_was_started_by_hand_is_told(home: Home, systemd: FakeSystemd) -> None:
    daemon = RunningDaemon(home)
    found = service(home)
    pid = daemon.process.pid
    daemon.stop()
    assert (found.status, found.remedy) == (Verdict.WARN, f"`kill {pid}`, then `iai-daemon install`")


@pytest.mark.usefixtures("daemon")
def test_a_service_that_runs_is_well(home: Home) -> None:
    found = look(home, "service")
    assert failing(found) == {}
    assert found["service"].seen.startswith("iai-daemon-home-")
    assert "service.definition" in found


def test_a_daemon_beside_its_service_is_told(
    home: Home, unit: Path, systemd: FakeSystemd, daemon: RunningDaemon
) -> None:
    systemd.says(unit, ActiveState="inactive")
    found = service(home)
    assert found.status is Verdict.WARN
    assert found.remedy == f"`kill {daemon.process.pid}`, then `iai-daemon start`"


def test_a_service_that_was_given_up_is_told_in_the_managers_words(
    home: Home, unit: Path, systemd: FakeSystemd
) -> None:
    systemd.says(unit, ActiveState="failed", Result="start-limit-hit")
    found = service(home)
    assert (found.status, "failed (start-limit-hit)" in found.seen) == (Verdict.FAIL, True)
    assert "`journalctl --user -u iai-daemon-home-" in (found.remedy or "")


def test_a_service_that_is_started_again_and_again_is_told(
    home: Home, unit: Path, systemd: FakeSystemd
) -> None:
    systemd.says(unit, ActiveState="activating")
    found = service(home)
    assert (found.status, "it is activating" in found.seen) == (Verdict.WARN, True)
    assert "`iai-daemon logs`" in (found.remedy or "")


def test_a_service_that_is_not_running_is_told_and_the_daemons_finding_starts_it(
    home: Home, unit: Path, systemd: FakeSystemd
) -> None:
    systemd.says(unit, ActiveState="inactive")
    assert (service(home).status, service(home).remedy) == (Verdict.WARN, "`iai-daemon start`")
    found = look(home, "daemon")["daemon"]
    assert (found.status, found.remedy) == (Verdict.FAIL, "`iai-daemon start`")
    assert found.mend
    assert found.mend.says == f"start {unit.stem}"


def test_settings_that_cannot_be_used_are_mended_before_anything_is_started(home: Home, unit: Path) -> None:
    home.config.write_text("[lifecycle]\ntikc = 1\n")
    found = look(home, "daemon")["daemon"]
    assert (found.status, found.mend) == (Verdict.FAIL, None)
    assert "mend them" in (found.remedy or "")


@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize(
    ("properties", "name", "calls"),
    [
        ({"UnitFileState": "disabled"}, "service.enabled", ["daemon-reload", "enable"]),
        ({"NeedDaemonReload": "yes"}, "service.definition", ["daemon-reload", "enable"]),
    ],
)
def test_what_the_manager_does_not_go_by_is_taken_up(
    home: Home, unit: Path, systemd: FakeSystemd, properties: dict[str, str], name: str, calls: list[str]
) -> None:
    pid = service(home).seen.rpartition("pid ")[2].rstrip(")")
    systemd.says(unit, MainPID=pid, **properties)
    found = service(home, name)
    assert found.status is Verdict.WARN
    assert found.mend
    found.mend.do()
    assert [each.split()[0] for each in systemd.calls] == calls
    assert failing(look(home, "service")) == {}


def test_a_unit_that_the_manager_does_not_know_is_taken_up(
    home: Home, unit: Path, systemd: FakeSystemd
) -> None:
    systemd.says(unit, LoadState="not-found")
    found = service(home)
    assert (found.status, found.remedy) == (Verdict.FAIL, "`iai-daemon install`")
    assert found.mend
    found.mend.do()
    assert "daemon-reload" in systemd.calls


@pytest.mark.usefixtures("daemon")
def test_an_interpreter_that_is_gone_is_written_anew_for_this_one(home: Home, unit: Path) -> None:
    right = unit.read_text()
    unit.write_text(right.replace(sys.executable, "/nowhere/python"))
    found = service(home, "service.definition")
    assert (found.status, "/nowhere/python, which is gone" in found.seen) == (Verdict.FAIL, True)
    assert found.mend
    found.mend.do()
    assert unit.read_text() == right
    assert failing(look(home, "service")) == {}


@pytest.mark.usefixtures("daemon")
def test_an_interpreter_that_does_not_find_iai_daemon_is_told(home: Home, unit: Path, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    right = unit.read_text()
    unit.write_text(right.replace(sys.executable, str(python)))
    found = service(home, "service.definition")
    assert (found.status, "does not find iai-daemon" in found.seen) == (Verdict.FAIL, True)
    assert found.mend
    found.mend.do()
    assert unit.read_text() == right


@pytest.mark.usefixtures("daemon")
def test_a_unit_of_another_version_is_written_anew(home: Home, unit: Path) -> None:
    right = unit.read_text()
    unit.write_text(right.replace(f"iai-daemon {Service.of(home).version}.", "iai-daemon 0.0.1."))
    found = service(home, "service.definition")
    assert (found.status, "version 0.0.1" in found.seen) == (Verdict.WARN, True)
    assert found.mend
    found.mend.do()
    assert unit.read_text() == right


@pytest.mark.usefixtures("daemon")
def test_what_a_person_decided_about_the_unit_is_told_and_not_mended(
    home: Home, unit: Path, tmp_path: Path
) -> None:
    right = unit.read_text()
    other = tmp_path / "python"
    other.write_text("#!/bin/sh\nexit 0\n")
    other.chmod(0o755)
    for text, words in (
        (right + "Nice=5\n", "was changed since"),
        (right.replace(sys.executable, str(other)), f"starts {other}"),
        ("[Service]\nExecStart=/bin/true\n", "was not written by iai-daemon"),
    ):
        unit.write_text(text)
        found = service(home, "service.definition")
        assert (found.status, found.mend) == (Verdict.WARN, None)
        assert words in found.seen


@pytest.mark.usefixtures("daemon")
def test_a_service_that_ends_with_the_session_is_told(home: Home, systemd: FakeSystemd) -> None:
    (systemd.folder / "linger").write_text("no\n")
    found = service(home, "service.linger")
    assert (found.status, "last session" in found.seen) == (Verdict.WARN, True)
    assert "`iai-daemon install --linger`" in (found.remedy or "")


class Confined(RunningDaemon):
    """A daemon that is started by other words."""

    def __init__(self, home: Home, before: Sequence[str]) -> None:
        self.home = home
        home.config.write_text(SHORT)
        self.process = subprocess.Popen(
            [*before, *command(home, "run")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        until(lambda: self.process.poll() is not None or self._answers())


def test_a_sandbox_limits_and_a_bare_environment_are_read_from_the_daemon_itself(
    home: Home, unit: Path, systemd: FakeSystemd
) -> None:
    if not (shutil.which("setpriv") and shutil.which("prlimit")):
        pytest.skip("there is no setpriv and prlimit here")
    words = [
        "setpriv",
        "--no-new-privs",
        "nice",
        "-n",
        "7",
        "prlimit",
        "--nofile=100:100",
        "--data=1000000000",
    ]
    daemon = Confined(home, [*words, "env", "-u", "HOME"])
    systemd.says(unit, MainPID=daemon.process.pid, PrivateTmp="yes")
    found = look(home, "service")
    daemon.stop()
    wrong = failing(found)
    assert wrong.keys() == {"service.sandbox", "service.limits", "service.environment"}
    assert "NoNewPrivileges: sudo" in wrong["service.sandbox"]
    assert "PrivateTmp: " in wrong["service.sandbox"]
    for part in ("100 files only", "1,000 MB only", "Nice=7"):
        assert part in wrong["service.limits"]
    assert wrong["service.environment"] == "its environment lacks HOME"
    assert f"`systemctl --user edit {unit.stem}`" in (found["service.sandbox"].remedy or "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_home_that_only_the_daemon_may_not_write_is_told(
    home: Home, unit: Path, systemd: FakeSystemd
) -> None:
    """As by ProtectHome=read-only: it is mounted anew, for the daemon alone, once it runs."""
    daemon = Confined(home, ["unshare", "--mount", "--propagation", "private"])
    systemd.says(unit, MainPID=daemon.process.pid, ProtectHome="read-only")
    root = str(home.root)
    inside = ["nsenter", f"--target={daemon.process.pid}", "--mount", "sh", "-c"]
    mounts = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"'
    subprocess.run([*inside, mounts, "sh", root], check=True, timeout=30)
    found = look(home, "service")["service.sandbox"]
    daemon.stop()
    assert (found.status, "may only read" in found.seen) == (Verdict.FAIL, True)


def test_the_tests_own_process_is_beside_itself_in_nothing(home: Home) -> None:
    ours = read(os.getpid(), home.root)
    assert ours
    assert (ours.beside(ours), limits(ours, ours), lacking(ours), confine(())) == (set(), "", [], "")
    assert read(2**22 + 1, home.root) is None


MOUNTS = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
23 22 254:0 /home /home ro,relatime - ext4 /dev/vda rw
24 22 254:0 /x /home/me/a\\040b rw,relatime shared:1 - ext4 /dev/vda rw
25 22 254:0 /y /srv rw - ext4 /dev/vda rw
26 25 254:0 /y /srv ro - ext4 /dev/vda rw
"""


@pytest.mark.parametrize(
    ("path", "read_only"),
    [
        ("/opt/x", False),
        ("/home", True),
        ("/home/me/.iai-daemon", True),
        ("/homes", False),
        ("/home/me/a b/c", False),
        ("/srv/x", True),
    ],
)
def test_the_nearest_mount_says_whether_it_may_be_written(path: str, read_only: bool) -> None:
    assert is_read_only(MOUNTS, Path(path)) is read_only
