"""What mem0 gives out: a list of memories, or an object with `results` or `memories`, or one memory a line.

A memory keeps its id, so that a later export of the same memory replaces what it says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from iai_daemon.memory.importing.jsons import Value, values
from iai_daemon.memory.importing.said import Bad, Passage, Said, Skipped, Source, name_of, tags_of

LARGEST = 64 << 20
_LISTS = ("results", "memories", "relations")
# What says whose memory it is, the most telling first.
_OWNERS = ("user_id", "agent_id", "app_id")


def read(source: Source) -> Iterator[Said]:
    for each in values(source, lists=_LISTS):
        if isinstance(each, Bad):
            yield each
        else:
            yield _relation(each) if each.of == "relations" else _memory(each)


def _memory(each: Value) -> Said:
    if not isinstance(each.value, Mapping):
        return each.bad("it is not a JSON object")
    memory: Mapping[str, Any] = each.value
    content = next((memory[name] for name in ("memory", "text", "content") if memory.get(name)), None)
    if not isinstance(content, str) or not content.strip():
        return each.bad("it has no text under memory")
    if memory.get("state") == "deleted":
        return Skipped(each.line, f"it was deleted there: {' '.join(content.split())[:60]}")
    metadata = memory.get("metadata")
    more: Mapping[str, Any] = metadata if isinstance(metadata, Mapping) else {}
    categories = memory.get("categories")
    own_id = memory.get("id")
    return Passage(
        each.line,
        content.strip(),
        own_id=str(own_id) if isinstance(own_id, str | int) and str(own_id).strip() else None,
        kind=name_of(more.get("type")) or name_of(more.get("category")),
        subject=next((name for name in map(name_of, map(memory.get, _OWNERS)) if name), None),
        tags=tags_of(categories if isinstance(categories, list) else [categories]),
        created_at=_text(memory.get("updated_at")) or _text(memory.get("created_at")),
        expires_at=_text(memory.get("expiration_date")),
        session=name_of(memory.get("run_id")),
    )


def _relation(each: Value) -> Said:
    relation: Mapping[str, Any] = each.value if isinstance(each.value, Mapping) else {}
    target = relation.get("target") or relation.get("destination")
    texts = [_text(end) for end in (relation.get("source"), relation.get("relationship"), target)]
    ends = [text for text in texts if text is not None]
    if len(ends) < len(texts):
        return each.bad("a relation needs source, relationship and target")
    return Passage(
        each.line, " ".join(ends), group=f"{ends[0]}\n{ends[2]}", kind="relation", subject=name_of(ends[0])
    )


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
