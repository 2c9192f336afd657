"""Connecting clients in homes of their own: what is written, what stays, and that disconnecting leaves nothing."""

from __future__ import annotations

import json
import stat
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.clients import connecting
from iai_daemon.clients.connecting import Plan
from iai_daemon.clients.entries import MEMORY, Commands
from iai_daemon.clients.ledger import Ledger
from iai_daemon.clients.reading import Server, content_of, servers
from iai_daemon.clients.registry import CLIENTS, Client, Place, Syntax
from iai_daemon.clients.targets import target
from iai_daemon.clients.through import understand
from iai_daemon.errors import Refused
from tests.wrapper.running import WRAPPER

BY_NAME = {each.name: each for each in CLIENTS}
ALL = [pytest.param(each, id=each.name) for each in CLIENTS]
IN_PROJECTS = [each for each in ALL if each.values[0].name != "claude-desktop"]

# What may stand in a configuration already: a server of the user's own, and more that is none of our business.
JSON_BEFORE = """{
  // mine
  "theme": "dark",
  "%s": {
    "files": {"command": "npx", "args": ["-y", /* pinned */ "files@1"], "env": {"TOKEN": "x"}}, // keep
    "far": {"url": "https://example.org/mcp"}
  }
}
"""
OPENCODE_BEFORE = """{
  "mcp": {
    "files": {"type": "local", "command": ["npx", "-y", "files@1"], "environment": {"TOKEN": "x"}},
    "far": {"type": "remote", "url": "https://example.org/mcp"}
  }
}
"""
TOML_BEFORE = """# mine
model = "o3"

[mcp_servers.files]
command = "npx" # node
args = [
  "-y", # yes
  "files@1",
]
env = { TOKEN = "x" }

[mcp_servers.far]
url = "https://example.org/mcp"

[tui]
theme = "dark"
"""


@pytest.fixture(autouse=True)
def _no_programs_of_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clients of this machine are none of these tests' business."""
    monkeypatch.setenv("PATH", "/nonexistent")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "user", {})


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "clients.json")


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(sys.executable, str(WRAPPER), str(tmp_path / "home"))


def configuration(client: Client, place: Place) -> Path:
    return target(client, place, None, "any").file.path


def before(client: Client) -> str:
    if client.name == "opencode":
        return OPENCODE_BEFORE
    text = TOML_BEFORE if client.name == "codex" else JSON_BEFORE % client.key
    if client.syntax.name == "JSON":
        text = text.replace("  // mine\n", "").replace(" // keep", "").replace("/* pinned */ ", "")
    return text


def furnished(client: Client, place: Place, text: str | None = None) -> Path:
    path = configuration(client, place)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(before(client) if text is None else text)
    return path


def content(path: Path) -> Any:
    return content_of(path.read_bytes(), Syntax.JSONC)


def named(client: Client, place: Place) -> dict[str, Server]:
    return {each.name: each for each in servers(client, place) if isinstance(each, Server)}


def take_back(client: Client, ledger: Ledger) -> None:
    for each in list(connecting.ours(client, ledger)):
        connecting.take_back(each, ledger)


