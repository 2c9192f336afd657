"""A real shell at a terminal, and somebody who types."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from iai_daemon.clock import Stopwatch
from iai_daemon.paths import Home

# How each is started with nobody's own settings, and made to complete.
_SHELLS = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        'eval "$(iai-daemon completion bash)"',
    ),
    "zsh": (
        ["zsh", "-f", "-i"],
        'autoload -U compinit; compinit -D -u; bindkey -e; eval "$(iai-daemon completion zsh)"',
    ),
    "fish": (
        ["fish", "--no-config", "-i"],
        "iai-daemon completion fish | source",
    ),
}
# Only the leader of a session can have a terminal, and a shell that has none is not one that people type into.
_AT_THE_TERMINAL = "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
_LONGEST = 60.0
_TO_THE_BEGINNING, _TO_THE_END = "\x01", "\x05"


def environment(home: Home, own: Path) -> dict[str, str]:
    """What a shell gets: this iai-daemon first on PATH, that home, and a directory of its own for whatever it keeps."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {
        **{name: value for name, value in os.environ.items() if name not in ("SHELL", "ZDOTDIR")},
        "PATH": programs,
        "HOME": str(own),
        "IAI_DAEMON_HOME": str(home.root),
        "TERM": "xterm",
        "LANG": "C.UTF-8",
        "PS1": "$ ",
    }


def typed(shell: str, line: str, environment: dict[str, str]) -> list[str]:
    """The words of the command line after `line` and a Tab were typed in this shell, as a program would get them."""
    argv, complete = _SHELLS[shell]
    with _started(argv, environment) as terminal:
        _type(terminal, f"{complete}; echo rea''dy\r")
        _read_until(terminal, b"ready")
        # What is typed while the shell looks for completions waits until it has them.
        _type(terminal, f"{line}\t{_TO_THE_BEGINNING}printf '<%s>' {_TO_THE_END}; echo en''d\r")
        shown = _read_until(terminal, b"end").decode(errors="replace")
    return shown.rpartition("<iai-daemon>")[2].partition("end")[0].strip("<>\r\n").split("><")


@contextlib.contextmanager
def _started(argv: list[str], environment: dict[str, str]) -> Iterator[int]:
    ours, its = pty.openpty()
    command = [sys.executable, "-c", _AT_THE_TERMINAL, *argv]
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=environment) as process:
        os.close(its)
        try:
            yield ours
        finally:
            os.close(ours)
            process.kill()


def _type(terminal: int, keys: str) -> None:
    os.write(terminal, keys.encode())


def _read_until(terminal: int, word: bytes) -> bytes:
    """What is shown until this word is."""
    watch, shown = Stopwatch(), b""
    while word not in shown:
        assert watch.seconds() < _LONGEST, shown
        if select.select([terminal], [], [], 1.0)[0]:
            shown += os.read(terminal, 65_536)
    return shown
