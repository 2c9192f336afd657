"""Mutants are small, whole and in the right place, and a test that looks finds them out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mutmut", reason="mutmut is not installed")

from tests.mutation.mutants import mutants_of
from tests.project.source import ROOT

TEXT = '''"""What it is."""
LIMIT = 3
WORDS = ("a", "b")


class Box:
    @property
    def full(self) -> bool:
        return self.held >= LIMIT


def say(number: int = 1) -> str:
    """So many."""
    return f"{number} left"
'''


def test_every_mutant_is_a_whole_text_with_one_change_in_a_named_place() -> None:
    found = mutants_of("box", TEXT)
    assert {(each.place, each.change) for each in found} >= {
        (None, "- LIMIT = 3\n+ LIMIT = 4"),
        (None, "- def say(number: int = 1) -> str:\n+ def say(number: int = 2) -> str:"),
        (("Box.full", 7), "- return self.held >= LIMIT\n+ return self.held > LIMIT"),
    }
    assert all(each.text != TEXT for each in found)
    assert not [each for each in found if "WORDS" in each.change or '"""' in each.change]


def test_a_module_whose_tests_look_has_no_survivors_and_one_that_nobody_asks_has() -> None:
    argv = [sys.executable, "-m", "tests.mutation.one", "iai_daemon.lifecycle.states"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    def run(tests: Path) -> str:
        ended = subprocess.run(
            [*argv, str(tests), "--sample", "4"], cwd=ROOT, env=environment, capture_output=True, text=True,
            check=True, timeout=300,
        )  # fmt: skip
        return ended.stdout.splitlines()[-1]

    assert '"survived": 0' in run(ROOT / "tests/lifecycle/test_states.py")
    assert '"killed": 0' in run(ROOT / "tests/ground/test_units.py")
