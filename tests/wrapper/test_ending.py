"""How it ends: whatever the first sign is, the heartbeat goes first, the server is given its time, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from iai_daemon.clock import Stopwatch, pause
from tests.wrapper.running import ECHO, LIGHT, WRAPPER, Running, is_alive, request, server, until
from tests.wrapper.servers import DEAF, FORKING, LAST_WORDS, LEAVING_A_CHILD, LEAVING_A_SESSION, STUBBORN


@contextmanager
def _all(place: Path, *scripts: str) -> Iterator[list[tuple[Running, list[int]]]]:
    """One wrapper for each script, and the pids that stand behind it."""
    with ExitStack() as stack:
        wrappers = [stack.enter_context(Running(server(script), home=place)) for script in scripts]
        yield [(wrapper, [int(pid) for pid in wrapper.line().split()]) for wrapper in wrappers]


def test_whatever_the_server_does_the_wrapper_is_gone_in_two_seconds_and_so_is_its_group(place: Path) -> None:
    with _all(place, STUBBORN, FORKING, LEAVING_A_CHILD, LEAVING_A_SESSION, LAST_WORDS) as running:
        until(lambda: len(running[0][0].heartbeats()) == len(running))
        watch = Stopwatch()
        for wrapper, _ in running:
            wrapper.close_input()
        until(lambda: not running[0][0].heartbeats(), 0.5)
        statuses = [wrapper.process.wait(5) for wrapper, _ in running]
        assert watch.seconds() < 2
        killed = 128 + signal.SIGKILL
        assert statuses == [killed, killed, 0, 0, 0]
        (escaped,) = (pids[1] for _, pids in running[3:4])
        os.kill(escaped, signal.SIGKILL)
        for _, pids in running:
            assert not [pid for pid in pids if pid != escaped and is_alive(pid)]
        assert running[4][0].rest() == b"last words"


def test_a_session_of_its_own_that_holds_the_output_open_does_not_hold_the_wrapper_up(place: Path) -> None:
    dying = (
        DEAF
        + "child = os.fork()\nif child: print(os.getpid(), child, flush=True)\nelse:\n  os.setsid()\n  while True: signal.pause()"
    )
    with _all(place, dying) as ((wrapper, pids),):
        try:
            assert wrapper.process.wait(1.5) == 0
        finally:
            os.kill(pids[1], signal.SIGKILL)


def test_when_the_server_dies_the_wrapper_leaves_at_once_though_the_client_stays(place: Path) -> None:
    with Running(server(ECHO), home=place) as wrapper:
        child = wrapper.heartbeat()["child_pid"]
        watch = Stopwatch()
        os.kill(child, signal.SIGKILL)
        assert wrapper.process.wait(5) == 128 + signal.SIGKILL
        assert watch.seconds() < 0.5
        assert not wrapper.heartbeats()
        assert wrapper.rest() == b""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_is_passed_on_to_the_server_and_its_status_is_ours(
    place: Path, number: signal.Signals
) -> None:
    telling = (
        "import os, signal\nsigns = {1, 2, 15}\nsignal.pthread_sigmask(signal.SIG_BLOCK, signs)\nprint(flush=True)\n"
        "os.write(1, b'got %d\\n' % signal.sigwait(signs))\nos._exit(7)"
    )
    with Running(server(telling), home=place) as wrapper:
        wrapper.line()
        wrapper.heartbeat()
        watch = Stopwatch()
        wrapper.process.send_signal(number)
        assert wrapper.line() == b"got %d" % number
        assert wrapper.process.wait(5) == 7
        assert watch.seconds() < 0.5
        assert not wrapper.heartbeats()
        assert wrapper.complaints() == ""


def test_a_client_that_interrupts_terminates_and_is_gone_leaves_nothing_behind(place: Path) -> None:
    """As one does that sends SIGINT, SIGTERM 100 ms later, and is gone by half a second with the pipe still open."""
    with _all(place, STUBBORN) as ((wrapper, pids),):
        wrapper.heartbeat()
        wrapper.process.send_signal(signal.SIGINT)
        until(lambda: not wrapper.heartbeats(), 0.1)
        pause(0.05)
        for _ in range(3):
            wrapper.process.send_signal(signal.SIGTERM)
        assert wrapper.process.wait(2) == 128 + signal.SIGKILL
        assert not is_alive(pids[0])
        assert wrapper.complaints() == ""


def test_signals_from_the_very_start_leave_neither_heartbeat_nor_traceback(place: Path) -> None:
    """However early: only Python's own start-up cannot be helped, so the server has to have said something."""
    for number in (signal.SIGINT, signal.SIGTERM):
        with Running(server("print(flush=True)\nimport time\ntime.sleep(9)"), home=place) as wrapper:
            wrapper.line()
            for _ in range(20):
                wrapper.process.send_signal(number)
            wrapper.process.wait(3)
            assert wrapper.complaints().count("iai_") == 0
            assert not wrapper.heartbeats()


