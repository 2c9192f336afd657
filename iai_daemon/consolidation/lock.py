"""The consolidation lock: whoever runs passes holds it, and a kill gives it back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from iai_daemon.errors import NightBusy
from iai_daemon.flock import FileLock, holder


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
