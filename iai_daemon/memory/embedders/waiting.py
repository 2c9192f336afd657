"""Waiting for what cannot be interrupted: a server that thinks, a library that computes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from iai_daemon.memory.embedding import GoOn

_ASK_EVERY = 0.05

_Result = TypeVar("_Result")


class _Work(Generic[_Result]):
    """One call in a thread of its own, which nobody has to wait for."""

    def __init__(self, work: Callable[[], _Result]) -> None:
        self._work = work
        self._results: list[_Result] = []
        self._cause: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="embedding", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as cause:  # noqa: BLE001 -- raised again by whoever waits
            self._cause = cause

    def ended(self, within: float) -> bool:
        self._thread.join(within)
        return not self._thread.is_alive()

    def result(self) -> _Result:
        if self._cause is not None:
            raise self._cause
        return self._results[0]


def wait_for(work: Callable[[], _Result], go_on: GoOn) -> _Result:
    """What `work` returns or raises. `go_on` is called every twentieth of a second; what it raises is raised at once, and the
    work is left to itself: a night gives way within a second, whatever others do."""
    begun = _Work(work)
    while not begun.ended(_ASK_EVERY):
        go_on()
    return begun.result()
