"""How documents of other programs are read before anybody asks what they mean: the head of a note, and values of JSON."""

from __future__ import annotations

import pytest

from iai_daemon.memory.importing import front_matter
from iai_daemon.memory.importing.jsons import Value, values
from iai_daemon.memory.importing.said import Bad, Source

NOTE = """\
---
# of a note
Title: "The build"
type: 'ops'
quoted: "half'
long: first
  and more
tags:
  - "#api"
  - ops
inline: [a, 'b', , "c"]
with commas: x
list: x, #y ,
empty:
block: |
none: null
nothing: ~
metadata:
  permalink: notes/build
  title: inner
---
The text.
""".splitlines()


def test_a_head_is_read_as_notes_have_it() -> None:
    head, lines = front_matter.split(NOTE)
    assert lines == len(NOTE) - 1
    assert head == {
        "title": "The build",
        "type": "ops",
        "quoted": "\"half'",
        "long": "first and more",
        "tags": ["#api", "ops"],
        "inline": ["a", "b", "c"],
        "with commas": "x",
        "list": "x, #y ,",
        "empty": "",
        "block": "",
        "none": "",
        "nothing": "",
        "metadata": "",
        "permalink": "notes/build",
    }


@pytest.mark.parametrize("note", [[], ["no head"], ["---", "title: x"], ["text", "---", "---"]])
def test_where_there_is_no_whole_head_there_is_none(note: list[str]) -> None:
    assert front_matter.split(note) == ({}, 0)


def test_a_head_may_end_with_dots() -> None:
    assert front_matter.split(["---", "a: b", "... ", "x"]) == ({"a": "b"}, 3)


def test_what_is_asked_of_a_head_is_on_one_line_or_a_list() -> None:
    head, _ = front_matter.split(NOTE)
    assert front_matter.text(head, "nowhere", "empty", "inline", "type") == "a, b, c"
    assert front_matter.text(head, "nowhere") is None
    assert front_matter.listed(head, "tags") == ["api", "ops"]
    assert front_matter.listed(head, "list") == ["x", "y"]
    assert front_matter.listed(head, "nowhere") == []


def read(data: bytes) -> list[Value | Bad]:
    return list(values(Source("a.json", data), lists=("entities", "relations")))


def test_lines_are_values_with_their_numbers() -> None:
    assert read(b'\xef\xbb\xbf{"a": 1}\n\n[2]\n') == [Value(1, {"a": 1}), Value(3, [2])]


def test_a_line_that_is_none_is_named_and_the_others_are_read() -> None:
    assert read(b'{"a": 1}\n{\n{"b": "\xfc"}\n7') == [
        Value(1, {"a": 1}),
        Bad(2, "it is not JSON"),
        Bad(3, "it is not UTF-8 text: it holds the byte 0xfc"),
        Value(4, 7),
    ]


def test_a_document_is_what_it_lists() -> None:
    assert read(b'{"entities": [1, 2],\n "relations": [3], "x": [4]}') == [
        Value(None, 1, "entities", 1),
        Value(None, 2, "entities", 2),
        Value(None, 3, "relations", 1),
    ]
    assert read(b'{"relations": [3], "entities": 5}') == [Value(None, 3, "relations", 1)]
    assert read(b"[5,\n 6]") == [Value(None, 5, "the list", 1), Value(None, 6, "the list", 2)]


def test_a_mistake_is_told_with_its_place() -> None:
    assert Value(3, {}).bad("it has no name") == Bad(3, "it has no name")
    assert Value(None, {}, "entities", 4).bad("it has no name") == Bad(
        None, "number 4 of entities: it has no name"
    )


def test_nothing_is_nothing() -> None:
    assert read(b"") == read(b"\n \n") == []
