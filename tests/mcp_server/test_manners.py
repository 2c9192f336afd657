"""What an agent is told before its first call, what its calls answer, and what it is told when it calls wrongly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from iai_daemon.mcp_server.server import INSTRUCTIONS
from iai_daemon.paths import Home
from tests.mcp_server.users import Server

# Every session pays for these before its first word.
_MOST_CHARACTERS = 3_300


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = Home(tmp_path_factory.mktemp("manners"))
    home.create()
    server = Server(home)
    yield server
    server.leave()


@pytest.fixture
def tools(server: Server) -> dict[str, dict[str, Any]]:
    return {tool["name"]: tool for tool in server.ask("tools/list", {})["tools"]}


def test_what_every_session_pays_for_is_short(server: Server, tools: dict[str, dict[str, Any]]) -> None:
    assert server.hello["instructions"] == INSTRUCTIONS
    told = [INSTRUCTIONS]
    for tool in tools.values():
        told.append(tool["description"])
        told += [each["description"] for each in tool["inputSchema"]["properties"].values()]
    assert sum(map(len, told)) <= _MOST_CHARACTERS
    assert not [text for text in told if "  " in text or (text is not INSTRUCTIONS and "\n" in text)]
    assert not [tool for tool in tools.values() if "title" in json.dumps(tool["inputSchema"])]


def test_the_instructions_name_the_tools_that_there_are_and_when_to_use_them(
    tools: dict[str, dict[str, Any]],
) -> None:
    for name in ("search_memory", "remember", "forget"):
        assert name in INSTRUCTIONS
        assert name in tools
    assert len(tools) <= 10


def test_the_hints_are_explicit_and_right(tools: dict[str, dict[str, Any]]) -> None:
    reads, adds, hides = (True, False, True), (False, False, False), (False, True, True)
    notes, hides_more_each_time = (False, False, True), (False, True, False)
    right = {
        "remember": adds,
        "search_memory": reads,
        "forget": hides,
        "memory_history": reads,
        "daemon_status": reads,
        "list_recalls": reads,
        "confirm_recall": notes,
        "cancel_recall": hides,
        "skip_next_recall": hides_more_each_time,
        "schedule_recall": adds,
    }
    assert set(right) == set(tools)
    for name, (only_reads, destroys, again_is_the_same) in right.items():
        assert tools[name]["annotations"] == {
            "title": tools[name]["title"],
            "readOnlyHint": only_reads,
            "destructiveHint": destroys,
            "idempotentHint": again_is_the_same,
            "openWorldHint": False,
        }


def test_every_answer_is_what_its_schema_says_and_spares_what_is_null(
    server: Server, tools: dict[str, dict[str, Any]]
) -> None:
    for number in range(3):
        server.call("remember", content=f"Staging is on port {number}.", subject="staging", attribute="port")
    calls: list[tuple[str, dict[str, object]]] = [
        ("remember", {"content": "Staging is on port 4.", "subject": "staging", "attribute": "port"}),
        (
            "remember",
            {"content": "Release is on Friday.", "tags": ["a"], "expires_at": "2100-01-01T00:00:00Z"},
        ),
        ("search_memory", {"query": "staging", "limit": 2}),
        ("search_memory", {"query": "nothing of the kind"}),
        ("memory_history", {"subject": "staging", "limit": 2}),
        ("forget", {"id": 1}),
        ("daemon_status", {}),
        ("list_recalls", {}),
    ]
    for name, arguments in calls:
        result = server.ask("tools/call", {"name": name, "arguments": arguments})
        answer = result["structuredContent"]
        jsonschema.validate(answer, tools[name]["outputSchema"])
        assert json.loads(result["content"][0]["text"]) == answer
        assert "null" not in result["content"][0]["text"]
        assert not result.get("isError")


WRONG: list[tuple[str, dict[str, object], str]] = [
    ("remember", {}, "remember: content is missing."),
    ("remember", {"content": ""}, "content is missing or empty"),
    ("remember", {"content": 7}, "remember: content must be a text."),
    ("remember", {"content": "x", "tags": "a b"}, "remember: tags must be a list of texts."),
    ("remember", {"content": "x", "tags": [1]}, "remember: tags.0 must be a text."),
    (
        "remember",
        {"content": "x", "expires_at": "soon"},
        "expires_at must be a time such as 2026-11-21T11:00:00Z",
    ),
    (
        "remember",
        {"content": "x", "project": "shop"},
        "remember does not know project: it takes content, kind,",
    ),
    ("search_memory", {}, "search_memory: query is missing."),
    (
        "search_memory",
        {"query": "x", "limit": 0},
        "search_memory: limit should be greater than or equal to 1.",
    ),
    (
        "search_memory",
        {"query": "x", "limit": 101},
        "search_memory: limit should be less than or equal to 100.",
    ),
    ("search_memory", {"query": "x", "limit": "many"}, "search_memory: limit must be a whole number."),
    ("search_memory", {"query": "x", "limit": True}, "search_memory: limit must be a whole number."),
    (
        "search_memory",
        {"query": "x", "include_superseded": "maybe"},
        "include_superseded must be true or false.",
    ),
    ("search_memory", {"query": "x", "as_of": "then"}, "as_of must be a time such as 2026-11-21T11:00:00Z"),
    ("search_memory", {"query": "x", "cursor": "then"}, "leave it out to begin anew"),
    ("memory_history", {"attribute": "port"}, "memory_history: subject is missing."),
    ("forget", {"id": 99}, "There is no memory 99: `iai-daemon memory search` finds the ids."),
    ("forget", {"id": "last"}, "forget: id must be a whole number."),
    ("daemon_status", {"verbose": True}, "daemon_status does not know verbose: it takes nothing."),
    (
        "recall",
        {},
        "There is no tool recall: there are remember, search_memory, forget, memory_history, daemon_status, list_recalls,",
    ),
]


def test_every_wrong_call_is_answered_in_one_sentence_that_helps(server: Server) -> None:
    for name, arguments, sentence in WRONG:
        with pytest.raises(RuntimeError) as refused:
            server.call(name, **arguments)
        assert sentence in str(refused.value)
        assert "\n" not in str(refused.value)
        assert "pydantic" not in str(refused.value)
    assert server.call("search_memory", query="x")["results"] == []