def test_a_server_that_stops_reading_does_not_hide_that_the_client_leaves(place: Path) -> None:
    closing = "import os, time\nos.close(0)\nprint(os.getpid(), flush=True)\ntime.sleep(60)"
    with _all(place, closing) as ((wrapper, pids),):
        wrapper.send(*[request("tools/call", ident) for ident in range(2000)])
        assert wrapper.process.poll() is None
        assert wrapper.leave() == 128 + signal.SIGTERM
        assert not is_alive(pids[0])


def test_a_client_that_stops_listening_is_noticed_by_the_server(place: Path) -> None:
    writing = (
        "import os\ntry:\n  while True: os.write(1, b'x' * 1000)\nexcept BrokenPipeError:\n  os._exit(5)"
    )
    with Running(server(writing), home=place) as wrapper:
        wrapper.receive(1000)
        os.close(wrapper.output)
        wrapper.output = -1
        assert wrapper.process.wait(5) == 5
        assert wrapper.complaints() == ""


def test_a_server_that_closes_its_output_is_noticed_by_the_client(place: Path) -> None:
    closing = "import os\nos.write(1, b'bye')\nos.close(1)\nos.read(0, 1)"
    with Running(server(closing), home=place) as wrapper:
        assert wrapper.rest() == b"bye"
        assert wrapper.process.poll() is None
        assert wrapper.leave() == 0


def test_without_its_parent_it_ends_though_somebody_holds_the_pipe(place: Path) -> None:
    """Looked at at each refresh and at each sign of life; here a message wakes it, so that nobody waits for half a minute."""
    ours, its = os.pipe()
    launcher = (
        f"import subprocess; subprocess.Popen({[*LIGHT, str(WRAPPER), '--home', str(place), '--', *server(ECHO)]!r}); "
        "import signal; signal.pause()"
    )
    parent = subprocess.Popen([sys.executable, "-c", launcher], stdin=ours, stdout=subprocess.DEVNULL)
    os.close(ours)
    try:
        path = until(lambda: next((place / "wrappers").glob("heartbeat-*.json"), None))
        wrapper = int(path.name.split("-")[1])
        assert psutil.Process(wrapper).ppid() == parent.pid
        parent.kill()
        parent.wait()
        os.write(its, b"\n")
        until(lambda: not path.exists(), 1)
        until(lambda: not is_alive(wrapper), 2)
    finally:
        parent.kill()
        parent.wait()
        os.close(its)


def test_a_client_that_neither_reads_nor_stays_does_not_hold_the_wrapper_up(place: Path) -> None:
    flooding = "import os\nos.write(2, b'%d' % os.getpid())\nwhile True: os.write(1, b'x' * 65536)"
    with Running(server(flooding), home=place) as wrapper:
        child = wrapper.heartbeat()["child_pid"]
        assert wrapper.process.stderr
        assert wrapper.process.stderr.read(len(str(child))) == str(child).encode()
        wrapper.close_input()
        assert wrapper.process.wait(2) == 128 + signal.SIGTERM
        assert not is_alive(child)


def test_a_client_that_closed_a_stream_beforehand_gets_no_pipe_of_ours_in_its_place(place: Path) -> None:
    code = f"import os; os.close(0); os.execv({LIGHT[0]!r}, {[*LIGHT, str(WRAPPER), '--home', str(place), '--', *server(ECHO)]!r})"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=5)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
