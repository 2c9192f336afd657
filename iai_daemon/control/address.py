"""Where the control socket is, also when the home's path is too long for a socket's address."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

# sizeof(sun_path), less the final NUL: unix(7) on Linux, unix(4) on macOS.
_LONGEST = 103 if sys.platform == "darwin" else 107


@contextlib.contextmanager
def address(path: Path) -> Iterator[str]:
    """The address of the socket `path` to bind or connect to; valid inside the `with`. Raises OSError."""
    if len(os.fsencode(path)) <= _LONGEST or sys.platform != "linux":
        yield str(path)
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
