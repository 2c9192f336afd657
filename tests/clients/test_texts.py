"""One member of a configuration set and taken out again: what it means, and that nothing else moves."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.clients import instructions, json_text, toml_text
from iai_daemon.clients.jsonc import NotRead, parse

SERVER = {"command": "/usr/bin/python3", "args": ["-I", "-S", 'it\'s "here"', "--"]}
PATH = ["mcpServers", "iai-memory"]

JSON = [
    "{}",
    "{ }",
    "{\n}",
    '{"a":1}',
    '{\n  "a": 1\n}\n',
    '{\n  "a": 1, // why\n  "mcpServers": {\n    "o": {"command": "x"} // because\n  }\n}\n',
    '{\n\t"mcpServers": {\n\t\t"o": {},\n\t},\n}\n',
    '{\r\n  "a": 1\r\n}\r\n',
    '{\n "mcpServers": {\n  // nothing yet\n }\n}',
    '{"mcpServers": {"o": {"c": 1}}}',
    '// head\n{\n  "servers": {} /* none */\n}\n',
    '{"a":1,"mcpServers":{}}',
    '{\n    "mcpServers": {\n        "o": {} /* a\n comment */ // and one more\n    },\n    "z": []\n}\n',
    '{"mcpServers": {"o": {"c": 1}}, "b": {"c": 1}}',
]


@pytest.mark.parametrize("text", JSON)
def test_a_member_of_json_is_set_and_taken_out_and_every_other_character_stays(text: str) -> None:
    value: Any = parse(text)
    made = "mcpServers" not in value
    after = json_text.put(text, PATH, SERVER)
    value.setdefault("mcpServers", {})["iai-memory"] = SERVER
    assert parse(after) == value
    assert parse(json_text.put(after, PATH, SERVER)) == value
    back = json_text.take(after, PATH, emptied=1 if made else 0)
    assert back == (text if text not in ("{ }", "{\n}") else "{}")


def test_what_stands_there_is_replaced_where_it_stands() -> None:
    text = '{\n  "a": {"command": "x", /* old */ "env": {"K": "v"}}, // keep\n  "b": 2\n}\n'
    after = json_text.put(text, ["a", "command"], "y")
    assert after == text.replace('"x"', '"y"')
    assert json_text.put_raw(after, ["a", "command"], '"x"') == text
    assert json_text.raw(text, ["a", "env"]) == '{"K": "v"}'


def test_of_a_name_that_stands_there_twice_the_last_counts_and_both_go() -> None:
    text = '{"a": 1, "b": 2, "a": 3}'
    assert parse(json_text.put(text, ["a"], 4)) == {"a": 4, "b": 2}
    assert parse(json_text.take(text, ["a"])) == {"b": 2}


@pytest.mark.parametrize("text", ["[]", "{", '{"mcpServers": []}', '{"mcpServers": 1}', "nothing"])
def test_what_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(NotRead):
        json_text.put(text, PATH, SERVER)


KEYS = st.text(max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
TABLES = st.dictionaries(KEYS, VALUES, max_size=4)
INDENTS = st.sampled_from([None, 1, 2, 4, "\t"])


@given(TABLES, INDENTS, KEYS, VALUES)
def test_of_any_json_one_member_is_set_and_taken_out_again(
    table: dict[str, Any], indent: int | str | None, key: str, value: Any
) -> None:
    text = json.dumps(table, indent=indent, ensure_ascii=False)
    after = json_text.put(text, [key], value)
    assert parse(after) == {**table, key: value}
    gone = json_text.take(after, [key])
    assert parse(gone) == {name: each for name, each in table.items() if name != key}
    if key not in table and table:
        assert gone == text


TOML = [
    "",
    '# head\nmodel = "o3" # why\n\n[tui]\ntheme = "x"\n',
    '[mcp_servers.a]\ncommand = "x"\nargs = [\n  "1", # one\n]\nenv = { A = "b" }\n\n[profiles.x]\nmodel="y"\n',
    '[mcp_servers]\na = { command = "x", args = ["y"] }\n',
    'mcp_servers.a.command = "x"\n',
    "a=1\r\n[b]\r\nc=2\r\n",
    '[mcp_servers.a]\ncommand="x"\n\n[z]\nq=1\n\n[mcp_servers.b]\ncommand="y"\n',
]


@pytest.mark.parametrize("text", TOML)
def test_a_member_of_toml_is_set_and_taken_out_and_every_other_character_stays(text: str) -> None:
    path = ["mcp_servers", "iai-memory"]
    value = tomllib.loads(text)
    made = "mcp_servers" not in value
    after = toml_text.put(text, path, SERVER)
    value.setdefault("mcp_servers", {})["iai-memory"] = SERVER
    assert tomllib.loads(after) == value
    assert after.startswith(text)
    assert toml_text.take(after, path, emptied=1 if made else 0) == text


@pytest.mark.parametrize("text", [each for each in TOML if "a" in tomllib.loads(each).get("mcp_servers", {})])
def test_members_of_a_table_of_toml_are_changed_and_put_back_as_they_were_written(text: str) -> None:
    path = ["mcp_servers", "a"]
    before = {name: toml_text.raw(text, [*path, name]) for name in ("command", "args")}
    after = toml_text.put(text, [*path, "command"], "wrapper")
    after = toml_text.put(after, [*path, "args"], ["--", "x"])
    assert tomllib.loads(after)["mcp_servers"]["a"]["args"] == ["--", "x"]
    back = toml_text.put_raw(after, [*path, "command"], before["command"] or "")
    written = before["args"]
    back = (
        toml_text.put_raw(back, [*path, "args"], written)
        if written
        else toml_text.take(back, [*path, "args"])
    )
    assert back == text


@pytest.mark.parametrize("text", ["mcp_servers = 1\n", "[mcp_servers\n", "mcp_servers = []\n"])
def test_toml_that_holds_no_table_there_is_refused(text: str) -> None:
    with pytest.raises(NotRead):
        toml_text.put(text, ["mcp_servers", "a"], SERVER)


NAMES = st.text("abc -\"'.\n", min_size=1, max_size=4)


@given(st.dictionaries(NAMES, st.text(max_size=6) | st.booleans(), max_size=3), NAMES)
def test_any_name_and_any_text_come_back_from_toml(value: dict[str, Any], name: str) -> None:
    after = toml_text.put('[x]\ny = "z"\n', ["mcp_servers", name], value)
    assert tomllib.loads(after) == {"x": {"y": "z"}, "mcp_servers": {name: value}}


@pytest.mark.parametrize("text", ["", "# Mine\n", "# Mine\r\n\r\n- one\r\n", "no end"])
def test_instructions_are_put_once_and_taken_out_without_a_trace(text: str) -> None:
    after = instructions.put(text)
    assert after.startswith(text)
    assert "`search_memory`" in after
    assert instructions.put(after) == after
    back = instructions.take(after)
    assert back == (text if not text or text.endswith("\n") else f"{text}\n")
    more = f"{after}\n- mine, below\n"
    assert instructions.take(more).endswith("\n- mine, below\n")
