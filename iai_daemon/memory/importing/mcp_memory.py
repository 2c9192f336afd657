"""The knowledge graph of `@modelcontextprotocol/server-memory`: its lines of JSON, or one object with entities and relations.

Each observation is a memory about its entity, and each relation one of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from iai_daemon.memory.drafts import MAX_NAME
from iai_daemon.memory.importing.jsons import Value, values
from iai_daemon.memory.importing.said import Bad, Passage, Said, Skipped, Source, about, name_of

LARGEST = 64 << 20


def read(source: Source) -> Iterator[Said]:
    for each in values(source, lists=("entities", "relations")):
        if isinstance(each, Bad):
            yield each
        elif _is_relation(each):
            yield _relation(each)
        else:
            yield from _entity(each)


def _is_relation(each: Value) -> bool:
    if each.of is not None:
        return each.of == "relations"
    return isinstance(each.value, Mapping) and each.value.get("type") == "relation"


def _entity(each: Value) -> Iterator[Said]:
    entity = each.value
    if not isinstance(entity, Mapping) or (each.of is None and entity.get("type") != "entity"):
        yield each.bad("it is neither an entity nor a relation")
        return
    name, observations = entity.get("name"), entity.get("observations")
    if not isinstance(name, str) or len(name) > MAX_NAME or not isinstance(observations, list):
        yield each.bad(f"an entity needs a name of at most {MAX_NAME} characters, and a list of observations")
        return
    if not observations:
        yield Skipped(each.line, f"nothing is known of {json.dumps(name, ensure_ascii=False)}")
    for number, observation in enumerate(observations, 1):
        if isinstance(observation, str) and observation.strip():
            yield Passage(
                each.line,
                about(name, observation.strip()),
                group=name,
                kind=name_of(entity.get("entityType")),
                subject=name_of(name),
            )
        else:
            yield each.bad(f"its observation {number} is no text")


def _relation(each: Value) -> Said:
    relation: Mapping[str, Any] = each.value if isinstance(each.value, Mapping) else {}
    ends = [relation.get(name) for name in ("from", "relationType", "to")]
    texts = [end.strip() for end in ends if isinstance(end, str) and end.strip()]
    if len(texts) < len(ends):
        return each.bad("a relation needs from, to and relationType")
    return Passage(
        each.line,
        " ".join(texts),
        group=f"{texts[0]}\n{texts[2]}",
        kind="relation",
        subject=name_of(texts[0]),
    )
