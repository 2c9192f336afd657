"""Which Pythons are on this machine, and a clean environment for one of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# What we ask for, as pyproject.toml says.
OLDEST = 11
_SECONDS = 60
_INSTALLING = 600
# A Python without one of these is none that we could run on.
_CAN = (
    "import sqlite3, ssl, venv; sqlite3.connect(':memory:').execute('create virtual table t using fts5(x)')"
)


@cache
def found() -> dict[int, Path]:
    """Every CPython 3 that is new enough and whole, by its minor version."""
    pythons: dict[int, Path] = {}
    for path in (Path(sys.executable), *_candidates()):
        minor = _minor(path)
        if minor is not None and minor >= OLDEST:
            pythons.setdefault(minor, path)
    return pythons


def _candidates() -> Iterator[Path]:
    """Those that PATH leads to, and those of pyenv, of which PATH has but shims."""
    for folder in map(Path, os.environ.get("PATH", "").split(os.pathsep)):
        places = [folder]
        if folder.name == "shims":
            places = [version / "bin" for version in sorted((folder.parent / "versions").glob("3.*"))]
        for place in places:
            yield from sorted(
                path for path in place.glob("python3.*") if re.fullmatch(r"python3\.\d+", path.name)
            )


def _minor(python: Path) -> int | None:
    asked = [str(python), "-I", "-c", f"{_CAN}; import sys; print(sys.version_info[1])"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=_SECONDS)
    except OSError:
        return None
    return int(done.stdout) if done.returncode == 0 else None


@dataclass(frozen=True)
class Environment:
    """A virtual environment with the package and what it needs, nothing else."""

    root: Path

    @property
    def python(self) -> Path:
        return self.root / "bin" / "python"

    def program(self, name: str) -> str:
        return str(self.root / "bin" / name)

    def run(self, *words: str, text: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        """One of its programs, as a shell would find it, with nothing of these tests in its surroundings."""
        return subprocess.run(
            [self.program(words[0]), *words[1:]],
            input=text,
            env={"PATH": f"{self.root / 'bin'}{os.pathsep}/usr/bin:/bin", "LC_ALL": "C.UTF-8", **variables},
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )


class NoIndex(Exception):
    """Packages cannot be had here; the message says why."""


def install(python: Path, wheel: Path, folder: Path) -> Environment:
    """Raises NoIndex."""
    made = Environment(folder)
    # Without pip: what it brings along is none of what we need.
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True, timeout=_SECONDS)
    options = ["--quiet", "--no-compile", "--disable-pip-version-check", "--retries", "1"]
    asked = [sys.executable, "-m", "pip", "--python", str(made.python), "install", *options]
    # One of what we need, to see whether anything can be had at all: what fails after that is our own failure.
    probed = _pip([*asked, "--dry-run", "--no-deps", "tomli-w"])
    if probed.returncode != 0:
        raise NoIndex(probed.stderr.strip().splitlines()[-1])
    done = _pip([*asked, str(wheel)])
    assert done.returncode == 0, done.stderr
    return made


def _pip(asked: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(asked, capture_output=True, text=True, check=False, timeout=_INSTALLING)
