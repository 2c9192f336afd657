"""What the documents say is so: the diagram, the commands, the targets of make."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from iai_daemon.lifecycle import states
from tests.project.source import ROOT


def _read(name: str) -> str:
    path = ROOT / name
    assert path.is_file(), f"{name} is missing"
    return path.read_text(encoding="utf-8")


def test_the_diagram_in_the_architecture_is_the_table() -> None:
    diagrams = re.findall(r"```mermaid\n(stateDiagram-v2\n.*?)\n```", _read("ARCHITECTURE.md"), re.DOTALL)
    assert diagrams == [states.diagram()]


def test_every_rule_is_explained_in_the_architecture_or_the_readme() -> None:
    documents = _read("ARCHITECTURE.md") + _read("README.md")
    missing = {event.rule for event in states.Event if not re.search(rf"\b{event.rule}\b", documents)}
    assert not missing


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_target_of_make_that_is_named_exists(document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", _read("Makefile"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)|^make ([a-z-]+)", _read(document), re.MULTILINE))
    assert {first or second for first, second in named} <= targets


def test_the_readme_names_commands_that_exist() -> None:
    """And all of them: every command that `--help` lists stands in the README."""
    shown = subprocess.run(
        [sys.executable, "-m", "iai_daemon", "--help"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert shown.returncode == 0, shown.stderr
    listed = set(re.findall(r"^  ([a-z]+) ", shown.stdout.split("First steps:")[-1], re.MULTILINE))
    code = "\n".join(re.findall(r"```sh\n.*?```|`[^`\n]+`", _read("README.md"), re.DOTALL))
    named = set(re.findall(r"iai-daemon ([a-z]+)\b", code))
    assert {"run", "status", "demo"} <= listed
    assert named <= listed
    assert listed <= set(re.findall(r"\b[a-z]+\b", code))


def test_continuous_integration_runs_what_the_readme_says() -> None:
    assert "make test" in _read("README.md")
    assert re.search(r"^make test$", _read(".ci/run"), re.MULTILINE)
