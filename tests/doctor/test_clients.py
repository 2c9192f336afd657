"""The clients: which of them are told of, and what keeps their servers from being seen."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from iai_daemon.doctor.finding import Verdict
from iai_daemon.paths import Home
from tests.cli.inside import said
from tests.doctor.looking import Found, failing, look
from tests.wrapper.running import WRAPPER

PLAIN = [sys.executable, "-c", "pass"]


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user of this machine, and nothing of the one who runs the tests."""
    for variable in (
        "CLAUDE_CONFIG_DIR",
        "CODEX_HOME",
        "GEMINI_CLI_HOME",
        "OPENCODE_CONFIG",
        "VSCODE_APPDATA",
    ):
        monkeypatch.delenv(variable, raising=False)
    user = tmp_path / "user"
    user.mkdir()
    monkeypatch.setenv("HOME", str(user))
    return user


def wrapped(home: Home, *server: str) -> list[str]:
    return [sys.executable, "-I", "-S", str(WRAPPER), "--home", str(home.root), "--", *(server or PLAIN)]


def cursor(user: Path, **servers: Sequence[str]) -> Path:
    path = user / ".cursor" / "mcp.json"
    path.parent.mkdir(exist_ok=True)
    table = {name: {"command": words[0], "args": list(words[1:])} for name, words in servers.items()}
    path.write_text(f"// mine\n{json.dumps({'mcpServers': table})}")
    return path


def only(found: Found) -> tuple[Verdict, str, str]:
    ((name, each),) = found.items()
    assert name == "clients.cursor"
    return each.status, each.seen, each.remedy or ""


def test_where_no_client_is_that_is_said(home: Home) -> None:
    found = look(home, "clients")
    assert [(each.status, each.seen) for each in found.values()] == [
        (Verdict.OK, "no client that is known was found")
    ]


def test_without_a_home_nothing_is_made_and_nothing_fails(tmp_path: Path) -> None:
    nowhere = Home(tmp_path / "nowhere")
    assert failing(look(nowhere, "clients")) == {}
    assert not nowhere.root.exists()


def test_a_client_whose_servers_go_through_the_wrapper_is_fine(home: Home, user: Path) -> None:
    cursor(user, memory=wrapped(home, "iai-daemon", "--home", str(home.root), "mcp"), other=wrapped(home))
    found = look(home, "clients")
    assert only(found) == (Verdict.OK, "Cursor: 2 servers, 2 through a wrapper", "")


def test_a_client_without_servers_is_fine(home: Home, user: Path) -> None:
    cursor(user)
    assert only(look(home, "clients")) == (Verdict.OK, "Cursor: no servers", "")


def test_servers_elsewhere_in_the_network_cannot_be_wrapped(home: Home, user: Path) -> None:
    path = cursor(user)
    path.write_text('{"mcpServers": {"far": {"url": "https://example.com/?key=secret"}}}')
    seen = "Cursor: 1 server, 0 through a wrapper, 1 elsewhere in the network"
    assert only(look(home, "clients")) == (Verdict.OK, seen, "")


def test_a_client_of_which_nobody_is_told_is_named_with_what_puts_the_wrapper_in_front(
    home: Home, user: Path
) -> None:
    cursor(user, memory=["iai-daemon", "mcp", "--home", str(home.root)])
    status, seen, remedy = only(look(home, "clients"))
    assert status is Verdict.WARN
    assert seen == "Cursor: 1 server, 0 through a wrapper: nobody is told when it is used"
    assert remedy == "`iai-daemon clients connect cursor --wrap memory` puts the wrapper in front of it"
    said(home, *remedy.split("`")[1].split()[1:])
    assert failing(look(home, "clients")) == {}


def test_a_python_that_an_upgrade_took_away_is_named(home: Home, user: Path) -> None:
    gone = str(user / "python3.11")
    path = cursor(user, memory=[gone, *wrapped(home)[1:]], fine=wrapped(home))
    status, seen, remedy = only(look(home, "clients"))
    assert status is Verdict.FAIL
    assert seen == f"Cursor cannot start memory: {gone} is gone"
    assert remedy.startswith("`iai-daemon clients connect cursor --wrap memory` writes it anew")
    assert remedy.endswith(f"mended in {path}")
    said(home, *remedy.split("`")[1].split()[1:])
    assert failing(look(home, "clients")) == {}


