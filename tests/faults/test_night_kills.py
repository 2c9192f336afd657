"""kill -9 during a night, of its worker or of its daemon, while others write: nothing is torn, nothing is lost, nothing is stuck."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest

from iai_daemon.clock import Stopwatch, pause
from iai_daemon.flock import is_held
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.consolidation.evening import a_day, worker
from tests.consolidation.working import whole_or_untouched, work
from tests.fakes import LONG
from tests.faults.seeds import luck
from tests.journeys.real import SHORT, RunningDaemon, RunningWrapper, command, until

LONG_DAY = 4000 if LONG else 1500
KILLS = 200 if LONG else 2
RECORDS = 600 if LONG else 300
# A third is past its time; of another third the last of each of seven subjects holds.
EXPIRED, SUPERSEDED = RECORDS // 3, RECORDS // 3 - 7

# Says of every memory that it is kept as soon as the store has said so.
WRITER = """
import sys
from pathlib import Path
from iai_daemon.clock import pause, read
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.paths import Home
stores = open_stores(Home(Path(sys.argv[1])))
for number in range(20_000):
    print(stores.memory.add(Draft(f"kept {number}"), read().milliseconds).id, flush=True)
    pause(0.002)
"""


@contextmanager
def writer(home: Home) -> Iterator[list[int]]:
    """Another process that writes all the while; afterwards the list holds the ids that were acknowledged."""
    kept: list[int] = []
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, home.root], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            kept.append(int(process.stdout.readline()))
            yield kept
        finally:
            process.terminate()
        kept += [int(line) for line in process.stdout if line.endswith("\n")]


def kill_worker(home: Home, at: float) -> None:
    """So many seconds after its start."""
    with worker(home) as process:
        pause(at)
        process.kill()


def kill_daemon(home: Home, at: float) -> None:
    """So many seconds after its start; its worker goes with it."""
    home.config.write_text(SHORT)
    with subprocess.Popen(command(home, "run")) as daemon:
        pause(at)
        below = psutil.Process(daemon.pid).children(recursive=True)
        daemon.kill()
    until(lambda: all(not each.is_running() or each.status() == psutil.STATUS_ZOMBIE for each in below), 3)


def seconds_of_an_undisturbed_night(root: Path, kill: Callable[[Home, float], None]) -> float:
    """From the start of the process that is to be killed to the end of its night."""
    home = Home(root)
    home.create()
    with closing(open_stores(home)) as stores:
        a_day(stores, RECORDS)
        watch = Stopwatch()
        if kill is kill_worker:
            work(home)
        else:
            daemon = RunningDaemon(home)
            until(lambda: stores.nights.nights() and not stores.nights.unfinished_nights(), 60)
            daemon.stop()
        return watch.seconds()


def assert_nothing_is_lost(stores: Stores, home: Home, kept: list[int]) -> None:
    until(lambda: not is_held(home.consolidation_lock), 1)
    whole_or_untouched(home)
    there = {record.id for record in stores.memory.export()}
    assert set(kept) <= there
    assert len(there) >= RECORDS + len(kept)
    report = work(home).report
    assert report is not None
    assert report["outcome"] in ("completed", "nothing_to_do")
    counts = stores.nights.counts("hash-256")
    assert (counts["expired"], counts["superseded"], counts["embedded"]) == (
        EXPIRED,
        SUPERSEDED,
        counts["total"],
    )
    assert not stores.nights.unfinished_nights()
    whole_or_untouched(home)


@pytest.mark.parametrize("kill", [kill_worker, kill_daemon])
def test_a_kill_at_any_instant_tears_nothing_and_loses_nothing(
    tmp_path: Path, kill: Callable[[Home, float], None]
) -> None:
    longest = seconds_of_an_undisturbed_night(tmp_path / "undisturbed", kill)
    moments = luck(kill.__name__)
    for number in range(KILLS):
        home = Home(tmp_path / str(number))
        home.create()
        with closing(open_stores(home)) as stores:
            a_day(stores, RECORDS)
            with writer(home) as kept:
                kill(home, moments.uniform(0.0, longest))
            assert_nothing_is_lost(stores, home, kept)


@pytest.fixture
def long_day(tmp_path: Path) -> Home:
    """A home with so much to do that a night takes a while."""
    home = Home(tmp_path / "home")
    home.create()
    with closing(open_stores(home)) as stores:
        a_day(stores, LONG_DAY)
    return home


@contextmanager
def running(home: Home, config: str = SHORT) -> Iterator[RunningDaemon]:
    daemon = RunningDaemon(home, config)
    try:
        yield daemon
    finally:
        daemon.stop()


def embedding(daemon: RunningDaemon) -> psutil.Process:
    """Its worker, in the middle of the pass embed."""
    until(lambda: daemon.status()["consolidation"]["pass"] == "embed", 60)
    (child,) = psutil.Process(daemon.process.pid).children()
    return child


def logged(home: Home, event: str) -> list[dict[str, object]]:
    entries = [json.loads(line) for line in home.log.read_text().splitlines()]
    return [entry for entry in entries if entry["event"] == event]


def test_a_worker_that_somebody_kills_is_told_by_status_and_log_and_the_next_night_says_it_too(
    long_day: Home,
) -> None:
    said = "its worker was killed by somebody (SIGKILL) in the pass embed"
    with running(long_day) as daemon:
        embedding(daemon).kill()
        until(lambda: said in [each["why"] for each in daemon.status()["degraded"]])
        until(lambda: (daemon.status()["consolidation"]["last"] or {}).get("outcome") == "completed", 60)
        until(lambda: said not in [each["why"] for each in daemon.status()["degraded"]])
    assert [entry["cause"] for entry in logged(long_day, "night killed")] == [said]
    with closing(open_stores(long_day)) as stores:
        killed = stores.nights.night(1)
        assert (killed.outcome, killed.reason) == ("failed", f"{said}; what it had done stands")
        portion = stores.nights.hindrances()["embed"].portion
        assert portion is not None
        assert portion < 64
        gists = len(stores.nights.made_by("summarize"))
        assert stores.nights.counts("hash-256")["embedded"] == LONG_DAY + gists


def test_a_worker_that_is_stuck_when_somebody_comes_back_is_gone_within_a_second(long_day: Home) -> None:
    with running(long_day) as daemon:
        stuck = embedding(daemon)
        stuck.send_signal(signal.SIGSTOP)
        wrapper = RunningWrapper(long_day)
        try:
            wrapper.send("tools/call")
            watch = Stopwatch()
            until(lambda: not is_held(long_day.consolidation_lock))
            assert watch.seconds() <= 1.0
            assert daemon.state()[0] == "WAKE"
            until(lambda: logged(long_day, "night killed"))
            assert not [each for each in daemon.status()["degraded"] if "killed" in each["why"]]
        finally:
            wrapper.answer()
            wrapper.leave()
        until(lambda: (daemon.status()["consolidation"]["last"] or {}).get("outcome") == "completed", 60)
    with closing(open_stores(long_day)) as stores:
        first = stores.nights.night(1)
        assert first.outcome == "yielded"
        assert "did not give way in time and was killed" in str(first.reason)
        assert "embed" not in stores.nights.hindrances()
