"""What `memory import` reads: our own lines, full exports, and what other programs remember."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from iai_daemon.cli.memory_lines import Lines
from iai_daemon.errors import BadRecord
from iai_daemon.memory import archive
from iai_daemon.memory.drafts import MAX_CONTENT, MAX_NAME, MAX_TAGS, from_object
from iai_daemon.memory.importing import FORMATS
from iai_daemon.memory.importing.matching import Matching
from iai_daemon.memory.importing.said import Source
from iai_daemon.memory.record import Draft
from iai_daemon.units import format_stamp
from tests.fakes import NOON
from tests.fuzz.mutating import mutated, one_of
from tests.fuzz.target import Target, Verdict, accepted, refused
from tests.memory.test_import_any_bytes import BYTES

OURS = "ours"
_OURS = tuple(
    b"".join(json.dumps(each).encode() + b"\n" for each in lines)
    for lines in (
        (
            {
                "content": "Ada lives in Bern",
                "id": "a-1",
                "kind": "fact",
                "subject": "Ada",
                "attribute": "city",
                "scope": "global",
                "tags": ["people"],
                "created_at": "2026-11-21T11:00:00Z",
                "expires_at": None,
                "source": "notes",
                "session": "s",
            },
            {"content": "a second one", "id": 7, "origin": "tool", "client": "editor"},
        ),
        (
            {
                "type": "record",
                "id": 3,
                "content": "x",
                "created_at": "2026-11-21T11:00:00.000Z",
                "current": True,
            },
        ),
        (
            {
                "type": "journal",
                "what": "night",
                "id": 1,
                "outcome": "completed",
                "started_at": "2026-11-21T11:00:00.000Z",
            },
        ),
    )
)
_MEM0 = {
    "id": "m-1",
    "memory": "Ada lives in Bern",
    "created_at": "2026-11-21T11:00:00Z",
    "categories": ["x"],
    "metadata": {"kind": "fact"},
    "user_id": "ada",
}
_ENTITY = {
    "type": "entity",
    "name": "Ada",
    "entityType": "person",
    "observations": ["lives in Bern", "likes tea"],
}
_RELATION = {"type": "relation", "from": "Ada", "to": "Bern", "relationType": "lives in"}
_RULES = """# Project

- Use tabs
- Build with `make`
  - never by hand

## Style
Short sentences.

```sh
make test
```
"""
_MEMORY = "---\nname: city\ndescription: where Ada lives\ntype: user\nmodified: 2026-11-21\n---\nAda lives in Bern.\n"
_NOTE = """---
title: Ada
type: note
tags: [people, a]
---
# Ada
- [city] lives in Bern #home (since 2020)
- lives_in [[Bern]]
"""
_OTHERS = {
    "claude-md": (_RULES.encode(), _MEMORY.encode()),
    "mcp-memory": (
        b"".join(json.dumps(each).encode() + b"\n" for each in (_ENTITY, _RELATION)),
        json.dumps({"entities": [_ENTITY], "relations": [_RELATION]}).encode(),
    ),
    "basic-memory": (_NOTE.encode(),),
    "mem0": (
        json.dumps(
            {"results": [_MEM0], "relations": [{"source": "a", "relationship": "is", "target": "b"}]}
        ).encode(),
    ),
}
CORPUS = (
    *((OURS, each) for each in _OURS),
    *((name, each) for name, texts in _OTHERS.items() for each in texts),
)
_FIELDS = sorted({found.group() for _, data in CORPUS for found in re.finditer(rb'"[a-zA-Z_]+": ', data)})


class _Work:
    """Nobody waits."""


def _draft(values: Any) -> Draft:
    return from_object(values)


def check(subject: Any, given: tuple[str, bytes]) -> Verdict:
    form, data = given
    return _check_ours(subject, data) if form == OURS else _check_others(form, data)


def _check_ours(subject: Any, data: bytes) -> Verdict:
    lines = Lines(io.BytesIO(data), "-")
    drafts, rows = [], 0
    problems = set()
    lines.size = len(data)
    for good in lines.read(_Work()):  # type: ignore[arg-type]
        try:
            if archive.is_full(good.values):
                archive.to_row(good.values)
                rows += 1
            else:
                drafts.append(subject(good.values))
        except BadRecord as bad:
            problems.add(re.sub(r"\d+", "N", str(bad))[:40])
    assert all(problems)
    assert all(1 <= bad.number <= data.count(b"\n") + 1 and bad.problem for bad in lines.bad)
    for draft in drafts:
        _require_bounds(draft)
        assert from_object(_written(draft)) == draft, "written and read again, it is another"
    if drafts or rows:
        return accepted("memories" if drafts else "lines of a full export")
    return refused(min(problems, default="not JSON" if lines.bad else "nothing in it"))


def _require_bounds(draft: Draft) -> None:
    assert 0 < len(draft.content) <= MAX_CONTENT + 1000
    assert len(draft.tags) <= MAX_TAGS
    for text in (draft.external_id, draft.kind, draft.subject, draft.attribute, draft.session, draft.client):
        assert text is None or (0 < len(text) <= MAX_NAME + 100 and "\0" not in text and text.encode())
    for stamp in (draft.created_at, draft.expires_at):
        assert stamp is None or format_stamp(stamp)


def _written(draft: Draft) -> dict[str, Any]:
    values = {name: getattr(draft, name) for name in Draft.__dataclass_fields__}
    for name in ("created_at", "expires_at"):
        values[name] = None if values[name] is None else format_stamp(values[name])
    return json.loads(json.dumps(values))


def _check_others(form: str, data: bytes) -> Verdict:
    source = Source("y.md", data, Path("/x/MEMORY.md"), NOON)
    first, second = (Matching(form, (), redacts=True, now=NOON) for _ in range(2))
    told = first.take(source, FORMATS[form].read(source), "global")
    again = second.take(source, FORMATS[form].read(source), "global")
    assert [each.draft for each in told] == [each.draft for each in again], "read twice, it says two things"
    assert len(told) == first.report.added + first.report.unchanged
    lines = data.count(b"\n") + 1
    places = [place for place, _ in (*first.report.bad, *first.report.skipped)] + [
        each.place for each in told
    ]
    assert all(place.line is None or 1 <= place.line <= lines for place in places)
    for each in told:
        assert each.draft.external_id
        _require_bounds(each.draft)
    return accepted(form) if told else refused(f"{form}: nothing taken")


def _broken(values: Any) -> Draft:
    """Takes every line for one with a text."""
    values["content"].strip()
    return from_object(values)


_FORMS = one_of([OURS, OURS, *FORMATS])


TARGET = Target(
    name="memory_import",
    law="any bytes are memories within their bounds or named mistakes with their lines, the same each time they are read",
    corpus=CORPUS,
    inputs=st.tuples(one_of([OURS]), mutated(_OURS, _FIELDS, most=3))
    | st.tuples(_FORMS, mutated([data for _, data in CORPUS], [*_FIELDS, b"- ", b"# ", b"---\n", b"```\n", b"[[", b"]]"], most=4))
    | st.tuples(_FORMS, BYTES),
    check=check,
    subject=_draft,
    broken=_broken,
)  # fmt: skip
