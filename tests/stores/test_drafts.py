"""What may become a memory: everything else is a named refusal."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.errors import BadRecord
from iai_daemon.memory.drafts import from_object
from iai_daemon.memory.record import Draft


def test_an_import_line_becomes_a_draft_and_unknown_fields_are_ignored() -> None:
    line = {
        "id": 7,
        "content": "  x  ",
        "tags": ["a"],
        "created_at": "1970-01-02",
        "expires_at": "1970-01-03T00:00:00+01:00",
        "colour": "red",
    }
    draft = from_object(line)
    assert draft == Draft("x", external_id="7", tags=("a",), created_at=86400.0, expires_at=2 * 86400 - 3600)


def test_what_is_empty_is_not_there() -> None:
    line = {"content": "x", "id": "", "kind": " ", "scope": "", "tags": ["", "a"], "created_at": None}
    assert from_object(line) == Draft("x", tags=("a",))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (None, "not a JSON object"),
        ([], "not a JSON object"),
        ({}, "content is missing or empty"),
        ({"content": 7}, "content must be a text"),
        ({"content": " "}, "content is missing or empty"),
        ({"content": "x" * 65537}, "65537 characters"),
        ({"content": "a\0b"}, "a character that no text can have"),
        ({"content": "\ud800"}, "a character that no text can have"),
        ({"content": "x", "id": True}, "id must be a text"),
        ({"content": "x", "kind": []}, "kind must be a text"),
        ({"content": "x", "subject": "s" * 300}, "subject has 300 characters"),
        ({"content": "x", "tags": "a"}, "tags must be a list"),
        ({"content": "x", "tags": [1]}, "each of tags must be a text"),
        ({"content": "x", "tags": ["t"] * 65}, "at most 64"),
        ({"content": "x", "created_at": 5}, "created_at must be a time"),
        ({"content": "x", "expires_at": "soon"}, "expires_at must be a time"),
        ({"content": "x", "expires_at": "0001-01-01T00:00:00Z"}, "expires_at must be a time"),
    ],
)
def test_a_bad_line_is_named(line: object, said: str) -> None:
    with pytest.raises(BadRecord, match=said):
        from_object(line)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.dictionaries(
        st.sampled_from(["id", "content", "kind", "scope", "tags", "created_at", "expires_at", "session"]),
        json_values,
    )
)
def test_any_json_is_a_draft_or_a_named_refusal(line: dict[str, object]) -> None:
    try:
        draft = from_object(line)
    except BadRecord:
        return
    assert draft.content
    assert all(at is None or math.isfinite(at) for at in (draft.created_at, draft.expires_at))
