"""What clients' configurations say: files of every kind read whatever is in them, and commands taken apart."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.clients.jsonc import NotRead, parse, to_json
from iai_daemon.clients.missing import missing
from iai_daemon.clients.reading import MAX_BYTES, Refused, Server, content_of, in_content, servers
from iai_daemon.clients.registry import CLIENTS, Client, Place, Syntax
from iai_daemon.clients.through import Through, understand
from tests.wrapper.running import WRAPPER

BY_NAME = {each.name: each for each in CLIENTS}
COMMAND = ["/usr/bin/python3", "-I", "-S", "/opt/iai_wrapper.py", "--", "iai-daemon", "mcp"]
ENTRY = {"command": COMMAND[0], "args": COMMAND[1:], "env": {"TOKEN": "secret"}}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
# What may stand where a blank may.
ASIDE = st.sampled_from(["", " ", "\n", '// a "b" } /* \n', "/* { // */", "/**/", "/***/", "//\r\n"])


def place(user: Path, *, mac: bool = False, **variables: str) -> Place:
    return Place(user, variables, mac)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def only(client: Client, where: Place) -> Server | Refused:
    (found,) = servers(client, where)
    return found


# --- JSON with comments


@given(JSON)
def test_what_is_json_is_read_as_json_reads_it(value: object) -> None:
    for text in (json.dumps(value), json.dumps(value, indent=2, ensure_ascii=False)):
        assert to_json(text) == text
        assert parse(text) == json.loads(text)


@given(JSON, st.data())
def test_comments_and_trailing_commas_never_change_the_value(value: object, data: st.DataObject) -> None:
    text = _decorated(value, data)
    assert parse(text) == value
    assert len(to_json(text)) == len(text), "what follows a comment stays where it is"


def _decorated(value: object, data: st.DataObject) -> str:
    def aside() -> str:
        return data.draw(ASIDE)

    def comma(items: list[str]) -> str:
        trailing = "," + aside() if items and data.draw(st.booleans()) else ""
        return ",".join(items) + trailing

    if isinstance(value, list):
        return f"{aside()}[{comma([_decorated(each, data) for each in value]) or aside()}]{aside()}"
    if isinstance(value, dict):
        items = [
            f"{aside()}{json.dumps(key)}{aside()}:{_decorated(each, data)}" for key, each in value.items()
        ]
        return f"{aside()}{{{comma(items) or aside()}}}{aside()}"
    return f"{aside()}{json.dumps(value)}{aside()}"


@given(st.binary() | st.text(alphabet='{}[]",:/*\\\n 1atrue').map(str.encode), st.sampled_from(Syntax))
def test_any_bytes_are_a_value_or_a_refusal_that_says_why(data: bytes, syntax: Syntax) -> None:
    try:
        list(in_content(content_of(data, syntax), "mcpServers"))
    except NotRead as why:
        assert str(why)  # noqa: PT017 -- both ends are allowed


@given(JSON)
def test_servers_are_found_in_any_value_without_an_error(value: object) -> None:
    for key in ("mcpServers", "mcp"):
        table = {key: value, "projects": value}
        for each in (*in_content(value, key), *in_content(table, key), *in_content({key: {"a": value}}, key)):
            list(missing(understand(each.command)))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{\n"a": 1,\n"b" 2}', "line 3: Expecting ':' delimiter"),
        ("[,]", "line 1: Expecting value"),
        ("{} /* never ended", "line 1: Extra data"),
        ("[1,,]", "line 1: Expecting value"),
        ('{"a": NaN}', "NaN is no number in JSON"),
        ("[" * 100_000, "it is nested too deeply"),
        ('{"a": "\n// no comment"}', "line 1: Invalid control character at"),
    ],
)
def test_a_refusal_says_where(text: str, why: str) -> None:
    with pytest.raises(NotRead) as refused:
        parse(text)
    assert str(refused.value) == why


def test_a_client_that_reads_json_alone_is_not_read_better_than_it_reads_itself() -> None:
    with pytest.raises(NotRead, match="line 2"):
        content_of(b'{\n// a comment\n"mcpServers": {}}', Syntax.JSON)
    assert content_of(b'{\n// a comment\n"mcpServers": {},}', Syntax.JSONC) == {"mcpServers": {}}


def test_a_refusal_of_toml_begins_with_its_line() -> None:
    with pytest.raises(NotRead) as refused:
        content_of(b"a = 1\nb =\n", Syntax.TOML)
    assert str(refused.value).startswith("line 2: ")
    with pytest.raises(NotRead, match="line 2: it is not UTF-8"):
        content_of(b"a = 1\n\xff", Syntax.TOML)


# --- where they lie


@pytest.mark.parametrize(
    ("name", "variables", "mac", "file"),
    [
        ("claude-code", {}, False, ".claude.json"),
        ("claude-code", {"CLAUDE_CONFIG_DIR": "{user}/other"}, False, "other/.claude.json"),
        ("claude-desktop", {}, False, ".config/Claude/claude_desktop_config.json"),
        ("claude-desktop", {}, True, "Library/Application Support/Claude/claude_desktop_config.json"),
        ("codex", {}, False, ".codex/config.toml"),
        ("codex", {"CODEX_HOME": "{user}/other"}, True, "other/config.toml"),
        ("cursor", {}, True, ".cursor/mcp.json"),
        ("vscode", {}, False, ".config/Code/User/mcp.json"),
        ("vscode", {"XDG_CONFIG_HOME": "{user}/xdg"}, False, "xdg/Code/User/mcp.json"),
        ("vscode", {"XDG_CONFIG_HOME": "{user}/xdg"}, True, "Library/Application Support/Code/User/mcp.json"),
        ("opencode", {}, True, ".config/opencode/opencode.json"),
        ("opencode", {"XDG_CONFIG_HOME": "{user}/xdg"}, True, "xdg/opencode/opencode.jsonc"),
        ("opencode", {"OPENCODE_CONFIG": "{user}/mine.json"}, False, "mine.json"),
        ("gemini", {}, False, ".gemini/settings.json"),
        ("gemini", {"GEMINI_CLI_HOME": "{user}/other"}, False, "other/.gemini/settings.json"),
    ],
)
def test_each_client_is_found_where_it_keeps_its_servers(
    tmp_path: Path, name: str, variables: dict[str, str], mac: bool, file: str
) -> None:
    filled = {key: value.format(user=tmp_path) for key, value in variables.items()}
    where, client = place(tmp_path, mac=mac, **filled), BY_NAME[name]
    assert not client.is_installed(where)
    assert servers(client, where) == []
    toml = client.syntax is Syntax.TOML
    text = f"[{client.key}.a]\nurl = 'x'" if toml else json.dumps({client.key: {"a": {"url": "x"}}})
    write(tmp_path / file, text)
    assert client.is_installed(where)
    assert only(client, where) == Server("a", remote=True)


def test_a_directory_of_its_own_says_that_a_client_is_installed(tmp_path: Path) -> None:
    (tmp_path / ".cursor").mkdir()
    assert [each.name for each in CLIENTS if each.is_installed(place(tmp_path))] == ["cursor"]


def test_a_relative_path_in_a_variable_counts_for_nothing(tmp_path: Path) -> None:
    write(tmp_path / ".codex" / "config.toml", "")
    assert BY_NAME["codex"].is_installed(place(tmp_path, CODEX_HOME="somewhere"))


# --- what stands in them


def test_a_server_is_read_with_the_names_of_its_variables_and_never_their_values(tmp_path: Path) -> None:
    write(tmp_path / ".claude.json", json.dumps({"mcpServers": {"memory": ENTRY}}))
    found = only(BY_NAME["claude-code"], place(tmp_path))
    assert found == Server("memory", tuple(COMMAND), variables=("TOKEN",))
    assert "secret" not in repr(found)


def test_the_home_that_a_server_is_given_is_read(tmp_path: Path) -> None:
    entry = ENTRY | {"env": {"IAI_DAEMON_HOME": "/there"}}
    write(tmp_path / ".cursor" / "mcp.json", json.dumps({"mcpServers": {"memory": entry}}))
    found = only(BY_NAME["cursor"], place(tmp_path))
    assert isinstance(found, Server)
    assert found.home == "/there"


def test_servers_of_one_project_are_told_apart(tmp_path: Path) -> None:
    text = json.dumps({"mcpServers": {"m": ENTRY}, "projects": {"/p": {"mcpServers": {"m": ENTRY}}, "/q": 3}})
    write(tmp_path / ".claude.json", text)
    found = servers(BY_NAME["claude-code"], place(tmp_path))
    assert [each.project for each in found if isinstance(each, Server)] == [None, "/p"]


def test_codex_is_read_from_toml(tmp_path: Path) -> None:
    text = """
