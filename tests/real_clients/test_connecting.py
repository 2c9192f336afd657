"""`clients connect`, as the real clients understand it: they list the memory, start it, and have it no more afterwards."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.clients.reading import content_of
from iai_daemon.clients.registry import Syntax
from iai_daemon.paths import Home
from tests.journeys.real import command
from tests.real_clients.homes import Client, Codex
from tests.real_clients.watching import follow

# What each has before: a server of its user's own. Claude Code keeps more in the same file, which is its own business.
BEFORE = {
    "claude-code": '{\n  "mcpServers": {\n    "far": {\n      "type": "http",\n      "url": "http://127.0.0.1:9/mcp"\n    }\n  }\n}',
    "codex": '# mine\nmodel = "o3"\n\n[mcp_servers.far]\nurl = "http://127.0.0.1:9/mcp" # later\nenabled = false\n',
    "opencode": '{\n  // mine\n  "mcp": {\n    "far": { "type": "remote", "url": "http://127.0.0.1:9/mcp", "enabled": false }\n  }\n}\n',
    "gemini": '{\n  // mine\n  "mcpServers": {\n    "far": { "httpUrl": "http://127.0.0.1:9/mcp" }\n  }\n}\n',
}
_KEYS = {"codex": "mcp_servers", "opencode": "mcp"}


def clients(client: Client, home: Home, *words: str, own: bool = False) -> dict[str, Any]:
    """`iai-daemon clients`, for the user whose home that client has; `own`: with its program on the path."""
    environment = client.environment()
    if own:
        environment["PATH"] = f"{client.program.parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        [*command(home, "clients"), *words, "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def servers_in(client: Client, path: Path) -> dict[str, Any]:
    content: Any = content_of(path.read_bytes(), Syntax.TOML if path.suffix == ".toml" else Syntax.JSONC)
    found: dict[str, Any] = content.get(_KEYS.get(client.name, "mcpServers"), {})
    return found


@pytest.mark.parametrize("own", [True, False], ids=["by its own command", "by its file"])
@pytest.mark.parametrize("there", [True, False], ids=["with a server before", "with none"])
def test_a_client_lists_and_starts_what_it_was_connected_with_and_has_it_no_more_afterwards(
    client: Client, home: Home, own: bool, there: bool
) -> None:
    path = client.home / client.file
    path.parent.mkdir(parents=True, exist_ok=True)
    # By this alone it is known to be here, where neither its file nor its program tells.
    (client.home / ".claude").mkdir()
    if there:
        path.write_text(BEFORE[client.name])
    before = path.read_bytes() if there else None
    (change,) = clients(client, home, "connect", client.name, own=own)["changes"]
    assert (change["path"], change["problem"]) == (str(path), None)
    assert bool(change["through"]) is (
        own and client.name != "opencode" and not (there and isinstance(client, Codex))
    )
    after = path.read_bytes()
    assert set(servers_in(client, path)) == {"iai-memory"} | ({"far"} if there else set())
    seen = follow(home, client.start("mcp", "list"))
    assert "iai-memory" in seen.said
    if not isinstance(client, Codex):  # whose list only reads
        assert seen.clients == [client.probes_as], seen.said
        assert "onnected" in seen.said
    touched = path.read_bytes() != after
    clients(client, home, "disconnect", client.name, own=own)
    if touched:
        assert "iai-memory" not in path.read_text()
        assert servers_in(client, path) == (
            {} if before is None else servers_in_text(client, BEFORE[client.name])
        )
    else:
        assert (path.read_bytes() if path.exists() else None) == before
    assert not list(path.parent.glob("*.before-iai-daemon"))


def servers_in_text(client: Client, text: str) -> dict[str, Any]:
    content: Any = content_of(text.encode(), Syntax.TOML if client.name == "codex" else Syntax.JSONC)
    found: dict[str, Any] = content[_KEYS.get(client.name, "mcpServers")]
    return found
