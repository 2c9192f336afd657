"""The command line within this process, for what would take minutes in processes of its own; `calling.py` has the real thing."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from iai_daemon.__main__ import main
from iai_daemon.paths import Home


def call(home: Home, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """One command, to its end."""
    out, err, before = io.StringIO(), io.StringIO(), sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
    try:
        with redirect_stdout(out), redirect_stderr(err):
            status = main(["--home", str(home.root), *words])
    finally:
        sys.stdin = before
    return subprocess.CompletedProcess(list(words), status, out.getvalue(), err.getvalue())


def call_json(home: Home, *words: str, stdin: str = "", status: int = 0) -> dict[str, Any]:
    """One command with `--json`: the one object on its standard output, without the schema."""
    done = call(home, *words, "--json", stdin=stdin)
    assert done.returncode == status, done
    answer: dict[str, Any] = json.loads(done.stdout)
    assert answer.pop("schema") == 1
    return answer


def said(home: Home, *words: str, stdin: str = "") -> str:
    """One command that works: what it says to a person."""
    done = call(home, *words, stdin=stdin)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def refused(home: Home, *words: str, status: int = 1) -> str:
    """One command that does not: the sentence that it says."""
    done = call(home, *words)
    assert (done.returncode, done.stdout) == (status, ""), done
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("iai-daemon: ").rstrip("\n")
