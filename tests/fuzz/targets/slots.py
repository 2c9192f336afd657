"""What a calendar's backend answers to a heartbeat (`agenda.slots.courier.answers`)."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import strategies as st

from iai_daemon.agenda.slots.courier.answers import (
    LONGEST_ID,
    LONGEST_MESSAGE,
    LONGEST_TITLE,
    Trouble,
    named_status,
    of_beat,
    trouble_of,
)
from tests.fuzz.mutating import mutated
from tests.fuzz.target import Target, Verdict, accepted, refused

_SLOT = {"id": "s-1", "agent_id": "writer", "title": "Morning", "prompt_text": "sing", "status": "scheduled"}
CORPUS = tuple(
    json.dumps(each).encode()
    for each in (
        {
            "slots": [_SLOT, {**_SLOT, "id": 7, "wake_options": {"override_message": "now"}}],
            "restart_pending": False,
        },
        {"slots_to_fire": [_SLOT], "slots": None},
        {"slots": [{**_SLOT, "id": "s-2", "title": "", "prompt_text": None}], "status": "completed"},
        {"error": {"message": "no such slot"}},
        {"slots": []},
    )
)
_TOKENS = [
    *sorted({found for data in CORPUS for found in re.findall(rb'"[a-z_]+": ', data)}),
    *(b'"' + b"x" * 30_000 + b'"', b'".."', b'"\\u001b[2J"', b'"\\u0000"'),
]


def check(subject: Any, data: bytes) -> Verdict:
    status = named_status(data)
    assert status is None or isinstance(status, str)
    for number in (200, 302, 401, 404, 429, 500):
        trouble = trouble_of(number, data)
        assert (trouble is None) is (number == 200)
        assert trouble is None or (len(str(trouble)) < 400 and str(trouble).isprintable())
    try:
        answer = subject(data)
    except Trouble as cause:
        return refused(str(cause))
    assert all(reason.isprintable() and len(reason) < 400 for reason in answer.dropped)
    assert len({slot.id for slot in answer.slots}) == len(answer.slots) <= 500
    for slot in answer.slots:
        for name in (slot.id, slot.agent):
            assert 1 <= len(name) <= LONGEST_ID
            assert name.isprintable()
        assert len(slot.title) <= LONGEST_TITLE
        assert 0 < len(slot.message) <= LONGEST_MESSAGE
        assert f"{slot.title}{slot.message}".encode().count(b"\\0") == 0
    if answer.slots:
        return accepted("slots, and some are dropped" if answer.dropped else "slots")
    return refused("every slot is dropped" if answer.dropped else "no slots")


def _broken(data: bytes) -> Any:
    """Takes every id for a text."""
    answer = of_beat(data)
    for each in json.loads(data).get("slots") or ():
        each["id"].strip()
    return answer


TARGET = Target(
    name="slots",
    law="any answer is slots within their bounds, with reasons for what is none, or a named trouble on one line",
    corpus=CORPUS,
    inputs=mutated(CORPUS, _TOKENS, most=4) | st.binary(max_size=40),
    check=check,
    subject=of_beat,
    broken=_broken,
)
