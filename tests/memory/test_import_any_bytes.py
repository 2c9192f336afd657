"""Whatever the bytes and whatever they are said to be: an answer, never a traceback, and never endless work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.clock import Stopwatch
from iai_daemon.memory.importing import FORMATS, front_matter
from iai_daemon.memory.importing.matching import Matching, Report, Told
from iai_daemon.memory.importing.said import Source
from tests.fakes import NOON

PIECES = st.sampled_from(
    [
        "---\n", "title: x\n", "tags: [a, b]\n", "- ", "  - ", "\t", "# ", "## A\n", "\n", "\n\n", "text ", "a: b\n", ":\n",
        "```\n", "~~~sh\n", "`", "<!--", "-->", "@a/b.md ", "[x] ", "[cat] ", "[[Note]] ", "(c)", "#tag ", "| a |\n", "> ",
        "1. ", "===\n", "***\n", "\r\n", "\ud800", "\x00", "\x1b[2J", "ünï", '{"type": "entity"', '"name": ', "[", "]", "}",
        '"observations": ["x"]', "," , "\ufeff", '{"results": [{"memory": "x", "id": 1}]}',
    ]
)  # fmt: skip
FIELDS = [
    "type",
    "name",
    "entityType",
    "observations",
    "entities",
    "relations",
    "from",
    "to",
    "relationType",
    "results",
    "memories",
    "memory",
    "id",
    "metadata",
    "categories",
    "created_at",
    "updated_at",
    "expiration_date",
    "state",
    "source",
    "relationship",
    "target",
    "user_id",
    "run_id",
]
TEXTS = st.lists(PIECES, max_size=60).map(lambda parts: "".join(parts).encode("utf-8", "surrogatepass"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(FIELDS) | st.text(max_size=5),
            inner,
            max_size=8,
        )
    ),
    max_leaves=30,
)
DOCUMENTS = VALUES.map(lambda value: json.dumps(value).encode()) | st.lists(VALUES, max_size=5).map(
    lambda values: b"\n".join(json.dumps(value).encode() for value in values)
)
BYTES = st.one_of(st.binary(max_size=300), TEXTS, DOCUMENTS)


def take(form: str, data: bytes, path: Path | None = Path("/x/y.md")) -> tuple[list[Told], Report]:
    source = Source("y.md", data, path, NOON)
    matching = Matching(form, (), redacts=True, now=NOON)
    return matching.take(source, FORMATS[form].read(source), "global"), matching.report


@given(st.sampled_from(list(FORMATS)), BYTES, st.booleans())
def test_any_bytes_have_an_answer(form: str, data: bytes, has_path: bool) -> None:
    told, report = take(form, data, Path("/x/MEMORY.md") if has_path else None)
    assert all(each.draft.external_id for each in told)
    assert len(told) == report.added + report.unchanged
    lines = data.count(b"\n") + 1
    places = [place for place, _ in (*report.bad, *report.skipped)] + [each.place for each in told]
    assert all(place.line is None or 1 <= place.line <= lines for place in places)


@given(st.sampled_from(list(FORMATS)), BYTES)
def test_to_read_them_again_says_the_same(form: str, data: bytes) -> None:
    first, second = take(form, data), take(form, data)
    assert [each.draft for each in first[0]] == [each.draft for each in second[0]]


@given(st.lists(st.text(max_size=30), max_size=20))
def test_any_lines_may_stand_in_a_head(lines: list[str]) -> None:
    head, taken = front_matter.split(["---", *lines, "---"])
    assert 2 <= taken <= len(lines) + 2
    assert all(isinstance(value, str | list) for value in head.values())


SIZE = 1 << 17
HOSTILE = {
    "lists in lists": "".join(f"{' ' * depth}- a\n" for depth in range(500)),
    "items": "- a\n" * (SIZE // 4),
    "signs": "#" * SIZE,
    "open fences": "```\n" * (SIZE // 4),
    "open code": "`a " * (SIZE // 3),
    "open comments": "<!--" * (SIZE // 4),
    "comments": "<!---->" * (SIZE // 7),
    "dashes": "- " * (SIZE // 2),
    "brackets": "[" * SIZE,
    "open links": "- [[" * (SIZE // 4),
    "relations": "- a [[b]] (c " * (SIZE // 12),
    "imports": "@a/b " * (SIZE // 5),
    "quotes": "> " * (SIZE // 2),
    "one long introduction": "x" * SIZE + ":\n" + "- x\n" * 2000,
    "one long heading": "# " + "h" * SIZE + "\n" + "- x\n\n" * 2000,
    "one long head": "---\na: " + "x" * SIZE + "\n---\nb",
    "headings": "a\n=\n" * (SIZE // 4),
    "objects in objects": '{"a":' * (SIZE // 5),
    "lines that are no JSON": "{\n" * (SIZE // 2),
    "tags": "- [a] x " + "#a#b " * (SIZE // 5),
}


@pytest.mark.parametrize("form", FORMATS)
def test_no_file_takes_long(form: str) -> None:
    """Thousands of memories a second, whatever stands in them; here less is asked, for machines under load."""
    for name, text in HOSTILE.items():
        watch = Stopwatch()
        take(form, text.encode())
        assert watch.seconds() < 15, name


def test_a_file_of_something_else_is_not_read_to_its_end() -> None:
    _, report = take("mcp-memory", b"{\n" * 5000)
    assert len(report.bad) == 1001
    assert report.bad[-1][1].startswith("the rest of the file is not read")
