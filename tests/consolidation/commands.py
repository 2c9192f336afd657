"""A home whose nights run programs of the tests': `[[consolidation.commands]]` with a script of Python each."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import psutil
import tomli_w

from iai_daemon.paths import Home

# Ends only when it is killed, and tells that it was asked to end.
STUBBORN = """
import os, pathlib, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: pathlib.Path(sys.argv[1] + ".asked").touch())
pathlib.Path(sys.argv[1] + ".part").write_text(str(os.getpid()))
os.rename(sys.argv[1] + ".part", sys.argv[1])
while True:
    time.sleep(60)
"""


def python(script: str, *arguments: object) -> list[str]:
    """The argv of a script."""
    return [sys.executable, "-I", "-S", "-c", script, *map(str, arguments)]


def configure(home: Home, *commands: dict[str, Any], passes: tuple[str, ...] = (), **night: Any) -> None:
    """Nights of these commands, and of these passes."""
    home.create()
    table = {"passes": list(passes), **night, "commands": list(commands)}
    home.config.write_text(tomli_w.dumps({"consolidation": table}))


def command(script: str, *arguments: object, name: str = "tidy", **fields: Any) -> dict[str, Any]:
    return {"name": name, "argv": python(script, *arguments), **fields}


def passes_of(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What became of each pass in the first round."""
    return {each["name"]: each for each in report["passes"] if each["round"] == 1}


def pid_in(path: Path) -> int:
    return int(json.loads(path.read_text()))


def is_gone(pid: int) -> bool:
    """Nobody has to reap it any more, or only its parent."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
