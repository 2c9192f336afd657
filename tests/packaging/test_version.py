"""The version stands in one place, and everybody says that one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec

import iai_daemon
from tests.introduction import introduction
from tests.project.source import ROOT

HERE = "iai_daemon/__init__.py"
# The wrapper imports nothing of ours and is copied to where we are not: its own says the same, which a test below sees to.
WRAPPER = "wrappers/iai_heartbeat.py"
CHANGES = "CHANGELOG.md"
TEXTS = {".py", ".md", ".toml", ".service", ".plist", ".j2", ".js"}


def test_no_other_file_of_ours_states_it() -> None:
    """The manual page is made from it; guides show what some version printed."""
    said = re.compile(rf"(?<![\d.]){re.escape(iai_daemon.__version__)}(?![\d.])".encode())
    folders = ["iai_daemon", "wrappers", "systemd", "launchd"]
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in TEXTS]
    paths += [path for path in ROOT.iterdir() if path.suffix in TEXTS]
    found = {str(path.relative_to(ROOT)) for path in paths if said.search(path.read_bytes())}
    assert found == {HERE, WRAPPER, CHANGES}


def test_what_is_installed_is_what_the_source_says() -> None:
    assert version("iai-daemon") == iai_daemon.__version__


def test_the_newest_heading_of_the_changes_is_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heads = [each for each in re.findall(r"^## (.+)$", text, re.MULTILINE) if each != "Unreleased"]
    assert re.fullmatch(rf"{re.escape(iai_daemon.__version__)} – \d{{4}}-\d{{2}}-\d{{2}}", heads[0])


def test_the_wrapper_says_the_same() -> None:
    found = find_spec("iai_wrapper")
    assert found is not None
    assert found.origin is not None
    asked = [sys.executable, found.origin, "--version"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == f"iai-wrapper {iai_daemon.__version__}\n"


def test_the_command_says_it() -> None:
    asked = [sys.executable, "-m", "iai_daemon", "--version"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == f"iai-daemon, version {iai_daemon.__version__}\n"


def test_a_memory_server_says_it_to_its_client(tmp_path: object) -> None:
    asked = [sys.executable, "-m", "iai_daemon", "--home", str(tmp_path), "mcp"]
    done = subprocess.run(
        asked, input=json.dumps(introduction()) + "\n", capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(done.stdout.splitlines()[0])["result"]["serverInfo"] == {
        "name": "iai-daemon",
        "version": iai_daemon.__version__,
    }
