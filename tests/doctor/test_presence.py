"""Who is here: wrappers that hang, that were forgotten, that are too old, and files that cannot go."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from iai_daemon.clock import Now, read
from iai_daemon.doctor.checks import presence
from iai_daemon.doctor.finding import Finding, Verdict
from iai_daemon.doctor.patient import meet
from iai_daemon.paths import Home
from iai_daemon.presence.classify import Status, Wrapper
from iai_daemon.presence.heartbeat import Heartbeat
from iai_daemon.presence.processes import SystemProcesses
from iai_daemon.units import format_stamp
from tests.doctor.looking import failing, look
from tests.journeys.real import RunningDaemon, RunningWrapper, until
from tests.presence.heartbeats import content, publish

DAY = 86_400.0


@contextmanager
def wrapping(home: Home) -> Iterator[RunningWrapper]:
    wrapper = RunningWrapper(home)
    try:
        wrapper.send("ping")
        until(lambda: list(home.wrappers.glob("heartbeat-*.json")))
        yield wrapper
    finally:
        wrapper.leave()


@contextmanager
def running(count: int = 1) -> Iterator[list[int]]:
    """Processes that look all the same, and end with their input."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", "import posix; posix.read(0, 1)"], stdin=subprocess.PIPE
        )
        for _ in range(count)
    ]
    try:
        yield [each.pid for each in processes]
    finally:
        for each in processes:
            each.send_signal(signal.SIGCONT)
            each.communicate(timeout=10)


def begun(pid: int) -> dict[str, Any]:
    """What a heartbeat says of its process, so that it is taken for that one."""
    process = SystemProcesses().look_up(pid, read())
    assert process
    return {"process_start": process.start, "parent_pid": process.parent}


def later(seconds: float) -> Now:
    now = read()
    return Now(now.wall + seconds, now.awake + seconds, now.boot + seconds)


def test_without_a_home_it_is_not_checked(tmp_path: Path) -> None:
    found = look(Home(tmp_path / "nowhere"), "presence")["presence"]
    assert (found.status, found.seen) == (Verdict.WARN, "not checked: there is no home yet")


def test_wrappers_that_are_well_are_counted(home: Home) -> None:
    with wrapping(home):
        found = look(home, "presence")
    assert failing(found) == {}
    assert found["presence"].seen == "1 FRESH, 0 STALE, 0 ORPHAN, 0 INVALID"


def test_beside_a_daemon_that_is_well_nothing_is_found(home: Home) -> None:
    daemon = RunningDaemon(home)
    try:
        with wrapping(home):
            found = look(home, "presence")
    finally:
        daemon.stop()
    assert failing(found) == {}
    assert found["presence"].seen.startswith("1 FRESH")


def test_a_directory_that_cannot_be_listed_is_told(home: Home) -> None:
    home.wrappers.rmdir()
    home.wrappers.write_text("")
    found = look(home, "presence")["presence"]
    assert found.status is Verdict.FAIL
    assert found.seen == f"{home.wrappers} cannot be listed (Not a directory)"


def test_files_that_no_wrapper_can_have_written_are_named(home: Home) -> None:
    (home.wrappers / "heartbeat-1-a.json").symlink_to("/dev/null")
    found = look(home, "presence")["presence.invalid"]
    assert found.status is Verdict.WARN
    assert found.seen == "heartbeat-1-a.json: not a regular file but a symbolic link"
    assert str(home.wrappers) in (found.remedy or "")


def test_wrappers_that_are_too_old_to_say_what_their_user_does_are_named(home: Home) -> None:
    old = content(read(), pid=os.getpid())
    del old["last_activity"], old["activity_count"], old["started_at"]
    (home.wrappers / f"heartbeat-{os.getpid()}-a-b.json").write_text(json.dumps(old))
    found = look(home, "presence")["presence.old"]
    assert found.status is Verdict.WARN
    assert f"wrapper {os.getpid()}" in found.seen
    assert "end and start that client again" in (found.remedy or "")


# --- what hangs


def test_a_server_that_is_stopped_is_named_until_it_goes_on(home: Home) -> None:
    with wrapping(home) as wrapper:
        (server,) = psutil.Process(wrapper.process.pid).children()
        server.suspend()
        try:
            until(lambda: server.status() == psutil.STATUS_STOPPED)
            found = look(home, "presence")["presence.hanging"]
        finally:
            server.resume()
        assert found.status is Verdict.WARN
        assert found.seen.endswith(f"its server (process {server.pid}) is stopped")
        assert found.remedy == f"`kill -CONT {server.pid}`"
        until(lambda: server.status() != psutil.STATUS_STOPPED)
        assert failing(look(home, "presence")) == {}


def test_a_wrapper_that_is_stopped_and_so_refreshes_no_more_is_named(home: Home) -> None:
    with running() as (pid,):
        publish(home.wrappers, later(-300), pid=pid, **begun(pid))
        os.kill(pid, signal.SIGSTOP)
        until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
        found = look(home, "presence")["presence.hanging"]
        assert found.seen.endswith(f"it (process {pid}) is stopped")
        assert found.remedy == f"`kill -CONT {pid}`"
        os.kill(pid, signal.SIGCONT)
        until(lambda: psutil.Process(pid).status() != psutil.STATUS_STOPPED)
        found = look(home, "presence")["presence.hanging"]
        assert f"it (process {pid}) runs, but was refreshed 5 min ago" in found.seen
        assert found.remedy == "end and start that client again"


def test_a_process_that_only_has_the_pid_of_a_wrapper_is_not_taken_for_it(home: Home) -> None:
    with running() as (pid,):
        publish(home.wrappers, later(-300), pid=pid, **begun(pid) | {"process_start": 1})
        publish(home.wrappers, read(), pid=os.getpid(), child_pid=pid, child_start=1, started_at=None)
        os.kill(pid, signal.SIGSTOP)
        assert failing(look(home, "presence")) == {}


