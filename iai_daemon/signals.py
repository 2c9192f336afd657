"""The signals that the daemon answers: those that end it, and SIGHUP, which means other settings, or that the terminal has gone."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_STDERR = 2


@contextmanager
def answering(stop: Callable[[], None], reload: Callable[[], None]) -> Iterator[None]:
    """Inside, the loop that runs answers signals; afterwards they are answered as before."""
    loop = asyncio.get_running_loop()
    has_terminal = os.isatty(_STDERR)

    def hang_up() -> None:
        if has_terminal and not os.isatty(_STDERR):
            stop()
        else:
            reload()

    answers = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGHUP: hang_up}
    before = {number: signal.getsignal(number) for number in answers}
    for number, answer in answers.items():
        loop.add_signal_handler(number, answer)
    try:
        yield
    finally:
        # In between nobody would answer, and the kernel would end the process.
        masked = signal.pthread_sigmask(signal.SIG_BLOCK, answers)
        for number in answers:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])
        signal.pthread_sigmask(signal.SIG_SETMASK, masked)
