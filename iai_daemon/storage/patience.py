"""How long everything that is asked of a server in one call may take together: one that answers each question late is as good as gone.
Set by who has somebody waiting; the way to the server goes by it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from contextvars import ContextVar

from iai_daemon.clock import Stopwatch

_GIVEN: ContextVar[tuple[Stopwatch, float] | None] = ContextVar("patience", default=None)


@contextlib.contextmanager
def patience(seconds: float) -> Iterator[None]:
    """What is asked in here takes so many seconds at most, all of it together."""
    given = _GIVEN.set((Stopwatch(), seconds))
    try:
        yield
    finally:
        _GIVEN.reset(given)


def left() -> float:
    """Seconds of patience that are left, 0 of none; infinite where nobody has set any."""
    given = _GIVEN.get()
    return math.inf if given is None else max(0.0, given[1] - given[0].seconds())
