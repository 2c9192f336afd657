"""The official inspector's command line against the server behind the wrapper, as `npx @modelcontextprotocol/inspector --cli`."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.paths import Home
from tests.journeys.real import command
from tests.real_clients.servers import memory

_ANSWER_SECONDS = 60


class Inspector:
    """The inspector, which starts wrapper and server anew for each question."""

    def __init__(self, program: Path, home: Home) -> None:
        self._program = program
        # As one word: the older ones of its command lines read the options of a server as their own.
        self._server = home.root / "server"
        self._server.write_text(f"#!/bin/sh\nexec {shlex.join(memory(home))}\n")
        self._server.chmod(0o700)

    def __call__(self, method: str, *words: str) -> dict[str, Any]:
        done = self.run(method, *words)
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def run(self, method: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._program, "--cli", self._server, "--method", method, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=_ANSWER_SECONDS,
        )

    def call(self, tool: str, *arguments: str) -> dict[str, Any]:
        """The structured answer of a tool."""
        result = self("tools/call", "--tool-name", tool, *_each("--tool-arg", arguments))
        assert not result.get("isError"), result
        assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
        answer: dict[str, Any] = result["structuredContent"]
        return answer

    def read(self, uri: str) -> str:
        (content,) = self("resources/read", "--uri", uri)["contents"]
        text: str = content["text"]
        return text


def _each(option: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


@pytest.fixture
def ask(inspector: Path, home: Home) -> Inspector:
    return Inspector(inspector, home)


def test_telling_and_finding_pass_the_official_inspector_behind_the_wrapper(
    ask: Inspector, home: Home
) -> None:
    words = (
        "content=The staging API answers on port 8081.",
        "subject=staging",
        "attribute=port",
        'tags=["api","http"]',
    )
    told = ask.call("remember", *words)
    assert told["tags"] == ["api", "http"]
    hits = ask.call("search_memory", "query=staging port", "limit=5", "include_superseded=true")["results"]
    assert [each["id"] for each in hits] == [told["id"]]
    (fact,) = ask.call("memory_history", "subject=staging")["records"]
    assert fact["content"] == told["content"]
    assert ask.call("forget", f"id={told['id']}")["current"] is False
    assert not list(home.wrappers.glob("heartbeat-*")), "a wrapper left its heartbeat behind"


def test_the_other_tools_pass_the_official_inspector_behind_the_wrapper(ask: Inspector) -> None:
    tools = {tool["name"]: tool for tool in ask("tools/list")["tools"]}
    assert all(tool["outputSchema"] and tool["annotations"]["title"] for tool in tools.values())
    assert "No daemon is running" in ask.call("daemon_status")["reason"]
    assert ask.call("list_recalls")["recalls"] == []
    of_memory = {"remember", "search_memory", "memory_history", "daemon_status", "forget"}
    assert {name for name in tools if "recall" not in name} == of_memory


def test_resources_pass_the_official_inspector_behind_the_wrapper(ask: Inspector, home: Home) -> None:
    subprocess.run(
        command(home, "memory", "add", "The staging API answers on port 8081."),
        check=True,
        capture_output=True,
    )
    assert [each["uri"] for each in ask("resources/list")["resources"]] == [
        "memory://recent",
        "memory://night/last",
    ]
    assert "The staging API answers on port 8081." in ask.read("memory://recent")
    assert json.loads(ask.read("memory://record/1"))["content"] == "The staging API answers on port 8081."


def test_a_wrong_call_is_told_to_the_official_inspector_in_one_sentence(ask: Inspector) -> None:
    refused = ask.run("tools/call", "--tool-name", "forget", "--tool-arg", "id=7")
    assert "There is no memory 7: `iai-daemon memory search` finds the ids." in refused.stdout
