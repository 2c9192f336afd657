"""What mem0 gives out, in each of its shapes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.memory.import_sources import Heard, hear

NUTS = {
    "id": "892db2ae-06d9-49e5-8b3e-585ef9b85b8e",
    "memory": "Is allergic to nuts",
    "hash": "cc9bd0f6",
    "user_id": "ada",
    "metadata": {"category": "food", "more": [1]},
    "categories": ["health", "food_preferences"],
    "created_at": "2025-02-01T10:00:00.123456-08:00",
    "updated_at": None,
    "expiration_date": "2030-01-01",
    "run_id": "trip",
}
FOUND = {**NUTS, "score": 0.3}


def read(value: Any) -> Heard:
    return hear("mem0", value if isinstance(value, str | bytes) else json.dumps(value), "mem0.json")


@pytest.mark.parametrize(
    "shape",
    [
        [NUTS],
        {"results": [FOUND]},
        {"memories": [NUTS]},
        {"count": 1, "next": None, "previous": None, "results": [NUTS]},
        json.dumps(NUTS) + "\n",
        json.dumps({"results": [NUTS]}, indent=1),
    ],
    ids=["list", "results", "memories", "page", "line", "indented"],
)
def test_every_shape_says_the_same(shape: Any) -> None:
    heard = read(shape)
    (passage,) = heard.passages
    assert (passage.content, passage.own_id, passage.subject) == ("Is allergic to nuts", NUTS["id"], "ada")
    assert (passage.kind, passage.tags, passage.session) == ("food", ("health", "food_preferences"), "trip")
    assert (passage.created_at, passage.expires_at) == (NUTS["created_at"], "2030-01-01")
    assert heard.bad == []


def test_what_was_updated_counts_from_then() -> None:
    (passage,) = read([{**NUTS, "updated_at": "2025-06-01T00:00:00Z"}]).passages
    assert passage.created_at == "2025-06-01T00:00:00Z"


def test_what_was_deleted_there_stays_away_and_what_is_no_memory_is_named() -> None:
    heard = read([{**NUTS, "state": "deleted"}, 7, {"id": 1}, {"memory": ["x"]}, {"text": "older form"}])
    assert heard.contents == ["older form"]
    assert len(heard.skipped) == 1
    assert [each.problem for each in heard.bad] == [
        "number 2 of the list: it is not a JSON object",
        "number 3 of the list: it has no text under memory",
        "number 4 of the list: it has no text under memory",
    ]


def test_the_relations_of_its_graph_are_memories_too() -> None:
    one = {"source": "ada", "relationship": "allergic_to", "target": "nuts"}
    other = {"source": "ada", "relationship": "lives_in", "destination": "ulm"}
    heard = read({"results": [], "relations": [one, other, {"source": "ada"}]})
    assert heard.contents == ["ada allergic_to nuts", "ada lives_in ulm"]
    assert len(heard.bad) == 1
