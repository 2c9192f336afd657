"""What a worker's parent does about its process from outside: makes it hurry, and learns whether the kernel killed it."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil


def hurry(pid: int) -> None:
    """Let a worker that has been asked to give way do so at the priority of everybody: at the lowest, on a busy machine, it
    would not get to it in time. A system that does not allow it does without."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, psutil.Error):
            psutil.Process(pid).ionice(psutil.IOPRIO_CLASS_NONE)
        with contextlib.suppress(OSError):
            Path(f"/proc/{pid}/autogroup").write_text("0", encoding="ascii")


def kills_for_memory(root: Path = Path("/")) -> int | None:
    """How often the kernel has killed a process of our control group because memory ran short, else any process of this
    machine; None where it does not tell. `root` holds proc and sys."""
    for path in (*_counters(root), root / "proc/vmstat"):
        with contextlib.suppress(OSError):
            found = re.search(r"^oom_kill (\d+)$", path.read_text(encoding="ascii"), re.MULTILINE)
            if found:
                return int(found[1])
    return None


def _counters(root: Path) -> Iterator[Path]:
    """Where the control group of this process tells: of the second version, and of the first."""
    with contextlib.suppress(OSError):
        groups = (root / "proc/self/cgroup").read_text(encoding="utf-8")
        for controllers, path in re.findall(r"^\d+:([^:]*):(/.*)$", groups, re.MULTILINE):
            if not controllers:
                yield root / f"sys/fs/cgroup{path}" / "memory.events"
            elif "memory" in controllers.split(","):
                yield root / f"sys/fs/cgroup/memory{path}" / "memory.oom_control"
