"""One daemon per home, whatever is left over, deleted, replaced or in the way, and however many start at once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from iai_daemon.clock import Stopwatch, pause
from iai_daemon.control import client
from iai_daemon.flock import FileLock, holder, is_held
from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
from tests.consolidation.evening import a_day, listen, worker
from tests.fakes import LONG
from tests.faults.stage import Stage
from tests.faults.starts import (
    AT_ONCE,
    all_at_once,
    already,
    answering,
    the_one_that_stays,
    the_only_daemon,
)
from tests.journeys.real import SHORT, RunningDaemon, call, call_json, command, until
from tests.journeys.test_nights import NO_NIGHTS, nights

FAST = NO_NIGHTS.replace('tick = "2s"', 'tick = "200ms"')
# A worker has the lowest priority: on a busy machine it waits for everybody else.
A_NIGHT = 120.0
# What a night has to do that outlives its daemon.
RECORDS = 3000 if LONG else 900
# As many as at most start at once; in the ordinary suite one kind of start has them all.
MANY = AT_ONCE if LONG else 4
NIGHTS = SHORT.replace('tick = "2s"', 'tick = "200ms"')


@pytest.fixture
def start(home: Home) -> Iterator[Callable[..., RunningDaemon]]:
    with ExitStack() as started:

        def begin(config: str = FAST) -> RunningDaemon:
            daemon = RunningDaemon(home, config)
            started.callback(lambda: (daemon.process.send_signal(signal.SIGCONT), daemon.stop()))
            return daemon

        yield begin


Start = Callable[..., RunningDaemon]


def rounds(short: int) -> range:
    """So many in the ordinary suite, twenty-five with FAULTS=long; even ones are hot."""
    return range(25 if LONG else short)


def said_by(path: Path) -> list[str]:
    return [json.loads(line)["event"] for line in path.read_text().splitlines()]


# What they may find.


@contextmanager
def nothing(home: Home) -> Iterator[None]:
    shutil.rmtree(home.root)
    yield


@contextmanager
def the_pid_of_a_stranger(home: Home) -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        home.daemon_lock.write_text(f"{stranger.pid}\n")
        yield
        stranger.communicate(b"\n", timeout=10)


@contextmanager
def pid_1_and_a_stranger_at_the_socket(home: Home) -> Iterator[None]:
    home.daemon_lock.write_text("1\n")
    home.socket.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.bind(str(home.socket))
        stranger.listen()
        yield


@pytest.mark.parametrize("number", rounds(1))
@pytest.mark.parametrize("found", [nothing, the_pid_of_a_stranger, pid_1_and_a_stranger_at_the_socket])
def test_of_many_starts_one_becomes_the_daemon_and_the_others_name_it(
    home: Home, found: Callable[[Home], AbstractContextManager[None]], number: int
) -> None:
    count = AT_ONCE if found is nothing else MANY
    with found(home), all_at_once(home, count, hot=number % 2 == 0) as starts:
        winner = the_one_that_stays(home, starts)
        assert the_only_daemon(home, winner.pid)


@pytest.mark.parametrize("number", rounds(1))
def test_a_daemon_that_was_killed_is_followed_by_one_of_many(home: Home, number: int) -> None:
    with all_at_once(home, 1, hot=True) as first:
        killed = the_one_that_stays(home, first)
        killed.kill()
        killed.wait(timeout=10)
    assert (holder(home.daemon_lock), home.socket.exists()) == (str(killed.pid), True)
    with all_at_once(home, MANY, hot=number % 2 == 0) as starts:
        winner = the_one_that_stays(home, starts)
        assert the_only_daemon(home, winner.pid)


@pytest.mark.parametrize("number", rounds(2))
def test_a_lock_file_that_is_deleted_all_the_while_lets_in_one_of_many(home: Home, number: int) -> None:
    home.config.write_text(FAST)
    with all_at_once(home, MANY, hot=number % 2 == 0) as starts:
        watch = Stopwatch()
        while len(starts.running()) > 1 or answering(home) is None:
            assert watch.seconds() < 30
            home.daemon_lock.unlink(missing_ok=True)
            pause(0.0005)
        winner = the_one_that_stays(home, starts)
        assert the_only_daemon(home, winner.pid)


@pytest.mark.parametrize("number", rounds(1))
def test_a_lock_file_that_was_deleted_underneath_a_daemon_lets_in_none_of_many_and_is_taken_again(
    home: Home, start: Start, number: int
) -> None:
    daemon = start()
    home.daemon_lock.unlink()
    with all_at_once(home, MANY, hot=number % 2 == 0) as starts:
        until(lambda: not starts.running(), 30)
        assert starts.collect() == [already(daemon.process.pid)] * MANY
    assert the_only_daemon(home, daemon.process.pid)
    assert "lock file was deleted or replaced: taken again" in said_by(home.log)
    assert daemon.status()["degraded"] == []


# A daemon that is there, but not as it should be.


@pytest.mark.parametrize("number", rounds(1))
def test_a_stopped_daemon_is_named_and_goes_on(home: Home, start: Start, number: int) -> None:
    daemon = start()
    daemon.process.send_signal(signal.SIGSTOP)
    with all_at_once(home, AT_ONCE if LONG else 2) as starts:
        count = len(starts.processes)
        until(lambda: not starts.running(), 30)
        assert starts.collect() == [already(daemon.process.pid)] * count
    daemon.process.send_signal(signal.SIGCONT)
    assert the_only_daemon(home, daemon.process.pid)


CLAIMS_AND_HANGS = """
import sys
from pathlib import Path
from iai_daemon.claim import claim
from iai_daemon.paths import Home
with claim(Home(Path(sys.argv[1]))):
    print("claimed", flush=True)
    sys.stdin.read()
