"""Which machine, which Python and which state of the source a result is of."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psutil

_ROOT = Path(__file__).parents[1]


def described() -> dict[str, Any]:
    """Nothing that names the machine or who uses it."""
    affinity = getattr(os, "sched_getaffinity", None)
    return {
        "cores": len(affinity(0)) if affinity else os.cpu_count(),
        "cpu": _cpu(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        # What follows the number names whose kernel it is.
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    told = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return told.get("model name") or platform.processor() or platform.machine()


def commit() -> str | None:
    """The state of the source, as git tells it; None where it cannot be told."""
    git = shutil.which("git")
    if git is None:
        return None
    try:
        told = subprocess.run(
            [git, "describe", "--always", "--dirty", "--exclude", "*"],
            cwd=_ROOT, capture_output=True, text=True, check=True, timeout=20,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout.strip()