# --- what was forgotten


def used(home: Home, pid: int, ago: float, **more: Any) -> None:
    """A wrapper of ours that was last used so many seconds ago, and started a day before that."""
    now = read()
    stamps = {"last_activity": format_stamp(now.wall - ago), "started_at": format_stamp(now.wall - ago - DAY)}
    client = {"client": {"name": "cursor", "version": "1"}}
    publish(home.wrappers, now, pid=pid, **begun(pid) | stamps | client | more)


def test_wrappers_beside_which_their_client_has_started_newer_ones_are_named_and_left_alone(
    home: Home,
) -> None:
    with running(3) as (first, second, newest):
        for pid, days in ((first, 3.0), (second, 4.0), (newest, 0.0)):
            used(home, pid, days * DAY)
        found = look(home, "presence")["presence.leaked"]
        assert found.status is Verdict.WARN
        assert found.mend is None
        for pid, days in ((first, 3), (second, 4)):
            started = format_stamp(psutil.Process(pid).create_time())[:19]
            assert f"cursor's wrapper {pid}, started {started}Z: not used for {days} d" in found.seen
        assert str(newest) not in found.seen
        kill = (found.remedy or "").split("`")[1].split()
        assert (kill[0], set(map(int, kill[1:]))) == ("kill", {first, second})
        used(home, first, 0.0)
        assert failing(look(home, "presence")) == {}, "one of the older ones is used"


@pytest.mark.parametrize("other", ["session", "client"])
def test_wrappers_of_another_conversation_or_client_are_no_siblings(home: Home, other: str) -> None:
    more = {"session": {"session_id": "s"}, "client": {"client": {"name": "codex"}}}[other]
    with running(2) as (idle, newest):
        used(home, idle, 3 * DAY)
        used(home, newest, 0.0, **more)
        assert failing(look(home, "presence")) == {}


def test_a_wrapper_that_nobody_has_used_for_a_week_is_named(home: Home) -> None:
    with running() as (pid,):
        used(home, pid, 6.9 * DAY)
        assert failing(look(home, "presence")) == {}
        used(home, pid, 7.1 * DAY)
        assert f"wrapper {pid}" in failing(look(home, "presence"))["presence.leaked"]
        used(home, pid, 6.1 * DAY, last_activity=None)
        assert "not used for 7.1 d" in failing(look(home, "presence"))["presence.leaked"]


def test_of_siblings_only_those_are_left_behind_beside_which_the_newest_is_used() -> None:
    first, second, newest = (
        Wrapper(str(pid), Status.FRESH, "", Heartbeat(pid, "u", 0.0, started_at=float(pid)))
        for pid in (1, 2, 3)
    )
    for idle, expected in [
        ((3.0, 3.0, 0.0), [first, second]),
        ((3.0, 2.0, 0.0), []),
        ((3.0, 3.0, 3.0), []),
    ]:
        days = {each: value * DAY for each, value in zip((first, second, newest), idle, strict=True)}
        assert list(presence.left_behind((first, newest, second), days)) == expected


# --- what is left lying

# What binds everybody but root binds him, too.
_BOUND = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
_MENDING = """
import sys
from pathlib import Path
from iai_daemon.paths import Home
from tests.doctor.looking import failing, look
home = Home(Path(sys.argv[1]))
found = look(home, "presence")["presence.clean-up"]
print(found.status, found.seen, found.remedy, found.mend.says, sep="\\n")
found.mend.do()
print(failing(look(home, "presence")))
"""


def test_a_directory_in_which_nothing_can_be_deleted_is_mended(home: Home) -> None:
    if _BOUND and not shutil.which(_BOUND[0]):
        pytest.skip("permissions do not bind root, and there is no setpriv to bind him")
    publish(home.wrappers, later(-300), pid=1)
    home.wrappers.chmod(0o500)
    command = [*_BOUND, sys.executable, "-c", _MENDING, str(home.root)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert said.splitlines() == [
        "fail",
        f"of wrappers that are gone, 1 file cannot be deleted: {home.wrappers} does not let you write",
        f"chmod u+rwx {home.wrappers}",
        f"let you write to {home.wrappers} again (0700)",
        "{}",
    ]
    assert home.wrappers.stat().st_mode & 0o777 == 0o700


def _beside_a_daemon(home: Home, now: Now, pid: int) -> dict[str, Finding]:
    """As if this process were the daemon, which runs since its start."""
    patient = replace(meet(home, now), status={"pid": pid, "agenda": {}})
    return {each.name: each for each in presence.look(patient)}


def test_files_that_a_daemon_should_have_deleted_long_ago_are_told(home: Home) -> None:
    path = publish(home.wrappers, read(), pid=os.getpid(), process_start=1)
    assert "presence.clean-up" not in _beside_a_daemon(home, later(250), os.getpid())
    found = _beside_a_daemon(home, later(400), os.getpid())["presence.clean-up"]
    assert found.status is Verdict.FAIL
    assert path.name in found.seen
    assert "`iai-daemon logs`" in (found.remedy or "")
    path.unlink()
    assert failing(_beside_a_daemon(home, later(400), os.getpid())) == {}


def test_a_daemon_that_has_just_started_is_given_its_time(home: Home) -> None:
    publish(home.wrappers, later(-400), pid=os.getpid(), process_start=1)
    with running() as (pid,):
        assert "presence.clean-up" not in _beside_a_daemon(home, read(), pid)
    assert "presence.clean-up" not in look(home, "presence"), "without a daemon they lie there rightly"
