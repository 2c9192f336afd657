"""Wrappers and daemons in containers: a pid 1 that is nothing special, and pids that mean other processes elsewhere."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from iai_daemon import clock
from iai_daemon.paths import Home
from iai_daemon.presence.heartbeat import Heartbeat, parse
from iai_daemon.presence.orphans import Verdict, judge
from iai_daemon.presence.processes import SystemProcesses
from tests.journeys.real import RunningDaemon, RunningWrapper, call_json, until

CONFIG = """
[presence]
settle_after = "100ms"
[lifecycle]
tick = "300ms"
[consolidation]
enabled = false
"""
# In seconds; a tick, and the moment that a process needs to answer.
WITHIN_A_TICK = 0.3 + 1.0


def container() -> list[str]:
    """The words that put a command into pid and mount namespaces of its own, which end with it."""
    unshare = shutil.which("unshare")
    if sys.platform != "linux" or unshare is None:
        pytest.skip("only Linux has namespaces, and unshare(1) makes one")
    words = [unshare, "--pid", "--fork", "--kill-child", "--mount-proc"]
    tried = subprocess.run([*words, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"this kernel or user may not make a pid namespace: {tried.stderr.strip()}")
    return words


def wrappers(home: Home) -> dict[int, tuple[str, str]]:
    """Status and reason of every wrapper, by its pid."""
    seen = call_json(home, "presence")["wrappers"]
    return {each["pid"]: (each["status"], each["reason"]) for each in seen}


# Runs as pid 1, with a daemon, a wrapper of its own, and a client that starts a wrapper and is killed.
_PID_1 = """
import json, os, subprocess, sys
from pathlib import Path
from iai_daemon.paths import Home
from tests.faults.test_containers import CONFIG, WITHIN_A_TICK, wrappers
from tests.journeys.real import RunningDaemon, RunningWrapper, until

