"""The worker's process as the kernel sees it: one thread of computation, the lowest priority, its limit of memory."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from unittest.mock import ANY

import psutil
import pytest

from iai_daemon.consolidation.night import Event, Night
from iai_daemon.flock import is_held
from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
from tests.consolidation.evening import a_day, listen, worker
from tests.consolidation.working import whole_or_untouched, work
from tests.fakes import LASTING
from tests.journeys.real import SHORT, RunningDaemon, call_json, command, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what is looked at here is in /proc")

SEEN = {
    # Its own, and the one that hears its parent: no library has brought any.
    "threads": 2,
    "nice": 19,
    "nice of its session": 10,
    "io": psutil.IOPRIO_CLASS_IDLE,
    "memory": 1_000_000_000,
    "goes first": 500,
}


def look(pid: int) -> dict[str, int]:
    """What /proc tells of a process, and the kernel of its IO priority."""
    proc = Path(f"/proc/{pid}")
    session = re.search(r"nice (-?\d+)", (proc / "autogroup").read_text())
    limit = re.search(r"^Max data size +(\d+)", (proc / "limits").read_text(), re.MULTILINE)
    return {
        "threads": len(list((proc / "task").iterdir())),
        "nice": int((proc / "stat").read_text().rpartition(")")[2].split()[16]),
        "nice of its session": int(session[1]) if session else 0,
        "io": psutil.Process(pid).ionice().ioclass,
        "memory": int(limit[1]) if limit else 0,
        "goes first": int((proc / "oom_score_adj").read_text()),
    }


def embedder_below(parent: psutil.Process) -> int | None:
    """The pid of a child of this process that has numpy in hand."""
    for child in parent.children():
        with contextlib.suppress(OSError):
            if "_multiarray_umath" in Path(f"/proc/{child.pid}/maps").read_text():
                return child.pid
    return None


@pytest.fixture
def greedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a user may have set for other programs."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "8")


@pytest.fixture
def busy_day(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        a_day(stores, 6000)


def test_a_worker_that_computes_makes_room_for_others(home: Home, busy_day: None, greedy: None) -> None:
    found: list[dict[str, int]] = []

    def heard(night: Night, event: Event) -> None:
        if not found and event["event"] == "progress" and event["pass"] == "embed":
            pid = embedder_below(psutil.Process())
            assert pid is not None
            assert os.getpgid(pid) == os.getsid(pid) == pid
            found.append(look(pid))
            night.request_yield("seen enough")

    work(home, heard=heard)
    assert found == [SEEN]


def test_so_does_one_that_consolidate_starts_without_a_daemon(
    home: Home, busy_day: None, greedy: None
) -> None:
    home.config.write_text('[consolidation]\nmemory_limit = "300MB"\n')
    with subprocess.Popen(command(home, "consolidate"), stdout=subprocess.PIPE) as asked:
        try:
            found = look(until(lambda: embedder_below(psutil.Process(asked.pid)), 60))
        finally:
            asked.send_signal(signal.SIGINT)
    assert found == {**SEEN, "memory": 300_000_000}


def test_so_does_one_of_a_daemon_and_its_parent_stays_as_it_was(
    home: Home, busy_day: None, greedy: None
) -> None:
    daemon = RunningDaemon(home, SHORT)
    try:
        before = {**look(daemon.process.pid), "threads": ANY}
        pid = until(lambda: embedder_below(psutil.Process(daemon.process.pid)), 60)
        assert look(pid) == SEEN
        assert look(daemon.process.pid) == before
    finally:
        daemon.stop()


def the_worker() -> psutil.Process:
    """The one child of ours that does not last as long as the tests do."""
    (child,) = (each for each in psutil.Process().children() if each.pid not in LASTING)
    return child


def test_a_limit_that_is_lower_already_stays(home: Home, busy_day: None) -> None:
    found: list[int] = []

    def heard(night: Night, event: Event) -> None:
        if not found and event["event"] == "pass":
            child = the_worker()
            found.append(look(child.pid)["memory"])
            night.request_yield("seen enough")

    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (900_000_000, before[1]))
    try:
        work(home, heard=heard)
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
    assert found == [900_000_000]


def test_a_worker_in_somebody_elses_session_leaves_that_as_it_is(home: Home, busy_day: None) -> None:
    """Started by hand; the priority of a session is that of all who are in it."""
    before = look(os.getpid())["nice of its session"]
    with worker(home) as process:
        next(listen(process))
        assert look(process.pid)["nice"] == 19
        assert look(process.pid)["nice of its session"] == before


def test_a_worker_that_is_asked_to_give_way_may_hurry(home: Home, busy_day: None) -> None:
    """On a busy machine it would not get to it in time at the lowest priority."""
    found: list[dict[str, int]] = []

    def heard(night: Night, event: Event) -> None:
        if not found and event["event"] == "progress" and event["pass"] == "embed":
            child = the_worker()
            child.suspend()
            night.request_yield("somebody is back")
            found.append(look(child.pid))
            child.resume()

    work(home, heard=heard)
    assert (found[0]["nice of its session"], found[0]["io"]) == (0, psutil.IOPRIO_CLASS_NONE)


@pytest.mark.parametrize("started_by", ["consolidate", "daemon"])
def test_a_worker_dies_with_whoever_started_it(home: Home, busy_day: None, started_by: str) -> None:
    if started_by == "daemon":
        parent = RunningDaemon(home, SHORT).process
    else:
        parent = subprocess.Popen(
            command(home, "consolidate"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    with parent:
        try:
            child = psutil.Process(until(lambda: embedder_below(psutil.Process(parent.pid)), 60))
        finally:
            parent.kill()
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 3)
    until(lambda: not is_held(home.consolidation_lock), 1)
    whole_or_untouched(home)
    assert call_json(home, "consolidate")["embedding_coverage"] == 1.0
