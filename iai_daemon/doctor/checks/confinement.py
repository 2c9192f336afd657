"""What a process may not do, by what the kernel says of it (Linux, proc(5)), and what that means for whom it starts."""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# Fewer descriptors than an MCP client with a handful of servers needs.
_FEW_FILES = 256
_NEEDED = ("HOME", "PATH")
_MEANS = {
    "NoNewPrivileges": "sudo and its like do nothing",
    "SystemCallFilter": "what the kernel refuses ends some programs",
    "MemoryDenyWriteExecute": "what makes code while it runs, as node does, dies",
    "ProtectHome": "your files are hidden or cannot be written",
    "PrivateTmp": "its temporary files are not where yours are",
}
_SANDBOXED = "what the daemon starts itself (a night's commands; agents where no user manager answers) lives in its sandbox"


@dataclass(frozen=True, slots=True)
class Confinement:
    """What holds for one process. `nice` as nice(1) counts, `files` and `memory` (bytes) its soft limits; `read_only`: whether it
    cannot write where the home is; `variables`: the names in its environment, None where it may not be read."""

    sandbox: frozenset[str]
    nice: int
    files: float
    memory: float
    read_only: bool
    variables: frozenset[str] | None

    def beside(self, other: Confinement) -> frozenset[str]:
        """The parts of its sandbox that the other one does not live in."""
        return self.sandbox - other.sandbox


def read(pid: int, home: Path) -> Confinement | None:
    """None where the kernel does not say: on another system, of another user's process, of one that is gone."""
    if sys.platform != "linux":
        return None
    proc = Path(f"/proc/{pid}")
    try:
        status, bounds = _text(proc / "status"), _text(proc / "limits")
        nice = int(_text(proc / "stat").rpartition(")")[2].split()[16])
        mounts = _text(proc / "mountinfo")
    except (OSError, ValueError, IndexError):
        return None
    sandbox = {"NoNewPrivileges": r"^NoNewPrivs:\s+1", "SystemCallFilter": r"^Seccomp:\s+[1-9]"}
    return Confinement(
        frozenset(name for name, sign in sandbox.items() if re.search(sign, status, re.MULTILINE)),
        nice,
        _limit(bounds, "Max open files"),
        min(_limit(bounds, "Max address space"), _limit(bounds, "Max data size")),
        is_read_only(mounts, home),
        _variables(proc),
    )


def confine(sandbox: Iterable[str]) -> str:
    """What a sandbox does to whom it holds, in one sentence; empty where there is none."""
    means = [f"{name}: {_MEANS.get(name, 'it is confined')}" for name in sorted(sandbox)]
    return f"{_SANDBOXED} ({'; '.join(means)})" if means else ""


def limits(its: Confinement, ours: Confinement) -> str:
    """What it has less of than it needs, or than others of its user's have; empty where nothing."""
    found = []
    if its.files < min(_FEW_FILES, ours.files):
        found.append(f"may open {its.files:g} files only (LimitNOFILE)")
    if its.memory < ours.memory:
        found.append(f"may use {its.memory / 1e6:,.0f} MB only (LimitAS, LimitDATA)")
    if its.nice > ours.nice:
        found.append(f"comes after everybody else (Nice={its.nice})")
    return f"the daemon, with what it starts itself, {' and '.join(found)}" if found else ""


def lacking(its: Confinement) -> list[str]:
    """What its environment lacks of what every program relies on."""
    known = its.variables
    return [] if known is None else [name for name in _NEEDED if name not in known]


def is_read_only(mounts: str, path: Path) -> bool:
    """Whether what is mounted where `path` is may only be read, by /proc/PID/mountinfo."""
    options, longest = "", -1
    for line in mounts.splitlines():
        fields = line.split()
        place = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[4])
        # Of several on one place the last one counts.
        if len(place) >= longest and (path == Path(place) or Path(place) in path.parents):
            options, longest = fields[5], len(place)
    return "ro" in options.split(",")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _limit(bounds: str, name: str) -> float:
    """The soft one."""
    found = re.search(rf"^{name}\s+(\S+)", bounds, re.MULTILINE)
    return math.inf if found is None or found[1] == "unlimited" else float(found[1])


def _variables(proc: Path) -> frozenset[str] | None:
    try:
        whole = (proc / "environ").read_bytes()
    except OSError:
        return None
    return frozenset(os.fsdecode(each.partition(b"=")[0]) for each in whole.split(b"\0") if each)
