"""The command line as a program and as a person at a terminal call it: real processes."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from iai_daemon.paths import Home


def call(home: Home, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """One command, to its end."""
    return subprocess.run(
        _command(home, *words), input=stdin, capture_output=True, text=True, check=False, timeout=60
    )


class Calls:
    """What is asked of a command, however it is called."""

    def __init__(self, call: Callable[..., subprocess.CompletedProcess[str]]) -> None:
        self._call = call

    def call_json(self, home: Home, *words: str, stdin: str = "", status: int = 0) -> dict[str, Any]:
        """One command with `--json`: the one object on its standard output, without the schema."""
        done = self._call(home, *words, "--json", stdin=stdin)
        assert done.returncode == status, done
        answer: dict[str, Any] = json.loads(done.stdout)
        assert answer.pop("schema") == 1
        return answer

    def said(self, home: Home, *words: str, stdin: str = "") -> str:
        """One command that works: what it says to a person."""
        done = self._call(home, *words, stdin=stdin)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    def refused(self, home: Home, *words: str, status: int = 1) -> str:
        """One command that does not: the sentence that it says."""
        done = self._call(home, *words)
        assert (done.returncode, done.stdout) == (status, ""), done
        assert done.stderr.count("\n") == 1
        return done.stderr.removeprefix("iai-daemon: ").rstrip("\n")


_REAL = Calls(call)
call_json, said, refused = _REAL.call_json, _REAL.said, _REAL.refused


def at_a_terminal(home: Home, *words: str, typed: str = "", status: int = 0, **environment: str) -> str:
    """Everything that one command writes to the terminal that it is started in, and what was `typed` there."""
    ours, its = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "100", **environment}
    with subprocess.Popen(_command(home, *words), stdin=its, stdout=its, stderr=its, env=env) as process:
        os.close(its)
        os.write(ours, typed.encode())
        written = b""
        # Linux says so when nobody has the other end open any more.
        with contextlib.suppress(OSError):
            while chunk := os.read(ours, 65_536):
                written += chunk
        os.close(ours)
        assert process.wait(timeout=60) == status, written
    return written.decode()


def _command(home: Home, *words: str) -> list[str]:
    return [sys.executable, "-m", "iai_daemon", "--home", str(home.root), *words]
