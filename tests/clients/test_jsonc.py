"""JSON with comments, by plain values: what is taken for one, and what is refused."""

from __future__ import annotations

import pytest

from iai_daemon.clients.jsonc import NotRead, parse, to_json


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("", ""),
        ('{"a": 1}', '{"a": 1}'),
        ("1 // why", "1       "),
        ("1 // why\n2", "1       \n2"),
        ("1 // why\r\n2", "1       \r\n2"),
        ("1 /* why */ 2", "1           2"),
        ("1 /* a\n b */ 2", "1     \n      2"),
        ("/**/1", "    1"),
        ("/***/1", "     1"),
        ("/*/1", "/*/1"),
        ("/*/", "/*/"),
        ("1 /* open", "1 /* open"),
        ("1 / 2", "1 / 2"),
        ('"// no" /* yes */', '"// no"          '),
        ('"/* no */"', '"/* no */"'),
        ('"a \\" // no"', '"a \\" // no"'),
        ('"a\\\\" // yes', '"a\\\\"       '),
        ('"open // no\n// yes', '"open // no\n      '),
        ("[1,]", "[1 ]"),
        ("[1 , ]", "[1   ]"),
        ("[1,\n]", "[1 \n]"),
        ('{"a": "b",}', '{"a": "b" }'),
        ('{"a": [],}', '{"a": [] }'),
        ("[1, // why\n]", "[1        \n]"),
        ("[1,2]", "[1,2]"),
        ("[,]", "[,]"),
        ("[1,,]", "[1,,]"),
        ("{,}", "{,}"),
        ('{"a":,}', '{"a":,}'),
        ('[",]"]', '[",]"]'),
        ('[",",]', '["," ]'),
    ],
)
def test_blanks_take_the_place_of_comments_and_trailing_commas(text: str, bare: str) -> None:
    assert to_json(text) == bare


def test_what_has_comments_is_read_where_they_are_allowed() -> None:
    assert parse('{"a": [1,], // why\n}') == {"a": [1]}
    assert parse('{"a": [1]}', comments=False) == {"a": [1]}
    for text in ("1 // why", "[1,]"):
        with pytest.raises(NotRead):
            parse(text, comments=False)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "line 1: Expecting value"),
        ("{\n// a\n]", "line 3: Expecting property name enclosed in double quotes"),
        ("1 /* open", "line 1: Extra data"),
        ("[NaN]", "NaN is no number in JSON"),
        ("-Infinity", "-Infinity is no number in JSON"),
        ("[" * 100_000, "it is nested too deeply"),
    ],
)
def test_a_refusal_names_the_line_where_it_is_known(text: str, why: str) -> None:
    with pytest.raises(NotRead) as refused:
        parse(text)
    assert str(refused.value) == why


def test_a_number_that_is_too_long_is_refused_as_python_says_it() -> None:
    with pytest.raises(NotRead) as refused:
        parse("9" * 5000)
    assert str(refused.value).startswith("Exceeds the limit (4300 digits) for integer string conversion")
