"""The knowledge graph of `@modelcontextprotocol/server-memory`, in both of its forms."""

from __future__ import annotations

import json

import pytest

from tests.memory.import_sources import Heard, hear

GRAPH = {
    "entities": [
        {"name": "Ada", "entityType": "person", "observations": ["Works in Ulm", "Ada reviews on Mondays"]},
        {"name": "billing", "entityType": "service", "observations": []},
    ],
    "relations": [{"from": "Ada", "to": "billing", "relationType": "works_on"}],
}
LINES = "\n".join(
    json.dumps({"type": kind, **each})
    for kind, name in (("entity", "entities"), ("relation", "relations"))
    for each in GRAPH[name]
)


def read(text: str | bytes) -> Heard:
    return hear("mcp-memory", text, "memory.jsonl")


@pytest.mark.parametrize(
    "text", [LINES, json.dumps(GRAPH), json.dumps(GRAPH, indent=2)], ids=["lines", "one line", "one object"]
)
def test_each_observation_and_each_relation_is_a_memory(text: str) -> None:
    heard = read(text)
    assert [(each.content, each.subject, each.kind) for each in heard.passages] == [
        ("Ada: Works in Ulm", "Ada", "person"),
        ("Ada reviews on Mondays", "Ada", "person"),
        ("Ada works_on billing", "Ada", "relation"),
    ]
    assert heard.bad == []
    assert [each.reason for each in heard.skipped] == ['nothing is known of "billing"']


def test_a_line_that_cannot_be_understood_is_named_and_the_others_are_kept() -> None:
    bad = [
        b"{",
        b"[]",
        b'{"type": "entity", "name": "x"}',
        b'{"type": "relation", "from": "a", "to": ""}',
        b'{"type": "note", "content": "x"}',
        b'{"type": "entity", "name": "x", "observations": [7]}',
        b'"\xff"',
        b'{"type": "entity", "name": "' + b"n" * 300 + b'", "observations": ["y"]}',
    ]
    heard = read(b"\n".join([*LINES.encode().split(b"\n"), b"", *bad]))
    assert len(heard.passages) == 3
    assert [each.line for each in heard.bad] == [5, 6, 7, 8, 9, 10, 11, 12]
    assert [each.problem for each in heard.bad][-3:-1] == [
        "its observation 1 is no text",
        "it is not UTF-8 text: it holds the byte 0xff",
    ]


def test_what_is_wrong_in_one_object_is_named_by_its_number() -> None:
    heard = read(json.dumps({"entities": [{"name": "a"}, 7], "relations": [{}]}))
    assert [each.problem.split(":")[0] for each in heard.bad] == [
        "number 1 of entities",
        "number 2 of entities",
        "number 1 of relations",
    ]
