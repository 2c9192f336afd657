"""Halves of characters, which JavaScript leaves where it cuts a text within an emoji."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.mcp_server.wire import mended


@pytest.mark.parametrize(
    ("line", "after"),
    [
        (r"\ud83e", r"\ufffd"),
        (r"\uDD8A", r"\ufffd"),
        (r"\ud83e\udd8a", r"\ud83e\udd8a"),
        (r"\udd8a\ud83e", r"\ufffd\ufffd"),
        (r"\ud83e\ud83e\udd8a", r"\ufffd\ud83e\udd8a"),
        (r"\\ud83e", r"\\ud83e"),
        (r"\\\ud83e", r"\\\ufffd"),
        (r"\ud83e \n \u00e9", r"\ufffd \n \u00e9"),
    ],
)
def test_a_half_that_stands_alone_is_replaced(line: str, after: str) -> None:
    assert mended(line) == after


@given(st.text(st.sampled_from('\ud83e\udd8a\\"ud83e\n🦊é'), max_size=20))
def test_nothing_else_changes(text: str) -> None:
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert json.loads(mended(json.dumps(text))) == whole
