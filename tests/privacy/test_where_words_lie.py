"""Where in a home the words of memories lie, and who may read them there: as docs/privacy.md says."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator

import pytest

from iai_daemon.paths import Home
from tests.cli.inside import call, call_json
from tests.journeys.real import RunningDaemon, RunningWrapper, until
from tests.project.source import ROOT

# Nobody says this by chance.
WORD = "Zebrakadabra"
_PORT = ["--subject", "staging", "--attribute", "port"]
# And what SQLite keeps beside a file of its own.
_HOLDERS = re.compile(r"memory\.db(-wal|-shm)?|backups/memory-\w+\.db|last-night\.txt|report\.html")


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    """With a stricter one it would not be the code that keeps others out."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def lived_in(home: Home) -> Home:
    """A home after an evening: somebody was here, a night came, a page was made."""
    call_json(home, "memory", "add", f"Staging is on {WORD} 8081.", *_PORT)
    call_json(home, "memory", "add", f"Staging is on {WORD} 9000.", *_PORT)
    daemon = RunningDaemon(home)
    try:
        wrapper = RunningWrapper(home)
        arguments = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": WORD, "x": WORD}}
        assert wrapper.process.stdin is not None
        assert wrapper.process.stdout is not None
        wrapper.process.stdin.write(json.dumps(arguments).encode() + b"\n")
        wrapper.process.stdin.flush()
        assert WORD.encode() in wrapper.process.stdout.readline()
        until(lambda: daemon.status()["presence"]["fresh"], 30.0)
        wrapper.answer()
        wrapper.leave()
        until(lambda: call_json(home, "nights", "list")["nights"], 60.0)
        until(lambda: not daemon.status()["consolidation"]["running"], 60.0)
        until(home.last_night.exists, 30.0)
    finally:
        daemon.stop()
    assert call(home, "report").returncode == 0
    return home


def test_words_lie_only_where_the_page_on_privacy_says_and_everything_is_its_users_alone(
    lived_in: Home,
) -> None:
    files = [path for path in lived_in.root.rglob("*") if path.is_file()]
    holding = {str(path.relative_to(lived_in.root)) for path in files if WORD.encode() in path.read_bytes()}
    assert {"memory.db", "last-night.txt", "report.html"} <= holding
    assert all(_HOLDERS.fullmatch(each) for each in holding), holding
    # `config.toml` was written by this test, the socket and the locks hold nothing.
    open_to_others = {
        str(path.relative_to(lived_in.root))
        for path in [lived_in.root, *lived_in.root.rglob("*")]
        if stat.S_IMODE(path.lstat().st_mode) & 0o077 and path != lived_in.config
    }
    assert open_to_others == set()


def test_what_is_purged_is_in_no_file_of_the_home_but_backups_that_are_named(lived_in: Home) -> None:
    done = call_json(lived_in, "memory", "purge", "1", "2", "--yes", "--backups")
    assert done["purged"] == [1, 2]
    lived_in.report.unlink()
    holding = [
        path for path in lived_in.root.rglob("*") if path.is_file() and WORD.encode() in path.read_bytes()
    ]
    assert holding == []


def test_every_setting_that_lets_something_out_is_told_on_the_page() -> None:
    page = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")
    for key in (
        "memory.store",
        "embedding.model",
        "consolidation.commands",
        "consolidation.summarize_command",
        "agents.NAME",
        "calendar.url",
        "notify.desktop",
        "notify.command",
        "metrics.textfile",
        "embedding.export_path",
    ):
        assert f"`{key}`" in page, key
