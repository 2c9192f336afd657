"""How far a long command has come, and how it is stopped.

A bar stands on standard error where that is a terminal. Ctrl-C and SIGTERM wait for the next place at which everything is whole, and a
sentence says then what was done and how to go on. Storage and memory know nothing of terminals: they are handed a `Tell`.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from iai_daemon.errors import Ended, Stopped
from iai_daemon.foreign import one_line
from iai_daemon.progress import Tell, unheard
from iai_daemon.storage.database import Interrupted

if TYPE_CHECKING:
    from rich import progress as bars

# So that a line has room for everything beside it in 80 columns.
_NAME = 20
_BAR = 20
# Often enough to look alive; each time costs milliseconds.
_DRAWN_A_SECOND = 4

_Answer = Callable[[int, FrameType | None], None]


class Work:
    """A long command while it runs: what it tells of itself, and whether somebody wants it to stop."""

    def __init__(self) -> None:
        self.numbers: Tell = unheard
        self.sizes: Tell = unheard
        self._waits = False
        self.signal: int | None = None

    def may_go_on(self) -> bool:
        """For what asks on its way, and ends by itself."""
        return self.signal is None

    def tell(self, what: str, done: int, total: int | None) -> None:
        """A Tell that counts. Raises Interrupted where somebody wants it to stop."""
        self.numbers(what, done, total)
        self.check()

    def tell_bytes(self, what: str, done: int, total: int | None) -> None:
        """The same for bytes."""
        self.sizes(what, done, total)
        self.check()

    def check(self) -> None:
        """Raises Interrupted where somebody wants it to stop."""
        if self.signal is not None:
            raise Interrupted

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """For others, with nothing begun: within, the wish to stop is followed at once. Raises Interrupted."""
        self._waits = True
        try:
            self.check()
            yield
        finally:
            self._waits = False

    def answer(self, number: int, _frame: FrameType | None) -> None:
        """To a signal. Who asks a second time does not want to wait: whatever is open is taken back."""
        if self.signal is not None:
            signal.signal(number, signal.SIG_DFL)
            raise KeyboardInterrupt
        self.signal = number
        if self._waits:
            raise Interrupted


@contextmanager
def at_work(said: Callable[[], str], *, writes: bool = False) -> Iterator[Work]:
    """A long command. `said` is asked, where it was stopped, what was done and how to go on. `writes`: what it gives goes to standard
    output on the way, so that a bar on the same terminal would stand between its lines.

    Raises Stopped, which knows its exit status.
    """
    work = Work()
    try:
        with _answering(work.answer), bars_shown(writes=writes) as (work.numbers, work.sizes):
            yield work
    except Interrupted:
        pass
    else:
        return
    raise stopped(work.signal, said())


def stopped(number: int | None, said: str) -> Stopped:
    """What tells that this signal was followed, with the exit status that shells know it by."""
    return Ended(said=said) if number == signal.SIGTERM else Stopped(said=said)


@contextmanager
def _answering(answer: _Answer) -> Iterator[None]:
    """Both signals, unless who started us wants them to be ignored, as `nohup` does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, was in before.items():
        if was not in (None, signal.SIG_IGN):
            signal.signal(number, answer)
    try:
        yield
    finally:
        for number, was in before.items():
            if was is not None:
                signal.signal(number, was)


# The bars.


@contextmanager
def bars_shown(*, writes: bool = False) -> Iterator[tuple[Tell, Tell]]:
    """What draws numbers, and what draws bytes: one bar for each thing that is done, where somebody can see them, gone at the end."""
    if not _is_seen(writes=writes):
        yield unheard, unheard
        return
    from rich import progress as bars  # noqa: PLC0415 -- slow to import, and only a terminal needs it
    from rich.console import Console  # noqa: PLC0415 -- likewise

    columns = (
        bars.TextColumn("{task.description}", markup=False),
        bars.BarColumn(bar_width=_BAR),
        bars.TextColumn("{task.fields[count]}", markup=False),
        bars.TextColumn("{task.fields[rate]}", markup=False),
        bars.TimeRemainingColumn(compact=True),
    )
    shown = bars.Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
        refresh_per_second=_DRAWN_A_SECOND,
        # What is printed meanwhile is no part of the bar: standard output may be a file.
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with shown:
        bar = _Bar(shown)
        yield bar.numbers, bar.sizes


class _Bar:
    """The one that stands there now: of what is done at the moment."""

    def __init__(self, shown: bars.Progress) -> None:
        self._shown = shown
        self._task: bars.Task | None = None
        self._what = ""

    def numbers(self, what: str, done: int, total: int | None) -> None:
        """A Tell."""
        self._draw(what, done, total, lambda number: f"{number:,.0f}", "")

    def sizes(self, what: str, done: int, total: int | None) -> None:
        """A Tell of bytes."""
        self._draw(what, done, total, lambda number: f"{number / 1e6:,.1f}", " MB")

    def _draw(self, what: str, done: int, total: int | None, say: Callable[[float], str], unit: str) -> None:
        if total == 0:
            return
        task = self._task
        if task is None or what != self._what or done < task.completed:
            task = self._begin(what, total)
        self._shown.update(
            task.id,
            completed=done,
            total=total,
            count=(say(done) if total is None else f"{say(done)}/{say(total)}") + unit,
            rate="" if task.speed is None or task.speed < 1 else f"{say(task.speed)}{unit}/s",
        )

    def _begin(self, what: str, total: int | None) -> bars.Task:
        if self._task is not None:
            self._shown.remove_task(self._task.id)
        self._shown.add_task(one_line(what, _NAME), total=total, count="", rate="")
        (self._task,) = self._shown.tasks
        self._what = what
        return self._task


def _is_seen(*, writes: bool) -> bool:
    """Whether standard error is a terminal on which a bar can be drawn."""
    if not sys.stderr.isatty() or os.environ.get("TERM", "dumb") in ("dumb", "unknown"):
        return False
    if not writes or not sys.stdout.isatty():
        return True
    return os.fstat(sys.stdout.fileno()).st_rdev != os.fstat(sys.stderr.fileno()).st_rdev
