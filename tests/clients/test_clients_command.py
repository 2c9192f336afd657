"""`iai-daemon clients` as people call it: in a home of their own, with the clients' files that this machine does not have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.paths import Home
from tests.cli.inside import call, call_json, refused, said

BEFORE = '{\n  "mcpServers": {\n    "files": {"command": "npx", "args": ["files"]}\n  }\n}\n'


@pytest.fixture
def cursor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Cursor's configuration, of a user of his own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    # Whoever else is installed here is none of these tests' business.
    monkeypatch.setenv("PATH", "/nonexistent")
    path = tmp_path / ".cursor" / "mcp.json"
    path.parent.mkdir()
    path.write_text(BEFORE)
    return path


def only(answer: dict[str, Any]) -> dict[str, Any]:
    (change,) = answer["changes"]
    found: dict[str, Any] = change
    return found


def test_a_client_is_listed_connected_and_disconnected(home: Home, cursor: Path) -> None:
    (found,) = call_json(home, "clients", "list")["clients"]
    assert (found["name"], found["connected"], found["files"]) == ("cursor", False, [str(cursor)])
    assert [(each["name"], each["wrapped"]) for each in found["servers"]] == [("files", False)]
    done = only(call_json(home, "clients", "connect", "cursor"))
    assert (done["path"], done["changed"], done["through"]) == (str(cursor), True, None)
    call_json(home, "clients", "connect", "cursor", "--wrap", "files")
    (found,) = call_json(home, "clients", "list")["clients"]
    listed = {each["name"]: (each["wrapped"], each["memory"], each["broken"]) for each in found["servers"]}
    assert listed["iai-memory"] == (True, True, [])
    assert listed["files"][:2] == (True, False)
    assert found["connected"]
    command = json.loads(cursor.read_text())["mcpServers"]["iai-memory"]
    assert command["args"][:2] == ["-I", "-S"]
    assert command["args"][3:6] == ["--home", str(home.root), "--"]
    done = only(call_json(home, "clients", "disconnect", "cursor"))
    assert (done["changed"], done["deleted"]) == (True, False)
    assert cursor.read_text() == BEFORE
    assert [each.name for each in cursor.parent.iterdir()] == ["mcp.json"]
    assert not home.clients.exists()
    assert "nothing of ours" in said(home, "clients", "disconnect", "cursor")


def test_a_dry_run_shows_the_difference_and_changes_nothing(home: Home, cursor: Path) -> None:
    shown = said(home, "clients", "connect", "cursor", "--dry-run")
    assert '+    "iai-memory": {' in shown
    assert cursor.read_text() == BEFORE
    assert not home.clients.exists()
    said(home, "clients", "connect", "cursor")
    after = cursor.read_text()
    assert '-    "iai-memory": {' in said(home, "clients", "disconnect", "cursor", "--dry-run")
    assert cursor.read_text() == after


def test_doing_it_again_changes_nothing_and_says_so(home: Home, cursor: Path) -> None:
    assert "anew" in said(home, "clients", "connect", "cursor")
    assert said(home, "clients", "connect", "cursor") == f"{cursor}: as it was\n"


def test_what_cannot_be_done_is_one_sentence(home: Home, cursor: Path) -> None:
    assert "has no server nope" in refused(home, "clients", "connect", "cursor", "--wrap", "nope")
    cursor.write_text("{")
    assert f"{cursor} cannot be read: line 1" in refused(home, "clients", "connect", "cursor")
    (found,) = call_json(home, "clients", "list")["clients"]
    assert found["unreadable"][0]["path"] == str(cursor)
    assert "was not found here" in refused(home, "clients", "connect", "claude-desktop", "--instructions")
    assert "VS Code was not found here" in refused(home, "clients", "connect", "vscode")
    unknown = call(home, "clients", "connect", "emacs")
    assert (unknown.returncode, "claude-code" in unknown.stderr) == (2, True)


def test_a_memory_that_clients_are_connected_with_is_not_purged(home: Home, cursor: Path) -> None:
    said(home, "clients", "connect", "cursor")
    sentence = refused(home, "uninstall", "--purge", "--yes")
    assert sentence.startswith("cursor would start a memory that is gone: `iai-daemon clients disconnect")
    assert home.clients.exists()


def test_the_lines_of_a_project_come_and_go(home: Home, cursor: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "AGENTS.md").write_text("# Ours\n")
    said(home, "clients", "connect", "cursor", "--project", str(project), "--instructions")
    assert "`search_memory`" in (project / "AGENTS.md").read_text()
    assert (project / ".cursor" / "mcp.json").exists()
    said(home, "clients", "disconnect", "cursor")
    assert [each.name for each in project.rglob("*") if each.is_file()] == ["AGENTS.md"]
    assert (project / "AGENTS.md").read_text() == "# Ours\n"
    assert cursor.read_text() == BEFORE
