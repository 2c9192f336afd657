"""What other people's servers pay for importing the scheduler."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import asyncio, sys
before = set(sys.modules)
import iai_daemon.dreaming
print(*sorted(set(sys.modules) - before))
"""


def test_importing_it_imports_the_standard_library_and_the_rule_only() -> None:
    child = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=60
    )
    assert child.returncode == 0, child.stderr
    imported = set(child.stdout.split())
    ours = {name for name in imported if name.partition(".")[0] == "iai_daemon"}
    assert {name.partition(".")[0] for name in imported - ours} <= sys.stdlib_module_names
    assert ours == {
        "iai_daemon",
        "iai_daemon.clock",
        "iai_daemon.dreaming",
        "iai_daemon.lifecycle",
        "iai_daemon.lifecycle.idle",
    }
