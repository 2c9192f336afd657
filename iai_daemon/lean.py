"""Import what a process needs for all its life, without what it does not need and without looking for cycles in it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Inside, these modules seem not to be installed; what was loaded before stays loaded.

    None in sys.modules is how the import system itself says so: https://docs.python.org/3/reference/import.html
    """
    hidden = [name for name in names if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextmanager
def uncollected() -> Iterator[None]:
    """Inside, nobody looks for cycles, and what is made there is never looked through for any: it stays for as long as the process.

    The collector walks over all that is there again and again while a large library is imported, a fifth of the time that the
    import takes, and finds next to nothing. As https://docs.python.org/3/library/gc.html#gc.freeze says it is done.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
