"""Waiting for several things at once: descriptors, signals, and a moment. `watch` does nothing else between two looks."""

from __future__ import annotations

import contextlib
import math
import os
import select
import signal
from collections.abc import Iterable, Iterator
from types import FrameType

from iai_daemon.units import NEVER


class Signals:
    """Signals as something to wait for: none interrupts what is being drawn."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def read(self) -> set[int]:
        """The numbers of those that came."""
        try:
            return set(os.read(self._descriptor, 4096))
        except BlockingIOError:
            return set()


@contextlib.contextmanager
def signals(*wanted: signal.Signals) -> Iterator[Signals]:
    """These are heard of through the object, and do nothing else, as long as the block lasts."""
    ours, theirs = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK) if hasattr(os, "pipe2") else _pipe()
    wakes_before = signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
    before = {each: signal.signal(each, _note) for each in wanted}
    try:
        yield Signals(ours)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        signal.set_wakeup_fd(wakes_before)
        os.close(ours)
        os.close(theirs)


def _note(_number: int, _frame: FrameType | None) -> None:
    """The number is in the pipe already."""


def _pipe() -> tuple[int, int]:
    """Where the system has no pipe2 (macOS)."""
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    os.set_blocking(theirs, False)
    return ours, theirs


def wait_for(sources: Iterable[int], seconds: float, watched: int | None = None) -> set[int]:
    """Those of the descriptors of which something is to be read, or that have come to their end; after `seconds` none.

    Of `watched`, which is only written to, it is said when nobody reads there any more.
    """
    seconds = max(0.0, seconds)
    if watched is None:
        # poll knows nothing of terminals on macOS.
        ready, _, _ = select.select([*sources], [], [], None if seconds == NEVER else seconds)
        return set(ready)
    poll = select.poll()
    for each in sources:
        poll.register(each, select.POLLIN)
    poll.register(watched, 0)
    return {
        descriptor for descriptor, _ in poll.poll(None if seconds == NEVER else math.ceil(seconds * 1000))
    }
