"""The terminal as long as somebody watches: the alternate screen, keys one at a time, and everything as it was at the end."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import termios
import tty
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from iai_daemon.cli.colour import Tone
from iai_daemon.cli.layout import Line

_STYLES = {
    Tone.PLAIN: "",
    Tone.QUIET: "dim",
    Tone.WAKE: "bold yellow",
    Tone.IDLE: "bold cyan",
    Tone.BEDTIME: "bold magenta",
    Tone.WARNING: "bold red",
}
_NO_SIZE = (80, 24)


class Screen:
    """Standard output as a screen, standard input as its keys, where that is a terminal, too. Use as a context manager."""

    def __init__(self, *, coloured: bool) -> None:
        self._console = Console(
            file=sys.stdout,
            force_terminal=True,
            color_system="standard" if coloured else None,
            highlight=False,
            legacy_windows=False,
        )
        self._keys = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
        self._before: list[Any] | None = None
        self._live: Live | None = None
        self._drawn: tuple[object, ...] | None = None

    def __enter__(self) -> Screen:
        try:
            self.open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Take the terminal: nothing that is typed is shown any more, and what stood there is out of sight."""
        if self._keys is not None:
            self._before = termios.tcgetattr(self._keys)
            tty.setcbreak(self._keys, termios.TCSADRAIN)
        self._fit()
        self._drawn = None
        self._live = Live(
            console=self._console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def close(self) -> None:
        """Give it back as it was; safe to call twice. A terminal that has gone takes nothing back."""
        live, self._live = self._live, None
        before, self._before = self._before, None
        with contextlib.suppress(OSError):
            if live is not None:
                live.stop()
        with contextlib.suppress(OSError, termios.error):
            if before is not None and self._keys is not None:
                # What was typed and not read belongs to nobody.
                termios.tcsetattr(self._keys, termios.TCSAFLUSH, before)

    def _fit(self) -> None:
        """The size is that of the terminal now, whatever the environment says."""
        try:
            size = os.get_terminal_size(sys.stdout.fileno())
        except OSError:
            size = os.terminal_size(_NO_SIZE)
        width, height = size
        self._console.size = (width or _NO_SIZE[0], height or _NO_SIZE[1])

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        self._fit()
        return self._console.width, self._console.height

    def draw(self, lines: Sequence[Line]) -> None:
        """Show these from the top; where nothing has changed nothing is sent."""
        drawn = (self.size, tuple(lines))
        if self._live is None or drawn == self._drawn:
            return
        self._drawn = drawn
        text = Text("\n").join(_text(line) for line in lines)
        text.no_wrap, text.overflow = True, "crop"
        self._live.update(text, refresh=True)

    def typed(self) -> bytes:
        """The keys that were pressed; call it when `keys` can be read."""
        if self._keys is None:
            return b""
        try:
            found = os.read(self._keys, 1024)
        except OSError:
            found = b""
        if not found:
            self._keys = None  # nobody types there any more
        return found

    @property
    def keys(self) -> Iterable[int]:
        """The descriptor of the keys, where there are any."""
        return () if self._keys is None else (self._keys,)

    def retake(self) -> None:
        """After somebody else may have had it."""
        self.close()
        self.open()

    def step_aside(self) -> None:
        """Ctrl-Z: give the terminal back, stop, and take it again when we go on."""
        self.close()
        before = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, before)
        self.open()


def _text(line: Line) -> Text:
    return Text.assemble((line.label, "dim"), (line.text, _STYLES[line.tone]))
