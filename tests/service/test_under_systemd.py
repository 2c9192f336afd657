"""The service under a real systemd user manager: it stays up, and it stays down where it has to."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.clock import Stopwatch
from iai_daemon.service.systemd import quote
from tests.project.source import ROOT
from tests.service.served import NAMES, UNIT, Served, until
from tests.user_manager import UID, user_manager

QUICK = "[Service]\nRestartSec=50ms\n"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with user_manager(tmp_path) as manager:
        yield Served(manager)


@pytest.fixture
def running(served: Served) -> Served:
    """Installed, and up."""
    served.iai_json("install")
    return served


def test_install_writes_the_unit_starts_it_and_doing_so_again_changes_nothing(served: Served) -> None:
    first = served.iai_json("install")
    assert (first["changed"], first["manager"], first["service"]) == (True, "systemd", "iai-daemon")
    assert (str(first["pid"]), served.show("ActiveState")) == (served.pid, "active")
    assert served.show("UnitFileState") == "enabled"
    unit = served.units / UNIT
    before = unit.stat()
    second = served.iai_json("install")
    assert (second["changed"], second["pid"]) == (False, first["pid"])
    assert unit.stat().st_mtime_ns == before.st_mtime_ns
    assert sorted(each.name for each in served.units.iterdir()) == ["default.target.wants", UNIT]


def test_systemd_has_nothing_to_say_about_the_unit(running: Served) -> None:
    done = running.manager.run(["systemd-analyze", "--user", "verify", str(running.units / UNIT)])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_systemd_reads_every_word_as_it_is_meant(served: Served) -> None:
    seen = served.manager.home / "words"
    words = ["/bin/sh", "-c", f'printf "%s\\n" "$@" > {seen}', "sh", *NAMES]
    served.make_directories(served.units)
    unit = f"[Service]\nType=oneshot\nExecStart={' '.join(map(quote, words))}\n"
    (served.units / "words.service").write_text(unit, encoding="utf-8")
    served.systemctl("daemon-reload")
    assert served.systemctl("start", "words.service").returncode == 0
    assert seen.read_text(encoding="utf-8").splitlines() == NAMES


def test_it_is_active_only_when_it_answers(served: Served) -> None:
    """Its settings come through a pipe that nobody writes to yet: so long it is on its way."""
    served.iai_json("install")
    served.iai_json("stop")
    os.mkfifo(served.home.config)
    served.own(served.home.config)
    assert served.systemctl("start", "--no-block", UNIT).returncode == 0
    until(lambda: served.pid != "0")
    assert served.show("ActiveState") == "activating"
    assert served.status() is None
    with served.home.config.open("wb"):
        pass
    until(lambda: served.show("ActiveState") == "active")
    status = served.status()
    assert status
    assert str(status["pid"]) == served.pid
    assert status["tick"]["at"]
    assert status["state"] in served.show("StatusText")


def test_it_can_be_installed_and_started_by_systemctl_alone(served: Served) -> None:
    done = served.iai("install", "--dry-run")
    assert done.returncode == 0
    assert done.stdout.startswith("[Unit]\n")
    assert done.stdout.endswith("\nWantedBy=default.target\n")
    assert not served.home.root.exists()
    served.make_directories(served.units)
    (served.units / UNIT).write_text(done.stdout, encoding="utf-8")
    served.systemctl("daemon-reload")
    started = served.systemctl("enable", "--now", UNIT)
    assert started.returncode == 0, started
    status = served.status()
    assert status
    assert str(status["pid"]) == served.pid
    assert served.iai_json("install")["changed"] is False


def test_a_killed_daemon_comes_back_as_a_new_process(running: Served) -> None:
    running.drop_in(QUICK)
    pid = running.signal("KILL")
    assert running.wait_for_another(pid)["state"]
    assert running.show("NRestarts") == "1"


def test_a_daemon_that_hangs_is_replaced(running: Served) -> None:
    running.drop_in(QUICK + "WatchdogSec=1s\n")
    running.iai_json("restart")
    pid = running.signal("STOP")
    assert running.wait_for_another(pid)
    assert "most recent call first" in running.iai("logs").stdout, "where it hung"


def test_a_daemon_that_works_is_left_alone_by_a_watchdog_shorter_than_its_tick(running: Served) -> None:
    running.drop_in(QUICK + "WatchdogSec=600ms\n")
    pid = str(running.iai_json("restart")["pid"])
    stamp = running.show("WatchdogTimestampMonotonic")
    for _ in range(4):
        last = stamp
        stamp = until(lambda last=last: (now := running.show("WatchdogTimestampMonotonic")) != last and now)
    assert (running.pid, running.show("NRestarts")) == (pid, "0")


def test_what_crashes_again_and_again_stays_down_until_somebody_starts_it(running: Served) -> None:
    drop_in = running.drop_in(QUICK + "ExecStart=\nExecStart=/bin/false\n")
    running.systemctl("restart", UNIT)
    until(lambda: running.show("ActiveState") == "failed")
    # The first start and the four after it: as many as may be.
    assert int(running.show("NRestarts")) in (4, 5)
    assert running.systemctl("start", UNIT).returncode != 0
    refused = running.iai("start")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "journalctl --user -u iai-daemon" in refused.stderr
    drop_in.unlink()
    running.systemctl("daemon-reload")
    assert str(running.iai_json("start")["pid"]) == running.pid


def test_a_configuration_that_cannot_be_used_is_no_reason_to_start_again(running: Served) -> None:
    running.iai_json("stop")
    running.configure("[lifecycle]\nidel_after = '5m'\n")
    assert running.systemctl("start", UNIT).returncode != 0
    assert (running.show("ActiveState"), running.show("ExecMainStatus")) == ("failed", "78")
    assert (running.show("Result"), running.show("NRestarts")) == ("exit-code", "0")
    for command in ("start", "restart", "install"):
        refused = running.iai(command)
        assert refused.returncode == 78
        assert "line 2" in refused.stderr
        assert "idle_after" in refused.stderr
    running.configure("")
    running.iai_json("start")


def test_a_reload_takes_new_settings_up_and_bad_ones_not(running: Served) -> None:
    pid = running.pid
    running.configure('[lifecycle]\nidle_after = "7m"\n')
    assert running.systemctl("reload", UNIT).returncode == 0
    until(lambda: "lifecycle.idle_after" in running.iai("logs").stdout)
    until(lambda: running.show("ActiveState") == "active")
    running.configure("[lifecycle]\nidle_after = 'soon'\n")
    running.systemctl("reload", UNIT)
    found = until(lambda: [each for each in (running.status() or {})["degraded"] if each["what"] == "config"])
    assert "line 2" in found[0]["why"]
    until(lambda: running.show("ActiveState") == "active")
    running.configure("")
    running.systemctl("reload", UNIT)
    until(lambda: not (running.status() or {})["degraded"])
    assert (running.pid, running.show("NRestarts")) == (pid, "0")


def test_home_socket_and_log_are_where_they_belong_and_their_users_alone(running: Served) -> None:
    home = running.home
    for path, mode in ((home.root, 0o700), (home.socket, 0o600), (home.log, 0o600), (home.log.parent, 0o700)):
        seen = path.lstat()
        assert (stat.S_IMODE(seen.st_mode), seen.st_uid) == (mode, UID), path
    assert stat.S_ISSOCK(home.socket.stat().st_mode)
    # Nothing else in the user's home than this and the unit.
    assert sorted(each.name for each in running.manager.home.iterdir()) == [".config", ".iai-daemon"]
    assert running.iai("stop").returncode == 0
    assert not home.socket.exists()


def test_a_unit_of_its_name_that_stands_in_its_way_is_named(served: Served) -> None:
    other = served.units.with_name("user.control") / UNIT
    served.make_directories(other.parent)
    other.write_text("[Service]\nExecStart=/bin/true\n")
    refused = served.iai("install")
    assert refused.returncode == 1
    assert str(other) in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_daemon_that_was_started_by_hand_is_told_of_and_left_alone(served: Served) -> None:
    started = served.manager.run(
        ["sh", "-c", f"{sys.executable} -P -m iai_daemon run >/dev/null 2>&1 & echo $!"]
    )
    pid = started.stdout.strip()
    until(served.status)
    refused = served.iai("install")
    assert refused.returncode == 1
    assert f"kill {pid}" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert f"pid {pid}" in served.iai("start").stderr
    # Who starts it all the same, or logs in, hears of it once.
    assert served.systemctl("start", UNIT).returncode != 0
    assert (served.show("ActiveState"), served.show("NRestarts")) == ("failed", "0")
    assert (served.status() or {})["pid"] == int(pid)
    assert int(pid) == served.iai_json("uninstall")["pid"]
    assert (served.status() or {})["pid"] == int(pid)
    assert served.home.log.exists()
    served.manager.run(["kill", pid])
    until(lambda: served.status() is None)


def test_a_home_of_its_own_has_a_service_of_its_own(running: Served) -> None:
    other = running.manager.home / "my trial 100%"
    installed = running.iai_json("install", "--home", str(other))
    name = installed["service"]
    assert name.startswith("iai-daemon-my-trial-100-")
    assert running.show("ActiveState", f"{name}.service") == "active"
    assert (other / "control.sock").exists()
    verified = running.manager.run(["systemd-analyze", "--user", "verify", installed["path"]])
    assert (verified.stdout, verified.stderr) == ("", "")
    assert running.iai_json("stop", "--home", str(other))["stopped"] == installed["pid"]
    assert running.iai_json("uninstall", "--home", str(other))["deleted"][0] == installed["path"]
    assert running.show("ActiveState") == "active"


def test_an_interpreter_that_has_moved_is_named_and_install_mends_it(running: Served) -> None:
    unit = running.units / UNIT
    pid = running.pid
    unit.write_text(unit.read_text().replace(sys.executable, "/nowhere/bin/python"))
    refused = running.iai("restart")
    assert refused.returncode == 1
    assert "/nowhere/bin/python, which is gone: `iai-daemon install`" in refused.stderr
    assert running.pid == pid
    assert running.iai_json("install")["changed"] is True
    assert running.wait_for_another(pid)


@pytest.fixture
def environment(served: Served) -> Path:
    """An installation of its own, as a wheel makes it: its interpreter."""
    root = served.manager.home / "environment"
    venv.create(root, with_pip=False)
    (packages,) = root.glob("lib/python*/site-packages")
    shutil.copytree(
        ROOT / "iai_daemon", packages / "iai_daemon", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "systemd" / UNIT, packages / "iai_daemon" / "service")
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"))
    return root / "bin" / "python"


def test_an_update_is_noticed_and_a_restart_brings_it(served: Served, environment: Path) -> None:
    def status() -> dict[str, Any]:
        return served.status() or {}

    served.configure('[lifecycle]\ntick = "1s"\n')
    iai = [str(environment), "-P", "-m", "iai_daemon"]
    assert served.manager.run([*iai, "install"]).returncode == 0
    before = status()
    assert before["degraded"] == []
    (package,) = environment.parents[1].glob("lib/*/site-packages/iai_daemon/__init__.py")
    fresh = package.with_name("fresh")
    fresh.write_text(package.read_text().replace(before["version"], "99.0"))
    fresh.replace(package)
    (told,) = until(lambda: status()["degraded"])
    assert told["why"] == f"running {before['version']}, installed 99.0"
    assert told["fix"] == "`iai-daemon restart`"
    assert served.manager.run([*iai, "restart"]).returncode == 0
    assert (status()["version"], status()["degraded"]) == ("99.0", [])
    assert status()["pid"] != before["pid"]


def test_an_environment_that_was_moved_is_noticed_and_install_mends_it(
    served: Served, environment: Path
) -> None:
    def status() -> dict[str, Any]:
        return served.status() or {}

    served.configure('[lifecycle]\ntick = "1s"\n')
    assert served.manager.run([str(environment), "-P", "-m", "iai_daemon", "install"]).returncode == 0
    moved = environment.parents[1].rename(served.manager.home / "moved") / "bin" / "python"
    (told,) = until(lambda: status()["degraded"])
    assert str(environment) in told["why"]
    served.iai("stop")
    assert "`iai-daemon install`" in served.iai("status").stderr
    assert served.manager.run([str(moved), "-P", "-m", "iai_daemon", "install"]).returncode == 0
    assert status()["degraded"] == []


LOGINCTL = """#!/bin/sh
echo "$@" >> {calls}
case "$2" in enable-linger) touch {on};; *) test -e {on} && echo yes || echo no;; esac
"""


def test_whether_it_runs_while_nobody_is_logged_in_is_told_and_changed_on_request_only(
    served: Served,
) -> None:
    tools = served.manager.home / "tools"
    tools.mkdir()
    served.own(tools)
    loginctl = tools / "loginctl"
    loginctl.write_text(LOGINCTL.format(calls=tools / "calls", on=tools / "on"))
    loginctl.chmod(0o755)

    def install(*words: str) -> subprocess.CompletedProcess[str]:
        path = {"PATH": f"{tools}:/usr/bin:/bin"}
        return served.manager.run(
            [sys.executable, "-P", "-m", "iai_daemon", "install", *words], environment=path
        )

    assert "`iai-daemon install --linger`" in install().stdout
    assert json.loads(install("--json").stdout)["lingers"] is False
    assert "enable-linger" not in (tools / "calls").read_text()
    assert json.loads(install("--linger", "--json").stdout)["lingers"] is True
    assert "log out" not in install().stdout


def test_status_without_its_daemon_names_the_service(running: Served) -> None:
    running.iai_json("stop")
    done = running.iai("status")
    assert done.returncode == 1
    assert f"{running.units / UNIT}) and does not run; `iai-daemon start`" in done.stderr


def test_uninstall_leaves_nothing_but_the_memory(running: Served) -> None:
    running.iai_json("memory", "add", "The staging API answers on port 8081.")
    running.configure("[lifecycle]\n")
    done = running.iai_json("uninstall")
    assert sorted(done["left"]) == [str(running.home.config), str(running.home.memory)]
    assert sorted(each.name for each in running.home.root.iterdir()) == ["config.toml", "memory.db"]
    assert [each for each in running.units.rglob("*") if "iai" in each.name] == []
    assert running.show("LoadState") == "not-found"
    assert running.iai("start").stderr.count("`iai-daemon install`") == 1
    again = running.iai("uninstall")
    assert (again.returncode, again.stdout.splitlines()[0]) == (0, "there was no service")
    assert running.iai_json("memory", "search", "staging")["results"]


def test_uninstall_with_purge_takes_the_memory_too_but_not_what_others_keep_there(running: Served) -> None:
    running.iai_json("memory", "add", "The staging API answers on port 8081.")
    running.iai_json("store", "backup")
    refused = running.iai("uninstall", "--purge")
    assert refused.returncode == 2
    assert running.status(), "nothing is done before the question is answered"
    notes = running.home.root / "notes.txt"
    notes.write_text("mine")
    assert running.iai_json("uninstall", "--purge", "--yes")["left"] == [str(notes)]
    notes.unlink()
    running.iai_json("install")
    assert running.iai_json("uninstall", "--purge", "--yes")["left"] == []
    assert not running.home.root.exists()


def test_stopping_in_the_middle_of_a_night_takes_seconds_and_leaves_the_store_whole(served: Served) -> None:
    served.configure('[lifecycle]\nabsent_for = "100ms"\ntick = "1s"\n[consolidation]\ninterval = "0s"\n')
    lines = "\n".join(
        f'{{"content": "Note {n} about the deploy of service {n % 97}."}}' for n in range(20_000)
    )
    served.iai_json("memory", "import", "-", stdin=lines)
    served.iai_json("install")
    until(lambda: (served.status() or {})["consolidation"]["progress"])
    watch = Stopwatch()
    assert served.systemctl("stop", UNIT).returncode == 0
    assert watch.seconds() < 20
    assert (served.show("Result"), served.show("ActiveState")) == ("success", "inactive")
    assert served.iai_json("nights", "list")["nights"][-1]["outcome"] == "cancelled"
    check = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('PRAGMA integrity_check').fetchall())"
    checked = served.manager.run([sys.executable, "-c", check, str(served.home.memory)])
    assert checked.stdout.strip() == "[('ok',)]"


LIMITED = """[Service]
Nice=15
LimitNOFILE=128
LimitDATA=1G
LimitCORE=0
UMask=0777
MemoryDenyWriteExecute=yes
SystemCallFilter=~memfd_create
Environment=SECRET=of-the-service
"""
# Such a program needs memory that it may write and execute.
NODE = "require('fs').writeFileSync(process.argv[1], eval('[1, 2].map(each => each + 1)').join())"
NICE = ("cut", "-d ", "-f19", "/proc/self/stat")
AGENT = """#!/bin/sh
cat /proc/self/limits > {told}.limits
cat /proc/self/status /proc/self/cgroup > {told}.status
env > {told}.env
umask > {told}.umask
{nice} > {told}.nice
{node}
touch {told}.end
"""


def test_an_agent_that_the_service_wakes_has_none_of_its_limits(running: Served) -> None:
    """Whatever somebody has put into the unit: the agent is what a unit of its own would be, and node starts in it."""
    told, script = running.manager.home / "told", running.manager.home / "agent"
    node = shutil.which("node", path="/usr/local/bin:/usr/bin")
    line = f'{node} -e "{NODE}" {told}.node' if node else ""
    script.write_text(AGENT.format(told=told, node=line, nice=shlex.join(NICE)))
    script.chmod(0o755)
    running.configure(f'[agents.scribe]\ncommand = ["{script}"]\n')
    running.drop_in(LIMITED)
    running.iai_json("restart")
    limits = f"/proc/{running.pid}/limits"
    ours = running.manager.run(["grep", "Max open files", limits]).stdout.split()[3]
    assert ours == "128", "the service itself has them"
    added = running.iai("recall", "add", "Now.", "--agent", "scribe", "--session", "s1", "--now")
    assert added.returncode == 0, added
    until(Path(f"{told}.end").exists)
    plain = ["systemd-run", "--user", "--pipe", "--wait", "--quiet", "--collect"]
    usual = running.manager.run([*plain, "cat", "/proc/self/limits"]).stdout
    assert Path(f"{told}.limits").read_text() == usual
    status = Path(f"{told}.status").read_text()
    assert "iai-daemon.service" not in status
    assert "iai-agent-" in status
    for line in ("NoNewPrivs:\t0", "Seccomp:\t0", "SigBlk:\t0000000000000000"):
        assert line in status
    ignored = next(line.split()[1] for line in status.splitlines() if line.startswith("SigIgn:"))
    # Signals 32 and 33 are the C library's own: a make that has ignored one hands that on, and nobody can undo it.
    assert int(ignored, 16) & ~(0b11 << 31) == 0
    assert Path(f"{told}.nice").read_text() == running.manager.run([*plain, *NICE]).stdout
    assert Path(f"{told}.umask").read_text().strip() in ("0022", "022")
    assert "SECRET" not in Path(f"{told}.env").read_text()
    assert "NOTIFY_SOCKET" not in Path(f"{told}.env").read_text()
    if node:
        assert Path(f"{told}.node").read_text() == "2,3"


def test_the_doctor_tells_of_a_service_what_its_manager_and_its_process_say_and_starts_it(
    running: Served,
) -> None:
    def wrong() -> dict[str, tuple[str, str]]:
        told = json.loads(running.iai("doctor", "--json").stdout)["checks"]
        ours = [each for each in told if each["name"].startswith(("daemon", "service", "home", "log"))]
        return {each["name"]: (each["status"], each["seen"]) for each in ours if each["status"] != "ok"}

    assert wrong() == {}
    running.iai_json("stop")
    assert wrong().keys() == {"daemon", "service"}
    mended = json.loads(running.iai("doctor", "--fix", "--yes", "--json").stdout)["mended"]
    assert {"name": "daemon", "did": "start iai-daemon", "problem": None} in mended
    assert running.pid != "0"
    running.systemctl("disable", UNIT)
    drop_in = running.drop_in(QUICK + LIMITED.removeprefix("[Service]") + "PrivateTmp=yes\n")
    assert wrong().keys() == {"service.enabled", "service.sandbox"}, "it is told before it is started so"
    running.iai_json("restart")
    found = wrong()
    for part in ("MemoryDenyWriteExecute", "NoNewPrivileges", "SystemCallFilter", "PrivateTmp"):
        assert part in found["service.sandbox"][1]
    for part in ("128 files only", "1,074 MB only", "Nice=15"):
        assert part in found["service.limits"][1]
    drop_in.write_text(QUICK + "ExecStart=\nExecStart=/bin/false\n")
    assert "goes by what stood there before" in wrong()["service.definition"][1]
    running.systemctl("daemon-reload")
    running.systemctl("restart", UNIT)
    until(lambda: running.show("ActiveState") == "failed")
    assert wrong()["service"][0] == "fail"
    assert "(exit-code)" in wrong()["service"][1]