assert os.getpid() == 1
home = Home(Path(sys.argv[1]))
daemon = RunningDaemon(home, CONFIG)
ours = RunningWrapper(home)
starts = "import signal, subprocess, sys; subprocess.Popen(sys.argv[1:]); signal.pause()"
words = [sys.executable, "-c", starts, *ours.process.args]
client = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
until(lambda: daemon.status()["presence"]["fresh"] == 2)
(its,) = wrappers(home).keys() - {ours.process.pid}
client.kill()
client.wait()
until(lambda: daemon.status()["presence"]["orphan"] == 1, WITHIN_A_TICK)
seen = wrappers(home)
parent = int(Path(f"/proc/{its}/stat").read_text().rpartition(")")[2].split()[1])
print(json.dumps({"parent": parent, "client": client.pid, "its": seen[its], "ours": seen[ours.process.pid]}))
client.stdin.close()
os.waitpid(its, 0)
ours.leave()
assert daemon.stop() == ""
"""


def test_a_wrapper_whose_client_is_gone_is_an_orphan_though_pid_1_is_its_parent_now(home: Home) -> None:
    done = subprocess.run(
        [*container(), sys.executable, "-c", _PID_1, str(home.root)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    assert (done.returncode, done.stderr) == (0, "")
    seen = json.loads(done.stdout)
    assert seen["parent"] == 1
    assert seen["its"] == ["ORPHAN", f"its client (pid {seen['client']}) is gone"]
    assert seen["ours"][0] == "FRESH", "the one whose client is pid 1 has lost nobody"


# What a container runs: the home is mounted elsewhere, and the wrapper is pid 1 in there, or another small pid.
_AS_PID_1 = 'mount --bind "$0" "$1" && shift && exec "$@"'
_BELOW_PID_1 = 'mount --bind "$0" "$1" && shift && "$@"; exit $?'


# On another machine, whose kernel has booted at another time and sees no lock of this one (here: it has none to give).
_ON_ANOTHER_KERNEL = (
    'mount --bind "$0" "$1" && mount --bind "$2" /proc/sys/kernel/random/boot_id && mount --bind /dev/null "$3" '
    '&& shift 3 && "$@"; exit $?'
)


@contextmanager
def _contained(home: Home, elsewhere: Path, program: str, *more: str) -> Iterator[psutil.Process]:
    """The wrapper in a container of its own, as this namespace sees it; `more` is for the program."""
    elsewhere.mkdir()
    before = [*container(), "/bin/sh", "-c", program, str(home.root), str(elsewhere), *more]
    wrapper = RunningWrapper(Home(elsewhere), before=before)
    try:
        yield until(lambda: _wrapper_below(wrapper.process.pid))
    finally:
        wrapper.leave()


def _wrapper_below(pid: int) -> psutil.Process | None:
    for process in psutil.Process(pid).children(recursive=True):
        try:
            words = process.cmdline()
        except psutil.Error:  # a child of the shell's that has ended meanwhile
            continue
        if words[:1] == [sys.executable] and "iai_wrapper.py" in " ".join(words):
            return process
    return None


@pytest.mark.parametrize("program", [_AS_PID_1, _BELOW_PID_1], ids=["as pid 1", "below pid 1"])
def test_a_wrapper_in_another_container_is_there_while_it_lives_and_an_orphan_at_once(
    home: Home, tmp_path: Path, program: str
) -> None:
    home.create()
    daemon = RunningDaemon(home, CONFIG)
    try:
        with _contained(home, tmp_path / "elsewhere", program) as wrapper:
            until(lambda: daemon.status()["presence"]["fresh"] == 1)
            ((pid, (status, reason)),) = wrappers(home).items()
            assert (status, "its lock is held" in reason) == ("FRESH", True)
            assert pid != wrapper.pid
            assert psutil.pid_exists(pid), "a process here that has nothing to do with it"
            ticked = daemon.status()["tick"]["at"]
            while (seen := daemon.status())["tick"]["at"] == ticked:
                assert seen["presence"]["fresh"] == 1
            wrapper.kill()
            until(lambda: daemon.status()["presence"]["orphan"] == 1, WITHIN_A_TICK)
            assert wrappers(home) == {pid: ("ORPHAN", "its lock is free: the wrapper has died")}
    finally:
        assert daemon.stop() == ""


@pytest.mark.skipif(not hasattr(fcntl, "__file__"), reason="this Python has its locks built in")
def test_a_wrapper_of_another_kernel_is_there_by_its_refreshes_alone_and_ends_nobody_here(
    home: Home, tmp_path: Path
) -> None:
    """As over a network share, or out of a virtual machine: that it was killed shows when it is stale, and not before."""
    home.create()
    boot = tmp_path / "boot_id"
    boot.write_text("11111111-2222-4333-8444-555555555555\n")
    daemon = RunningDaemon(home, CONFIG.replace("[presence]", '[presence]\nstale_after = "3s"'))
    try:
        with _contained(
            home, tmp_path / "elsewhere", _ON_ANOTHER_KERNEL, str(boot), fcntl.__file__
        ) as wrapper:
            until(lambda: daemon.status()["presence"]["fresh"] == 1)
            (beat,) = (json.loads(path.read_bytes()) for path in home.wrappers.glob("heartbeat-*.json"))
            assert "locked" not in beat
            assert beat["boot_id"] == boot.read_text().strip()
            wrapper.kill()
            (seen,) = wrappers(home).values()
            assert (seen[0], "on another machine or boot" in seen[1]) == ("FRESH", True)
            until(lambda: daemon.status()["presence"]["stale"] == 1, 3 + WITHIN_A_TICK)
        until(lambda: not list(home.wrappers.iterdir()))
        assert "orphaned server" not in home.log.read_text()
    finally:
        assert daemon.stop() == ""


def test_the_server_of_a_killed_wrapper_in_another_container_is_no_business_of_this_one(
    home: Home, tmp_path: Path
) -> None:
    """Its pid means another process here; its start tells them apart."""
    home.create()
    with _contained(home, tmp_path / "elsewhere", _BELOW_PID_1) as wrapper:
        (path,) = until(lambda: list(home.wrappers.glob("heartbeat-*.json")))
        beat = parse(path.name, path.read_bytes(), 0.0)
        assert isinstance(beat, Heartbeat)
        (server,) = wrapper.children()
        assert (beat.child_pid, beat.child_pid != server.pid) == (_inner_pid(server.pid), True)
        processes, now = SystemProcesses(), clock.read()
        assert beat.boot_id == processes.boot_id
        child = processes.look_up(beat.child_pid or 0, now)
        assert judge(beat, None, child, processes.boot_id) is Verdict.GONE
        there = processes.look_up(server.pid, now)
        assert there is not None
        assert there.start == beat.child_start


def _inner_pid(pid: int) -> int:
    """As the process itself knows it."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[-1]) for line in lines if line.startswith("NSpid"))
