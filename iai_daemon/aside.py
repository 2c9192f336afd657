"""Work that is done aside, in a thread that nobody has to wait for: what cannot be interrupted, and may hang."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_Result_co = TypeVar("_Result_co", covariant=True)


class Aside(Generic[_Result_co]):
    """One call, begun at once. The process ends with it or without it."""

    def __init__(self, work: Callable[[], _Result_co], name: str) -> None:
        self._work = work
        self._results: list[_Result_co] = []
        self._cause: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as cause:  # noqa: BLE001 -- raised again by whoever waits
            self._cause = cause

    def ended(self, within: float) -> bool:
        """Whether it has, after at most so many seconds."""
        self._thread.join(within)
        return not self._thread.is_alive()

    def result(self) -> _Result_co:
        """What it returned, or raise what it raised; only once it has `ended`."""
        if self._cause is not None:
            raise self._cause
        return self._results[0]
