"""Claude Code itself is woken: it reads its recall, confirms it through the memory server behind a wrapper, and ends."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.paths import Home
from tests.journeys.real import RunningDaemon, call_json, until
from tests.real_clients.model import scripted_model
from tests.real_clients.servers import memory

CONFIG = """
[consolidation]
enabled = false
[agents.claude]
command = ["{claude}", "-p", "--mcp-config", "{mcp}", "--strict-mcp-config", "--allowedTools", "mcp__memory__confirm_recall", "--", "{{context}} {{confirm}}"]
cwd = "{cwd}"
env = ["ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"]
confirm = true
timeout = "60s"
"""


def confirms(asked: Mapping[str, Any]) -> str | tuple[str, Mapping[str, object]]:
    """A model that does what it is told: it confirms with the token that it was given, then says so."""
    told = json.dumps(asked["messages"])
    token = re.search(r"with the token (\S+?)\.", told)
    if token is None or "tool_result" in told:
        return "Seen to it."
    return "mcp__memory__confirm_recall", {"token": token[1]}


def test_claude_code_is_woken_and_confirms(
    tmp_path: Path, claude: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home")
    mcp = tmp_path / "mcp.json"
    program, *words = memory(home)
    mcp.write_text(json.dumps({"mcpServers": {"memory": {"command": program, "args": words}}}))
    with scripted_model(confirms) as address:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", address)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "none")
        monkeypatch.setenv("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        daemon = RunningDaemon(home, CONFIG.format(claude=claude, mcp=mcp, cwd=tmp_path))
        try:
            call_json(home, "recall", "add", "Look at the tests.", "--session", "s1", "--now")
            headless = until(
                lambda: [each for each in call_json(home, "presence")["wrappers"] if each["headless"]], 60
            )
            assert headless[0]["client"].startswith("claude-code")
            until(lambda: not daemon.status()["agenda"]["running"], 60)
            shown = call_json(home, "recall", "history")["occurrences"]
        finally:
            daemon.stop()
    assert [(each["state"], each["exit_status"]) for each in shown] == [("done", 0)], shown
