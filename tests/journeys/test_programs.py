"""Programs and plug-ins in the daemon's own nights: they come by themselves, give way, and leave nothing behind."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import tomli_w

from iai_daemon.clock import Stopwatch
from iai_daemon.flock import is_held
from iai_daemon.paths import Home
from tests.consolidation.commands import STUBBORN, command, is_gone, pid_in
from tests.consolidation.packages import OURS, Site

from .real import SHORT, RunningDaemon, RunningWrapper, call_json, until

Daemons = Callable[..., RunningDaemon]
Wrappers = Callable[..., RunningWrapper]


def with_command(script: str, *arguments: object) -> str:
    table = {"consolidation": {"commands": [command(script, *arguments)]}}
    return SHORT + tomli_w.dumps(table).replace("[consolidation]", "")


def test_a_program_runs_by_itself_in_a_store_that_never_changes_and_once(
    home: Home, tmp_path: Path, start_daemon: Daemons
) -> None:
    daemon = start_daemon(with_command("import sys; open(sys.argv[1], 'a').write('.')", tmp_path / "ran"))
    until(lambda: daemon.status()["consolidation"]["last"])
    daemon.stop()
    assert (tmp_path / "ran").read_text() == "."
    (report,) = call_json(home, "nights", "list")["nights"]
    assert (report["outcome"], report["rule"]) == ("completed", "absent")


def test_somebody_comes_back_and_a_program_that_does_not_listen_is_gone_within_a_second(
    home: Home, tmp_path: Path, start_daemon: Daemons, start_wrapper: Wrappers
) -> None:
    daemon = start_daemon(with_command(STUBBORN, tmp_path / "pid"))
    until((tmp_path / "pid").exists)
    assert daemon.status()["consolidation"]["pass"] == "command:tidy"
    wrapper = start_wrapper()
    watch = Stopwatch()
    wrapper.send("tools/call")
    until(lambda: not is_held(home.consolidation_lock))
    assert watch.seconds() <= 1.0
    assert is_gone(pid_in(tmp_path / "pid"))
    assert (tmp_path / "pid.asked").exists()
    last = until(lambda: daemon.status()["consolidation"]["last"])
    assert (last["outcome"], last["stopped"]["pass"]) == ("yielded", "command:tidy")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a worker together with its daemon")
def test_a_daemon_that_is_killed_leaves_nothing_of_a_program(tmp_path: Path, start_daemon: Daemons) -> None:
    begun = tmp_path / "pid"
    script = (
        "import subprocess, sys\nsubprocess.run([sys.executable, '-I', '-S', '-c', sys.argv[2], sys.argv[1]])"
    )
    daemon = start_daemon(with_command(script, begun, STUBBORN))
    until(begun.exists)
    daemon.process.kill()
    until(lambda: is_gone(pid_in(begun)))


def test_a_plug_in_that_is_named_does_not_make_the_daemon_large(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start_daemon: Daemons
) -> None:
    site = Site(tmp_path / "site", monkeypatch)
    site.offer("stranger", archiving=f"{OURS}Archiving")
    config = SHORT + 'passes = ["expire", "archiving", "embed"]\n'
    home.create()
    call_json(home, "memory", "add", "Deploys go out on Tuesdays.")
    daemon = start_daemon(config)
    last = until(lambda: daemon.status()["consolidation"]["last"])
    assert [each["name"] for each in last["passes"] if each["round"] == 1] == ["expire", "embed", "archiving"]
    process = psutil.Process(daemon.process.pid)
    if sys.platform == "linux":
        assert not [each.path for each in process.memory_maps() if "numpy" in each.path]
    assert process.memory_info().rss < 40_000_000
