"""One member of a JSON text set or taken out, letter for letter."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from iai_daemon.clients.json_text import put, put_raw, raw, take
from iai_daemon.clients.jsonc import NotRead


@pytest.mark.parametrize(
    ("before", "path", "value", "after"),
    [
        # What stands there is replaced.
        ('{"a": 1}', "a", 2, '{"a": 2}'),
        ('{"a" : 1 , "b": 2}', "a", "ü", '{"a" : "ü" , "b": 2}'),
        ('{"a": {"b": {"c": 1}}}', "a.b.c", None, '{"a": {"b": {"c": null}}}'),
        ('{"a": 1, "a": 2}', "a", 3, '{"a": 1, "a": 3}'),
        ('{\n    "a": 1\n}', "a", {"b": 1}, '{\n    "a": {\n        "b": 1\n    }\n}'),
        ('{\n\t"a": /* why */ 1 // so\n}', "a", [2], '{\n\t"a": /* why */ [\n\t\t2\n\t] // so\n}'),
        ('{"a": {"b": 1}}', "a", {}, '{"a": {}}'),
        # Into a table that is empty.
        ("", "a", 1, '{\n  "a": 1\n}'),
        (" \n", "a", 1, ' \n{\n  "a": 1\n}'),
        ("{}", "a", 1, '{\n  "a": 1\n}'),
        ("{ }", "a", 1, '{\n  "a": 1\n}'),
        ("{\n}\n", "a", 1, '{\n  "a": 1\n}\n'),
        ("{\r\n}", "a", 1, '{\r\n  "a": 1\r\n}'),
        ("{/* none */}", "a", 1, '{\n  "a": 1/* none */\n}'),
        ("{ /* none */ }", "a", 1, '{\n  "a": 1 /* none */ \n}'),
        ("{ // none\n}", "a", 1, '{\n  "a": 1 // none\n}'),
        ('{\n    "a": {}\n}', "a.b", 1, '{\n    "a": {\n        "b": 1\n    }\n}'),
        ('{\n\t"a": {\n\t}\n}', "a.b", {"c": 1}, '{\n\t"a": {\n\t\t"b": {\n\t\t\t"c": 1\n\t\t}\n\t}\n}'),
        ('{\n  "a": {\n  }\n}', "a.b", 1, '{\n  "a": {\n    "b": 1\n  }\n}'),
        ('{\n  "a": { \n  }\n}', "a.b", 1, '{\n  "a": {\n    "b": 1 \n  }\n}'),
        ("{\t }", "a", 1, '{\n  "a": 1\n}'),
        ("{}", "ü", 1, '{\n  "ü": 1\n}'),
        # Behind others on one line.
        ('{"a": 1}', "b", 2, '{"a": 1, "b": 2}'),
        ('{"a": 1 }', "b", {"ü": [1]}, '{"a": 1, "b": {"ü": [1]} }'),
        ('{"a": {"b": 1}}', "a.ü", 2, '{"a": {"b": 1, "ü": 2}}'),
        # Behind others, each on a line of its own.
        ('{\n  "a": 1\n}', "b", 2, '{\n  "a": 1,\n  "b": 2\n}'),
        ('{\r\n  "a": 1\r\n}', "b", [2], '{\r\n  "a": 1,\r\n  "b": [\r\n    2\r\n  ]\r\n}'),
        ('{\n  "a": 1,\n}', "b", 2, '{\n  "a": 1,\n  "b": 2,\n}'),
        ('{\n  "a": 1 // why\n}', "b", 2, '{\n  "a": 1, // why\n  "b": 2\n}'),
        ('{\n  "a": 1, // why\n}', "b", 2, '{\n  "a": 1, // why\n  "b": 2,\n}'),
        ('{\n  "a": 1 /* why */\n  , // so\n}', "b", 2, '{\n  "a": 1 /* why */\n  , // so\n  "b": 2,\n}'),
        ('{\r\n  "a": 1\r\n  ,\r\n}', "b", 2, '{\r\n  "a": 1\r\n  ,\r\n  "b": 2,\r\n}'),
        ('{\n  "a": 1}', "ü", "ü", '{\n  "a": 1,\n  "ü": "ü"}'),
        # Tables on the way that are missing are made.
        ("{}", "a.b", 1, '{\n  "a": {\n    "b": 1\n  }\n}'),
        ('{"x": 0}', "a.b.c", 1, '{"x": 0, "a": {"b": {"c": 1}}}'),
        ('{\n "x": {}\n}', "x.y.z", 1, '{\n "x": {\n  "y": {\n   "z": 1\n  }\n }\n}'),
        # The first indentation is that of the whole text.
        ('// one\n{\n      "a": {\n            "b": 1\n      }\n}', "c", {"d": 1},
         '// one\n{\n      "a": {\n            "b": 1\n      },\n      "c": {\n            "d": 1\n      }\n}'),
    ],
)  # fmt: skip
def test_a_member_is_set_and_all_else_stays(before: str, path: str, value: object, after: str) -> None:
    assert put(before, path.split("."), value) == after


@pytest.mark.parametrize(
    ("before", "path", "after"),
    [
        ('{"a": 1}', "b", '{"a": 1}'),
        ('{"a": 1}', "a.b", '{"a": 1}'),
        ('{"a": 1}', "x.y", '{"a": 1}'),
        # The only one.
        ('{"a": 1}', "a", "{}"),
        ('{ "a": 1, }', "a", "{}"),
        ('{\n  "a": 1\n}\n', "a", "{}\n"),
        ('{\n  "a": {\n    "b": 1\n  }\n}', "a.b", '{\n  "a": {}\n}'),
        ('{\n  // why\n  "a": 1\n}', "a", "{\n  // why\n}"),
        ('{\n  "a": 1 // why\n}', "a", "{ // why\n}"),
        ('{\n  "a": 1, // why\n}', "a", "{ // why\n}"),
        ('{"a": 1 /* why */}', "a", "{ /* why */}"),
        # On one line with others.
        ('{"a": 1, "b": 2}', "a", '{"b": 2}'),
        ('{"a": 1, "b": 2}', "b", '{"a": 1}'),
        ('{"a": 1, "b": 2, "c": 3}', "b", '{"a": 1, "c": 3}'),
        ('{"a": 1, "b": 2 }', "b", '{"a": 1 }'),
        ('{"a": 1,"b": 2}', "b", '{"a": 1}'),
        ('{"a": 1, /* two */ "b": 2}', "b", '{"a": 1 /* two */}'),
        ('{"a": 1, "b": 2,}', "b", '{"a": 1, }'),
        ('{"o": {"a": 1, "b": 2}, "z": 3}', "o.a", '{"o": {"b": 2}, "z": 3}'),
        # On a line of its own.
        ('{\n  "a": 1,\n  "b": 2\n}', "a", '{\n  "b": 2\n}'),
        ('{\n  "a": 1,\n  "b": 2\n}', "b", '{\n  "a": 1\n}'),
        ('{\n  "a": 1,\n  "b": 2,\n}', "b", '{\n  "a": 1,\n}'),
        ('{\r\n  "a": 1,\r\n  "b": 2\r\n}', "b", '{\r\n  "a": 1\r\n}'),
        ('{\r\n  "a": 1,\r\n  "b": 2\r\n}', "a", '{\r\n  "b": 2\r\n}'),
        ('{\n  "a": 1, // one\n  "b": 2 // two\n}', "b", '{\n  "a": 1 // one // two\n}'),
        ('{\n  "a": 1, // one\n  "b": 2, // two\n  "c": 3\n}', "b",
         '{\n  "a": 1, // one // two\n  "c": 3\n}'),
        ('{\n  "a": 1 /* , */ ,\n  "b": 2\n}', "b", '{\n  "a": 1 /* , */ \n}'),
        ('{\n  "a": 1, \n  "b": 2\n}', "b", '{\n  "a": 1 \n}'),
        # The same name twice.
        ('{"a": 1, "b": 2, "a": 3}', "a", '{"b": 2}'),
        ('{"a": 1, "a": 2}', "a", "{}"),
    ],
)  # fmt: skip
def test_a_member_is_taken_out_with_its_comma_and_all_else_stays(before: str, path: str, after: str) -> None:
    assert take(before, path.split(".")) == after


TABLES = '{"x": 1, "a": {"b": {"c": 1}}}'


@pytest.mark.parametrize(
    ("emptied", "after"),
    [
        (0, '{"x": 1, "a": {"b": {}}}'),
        (1, '{"x": 1, "a": {}}'),
        (2, '{"x": 1}'),
        (3, '{"x": 1}'),
    ],
)
def test_as_many_tables_around_it_go_as_are_wanted_where_nothing_is_left_in_them(
    emptied: int, after: str
) -> None:
    assert take(TABLES, ["a", "b", "c"], emptied=emptied) == after


def test_a_table_in_which_something_is_left_stays_and_so_does_the_whole() -> None:
    assert take('{"a": {"b": 1, "c": 2}}', ["a", "b"], emptied=2) == '{"a": {"c": 2}}'
    assert take('{"a": {"b": 1}}', ["a", "b"], emptied=9) == "{}"
    assert take('{"a": {"b": 1, "b": 2}}', ["a", "b"], emptied=1) == '{"a": {}}'


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("a", '{ "b": [1,  2], /* so */ "c": "\\u00fc" }'),
        ("a.b", "[1,  2]"),
        ("a.c", '"\\u00fc"'),
        ("d", None),
        ("a.d", None),
        ("e.b", None),
        ("a.b.c", None),
    ],
)
def test_a_value_is_told_as_it_is_written_and_can_be_written_anew(path: str, written: str | None) -> None:
    text = '{"a": { "b": [1,  2], /* so */ "c": "\\u00fc" }, "z": 0}'
    assert raw(text, path.split(".")) == written
    other = text if written is None else text.replace(written, "[ 3 ]")
    assert put_raw(text, path.split("."), "[ 3 ]") == other


@pytest.mark.parametrize(
    ("text", "path", "why"),
    [
        ("[]", ["a"], "it is no table as a whole"),
        ("1", ["a"], "it is no table as a whole"),
        ('{"a": 1}', ["a", "b"], "a is no table"),
        ('{"a": {"b": []}}', ["a", "b", "c"], "a.b is no table"),
        ('{"a": {"b": []}}', ["a", "b", "c", "d"], "a.b is no table"),
        ("{", ["a"], "line 1: Expecting property name enclosed in double quotes"),
    ],
)
def test_what_is_no_table_is_refused_by_its_name(text: str, path: Sequence[str], why: str) -> None:
    with pytest.raises(NotRead) as refused:
        put(text, path, 1)
    assert str(refused.value) == why


@pytest.mark.parametrize("text", ["[]", "{", "nothing"])
def test_nothing_is_told_or_taken_of_what_is_no_table_as_a_whole(text: str) -> None:
    for act in (raw, take):
        with pytest.raises(NotRead):
            act(text, ["a"])
    with pytest.raises(NotRead):
        put_raw(text, ["a"], "1")
