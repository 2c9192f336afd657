"""A house in which the commands of every page have something to work on: a home with twelve memories, two nights and a backup, beside it
what an import, a client or an agent would find. Made once, copied for each page."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.paths import Home
from tests.cli.inside import call
from tests.journeys.real import RunningDaemon, wrapper_file
from tests.stores.recalls import NOW
from tests.stores.slots import active

SETTINGS = """
[consolidation]
naps = false
interval = "0s"
[agents.claude]
command = ["claude", "-p", "--resume", "{session_id}", "{context}"]
[calendar]
url = "http://127.0.0.1:9/api"
"""
_PORT = {"subject": "staging", "attribute": "api port"}
# Told before the first night, and after it: the second one has something to correct, too.
_FIRST = (
    {"content": "The staging API answers on port 8081.", "created_at": "2026-02-01T09:00:00Z", **_PORT},
    {"content": "Deploys go to the region Frankfurt."},
    {"content": "The staging API answers on port 9000.", "created_at": "2026-10-01T09:00:00Z", **_PORT},
    {"content": "Ada reviews on Mondays."},
    {"content": "The build needs Node 22."},
    {"content": "Money is in cents everywhere, as an integer."},
)
_SECOND = (
    {"content": "Deploys moved from Frankfurt to Paris."},
    {"content": "Releases are cut on Thursdays."},
    {"content": "The linter is ruff."},
    {"content": "`search` failed in 31 of 120 calls."},
    {"content": "Tabs are used for indentation."},
    # The twelfth, told with the taking out of secrets switched off.
    {"content": "The staging database is postgres://app:hunter2secret@db.example.org/app."},
)
_THIRD = ({"content": "Releases are cut on Fridays, no longer on Thursdays."},)
_SCRIPTS = {
    "iai-daemon": '#!/bin/sh\nexec "{python}" -m iai_daemon "$@"\n',
    "iai-wrapper": '#!/bin/sh\nexec "{python}" -I -S "{wrapper}" "$@"\n',
    "claude": '#!/bin/sh\necho "Hello."\n',
    "npx": "#!/bin/sh\nexec cat\n",
    "crontab": "#!/bin/sh\necho '0 9 * * 1-5 claude -p --resume 2b7e \"Is the build green?\"'\n",
    "browser": "#!/bin/sh\n:\n",
}
_GRAPH = '{"type": "entity", "name": "Ada", "entityType": "person", "observations": ["Works in Ulm"]}\n'
_FILES = {
    "src/shop/CLAUDE.md": "# Shop\n\n- Use tabs\n",
    "src/shop/.git/HEAD": "ref: refs/heads/main\n",
    ".claude/CLAUDE.md": "- Be brief\n",
    ".cursor/mcp.json": json.dumps({"mcpServers": {"github": {"command": "npx", "args": ["server-github"]}}}),
    ".codex/config.toml": "",
    "memory.jsonl": _GRAPH,
    "basic-memory/coffee.md": "---\ntitle: Coffee\n---\n\n- [technique] Water of 94 °C extracts best\n",
    "mem0.json": '[{"id": "892db2ae", "memory": "Is allergic to nuts", "user_id": "ada"}]\n',
    "notes.jsonl": '{"content": "The office is closed on Fridays."}\n',
}


@dataclass(frozen=True)
class House:
    """`top` is the user's home directory, `home` the daemon's within it."""

    top: Path

    @property
    def home(self) -> Home:
        return Home(self.top / ".iai-daemon")

    @property
    def programs(self) -> Path:
        return self.top / "bin"

    def enter(self, patch: pytest.MonkeyPatch) -> None:
        """What runs from now on runs there, with these programs before all others."""
        patch.chdir(self.top)
        for name, value in {
            "HOME": str(self.top),
            "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
            "SHELL": "/bin/bash",
            "BROWSER": str(self.programs / "browser"),
            "IAI_DAEMON_HOME": str(self.home.root),
        }.items():
            patch.setenv(name, value)

    def list_slots(self, *names: str) -> None:
        """As a calendar would have them listed, each at work."""
        opened = open_agenda(self.home)
        try:
            for name in names:
                active(opened.slots, name)
        finally:
            opened.close()

    def copied(self, top: Path) -> House:
        shutil.copytree(self.top, top)
        return House(top)


def build(top: Path) -> House:
    house = House(top)
    scripts(house.programs)
    for name, text in _FILES.items():
        _write(top / name, text)
    with pytest.MonkeyPatch.context() as patch:
        house.enter(patch)
        _live(house.home)
    return house


def scripts(folder: Path) -> None:
    """Our programs, and what stands for those of others."""
    for name, text in _SCRIPTS.items():
        _write(folder / name, text.format(python=sys.executable, wrapper=wrapper_file())).chmod(0o755)


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _live(home: Home) -> None:
    """Two days and two nights, and what was told since."""
    home.create()
    _write(home.config, SETTINGS + "[memory]\nredact_secrets = false\n")
    for told in (_FIRST, _SECOND):
        _tell(home, told)
        _done(home, "consolidate", "--pass", "supersede", "--pass", "embed")
    _tell(home, _THIRD)
    # It has seen the state, and writes its history.
    RunningDaemon(home, SETTINGS).stop()
    opened = open_agenda(home)
    try:
        opened.store.register("1f0c", "claude-code", NOW)
    finally:
        opened.close()
    home.backups.mkdir(mode=0o700, exist_ok=True)
    with (
        closing(sqlite3.connect(home.memory)) as now,
        closing(sqlite3.connect(home.backups / "memory-20261121T120000Z.db")) as copy,
    ):
        now.backup(copy)


def _tell(home: Home, told: Sequence[dict[str, str]]) -> None:
    _done(home, "memory", "import", "-", stdin="".join(f"{json.dumps(each)}\n" for each in told))


def _done(home: Home, *words: str, stdin: str = "") -> None:
    done = call(home, *words, stdin=stdin)
    assert done.returncode == 0, done
