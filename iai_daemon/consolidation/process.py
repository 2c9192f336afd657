"""What the worker's process does with itself: it makes room for others, keeps to its memory, and knows what it used."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import sys
from dataclasses import dataclass
from pathlib import Path

# Half of the machine's memory on top of its own when the kernel looks for the process to kill.
_GOES_FIRST = "500"
# A tenth of what a session of the user's gets of a busy core; at 19 it would be a seventieth, and no night would ever end.
_NICE_OF_SESSION = "10"


@dataclass(frozen=True, slots=True)
class Usage:
    """What this process has used so far."""

    cpu_seconds: float
    peak_rss_bytes: int


def make_room() -> None:
    """Lowest CPU and IO priority, and the first to go when memory runs short: a kill costs a night nothing.

    A system that does not allow it does without.
    """
    with contextlib.suppress(OSError):
        os.nice(19)
    if sys.platform == "linux":
        import psutil  # noqa: PLC0415 -- of use on Linux alone

        with contextlib.suppress(OSError, psutil.Error):
            psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(_GOES_FIRST, encoding="ascii")
        # Between sessions Linux shares the CPU by the nice values of their autogroups, see sched(7): that of a process counts
        # only within its own. A session that others are in is not ours to slow down.
        if os.getsid(0) == os.getpid():
            make_room_of(os.getpid())


def make_room_of(session: int) -> None:
    """The same for a session that a process of ours began."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            Path(f"/proc/{session}/autogroup").write_text(_NICE_OF_SESSION, encoding="ascii")


def limit_memory(limit: int) -> None:
    """From now on what would take this process beyond `limit` bytes of its own memory raises MemoryError.

    Linux counts what is private and writable for RLIMIT_DATA: heap, anonymous maps, stacks. RLIMIT_AS would count the
    libraries too, and what is only reserved. Never more than is allowed already; a system that cannot does without.
    """
    kind = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
    soft, hard = resource.getrlimit(kind)
    allowed = [each for each in (soft, hard) if each != resource.RLIM_INFINITY]
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(kind, (min([limit, *allowed]), hard))


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
