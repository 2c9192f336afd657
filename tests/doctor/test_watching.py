"""Watching: what is written is heard of, and where it is not, that is told with what mends it."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from iai_daemon.doctor.checks import watching
from iai_daemon.doctor.finding import Verdict
from iai_daemon.paths import Home
from tests.doctor.looking import failing, look
from tests.journeys.real import RunningDaemon

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


def test_what_is_written_is_heard_of_and_nothing_is_left(home: Home) -> None:
    found = look(home, "watching")
    assert failing(found) == {}
    assert found["watching"].seen.startswith("a file in the wrappers' directory was heard of after ")
    assert list(home.wrappers.iterdir()) == []


def test_each_directory_of_the_settings_is_tried(home: Home, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    home.config.write_text(f'[presence]\nwrappers_dirs = ["{{home}}/wrappers", "{other}"]\n')
    assert "each of 2 wrappers' directories" in look(home, "watching")["watching"].seen


def test_a_directory_that_is_missing_is_told_and_the_others_are_tried(home: Home, tmp_path: Path) -> None:
    other = tmp_path / "other"
    home.config.write_text(f'[presence]\nwrappers_dirs = ["{{home}}/wrappers", "{other}"]\n')
    found = look(home, "watching")["watching"]
    assert found.status is Verdict.FAIL
    assert found.seen == f"there is no directory {other}: wrappers cannot say there that they are alive"
    assert (found.remedy or "").startswith(f"mkdir -m 700 -p {other}")
    other.mkdir()
    assert failing(look(home, "watching")) == {}


def test_without_any_directory_it_is_not_checked(home: Home) -> None:
    home.wrappers.rmdir()
    found = look(home, "watching")["watching"]
    assert found.seen == "not checked: there is no directory for wrappers yet"


def test_without_a_home_it_is_not_checked_and_none_is_made(tmp_path: Path) -> None:
    nowhere = Home(tmp_path / "nowhere")
    assert look(nowhere, "watching")["watching"].seen == "not checked: there is no home yet"
    assert not nowhere.root.exists()


def test_a_daemon_that_runs_goes_on_as_it_was(home: Home) -> None:
    daemon = RunningDaemon(home)
    try:
        before = daemon.state()
        assert failing(look(home, "watching")) == {}
        assert (daemon.state(), daemon.status()["degraded"]) == (before, [])
    finally:
        daemon.stop()


# What binds everybody but root binds him, too.
_BOUND = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
_LOOKING = """
import sys
from pathlib import Path
from iai_daemon.paths import Home
from tests.doctor.looking import look
found = look(Home(Path(sys.argv[1])), "watching")["watching"]
print(found.status, found.seen, found.remedy, sep="\\n")
"""


def _looking_bound(home: Home) -> list[str]:
    if _BOUND and not shutil.which(_BOUND[0]):
        pytest.skip("permissions do not bind root, and there is no setpriv to bind him")
    command = [*_BOUND, sys.executable, "-c", _LOOKING, str(home.root)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()


def test_a_directory_that_cannot_be_written_to_fails(home: Home) -> None:
    home.wrappers.chmod(0o500)
    status, seen, remedy = _looking_bound(home)
    assert status == "fail"
    assert seen.startswith(f"{home.wrappers} cannot be written to (Permission denied): wrappers cannot say")
    assert remedy.startswith(f"`chmod 700 {home.wrappers}`")


@LINUX
def test_a_directory_that_cannot_be_watched_is_a_warning_since_the_daemon_looks_all_the_same(
    home: Home,
) -> None:
    home.wrappers.chmod(0o300)
    status, seen, _ = _looking_bound(home)
    assert status == "warn"
    assert f"{home.wrappers} cannot be watched (Permission denied)" in seen
    assert "the daemon looks all the same, every 30s" in seen


@LINUX
def test_when_the_limit_of_inotify_is_used_up_the_remedy_raises_it(home: Home) -> None:
    async def scenario() -> object:
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        lowest = os.dup(0)
        os.close(lowest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, before[1]))
        try:
            return await watching.hear(home.wrappers)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)

    why = asyncio.run(scenario())
    assert isinstance(why, str)
    assert "limit of inotify instances or of open files is used up" in why
    found = watching.unheard(home.wrappers, why, "30s")
    assert found.status is Verdict.WARN
    limit = int(Path("/proc/sys/fs/inotify/max_user_instances").read_text())
    assert f"fs.inotify.max_user_instances={2 * limit}`" in (found.remedy or "")


def test_where_no_event_comes_and_nobody_knows_why_the_daemon_looks_on_each_tick(home: Home) -> None:
    found = watching.unheard(home.wrappers, "", "30s")
    assert found.status is Verdict.WARN
    assert found.seen.startswith(f"no event came of a file in {home.wrappers} (")
    assert found.seen.endswith("the daemon looks all the same, every 30s")
    assert "`iai-daemon restart`" in (found.remedy or "")