[mcp_servers.memory]
command = "/usr/bin/python3"
args = ["-I", "-S", "/opt/iai_wrapper.py", "--", "iai-daemon", "mcp"]
[mcp_servers.memory.env]
TOKEN = "secret"
[mcp_servers.off]
command = "x"
enabled = false
[mcp_servers.far]
url = "https://example.com/mcp"
"""
    write(tmp_path / ".codex" / "config.toml", text)
    assert servers(BY_NAME["codex"], place(tmp_path)) == [
        Server("memory", tuple(COMMAND), variables=("TOKEN",)),
        Server("off", ("x",), enabled=False),
        Server("far", remote=True),
    ]


@pytest.mark.parametrize("second", [False, True])
def test_opencode_is_read_in_the_shapes_of_both_its_versions(tmp_path: Path, second: bool) -> None:
    table: dict[str, Any] = {
        "memory": {"type": "local", "command": COMMAND, "environment": {"TOKEN": "secret"}},
        "far": {"type": "remote", "url": "https://example.com"},
        "off": {"type": "local", "command": ["x"], "enabled": False},
    }
    write(
        tmp_path / ".config" / "opencode" / "opencode.jsonc",
        "// mine\n" + json.dumps({"mcp": {"servers": table, "timeout": {}} if second else table}),
    )
    assert servers(BY_NAME["opencode"], place(tmp_path)) == [
        Server("memory", tuple(COMMAND), variables=("TOKEN",)),
        Server("far", remote=True),
        Server("off", ("x",), enabled=False),
    ]


def test_a_server_that_is_called_servers_is_one() -> None:
    assert list(in_content({"mcp": {"servers": {"command": ["x"]}}}, "mcp")) == [Server("servers", ("x",))]


def test_what_a_later_file_says_of_a_server_counts(tmp_path: Path) -> None:
    folder = tmp_path / ".config" / "opencode"
    write(folder / "opencode.json", json.dumps({"mcp": {"a": {"command": ["x"]}, "b": {"command": ["y"]}}}))
    write(folder / "opencode.jsonc", json.dumps({"mcp": {"a": {"command": ["z"]}, "b": {"enabled": False}}}))
    client, where = BY_NAME["opencode"], place(tmp_path)
    assert servers(client, where) == [Server("a", ("z",)), Server("b", ("y",), enabled=False)]
    broken = write(folder / "config.json", "{")
    assert servers(client, where)[0] == Refused(
        broken, "line 1: Expecting property name enclosed in double quotes"
    )
    assert len(servers(client, where)) == 3, "the others are read all the same"


def test_what_only_switches_a_server_that_stands_elsewhere_is_none() -> None:
    assert list(in_content({"mcp": {"a": {"enabled": True}}}, "mcp")) == []


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (3, "it is no table"),
        ({}, "it has neither a command nor an address"),
        ({"command": ""}, "it has neither a command nor an address"),
        ({"command": 3}, "its command is no text, or its arguments are no list of texts"),
        ({"command": "x", "args": "y"}, "its command is no text, or its arguments are no list of texts"),
    ],
)
def test_an_entry_that_starts_nothing_says_why(entry: object, why: str) -> None:
    (found,) = in_content({"mcpServers": {"a": entry}}, "mcpServers")
    assert found.odd == why


def test_names_that_nobody_can_print_are_made_printable() -> None:
    (found,) = in_content(parse('{"mcpServers": {"a\\ud800\\u001b[31m": {"command": "x"}}}'), "mcpServers")
    assert found.name == "a??[31m"


def test_an_empty_file_holds_no_server(tmp_path: Path) -> None:
    write(tmp_path / ".cursor" / "mcp.json", "\n")
    assert servers(BY_NAME["cursor"], place(tmp_path)) == []


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / ".cursor").mkdir()
    os.mkfifo(tmp_path / ".cursor" / "mcp.json")
    found = only(BY_NAME["cursor"], place(tmp_path))
    assert found == Refused(tmp_path / ".cursor" / "mcp.json", "it is no regular file")


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / ".claude.json", "")
    os.truncate(path, MAX_BYTES + 1)
    assert only(BY_NAME["claude-code"], place(tmp_path)) == Refused(path, "it is larger than 10 MB")


def test_a_link_that_leads_nowhere_is_no_file(tmp_path: Path) -> None:
    (tmp_path / ".claude.json").symlink_to(tmp_path / "gone")
    assert servers(BY_NAME["claude-code"], place(tmp_path)) == []


# --- what a command means


@pytest.mark.parametrize(
    ("command", "inner", "home"),
    [
        (COMMAND, ["iai-daemon", "mcp"], None),
        (["iai-wrapper", "--", "npx", "x"], ["npx", "x"], None),
        (["/opt/bin/iai-wrapper", "--home", "/h", "--session=s", "--", "x"], ["x"], "/h"),
        (
            ["python3", "-X", "utf8", "/a/iai_wrapper.py", "--home=/h", "--record-outcomes", "--", "x"],
            ["x"],
            "/h",
        ),
        (["python3.12", "-m", "iai_wrapper", "--", "x"], ["x"], None),
        (["uvx", "--from", "iai-daemon", "iai-wrapper", "--", "x", "--", "y"], ["x", "--", "y"], None),
        (["env", "A=b", "iai-wrapper", "--", "x"], ["x"], None),
        (["/a/iai_wrapper.py", "--", "x"], ["x"], None),
    ],
)
def test_what_goes_through_the_wrapper_is_known_with_what_is_behind_it(
    command: Sequence[str], inner: Sequence[str], home: str | None
) -> None:
    found = understand(command)
    assert (found.wrapper, list(found.inner), found.home, found.wrong) == (True, inner, home, None)


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["npx", "x"],
        ["npx", "server-filesystem", "/src/iai-wrapper"],
        ["npx", "--", "iai-wrapper", "--", "x"],
    ],
)
def test_another_program_is_not_taken_for_the_wrapper(command: Sequence[str]) -> None:
    assert understand(command) == Through((), tuple(command))


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "no command stands behind a --"),
        (["--"], "no command stands behind a --"),
        (["npx", "x"], "'npx' is no option of the wrapper, or lacks its value"),
        (["--home"], "'--home' is no option of the wrapper, or lacks its value"),
    ],
)
def test_what_the_wrapper_would_refuse_is_known(arguments: Sequence[str], why: str) -> None:
    assert understand(["iai-wrapper", *arguments]).wrong == why
    assert understand(["python3", "-I", "/x/iai_wrapper.py", *arguments]).wrong == why


@pytest.mark.parametrize(
    ("command", "memory", "home"),
    [
        (["iai-daemon", "mcp"], True, None),
        (["/x/iai-daemon", "--home", "/h", "mcp"], True, "/h"),
        (["python3", "-m", "iai_daemon", "mcp", "--home=/h"], True, "/h"),
        (["iai-daemon", "status"], False, None),
        (["npx", "mcp"], False, None),
    ],
)
def test_our_memory_server_is_known_behind_the_wrapper_and_without(
    command: Sequence[str], memory: bool, home: str | None
) -> None:
    for words in (command, ["iai-wrapper", "--", *command]):
        found = understand(words)
        assert (found.memory, found.memory_home) == (memory, home)


@given(
    st.lists(
        st.text() | st.sampled_from(["--", "iai-wrapper", "/x/iai_wrapper.py", "-m", "python3", "--home"])
    )
)
def test_any_command_is_understood(command: list[str]) -> None:
    found = understand(command)
    assert found.wrapper == bool(found.outer)
    list(missing(found))


# --- what is not there


def test_a_command_whose_files_are_all_there_misses_nothing() -> None:
    command = [sys.executable, "-I", "-S", str(WRAPPER), "--", sys.executable, "-c", "pass"]
    assert list(missing(understand(command))) == []


def test_each_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    gone, plain = str(tmp_path / "gone"), write(tmp_path / "plain", "")
    plain.chmod(0o600)
    python = tmp_path / "python3"
    assert list(missing(understand([str(python), "-I", f"{gone}/iai_wrapper.py", "--", str(plain)]))) == [
        f"{python} is gone",
        f"{gone}/iai_wrapper.py is gone",
        f"{plain} cannot be executed",
    ]
    assert list(missing(understand(["iai-wrapper", "--", "node", f"{gone}.js"]))) == [f"{gone}.js is gone"]
    assert list(missing(understand(["iai-wrapper", "--", str(tmp_path)]))) == [f"{tmp_path} is no file"]


def test_a_wrapper_that_was_copied_alone_misses_what_lies_beside_it(tmp_path: Path) -> None:
    copied = write(tmp_path / "iai_wrapper.py", WRAPPER.read_text())
    assert list(missing(understand(["python3", str(copied), "--", "x"]))) == [
        f"{tmp_path / 'iai_relay.py'} is gone",
        f"{tmp_path / 'iai_heartbeat.py'} is gone",
    ]


def test_what_a_client_fills_in_and_what_only_path_leads_to_is_not_judged() -> None:
    command = ["iai-wrapper", "--", "/${userHome}/x"]
    assert list(missing(understand(command))) == []
