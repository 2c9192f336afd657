"""Waiting for what cannot be interrupted: a server that thinks, a library that computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from iai_daemon.aside import Aside
from iai_daemon.memory.embedders.embedder import GoOn

_ASK_EVERY = 0.05

_Result = TypeVar("_Result")


def wait_for(work: Callable[[], _Result], go_on: GoOn) -> _Result:
    """What `work` returns or raises. `go_on` is called every twentieth of a second; what it raises is raised at once, and the
    work is left to itself: a night gives way within a second, whatever others do."""
    begun = Aside(work, "embedding")
    while not begun.ended(_ASK_EVERY):
        go_on()
    return begun.result()
