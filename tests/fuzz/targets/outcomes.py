"""A file of models' outcome profiles (`consolidation.insights.profiles.read`)."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from iai_daemon.consolidation.insights.profiles import LONGEST, MOST_FIELDS, Profiles, read
from iai_daemon.memory.drafts import MAX_CONTENT
from tests.fuzz.mutating import mutated
from tests.fuzz.target import Target, Verdict, accepted, refused

CORPUS = (
    json.dumps([{"model_id": "opus", "success_rate": 0.91, "runs": 120, "by_task": {"fix": 0.8}, "note": "a\nb", "good": True}]).encode(),
    json.dumps([{"model_id": f"m{number}", "x": number} for number in range(5)] + [{"model_id": "m1"}, 7], indent=1).encode(),
    b"[]",
)  # fmt: skip
_TOKENS = [
    b'"model_id": ',
    b'"\\u0000"',
    b"},",
    b"[{",
    b"}]",
    b'"x": NaN',
    b'{"a": {"b": {}}}',
    b'"' + b"m" * 300 + b'"',
]


def _nobody_comes() -> None:
    """The night goes on."""


def check(subject: Any, data: bytes) -> Verdict:
    found = subject(data, _nobody_comes)
    assert isinstance(found, Profiles)
    assert found == read(data, _nobody_comes), "read twice, it says two things"
    for name, sentence in found.sentences.items():
        assert 0 < len(name) <= LONGEST
        assert sentence.startswith(f"{name}: ")
        assert sentence.isprintable()
        assert sentence.encode()
        assert len(sentence) <= MAX_CONTENT
        assert sentence.count(",") <= 1000 * MOST_FIELDS
    assert all(number > 0 for number in found.left_out.values())
    if found.sentences:
        return accepted("profiles, and some is left out" if found.left_out else "profiles")
    return refused(min(found.left_out, default="nothing in it"))


def _broken(data: bytes, yield_point: Any) -> Profiles:
    """Takes every element for a profile."""
    found = read(data, yield_point)
    if found.sentences:
        [each["model_id"] for each in json.loads(data.decode("utf-8-sig")) if each]
    return found


TARGET = Target(
    name="outcomes",
    law="any bytes are one printable sentence a model, within the bounds of a memory, and counts of what is left out",
    corpus=CORPUS,
    inputs=mutated(CORPUS, _TOKENS, most=4) | st.binary(max_size=40),
    check=check,
    subject=read,
    broken=_broken,
)