"""


def test_a_daemon_that_hangs_before_it_listens_is_named(home: Home) -> None:
    words = [sys.executable, "-c", CLAIMS_AND_HANGS, str(home.root)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as hanging:
        assert hanging.stdout is not None
        assert hanging.stdout.readline() == b"claimed\n"
        with all_at_once(home, 2) as starts:
            until(lambda: not starts.running(), 30)
            assert starts.collect() == [already(hanging.pid)] * 2
        hanging.kill()


def test_a_daemon_steps_down_when_another_has_the_lock_file(home: Home, start: Start) -> None:
    daemon = start()
    elsewhere = home.root / "elsewhere.lock"
    rival = FileLock(elsewhere)
    assert rival.acquire("4711\n")
    elsewhere.replace(home.daemon_lock)
    try:
        said, errors = daemon.process.communicate(timeout=20)
    finally:
        rival.release()
    assert (daemon.process.returncode, said, errors) == (0, "already running (pid 4711)\n", "")
    assert json.loads(home.log.read_text().splitlines()[-1])["event"] == "stepped down"
    assert not home.socket.exists()
    with all_at_once(home, 2) as starts:
        assert the_only_daemon(home, the_one_that_stays(home, starts).pid)


# What stands in the place of the lock file, or of the socket.


def a_directory(path: Path) -> None:
    path.mkdir()


def a_link(path: Path) -> None:
    path.with_name("victim").write_text("precious")
    path.symlink_to("victim")


def a_link_to_nothing(path: Path) -> None:
    path.symlink_to("nothing")


def a_fifo(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))


def a_file_with_data(path: Path) -> None:
    path.write_bytes(b"precious " * 1000)


ODD = [a_directory, a_link, a_link_to_nothing, a_fifo, a_socket, a_file_with_data]


def is_one_sentence_about(path: Path, ended: subprocess.CompletedProcess[str]) -> bool:
    """Exit status 1 (what is in the way may go away, so a manager may try again), one line that names the path and the next
    step, nothing on standard output."""
    told = ended.stderr.startswith(f"iai-daemon: {path} cannot be used (") and ended.stderr.endswith(".\n")
    return (ended.returncode, ended.stdout, ended.stderr.count("\n"), told) == (1, "", 1, True)


def remove(path: Path) -> None:
    path.rmdir() if path.is_dir() else path.unlink()


@pytest.mark.parametrize("odd", ODD)
def test_what_cannot_be_a_lock_is_one_sentence_and_stays_as_it_is(
    home: Home, odd: Callable[[Path], None]
) -> None:
    odd(home.daemon_lock)
    before = home.daemon_lock.lstat()
    assert is_one_sentence_about(home.daemon_lock, call(home, "run"))
    after = home.daemon_lock.lstat()
    assert (before.st_ino, before.st_size, before.st_mode) == (after.st_ino, after.st_size, after.st_mode)
    assert not (home.root / "nothing").exists()
    assert not (home.root / "victim").exists() or (home.root / "victim").read_text() == "precious"


def test_a_directory_in_the_place_of_the_socket_is_one_sentence(home: Home) -> None:
    home.socket.mkdir()
    assert is_one_sentence_about(home.socket, call(home, "run"))
    assert not is_held(home.daemon_lock)


def test_what_cannot_be_a_lock_does_not_end_a_daemon_nor_let_in_a_second(home: Home, start: Start) -> None:
    daemon = start()
    pid = daemon.process.pid
    for odd in ODD if LONG else (a_directory, a_fifo):
        home.daemon_lock.unlink()
        with suppress(FileExistsError):  # it was faster: it has taken its lock file again
            odd(home.daemon_lock)
            found = until(lambda: daemon.status()["degraded"])
            assert found[0]["what"] == "lock"
            assert str(home.daemon_lock) in found[0]["why"]
            assert call(home, "run").stdout == f"already running (pid {pid})\n"
            remove(home.daemon_lock)
        assert the_only_daemon(home, pid)
    until(lambda: not daemon.status()["degraded"])


def test_a_lock_file_that_was_replaced_by_another_file_is_taken_again(home: Home, start: Start) -> None:
    daemon = start()
    other = home.root / "other"
    other.write_text("1\n")
    other.replace(home.daemon_lock)
    assert the_only_daemon(home, daemon.process.pid)


def test_a_socket_that_was_deleted_or_replaced_is_opened_again(home: Home, start: Start) -> None:
    daemon = start()
    pid = daemon.process.pid
    home.socket.unlink()
    until(lambda: answering(home) == pid)
    with socket.socket(socket.AF_UNIX) as stranger:
        home.socket.unlink()
        stranger.bind(str(home.socket))
        stranger.listen()
        until(lambda: answering(home) == pid)
    home.socket.unlink()
    home.socket.mkdir()
    until(lambda: "socket cannot be opened again" in said_by(home.log))
    assert call(home, "status").returncode == 1
    home.socket.rmdir()
    until(lambda: answering(home) == pid)
    assert daemon.status()["degraded"] == []


# What the daemon may not do.

# CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH (capabilities(7)) leave the bounding set, and at the exec the process.
WITHOUT_PRIVILEGE = """
import ctypes, os, sys
for capability in (1, 2):
    assert ctypes.CDLL(None).prctl(24, capability, 0, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


def as_modes_say(words: list[str]) -> list[str]:
    """The command, run such that the modes of files count, also where the tests run as root."""
    if os.geteuid() != 0:
        return words
    if sys.platform != "linux":
        pytest.skip("root may read and write everything here, whatever the modes say")
    return [sys.executable, "-c", WITHOUT_PRIVILEGE, *words]


def test_a_lock_file_that_may_not_be_opened_is_one_sentence(home: Home) -> None:
    home.daemon_lock.touch(mode=0o000)
    words = as_modes_say(command(home, "run"))
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
    assert is_one_sentence_about(home.daemon_lock, ended)
    assert "Permission denied" in ended.stderr


def test_a_home_that_lost_its_modes_is_made_ours_again(home: Home) -> None:
    home.root.chmod(0o500)
    words = as_modes_say(command(home, "run"))
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as daemon:
        until(lambda: daemon.poll() is not None or answering(home) == daemon.pid)
        daemon.terminate()
        assert daemon.communicate(timeout=20) == (b"", b"")
    assert daemon.returncode == 0


def test_a_home_on_a_disk_that_is_read_only_is_one_sentence(home: Home) -> None:
    with closing(Stage("--mount", *(["--user", "--map-root-user"] if os.geteuid() else []))) as stage:
        stage.run("mount", "--bind", home.root, home.root)
        stage.run("mount", "-o", "remount,bind,ro", home.root)
        words = [*stage.before, *command(home, "run")]
        ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
    assert is_one_sentence_about(home.daemon_lock, ended)
    assert "Read-only" in ended.stderr


# The home itself.


def is_moved(home: Home) -> None:
    home.root.rename(home.root.with_name("moved"))


def is_deleted(home: Home) -> None:
    while home.root.exists():  # the daemon may just be writing a file in it
        shutil.rmtree(home.root, ignore_errors=True)


def is_moved_and_another_put_in_its_place(home: Home) -> None:
    is_moved(home)
    home.create()


def in_it(home: Home) -> list[Path] | None:
    """What is in the home, but for the log: that is where people look for the daemon's last word."""
    return sorted(set(home.root.rglob("*")) - {home.log}) if home.root.exists() else None


@pytest.mark.parametrize("what", [is_moved, is_deleted, is_moved_and_another_put_in_its_place])
def test_a_daemon_whose_home_is_gone_says_so_and_ends_without_touching_the_next_one(
    home: Home, start: Start, what: Callable[[Home], None]
) -> None:
    daemon = start()
    what(home)
    there = in_it(home)
    said, errors = daemon.process.communicate(timeout=20)
    assert (daemon.process.returncode, said, errors.count("\n")) == (1, "", 1)
    assert errors.startswith(f"iai-daemon: The home {home.root} was moved, replaced or deleted")
    assert in_it(home) == there
    assert call_json(home, "status")["pid"] is None


def test_whoever_looks_for_a_daemon_where_its_home_was_moved_to_finds_it_gone_and_follows_it(
    home: Home, start: Start
) -> None:
    daemon = start(NO_NIGHTS.replace('tick = "2s"', 'tick = "1h"'))
    is_moved(home)
    moved = Home(home.root.with_name("moved"))
    with all_at_once(moved, 2) as starts:
        winner = the_one_that_stays(moved, starts)
        assert daemon.process.wait(timeout=20) == 1
        assert the_only_daemon(moved, winner.pid)


def test_a_home_that_was_emptied_underneath_a_daemon_is_furnished_again_and_its_memory_is_the_new_one(
    home: Home, start: Start
) -> None:
    call_json(home, "memory", "add", "Staging is on 8081.")
    daemon = start()
    assert daemon.status()["store"]["memories"] == 1
    for each in home.root.iterdir():
        shutil.rmtree(each) if each.is_dir() else each.unlink(missing_ok=True)
    assert the_only_daemon(home, daemon.process.pid)
    until(lambda: daemon.status()["store"]["memories"] == 0)
    call_json(home, "memory", "add", "Staging is on 9000.")
    until(lambda: daemon.status()["store"]["memories"] == 1)
    assert home.wrappers.is_dir()
    assert daemon.status()["degraded"] == []


def test_a_home_that_was_moved_and_linked_to_is_still_the_home(home: Home, start: Start) -> None:
    daemon = start()
    moved = home.root.with_name("moved")
    home.root.rename(moved)
    home.root.symlink_to(moved)
    with all_at_once(home, 2) as starts:
        until(lambda: not starts.running(), 30)
        assert starts.collect() == [already(daemon.process.pid)] * 2
    assert the_only_daemon(home, daemon.process.pid)


# Nights that outlive their daemon.


def nights_at_a_time(home: Home) -> bool:
    """Whether each night began after the one before had ended."""
    times = [(str(each["started_at"]), str(each["ended_at"])) for each in nights(home)]
    return all(began >= ended for (_, ended), (began, _) in pairwise(times))


def descriptors_of(pid: int) -> Iterator[Path]:
    """What a process has open; it may just be closing some of it."""
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            yield descriptor.readlink()


@pytest.mark.parametrize("number", rounds(1))
def test_a_daemon_killed_in_its_night_is_followed_and_its_worker_holds_nothing_of_it(
    home: Home, start: Start, number: int
) -> None:
    with closing(open_stores(home)) as stores:
        a_day(stores, RECORDS)
    daemon = start(NIGHTS)
    until(lambda: is_held(home.consolidation_lock), A_NIGHT)
    (worker_,) = psutil.Process(daemon.process.pid).children()
    if sys.platform == "linux":
        open_ = {str(each) for each in descriptors_of(worker_.pid)}
        assert not open_ & {str(home.root), str(home.daemon_lock), str(home.socket)}
        assert str(home.consolidation_lock) in open_
    daemon.process.kill()
    with all_at_once(home, MANY, hot=number % 2 == 0) as starts:
        winner = the_one_that_stays(home, starts)
        assert the_only_daemon(home, winner.pid)
        until(lambda: not worker_.is_running())
        until(lambda: (last_night(home) or {}).get("outcome") == "completed", A_NIGHT)
        assert nights_at_a_time(home)


def last_night(home: Home) -> dict[str, object] | None:
    found: dict[str, object] | None = client.status(home)["consolidation"]["last"]
    return found


def between_transactions(home: Home, process: subprocess.Popen[bytes]) -> bool:
    """Stop the worker; false, and it goes on, when it was in the middle of a transaction."""
    process.send_signal(signal.SIGSTOP)
    with closing(sqlite3.connect(home.memory, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            process.send_signal(signal.SIGCONT)
            return False
        connection.execute("ROLLBACK")
    return True


@pytest.mark.parametrize("number", rounds(1))
def test_while_a_worker_that_outlived_its_daemon_consolidates_the_next_daemon_does_not(
    home: Home, number: int
) -> None:
    with closing(open_stores(home)) as stores:
        a_day(stores, RECORDS)
    home.config.write_text(NIGHTS)
    with worker(home) as survivor:
        assert next(listen(survivor))["event"] == "started"
        until(lambda: between_transactions(home, survivor))
        with all_at_once(home, MANY, hot=number % 2 == 0) as starts:
            winner = the_one_that_stays(home, starts)
            assert the_only_daemon(home, winner.pid)
            until(lambda: "night not begun" in said_by(home.log), A_NIGHT)
            assert holder(home.consolidation_lock).startswith(f"process {survivor.pid}, night")
            assert [each["outcome"] for each in nights(home)] == [None]
            survivor.send_signal(signal.SIGCONT)
            assert [event["event"] for event in listen(survivor)][-1] == "report"
            until(lambda: (last_night(home) or {}).get("outcome") == "completed", A_NIGHT)
            assert nights_at_a_time(home)
            assert winner.poll() is None
