"""The command line within this process, for what would take minutes in processes of its own; `calling.py` has the real thing."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

from iai_daemon.__main__ import main
from iai_daemon.paths import Home
from tests.cli.calling import Calls


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


_OWN = Calls(call)
call_json, said, refused = _OWN.call_json, _OWN.said, _OWN.refused
