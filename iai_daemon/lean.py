"""Import something without the optional modules that it would pull in. Used where a process must stay small."""

from __future__ import annotations

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