def test_a_wrapper_that_was_moved_and_a_server_that_is_gone_are_named(home: Home, user: Path) -> None:
    moved = [sys.executable, f"{user}/iai_wrapper.py", "--home", str(home.root), "--", f"{user}/server"]
    cursor(user, memory=moved, **{f"s{number}": wrapped(home, f"{user}/{number}") for number in range(3)})
    status, seen, _ = only(look(home, "clients"))
    assert status is Verdict.FAIL
    assert f"memory: {user}/iai_wrapper.py is gone; memory: {user}/server is gone" in seen
    assert seen.endswith("and 2 more")


def test_a_wrapper_without_a_command_behind_it_is_named(home: Home, user: Path) -> None:
    cursor(user, memory=["iai-wrapper", "npx", "x"])
    status, seen, _ = only(look(home, "clients"))
    assert (status, "'npx' is no option of the wrapper" in seen) == (Verdict.FAIL, True)


def test_what_a_client_runs_past_us_is_not_ours_to_judge(home: Home, user: Path) -> None:
    cursor(user, memory=wrapped(home), other=[f"{user}/gone"])
    assert failing(look(home, "clients")) == {}


def test_a_wrapper_that_tells_another_home_is_named(home: Home, user: Path) -> None:
    other = Home(user / "other")
    cursor(user, memory=wrapped(other))
    status, seen, remedy = only(look(home, "clients"))
    assert status is Verdict.WARN
    assert seen == f"Cursor: memory tells {other.root}, and not {home.root}"
    assert failing(look(other, "clients")) == {}
    said(home, *remedy.split("`")[1].split()[1:])
    assert failing(look(home, "clients")) == {}


def test_a_wrapper_that_names_no_home_tells_the_usual_one(home: Home, user: Path) -> None:
    cursor(user, memory=["iai-wrapper", "--", *PLAIN])
    assert f"memory tells {user}/.iai-daemon" in failing(look(home, "clients"))["clients.cursor"]
    assert failing(look(Home(user / ".iai-daemon"), "clients")) == {}


def test_a_memory_server_that_remembers_elsewhere_is_named(home: Home, user: Path) -> None:
    cursor(user, memory=wrapped(home, "iai-daemon", "--home", "/elsewhere", "mcp"))
    assert "memory remembers in /elsewhere" in failing(look(home, "clients"))["clients.cursor"]


def test_the_home_that_a_client_gives_by_its_variable_counts(home: Home, user: Path) -> None:
    path = cursor(user)
    entry = {"command": "iai-wrapper", "args": ["--", *PLAIN], "env": {"IAI_DAEMON_HOME": str(home.root)}}
    path.write_text(json.dumps({"mcpServers": {"memory": entry}}))
    assert failing(look(home, "clients")) == {}


def test_a_file_that_is_broken_is_named_with_its_line(home: Home, user: Path) -> None:
    path = cursor(user)
    path.write_text('{\n"mcpServers": {\n')
    status, seen, remedy = only(look(home, "clients"))
    assert status is Verdict.WARN
    assert seen.startswith(f"Cursor: {path} cannot be read: line 3: ")
    assert remedy.startswith(f"mend {path}")


def test_an_entry_that_starts_nothing_is_named(home: Home, user: Path) -> None:
    cursor(user).write_text('{"mcpServers": {"odd": {"args": []}}}')
    seen = failing(look(home, "clients"))["clients.cursor"]
    assert seen == "Cursor: odd: it has neither a command nor an address"


def test_servers_of_a_project_that_is_gone_count_for_nothing(home: Home, user: Path) -> None:
    project = user / "project"
    servers = {"mcpServers": {"memory": {"command": f"{user}/gone/iai-wrapper", "args": ["--", "x"]}}}
    (user / ".claude.json").write_text(json.dumps({"projects": {str(project): servers}}))
    assert failing(look(home, "clients")) == {}
    project.mkdir()
    assert look(home, "clients")["clients.claude-code"].status is Verdict.FAIL


def test_a_project_that_can_be_no_path_is_none(home: Home, user: Path) -> None:
    servers = {"mcpServers": {"memory": {"command": "/gone/iai-wrapper", "args": ["--", "x"]}}}
    (user / ".claude.json").write_text(json.dumps({"projects": {"/x" * 5000: servers, "/\0": servers}}))
    assert failing(look(home, "clients")) == {}


def test_each_client_that_is_installed_is_told_of(home: Home, user: Path) -> None:
    cursor(user, memory=wrapped(home))
    (user / ".codex").mkdir()
    (user / ".gemini").mkdir()
    assert list(look(home, "clients")) == ["clients.codex", "clients.cursor", "clients.gemini"]
