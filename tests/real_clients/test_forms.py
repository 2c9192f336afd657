"""What each client's own commands write: the ground that whoever writes a client's configuration stands on."""

from __future__ import annotations

import json
import stat
from typing import Any

import pytest

from tests.real_clients.homes import ClaudeCode, Client, Codex, Gemini, OpenCode

# With what a word may hold: a blank, quotes, a letter beyond ASCII, an option, and a -- of its own.
SERVER = ["/usr/bin/python3", "-I", 'a "b" é', "--home", "h", "--", "x"]

WORDS = """\
{indent}"-I",
{indent}"a \\"b\\" é",
{indent}"--home",
{indent}"h",
{indent}"--",
{indent}"x"
"""

CODEX = """\
[mcp_servers.memory]
command = "/usr/bin/python3"
args = ["-I", 'a "b" é', "--home", "h", "--", "x"]
"""

OPENCODE = f"""\
{{
  "$schema": "https://opencode.ai/config.json",
  "mcp": {{
    "memory": {{
      "type": "local",
      "command": [
        "/usr/bin/python3",
{WORDS.format(indent=" " * 8)}\
      ]
    }}
  }}
}}"""

GEMINI = f"""\
{{
  "mcpServers": {{
    "memory": {{
      "command": "/usr/bin/python3",
      "args": [
{WORDS.format(indent=" " * 8)}\
      ]
    }}
  }}
}}"""

CLAUDE_CODE = f"""\
{{
  "mcpServers": {{
    "memory": {{
      "type": "stdio",
      "command": "/usr/bin/python3",
      "args": [
{WORDS.format(indent=" " * 8)}\
      ],
      "env": {{}}
    }}
  }}
}}"""

WRITTEN: dict[type[Client], str] = {Codex: CODEX, OpenCode: OPENCODE, Gemini: GEMINI}
# OpenCode has no command that removes.
LEFT: dict[type[Client], str] = {Codex: "", Gemini: '{\n  "mcpServers": {}\n}'}


def of(*kinds: type[Client]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("client", kinds, indirect=True, ids=lambda kind: kind.name)


@of(*WRITTEN)
def test_the_file_is_as_the_client_writes_it(client: Client) -> None:
    client.add(SERVER)
    assert client.written == WRITTEN[type(client)]


@of(*LEFT)
def test_removing_leaves_no_server_behind(client: Client) -> None:
    client.add(SERVER)
    client.remove()
    assert client.written == LEFT[type(client)]


def _claude_code(client: Client) -> dict[str, Any]:
    """What Claude Code has written of the user's servers, in a file that holds much else, for nobody but the user."""
    path = client.home / client.file
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    whole: dict[str, Any] = json.loads(text)
    assert text == json.dumps(whole, indent=2, ensure_ascii=False), "the form is that of JSON.stringify"
    servers: dict[str, Any] = whole["mcpServers"]
    return servers


@of(ClaudeCode)
def test_claude_code_keeps_the_users_servers_among_its_own_notes(client: Client) -> None:
    client.add(SERVER)
    assert _claude_code(client) == json.loads(CLAUDE_CODE)["mcpServers"]
    client.remove()
    assert _claude_code(client) == {}


@of(ClaudeCode)
def test_claude_code_writes_a_projects_servers_into_a_file_of_their_own(client: Client) -> None:
    path = client.project / ".mcp.json"
    client.run("mcp", "add", "--scope", "project", "memory", "--", *SERVER)
    assert path.read_text() == CLAUDE_CODE
    client.run("mcp", "remove", "--scope", "project", "memory")
    assert path.read_text() == '{\n  "mcpServers": {}\n}'
