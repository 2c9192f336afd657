"""The note in which a wrapper says why it ended (`presence.ends.parse`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from iai_daemon.presence.ends import REASONS, End, parse
from tests.fuzz.mutating import mutated
from tests.fuzz.target import Target, Verdict, accepted, refused

CORPUS = tuple(
    sorted(
        each.read_bytes() for each in (Path(__file__).parents[3] / "wrappers/golden/ended").glob("[!e]*.json")
    )
)
_LONGEST = 200


def check(subject: Any, data: bytes) -> Verdict:
    end = subject(data)
    assert end == subject(data)
    if end is None:
        return refused("no note")
    assert isinstance(end, End)
    assert end.reason in REASONS
    assert end.lasted is None or 0 <= end.lasted < 1e12
    for text in (end.client, end.session, end.server):
        assert text is None or (text.isprintable() and len(text) <= _LONGEST)
    return accepted(end.reason)


def _broken(data: bytes) -> End | None:
    """Takes every text for a note."""
    return End(1, json.loads(data)["reason"])


TARGET = Target(
    name="ended",
    law="any bytes are an end for a known reason, with texts that may stand on a terminal, or nothing",
    corpus=CORPUS,
    inputs=mutated(
        CORPUS,
        [*(f'"{each}"'.encode() for each in REASONS), b'"\\u0000\\u001b"', b'"client": {"name": "\\u0007"}, ', b'"status": '],
    )
    | st.binary(max_size=64),
    check=check,
    subject=parse,
    broken=_broken,
)  # fmt: skip