def leftovers(folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*") if each.is_file()]


@pytest.mark.parametrize("client", ALL)
def test_where_a_client_has_no_configuration_one_is_made_and_goes_again(
    client: Client, place: Place, ledger: Ledger, commands: Commands
) -> None:
    connecting.carry_out(connecting.memory(client, place, None, commands), ledger)
    (server,) = servers(client, place)
    assert isinstance(server, Server)
    assert (server.name, list(server.command)) == (MEMORY, commands.memory)
    assert stat.S_IMODE(configuration(client, place).stat().st_mode) == 0o600
    again = connecting.memory(client, place, None, commands)
    assert not again.changes
    take_back(client, ledger)
    assert leftovers(place.user) == []
    assert not list(connecting.ours(client, ledger))


@pytest.mark.parametrize("client", ALL)
def test_what_is_there_stays_and_is_back_byte_for_byte(
    client: Client, place: Place, ledger: Ledger, commands: Commands
) -> None:
    path = furnished(client, place)
    path.chmod(0o640)
    text = path.read_text()
    connecting.carry_out(connecting.memory(client, place, None, commands), ledger)
    connecting.carry_out(connecting.wrap(client, place, None, "files", commands), ledger)
    found = named(client, place)
    assert set(found) == {"files", "far", MEMORY}
    wrapped = understand(found["files"].command)
    assert (wrapped.wrapper, wrapped.inner) == (True, ("npx", "-y", "files@1"))
    assert found["files"].variables == ("TOKEN",)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert not connecting.wrap(client, place, None, "files", commands).changes
    take_back(client, ledger)
    assert path.read_text() == text
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert leftovers(place.user) == [path]


@pytest.mark.parametrize("client", ALL)
def test_what_others_change_meanwhile_stays_when_ours_goes(
    client: Client, place: Place, ledger: Ledger, commands: Commands
) -> None:
    path = furnished(client, place)
    text = path.read_text()
    connecting.carry_out(connecting.memory(client, place, None, commands), ledger)
    connecting.carry_out(connecting.wrap(client, place, None, "files", commands), ledger)
    path.write_text(path.read_text().replace("dark", "light").replace("example.org", "example.net"))
    take_back(client, ledger)
    assert path.read_text() == text.replace("dark", "light").replace("example.org", "example.net")


@pytest.mark.parametrize("client", ALL)
def test_an_installation_that_has_moved_is_written_anew_and_the_first_state_comes_back(
    client: Client, place: Place, ledger: Ledger, commands: Commands
) -> None:
    path = furnished(client, place)
    text = path.read_text()
    old = Commands("/gone/python", "/gone/iai_wrapper.py", commands.home)
    for each in (old, commands):
        connecting.carry_out(connecting.memory(client, place, None, each), ledger)
        connecting.carry_out(connecting.wrap(client, place, None, "files", each), ledger)
    assert "/gone" not in path.read_text()
    assert list(named(client, place)[MEMORY].command) == commands.memory
    take_back(client, ledger)
    assert path.read_text() == text


@pytest.mark.parametrize("client", IN_PROJECTS)
def test_a_project_has_files_of_its_own(
    client: Client, place: Place, ledger: Ledger, commands: Commands, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    connecting.carry_out(connecting.memory(client, place, project, commands), ledger)
    connecting.carry_out(connecting.instruct(client, place, project), ledger)
    assert not leftovers(place.user) if place.user.exists() else True
    (lines,) = project.glob("*.md")
    assert "`remember`" in lines.read_text()
    (configured,) = [each for each in leftovers(project) if each.suffix != ".md"]
    assert MEMORY in configured.read_text()
    take_back(client, ledger)
    assert leftovers(project) == []


def test_claude_desktop_has_no_projects(place: Place, commands: Commands, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="leave --project out"):
        connecting.memory(BY_NAME["claude-desktop"], place, tmp_path, commands)
    with pytest.raises(Refused, match="no file of instructions"):
        connecting.instruct(BY_NAME["claude-desktop"], place, None)


def test_a_server_of_one_project_of_claude_code_is_wrapped_where_it_stands(
    place: Place, ledger: Ledger, commands: Commands
) -> None:
    claude = BY_NAME["claude-code"]
    entry = {"command": "npx", "args": ["files"]}
    text = json.dumps({"projects": {"/a": {"mcpServers": {"files": entry}}, "/b": {}}}, indent=2)
    path = furnished(claude, place, text)
    connecting.carry_out(connecting.wrap(claude, place, None, "files", commands), ledger)
    wrapped = content(path)["projects"]["/a"]["mcpServers"]["files"]
    assert wrapped["args"][-2:] == ["npx", "files"]
    take_back(claude, ledger)
    assert path.read_text() == text
    twice = {"projects": {each: {"mcpServers": {"files": entry}} for each in ("/a", "/b")}}
    path.write_text(json.dumps(twice))
    with pytest.raises(Refused, match="several projects"):
        connecting.wrap(claude, place, None, "files", commands)
    plan = connecting.wrap(claude, place, Path("/b"), "files", commands)
    assert plan.edit.path == ("projects", "/b", "mcpServers", "files")


def test_a_server_for_all_projects_of_claude_code_is_not_taken_for_that_of_one(
    place: Place, commands: Commands
) -> None:
    claude = BY_NAME["claude-code"]
    servers = {"mcpServers": {"files": {"command": "npx", "args": ["files"]}}}
    furnished(claude, place, json.dumps({**servers, "projects": {"/a": servers}}))
    assert connecting.wrap(claude, place, None, "files", commands).edit.path == ("mcpServers", "files")
    plan = connecting.wrap(claude, place, Path("/a"), "files", commands)
    assert plan.edit.path == ("projects", "/a", "mcpServers", "files")


def test_a_project_of_claude_code_gets_the_memory_whoever_else_has_it(
    place: Place, ledger: Ledger, commands: Commands, tmp_path: Path
) -> None:
    claude, projects = BY_NAME["claude-code"], [tmp_path / name for name in ("one", "two")]
    path = furnished(claude, place, "{}")
    for each in projects:
        each.mkdir()
    connecting.carry_out(connecting.memory(claude, place, None, commands), ledger)
    with pytest.raises(Refused, match="has no server"):
        connecting.wrap(claude, place, projects[0], MEMORY, commands)
    for each in projects:
        plan = connecting.memory(claude, place, each, commands)
        assert (plan.changes, plan.file.path) == (True, each / ".mcp.json")
    ours = content(path)["mcpServers"]
    path.write_text(json.dumps({"projects": {str(each): {"mcpServers": ours} for each in projects}}))
    plan = connecting.memory(claude, place, None, commands)
    assert (plan.changes, plan.edit.path) == (True, ("mcpServers", MEMORY))
    assert not connecting.memory(claude, place, projects[1], commands).changes


def test_opencode_2_keeps_its_servers_one_table_deeper(
    place: Place, ledger: Ledger, commands: Commands
) -> None:
    opencode = BY_NAME["opencode"]
    path = furnished(opencode, place, '{"mcp": {"timeout": 5, "servers": {"o": {"command": ["x"]}}}}')
    connecting.carry_out(connecting.memory(opencode, place, None, commands), ledger)
    assert set(content(path)["mcp"]["servers"]) == {"o", MEMORY}


def planned(client: Client, place: Place, server: str, commands: Commands) -> Plan:
    if server:
        return connecting.wrap(client, place, None, server, commands)
    return connecting.memory(client, place, None, commands)


REFUSED: list[tuple[str, str, str]] = [
    ("{", "files", "cannot be read: line"),
    ('{"mcpServers": {"files": {"url": "https://x"}}}', "files", "only a command can be wrapped"),
    ('{"mcpServers": {"files": {"command": 1}}}', "files", "no text"),
    ('{"mcpServers": {}}', "files", "has no server files"),
    ('{"mcpServers": {"iai-memory": {"command": "x"}}}', "", "another server"),
    ('{"mcpServers": 3}', "", "is no table"),
]


@pytest.mark.parametrize(("text", "server", "said"), REFUSED)
def test_what_cannot_be_changed_is_said_and_left_alone(
    place: Place, commands: Commands, text: str, server: str, said: str
) -> None:
    cursor = BY_NAME["cursor"]
    path = furnished(cursor, place, text)
    with pytest.raises(Refused, match=said):
        planned(cursor, place, server, commands)
    assert leftovers(place.user) == [path]


def test_who_changes_the_file_at_the_same_moment_loses_nothing(
    place: Place, ledger: Ledger, commands: Commands
) -> None:
    cursor = BY_NAME["cursor"]
    path = furnished(cursor, place)
    plan = connecting.memory(cursor, place, None, commands)
    path.write_text('{"mcpServers": {}}')
    with pytest.raises(Refused, match="try again"):
        connecting.carry_out(plan, ledger)
    assert path.read_text() == '{"mcpServers": {}}'


def test_a_link_stays_a_link_and_what_it_leads_to_is_changed(
    place: Place, ledger: Ledger, commands: Commands, tmp_path: Path
) -> None:
    cursor = BY_NAME["cursor"]
    path = configuration(cursor, place)
    path.parent.mkdir(parents=True)
    real = tmp_path / "dotfiles.json"
    real.write_text(before(cursor))
    path.symlink_to(real)
    connecting.carry_out(connecting.memory(cursor, place, None, commands), ledger)
    assert path.is_symlink()
    assert MEMORY in real.read_text()
    take_back(cursor, ledger)
    assert (path.is_symlink(), real.read_text()) == (True, before(cursor))


@pytest.mark.parametrize("head", [b"\xef\xbb\xbf", b""])
def test_a_byte_order_mark_and_the_ends_of_lines_stay(
    place: Place, ledger: Ledger, commands: Commands, head: bytes
) -> None:
    cursor = BY_NAME["cursor"]
    path = configuration(cursor, place)
    path.parent.mkdir(parents=True)
    data = head + before(cursor).replace("\n", "\r\n").encode()
    path.write_bytes(data)
    connecting.carry_out(connecting.memory(cursor, place, None, commands), ledger)
    changed = path.read_bytes()
    assert changed.startswith(head)
    assert changed.count(b"\n") == changed.count(b"\r\n")
    path.write_bytes(changed.replace(b"dark", b"light"))
    take_back(cursor, ledger)
    assert path.read_bytes() == data.replace(b"dark", b"light")


def script(folder: Path, text: str) -> str:
    folder.mkdir()
    program = folder / "codex"
    program.write_text(f"#!{sys.executable}\n{text}")
    program.chmod(0o700)
    return str(folder)


WRITES = """
import pathlib, sys
assert sys.argv[1:4] == ["mcp", "add", "iai-memory"] and sys.argv[4] == "--", sys.argv
path = pathlib.Path.home() / ".codex" / "config.toml"
path.parent.mkdir(exist_ok=True)
words = sys.argv[5:]
path.write_text("[mcp_servers.iai-memory]\\ncommand = %r\\nargs = %r\\n# its own way\\n" % (words[0], words[1:]))
"""


def plan_of(place: Place, commands: Commands) -> Plan:
    return connecting.memory(BY_NAME["codex"], place, None, commands)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (WRITES, None),
        ("raise SystemExit('it is broken')", "it is broken"),
        ("pass", "it did not write what was asked"),
    ],
)
def test_the_clients_own_command_writes_it_and_where_it_fails_the_file_is_changed(
    place: Place,
    ledger: Ledger,
    commands: Commands,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    said: str | None,
) -> None:
    place.user.mkdir()
    monkeypatch.setenv("HOME", str(place.user))
    monkeypatch.setenv("PATH", script(tmp_path / "bin", text))
    plan = plan_of(place, commands)
    assert plan.own
    assert connecting.carry_out(plan, ledger) == said
    path = place.user / ".codex" / "config.toml"
    assert ("# its own way" in path.read_text()) is (said is None)
    words = tomllib.loads(path.read_text())["mcp_servers"][MEMORY]
    assert [words["command"], *words["args"]] == commands.memory
    take_back(BY_NAME["codex"], ledger)
    assert not path.exists()


def test_a_ledger_that_cannot_be_read_is_left_alone_and_said(tmp_path: Path) -> None:
    path = tmp_path / "clients.json"
    for text in ("{", "[]", '{"files": [{}]}'):
        path.write_text(text)
        with pytest.raises(Refused, match="says what clients' configurations were before"):
            Ledger(path)
        assert path.read_text() == text


Change = Callable[[Path], None]


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_text("{}")])
def test_what_is_gone_already_is_no_trouble(
    place: Place, ledger: Ledger, commands: Commands, change: Change
) -> None:
    cursor = BY_NAME["cursor"]
    path = furnished(cursor, place)
    connecting.carry_out(connecting.memory(cursor, place, None, commands), ledger)
    change(path)
    left = path.read_text() if path.exists() else None
    take_back(cursor, ledger)
    assert (path.read_text() if path.exists() else None) == left
    assert not list(connecting.ours(cursor, ledger))
