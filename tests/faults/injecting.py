"""A deed of ours that ends, or fails, at any one of its system calls: strace(1) takes the call's place."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

# What changes something on a disk, or is asked to make it last.
# fmt: off
CHANGES = frozenset([
    "openat", "write", "pwrite64", "writev", "ftruncate", "fallocate", "fsync", "fdatasync", "rename", "renameat", "renameat2",
    "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat", "close",
])
# fmt: on
# Everything is imported before: each deed is done by a child of this, which waits, stopped, until it is looked at.
_SERVER = """
import os, signal, sys
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        os.dup2(2, 1)
        act = prepare(line.rstrip())
        os.kill(os.getpid(), signal.SIGSTOP)
        os.getppid()
        try:
            act()
        except OSError as cause:
            print(repr(cause), file=sys.stderr)
            os._exit(3)
        os.getppid()
        os._exit(0)
    os.waitpid(child, os.WUNTRACED)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
# The deed lies between two calls that nothing else makes.
_MARK = "getppid"
_CALL = re.compile(r"^(\w+)\(", re.MULTILINE)
# How a deed ends that was told of an error.
REFUSED = 3
KILLED = -signal.SIGKILL


@dataclass(frozen=True)
class Call:
    """The `number`th call of this name since the deed is looked at."""

    name: str
    number: int

    def killed(self) -> str:
        """As strace wants to hear it."""
        return f"inject={self.name}:signal=KILL:when={self.number}"

    def failing(self, error: str) -> str:
        return f"inject={self.name}:error={error}:when={self.number}"


class Deed:
    """What `prepare(word)` of a program returns, as often as one likes, each time in a process of its own."""

    def __init__(self, server: subprocess.Popen[str], notes: Path) -> None:
        self._server = server
        self._notes = notes

    def calls(self, word: str | Path) -> list[Call]:
        """Do it undisturbed; its system calls, in their order, and the first one after it."""
        assert self.do(word) == 0
        seen: Counter[str] = Counter()
        found, inside = [], False
        for name in _CALL.findall(self._notes.read_text(errors="replace")):
            seen[name] += 1
            if inside:
                found.append(Call(name, seen[name]))
            if name == _MARK:
                inside = not inside
        return found

    def do(self, word: str | Path, inject: str | None = None) -> int:
        """Do it, with this instead of one of its calls: its exit status, negative where a signal has ended it."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(f"{word}\n")
        self._server.stdin.flush()
        child = int(self._server.stdout.readline())
        words = ["strace", "-o", str(self._notes), *(["-e", inject] if inject else []), "-p", str(child)]
        with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as tracer:
            assert tracer.stderr is not None
            said = tracer.stderr.readline()
            os.kill(child, signal.SIGCONT)
            status = int(self._server.stdout.readline())
            said += tracer.stderr.read()
        if "attached" not in said:
            pytest.skip(f"strace may not look at processes here: {said.strip()}")
        return status


@contextmanager
def looking_at(pid: int, *words: str) -> Iterator[None]:
    """Strace with these words looks at a process of ours and all its threads, for as long as both live."""
    if not shutil.which("strace"):
        pytest.skip("no system call can be met without strace")
    command = ["strace", "-f", "-o", os.devnull, *words, "-p", str(pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        said = [tracer.stderr.readline()]
        while said[-1] and "attached" not in said[-1]:
            said.append(tracer.stderr.readline())
        if not said[-1]:
            pytest.skip(f"strace may not look at processes here: {' '.join(said).strip()}")
        try:
            yield
        finally:
            tracer.terminate()
            tracer.stderr.read()


def _end(server: subprocess.Popen[str], errors: IO[str]) -> str:
    """What the deeds have had to say."""
    server.communicate(timeout=20)
    errors.seek(0)
    return errors.read()


@contextmanager
def deed(program: str, notes: Path) -> Iterator[Deed]:
    """`program` defines `prepare`, which makes ready and returns the deed; neither ends in a traceback."""
    if not shutil.which("strace"):
        pytest.skip("no system call can be met without strace")
    with (notes.with_suffix(".errors")).open("w+") as errors:
        server = subprocess.Popen(
            [sys.executable, "-c", program + _SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        try:
            yield Deed(server, notes)
        finally:
            said = _end(server, errors)
        assert "Traceback" not in said, said
