"""What the worker's process does with itself: it makes room for others, dies with its parent, and knows what it used."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Usage:
    """What this process has used so far."""

    cpu_seconds: float
    peak_rss_bytes: int


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends. Elsewhere than on Linux the end of input has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def make_room() -> None:
    """Lowest CPU and IO priority. A system that does not allow it does without."""
    with contextlib.suppress(OSError):
        os.nice(19)
    if sys.platform == "linux":
        import psutil  # noqa: PLC0415 -- of use on Linux alone

        with contextlib.suppress(OSError, psutil.Error):
            psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)


def usage() -> Usage:
    """CPU time and the highest resident memory of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Usage(used.ru_utime + used.ru_stime, _peak_rss(used.ru_maxrss))


def _peak_rss(reported: int) -> int:
    """Linux hands ru_maxrss on through fork and exec, so it may be the parent's; VmHWM in /proc is ours alone."""
    if sys.platform == "darwin":
        return reported
    with contextlib.suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
        if found:
            return int(found[1]) * 1024
    return reported * 1024
