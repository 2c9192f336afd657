"""What a process, and all that it starts, asks of the network: as the kernel is asked, by strace."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

_CALLS = "socket,socketpair,connect,bind,sendto,sendmsg,sendmmsg"
_FAMILY = re.compile(r"\b(?:socket|socketpair)\((AF_\w+|PF_\w+)")
_ADDRESS = re.compile(r"sa_family=(AF_\w+)")


@dataclass
class Asked:
    """The kinds of sockets that were made and of addresses that were named."""

    families: set[str] = field(default_factory=set)
    lines: list[str] = field(default_factory=list)


def _require_strace(folder: Path) -> str:
    strace = shutil.which("strace") if sys.platform == "linux" else None
    if strace is None:
        pytest.skip("strace is not installed")
    tried = subprocess.run(
        [strace, "-f", "-o", str(folder / "tried"), "true"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    if tried.returncode != 0:
        pytest.skip(f"strace may not follow processes here: {tried.stderr.strip()}")
    return strace


@contextmanager
def traced(folder: Path) -> Iterator[tuple[Sequence[str], Asked]]:
    """The words to put before a command, and what it asked for, known at the end."""
    into = folder / "trace"
    asked = Asked()
    yield [_require_strace(folder), "-f", "-qq", "-e", f"trace={_CALLS}", "-o", str(into)], asked
    for line in into.read_text(encoding="utf-8", errors="replace").splitlines():
        found = {*_FAMILY.findall(line), *_ADDRESS.findall(line)}
        asked.families |= found
        if found - {"AF_UNIX"}:
            asked.lines.append(line)
