"""A long command as a person sees it: standard error is a terminal of 80 columns, and what comes there is looked at while it runs."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import sqlite3
import struct
import subprocess
import termios
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from iai_daemon.clock import Stopwatch
from iai_daemon.paths import Home
from tests.journeys.real import command

# So many memories are one transaction of an import.
PORTION = 200
# Columns of the terminal, and seconds that anything may take.
WIDE = 80
_LONGEST = 60.0
_STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Long:
    """A command that runs. `said`: what came to its terminal by now."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int, out: IO[bytes]) -> None:
        self.process = process
        self.said = ""
        self._terminal = terminal
        self._out = out

    def until_said(self, words: str) -> None:
        """Until these have come to its terminal."""
        watch = Stopwatch()
        while words not in self.said:
            assert watch.seconds() < _LONGEST, self.said
            if not self._read():
                assert words in self.said, self.said

    def write(self, data: bytes) -> None:
        """To its standard input, until all of it is taken, or lies in the pipe."""
        assert self.process.stdin
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def stop(self, number: signal.Signals = signal.SIGINT) -> str:
        """Send it a signal; the sentence that it ends with."""
        self.process.send_signal(number)
        status = self.end()
        assert status == 128 + number, (status, self.said)
        found = re.search(r"iai-daemon: Stopped: (.*)", self.plain)
        assert found, self.said
        return found[1].strip()

    def end(self) -> int:
        """Its exit status, once it has ended."""
        if self.process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        while self._read():
            pass
        return self.process.wait(_LONGEST)

    @property
    def out(self) -> str:
        """What it has written to standard output."""
        return Path(self._out.name).read_text()

    @property
    def plain(self) -> str:
        """What came to its terminal, without what steers one."""
        return _STEERING.sub("", self.said)

    @property
    def left(self) -> str:
        """What of it stands there in the end: what came after the last line was erased."""
        return _STEERING.sub("", self.said.rpartition("\x1b[2K")[2])

    @property
    def bars(self) -> list[str]:
        """Every bar that was drawn."""
        lines = re.split(r"[\r\n]", self.said)
        return [_STEERING.sub("", line) for line in lines if "━" in line]

    def _read(self) -> bool:
        """Whether more may come."""
        ready, _, _ = select.select([self._terminal], [], [], _LONGEST)
        assert ready, self.said
        try:
            chunk = os.read(self._terminal, 65_536)
        except OSError:  # Linux says so when nobody has the other end open any more
            return False
        self.said += chunk.decode(errors="replace")
        return bool(chunk)


@contextmanager
def long(
    home: Home, *words: str, fed: bool = False, read: int | None = None, **environment: str
) -> Iterator[Long]:
    """Start a command. `fed`: its standard input is written to by the test; `read`: a descriptor to be its standard output."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, WIDE, 0, 0))
    env = {**os.environ, "TERM": "xterm", **environment}
    with (home.root.parent / "output").open("wb") as out:
        process = subprocess.Popen(
            command(home, *words),
            stdin=subprocess.PIPE if fed else subprocess.DEVNULL,
            stdout=out if read is None else read,
            stderr=its,
            env=env,
        )
        os.close(its)
        try:
            yield Long(process, ours, out)
        finally:
            process.kill()
            process.wait()
            if process.stdin:
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.close()
            os.close(ours)


def lines(numbers: range, *, named: bool = True) -> bytes:
    """Memories as `memory import` takes them, all of one moment."""
    moment = "2026-11-01T12:00:00Z"
    named_as = ({"id": f"n{number}"} if named else {} for number in numbers)
    told = (
        {**name, "content": f"Note {number} about the deploy.", "created_at": moment}
        for name, number in zip(named_as, numbers, strict=True)
    )
    return b"".join(json.dumps(each).encode() + b"\n" for each in told)


def count(path: Path) -> int:
    """How many records are in a store that another process fills; 0 where there is none yet."""
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as connection:
        try:
            return int(connection.execute("SELECT COUNT(*) FROM records").fetchone()[0])
        except sqlite3.OperationalError:
            return 0
