"""`watch` in a real terminal, of which `pyte` says what somebody in front of it would see; and for programs."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pyte
import pytest

from iai_daemon.cli.rate import Rate
from iai_daemon.clock import Stopwatch
from iai_daemon.paths import Home
from tests.cli.calling import call, call_json
from tests.journeys.real import SHORT, RunningDaemon, RunningWrapper, command, until
from tests.journeys.test_nights import fill

FAILING = """
import sys
from iai_daemon.cli.screen import Screen

with Screen(coloured=True) as screen:
    screen.draw([])
    print("drawn", flush=True)
    sys.stdin.read(1)
    raise ZeroDivisionError
"""
ALTERNATE, MAIN = b"\x1b[?1049h", b"\x1b[?1049l"
SHOW_CURSOR = b"\x1b[?25h"


class Terminal:
    """A terminal of so many columns and rows, with one program in it."""

    def __init__(self, words: Sequence[str], columns: int = 80, rows: int = 24, **environment: str) -> None:
        self.ours, self.its = pty.openpty()
        self.before = termios.tcgetattr(self.its)
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.written = b""
        self.resize(columns, rows)
        env = {**os.environ, "TERM": "xterm-256color", **environment}
        self.process = subprocess.Popen(
            words,
            stdin=self.its,
            stdout=self.its,
            stderr=self.its,
            env=env,
            start_new_session=True,
            # A session that opens a terminal has it as its own: so Ctrl-C and Ctrl-Z reach what runs there.
            preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # noqa: PLW1509 -- no thread of ours holds a lock
        )

    def resize(self, columns: int, rows: int) -> None:
        """Somebody drags the corner of the window; the program in it is told."""
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.its, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def look(self) -> list[str]:
        """The rows that are shown now."""
        while select.select([self.ours], [], [], 0.0)[0]:
            chunk = os.read(self.ours, 65_536)
            self.written += chunk
            self._stream.feed(chunk)
        return [row.rstrip() for row in self.screen.display]

    def shows(self, *wanted: str, within: float = 10.0) -> list[str]:
        """The rows, as soon as all of this is to be read in them."""

        def found() -> list[str] | None:
            rows = self.look()
            text = "\n".join(rows)
            return rows if all(each in text for each in wanted) else None

        try:
            return until(found, within) or []
        except AssertionError:
            raise AssertionError(f"{wanted} is not to be seen:\n" + "\n".join(self.look())) from None

    def types(self, keys: bytes) -> None:
        os.write(self.ours, keys)

    def ends(self, status: int) -> None:
        """The program has ended so, and the terminal is as it was."""
        assert until(lambda: self.look() and self.process.poll() is not None)
        self.look()
        assert self.process.returncode == status, self.written[-500:]
        assert termios.tcgetattr(self.its) == self.before
        assert self.written.rfind(MAIN) > self.written.rfind(ALTERNATE)
        assert SHOW_CURSOR in self.written[self.written.rfind(ALTERNATE) :]
        assert not self.screen.cursor.hidden

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.ours)
        os.close(self.its)


Terminals = Callable[..., Terminal]
Daemons = Callable[[str], RunningDaemon]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def watch(home: Home) -> Iterator[Terminals]:
    opened: list[Terminal] = []

    def open_one(columns: int = 80, rows: int = 24, *words: str, **environment: str) -> Terminal:
        opened.append(Terminal(words or command(home, "watch"), columns, rows, **environment))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@contextlib.contextmanager
def wrapper_in(home: Home) -> Iterator[RunningWrapper]:
    running = RunningWrapper(home)
    try:
        yield running
    finally:
        running.leave()


def test_a_client_that_comes_is_seen_within_a_second(home: Home, start: Daemons, watch: Terminals) -> None:
    start()
    terminal = watch()
    terminal.shows("here      nobody")
    with wrapper_in(home) as wrapper:
        until(lambda: list(home.wrappers.glob("*.json")))
        since = Stopwatch()
        terminal.shows("a client without a name: nothing done yet")
        assert since.seconds() < 1.0
        wrapper.send("tools/call")
        terminal.shows("WAKE: someone is at work", "a call is in flight")
        wrapper.answer()
        terminal.shows("a client without a name: active just now")
    terminal.shows("here      nobody")
    terminal.types(b"q")
    terminal.ends(0)


def test_everything_fits_on_a_screen_that_does_not_scroll(
    home: Home, start: Daemons, watch: Terminals
) -> None:
    """More transitions than there is room for; the first row stays the first."""
    daemon = start(SHORT)
    for _ in range(4):
        daemon.wait_state("BEDTIME")
        assert call(home, "wake", "--for", "100ms").returncode == 0
    terminal = watch()
    shown = terminal.shows("state     ", "history   ")
    assert shown[0].startswith("iai-daemon")
    assert shown[1].startswith("state")
    terminal.types(b"q")
    terminal.ends(0)
    # What moves the screen on is a line feed in the last row: there is one line feed less than rows in each drawing.
    for drawing in terminal.written.split(b"\x1b[H")[1:]:
        assert drawing.count(b"\n") < 24 + (MAIN in drawing)


def test_the_progress_of_a_night_is_seen(home: Home, start: Daemons, watch: Terminals) -> None:
    home.create()
    fill(home, 1000)
    start(SHORT.replace('absent_for = "400ms"', 'absent_for = "3s"'))
    terminal = watch()
    shown = terminal.shows("night     1 is running:", "█", " of ", within=60)
    assert any(re.search(r"[█░]{24} +\d+%", row) for row in shown)
    terminal.types(b"q")
    terminal.ends(0)


def test_an_agent_at_work_is_seen(home: Home, start: Daemons, watch: Terminals, tmp_path: Path) -> None:
    lasts = tmp_path / "pipe"
    os.mkfifo(lasts)
    start(f'[agents.scribe]\ncommand = ["cat", "{lasts}"]\n')
    terminal = watch()
    terminal.shows("no recall is planned")
    call_json(home, "recall", "add", "Look.", "--agent", "scribe", "--session", "s1", "--now")
    terminal.shows("scribe is at work on recall 1")
    lasts.write_text("")
    until(lambda: "scribe is at work" not in "\n".join(terminal.look()))
    terminal.types(b"q")
    terminal.ends(0)


def test_a_daemon_that_goes_and_comes_back_is_followed(start: Daemons, watch: Terminals) -> None:
    terminal = watch()
    terminal.shows("No daemon is running in")
    first = start()
    terminal.shows(f"pid {first.process.pid},")
    first.stop()
    terminal.shows("No daemon is running in")
    second = start()
    terminal.shows(f"pid {second.process.pid},")
    assert "No daemon is running" not in "\n".join(terminal.look())
    terminal.types(b"q")
    terminal.ends(0)


def test_a_daemon_that_does_not_answer_is_said_to_and_keys_still_work(
    start: Daemons, watch: Terminals
) -> None:
    daemon = start()
    terminal = watch()
    terminal.shows("state     ")
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        terminal.shows("does not answer", "What stands below is as it was", "state     ")
        daemon.process.send_signal(signal.SIGCONT)
        until(lambda: "does not answer" not in "\n".join(terminal.look()))
        daemon.process.send_signal(signal.SIGSTOP)
        terminal.shows("does not answer")
        since = Stopwatch()
        terminal.types(b"q")
        terminal.ends(0)
        assert since.seconds() < 1.0
    finally:
        daemon.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_it_with_the_terminal_as_it_was(
    start: Daemons, watch: Terminals, number: signal.Signals, status: int
) -> None:
    start()
    terminal = watch()
    terminal.shows("state     ")
    if number is signal.SIGINT:
        terminal.types(b"\x03")
    else:
        terminal.process.send_signal(number)
    terminal.ends(status)


def test_an_error_leaves_the_terminal_as_it_was(home: Home, watch: Terminals) -> None:
    """The program is the real one, on whose screen something that nobody expects goes wrong."""
    terminal = watch(80, 24, sys.executable, "-c", FAILING)
    terminal.shows("drawn")
    assert termios.tcgetattr(terminal.its) != terminal.before
    terminal.types(b"x")
    terminal.ends(1)
    assert b"ZeroDivisionError" in terminal.written[terminal.written.rfind(MAIN) :]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash that could stop it")
def test_it_can_be_stopped_and_goes_on_where_it_was(home: Home, start: Daemons, watch: Terminals) -> None:
    start()
    terminal = watch(80, 24, "bash", "--norc", "--noprofile", "-i", PS1="ready> ", HISTFILE="")
    terminal.shows("ready>")
    terminal.types(" ".join([*command(home, "watch")]).encode() + b"\n")
    terminal.shows("state     ")
    terminal.types(b"\x1a")
    until(lambda: terminal.look() and MAIN in terminal.written)
    terminal.types(b'echo "it is $((6*7))"; fg\n')
    terminal.shows("state     ", "q ends")
    assert b"it is 42" in terminal.written
    assert terminal.written.count(ALTERNATE) >= 2
    terminal.types(b"q")
    until(lambda: terminal.look() and terminal.written.rfind(MAIN) > terminal.written.rfind(ALTERNATE))
    terminal.types(b'echo "and $((6*8))"; exit\n')
    until(lambda: terminal.look() and b"and 48" in terminal.written)
    until(lambda: terminal.process.poll() is not None)


@pytest.mark.parametrize(("columns", "rows"), [(200, 50), (80, 10), (40, 24), (30, 8), (20, 3), (12, 2)])
def test_it_follows_the_size_of_its_window(start: Daemons, watch: Terminals, columns: int, rows: int) -> None:
    start()
    terminal = watch()
    terminal.shows("state     ", "daemon    ")
    terminal.resize(columns, rows)
    shown = terminal.shows("IDLE")
    assert len(shown) == rows
    assert shown[0].startswith("iai-daemon" if rows > 3 else "state IDLE"[:columns])
    terminal.resize(80, 24)
    terminal.shows("state     ", "daemon    ")
    terminal.types(b"q")
    terminal.ends(0)


def test_without_colours_there_are_none(start: Daemons, watch: Terminals) -> None:
    start()
    coloured, plain = watch(), watch(NO_COLOR="1")
    for terminal in (coloured, plain):
        terminal.shows("state     ")
        terminal.types(b"q")
        terminal.ends(0)
    assert b"\x1b[1;36m" in coloured.written
    assert b"\x1b[1;36m" not in plain.written
    assert not re.search(rb"\x1b\[[0-9;]+m", plain.written)


def test_a_locale_that_knows_ascii_only_gets_nothing_else(start: Daemons, watch: Terminals) -> None:
    start()
    terminal = watch(LC_ALL="C")
    terminal.shows("WAKE -> IDLE")
    terminal.types(b"q")
    terminal.ends(0)
    assert terminal.written.isascii()


def test_what_has_no_terminal_is_told_what_to_call_instead(home: Home, watch: Terminals) -> None:
    done = call(home, "watch")
    assert (done.returncode, done.stdout) == (2, "")
    assert "`iai-daemon status`" in done.stderr
    terminal = watch(TERM="dumb")
    terminal.shows("`iai-daemon status`")
    assert until(terminal.process.poll) == 2


def test_it_costs_hardly_anything_while_nothing_happens(start: Daemons, watch: Terminals) -> None:
    start()
    terminal = watch()
    terminal.shows("state     ")
    process, since = psutil.Process(terminal.process.pid), Stopwatch()
    before = process.cpu_times()
    until(lambda: terminal.look() and since.seconds() > 5)
    after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    assert used / since.seconds() < 0.05
    terminal.types(b"q")
    terminal.ends(0)


# For programs.


@contextlib.contextmanager
def telling(home: Home) -> Iterator[tuple[subprocess.Popen[str], Callable[[], dict[str, Any]]]]:
    """`watch --json`, and its next object."""
    with subprocess.Popen(
        command(home, "watch", "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        stdout = process.stdout

        def following() -> dict[str, Any]:
            assert select.select([stdout], [], [], 10)[0]
            found: dict[str, Any] = json.loads(stdout.readline())
            return found

        try:
            yield process, following
        finally:
            if process.poll() is None:
                process.kill()


def test_a_program_gets_an_object_at_every_change_and_nothing_in_between(home: Home, start: Daemons) -> None:
    first = start()
    with telling(home) as (process, following):
        begun = following()
        assert (begun["schema"], begun["pid"], begun["here"]) == (1, first.process.pid, [])
        assert not select.select([process.stdout], [], [], 2.0)[0]
        with wrapper_in(home):
            seen = following()
            while not seen["here"]:
                seen = following()
            assert seen["presence"]["fresh"] == 1
        while seen["here"]:
            seen = following()
        first.stop()
        while seen["pid"]:
            seen = following()
        assert "No daemon is running" in seen["reason"]
        second = start()
        assert following()["pid"] == second.process.pid
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 130
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_program_that_has_had_enough_ends_it_without_a_word(home: Home, start: Daemons) -> None:
    """Although nothing changes that it could try to write."""
    start()
    with telling(home) as (process, following):
        following()
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(timeout=10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


# How fast a night goes.


def night(done: int, total: int = 1000, name: str = "embed", number: int = 1) -> dict[str, Any]:
    return {"night": 1, "pass": name, "progress": {"round": number, "done": done, "total": total}}


def test_the_rate_is_that_of_the_last_seconds_and_says_what_is_left() -> None:
    rate = Rate()
    for second in range(100):
        rate.see(night(done=second if second < 50 else 50 + 10 * (second - 50)), float(second))
    assert rate.per_second(99.0) == pytest.approx(10, rel=0.15)
    assert rate.say(night(done=540), 99.0).endswith("46 s left")


def test_another_pass_begins_anew_and_too_little_is_no_rate() -> None:
    rate = Rate()
    rate.see(night(done=0), 0.0)
    rate.see(night(done=500), 5.0)
    assert rate.per_second(5.0) == 100.0
    rate.see(night(done=3, name="associate"), 6.0)
    assert rate.per_second(6.0) is None
    assert rate.say(night(done=3, name="associate"), 6.0) == ""


def test_a_pass_that_stands_still_gets_slower() -> None:
    rate = Rate()
    rate.see(night(done=0), 0.0)
    rate.see(night(done=100), 1.0)
    assert rate.per_second(10.0) == 10.0
