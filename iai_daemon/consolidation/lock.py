"""The consolidation lock: whoever runs passes holds it, in his home and, where hosts share a store, there; a kill gives it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from iai_daemon.errors import NightBusy
from iai_daemon.flock import FileLock, holder
from iai_daemon.memory.nights import NightStore


@contextmanager
def held(path: Path, who: str) -> Iterator[None]:
    """Hold the lock at `path`; `who` stands in it for people. Raises NightBusy when another process holds it."""
    lock = FileLock(path)
    if not lock.acquire(who + "\n"):
        raise NightBusy(holder=holder(path) or "it does not say which")
    try:
        yield
    finally:
        lock.release()


@contextmanager
def held_everywhere(
    path: Path, who: str, store: NightStore, lost: Callable[[str], None] = lambda _: None
) -> Iterator[None]:
    """The same, on all hosts that share this store; `lost` is told, from another thread, why it is held no longer."""
    with held(path, who), store.alone(who, path.parent, lost):
        yield
