"""What a backend answers, whatever it is: slots, or a reason in words."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.agenda.slot import Listed
from iai_daemon.agenda.slots.courier import answers
from iai_daemon.agenda.slots.courier.answers import Answer, Kind, Trouble

GOOD = {"id": "7", "agent_id": "writer", "title": "T", "prompt_text": "do it"}


def read(*slots: Any, **more: Any) -> Answer:
    return answers.of_beat(json.dumps({"slots": slots, **more}).encode())


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"wake_options": {"override_message": "now!"}}, "now!"),
        ({"wake_options": {"override_message": None}}, "do it"),
        ({"wake_options": {"override_message": "  "}}, "do it"),
        ({"wake_options": None}, "do it"),
        ({}, "do it"),
        ({"prompt_text": None}, "[calendar] slot 7: T"),
        ({"prompt_text": " \n"}, "[calendar] slot 7: T"),
        ({"prompt_text": "", "title": None}, "[calendar] slot 7"),
        ({"prompt_text": "a\r\nb\tc\0d\x1b[1m\ud800"}, "a\nb\tc�d[1m�"),
    ],
)
def test_an_agent_is_told_the_override_else_the_prompt_else_which_slot_it_is(
    said: dict[str, Any], message: str
) -> None:
    assert [each.message for each in read({**GOOD, **said}).slots] == [message]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (7, "it is no object"),
        ([], "it is no object"),
        ({**GOOD, "id": None}, "id is missing"),
        ({**GOOD, "id": True}, "id is neither a text nor a whole number"),
        ({**GOOD, "id": 1.5}, "id is neither a text nor a whole number"),
        ({**GOOD, "id": ""}, "id is not of 1 to 200 printable characters"),
        ({**GOOD, "id": "x" * 201}, "id is not of 1 to 200 printable characters"),
        ({**GOOD, "id": "a\nb"}, "id is not of 1 to 200 printable characters"),
        ({**GOOD, "id": "\ud800"}, "id is not of 1 to 200 printable characters"),
        ({**GOOD, "id": " 7"}, "id is not of 1 to 200 printable characters"),
        ({**GOOD, "id": ".."}, "id .. cannot stand in an address"),
        ({"id": "7"}, "agent_id is missing"),
        ({**GOOD, "agent_id": {}}, "agent_id is neither a text nor a whole number"),
        ({**GOOD, "title": 3}, "title is no text"),
        ({**GOOD, "prompt_text": ["do"]}, "prompt_text is no text"),
        ({**GOOD, "wake_options": "now"}, "wake_options is no object"),
        ({**GOOD, "wake_options": {"override_message": 1}}, "override_message is no text"),
        ({**GOOD, "prompt_text": "x" * 20_001}, "its message is longer than 20,000 characters"),
        ({**GOOD, "status": 1}, "status is no text"),
        ({**GOOD, "status": "x" * 51}, "status is none"),
    ],
)
def test_a_slot_that_cannot_be_used_is_dropped_with_a_reason_and_the_others_stay(said: Any, why: str) -> None:
    answer = read(said, {**GOOD, "id": "good"})
    assert [each.id for each in answer.slots] == ["good"]
    assert answer.dropped == [f"slots, number 1: {why}"]


def test_what_is_allowed_and_what_is_not_known_is_read_as_it_should_be() -> None:
    slot = {
        **GOOD,
        "id": 12,
        "agent_id": "a" * 200,
        "title": " x\n" * 300,
        "status": "paused",
        "colour": "red",
    }
    assert read(slot, more={}).slots == [Listed("12", "a" * 200, " ".join("x" * 250), "do it", "paused")]
    assert read({**GOOD, "prompt_text": "x" * 20_000}).dropped == []


def test_of_slots_with_one_id_the_first_counts_in_both_lists() -> None:
    answer = read(
        GOOD, {**GOOD, "prompt_text": "other"}, slots_to_fire=[{**GOOD, "id": 7}, {**GOOD, "id": 8}]
    )
    assert [(each.id, each.message) for each in answer.slots] == [("7", "do it"), ("8", "do it")]
    assert answer.dropped == ["slot 7 is listed twice: the first counts"] * 2


@pytest.mark.parametrize("body", [b"{}", b'{"slots": null}', b'{"slots": []}'])
def test_a_list_that_is_not_there_is_an_empty_one(body: bytes) -> None:
    assert answers.of_beat(body) == Answer([], dropped=[])


def test_a_restart_that_is_pending_is_told_and_must_be_true_or_false() -> None:
    assert read(restart_pending=True).restart_pending
    assert not read(restart_pending=None).restart_pending
    assert read(restart_pending="yes") == Answer([], dropped=["restart_pending is neither true nor false"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"7",
        b'{"slots": {}}',
        b'{"slots_to_fire": 3}',
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"slots": [',
        b"1" * 5000,
    ],
)
def test_what_is_no_answer_is_refused_as_one(body: bytes) -> None:
    with pytest.raises(Trouble, match="its answer") as caught:
        answers.of_beat(body)
    assert caught.value.kind is Kind.BAD


def test_there_is_a_bound_to_how_many_slots_and_reasons_there_are() -> None:
    many = read(*({**GOOD, "id": number} for number in range(600)))
    assert len(many.slots) == 500
    assert len(many.dropped) == 21
    assert many.dropped[-1] == "and 80 more"
    long = read(*({**GOOD, "id": number, "prompt_text": "ü" * 20_000} for number in range(100)))
    assert 20 < len(long.slots) < 26


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, None),
        (204, None),
        (301, Kind.BAD),
        (308, Kind.BAD),
        (400, Kind.REFUSED),
        (401, Kind.AUTH),
        (403, Kind.AUTH),
        (404, Kind.REFUSED),
        (408, Kind.AWAY),
        (409, Kind.REFUSED),
        (422, Kind.REFUSED),
        (425, Kind.AWAY),
        (429, Kind.AWAY),
        (500, Kind.AWAY),
        (503, Kind.AWAY),
    ],
)
def test_each_status_means_what_the_daemon_does_next(status: int, kind: Kind | None) -> None:
    found = answers.trouble_of(status, b"")
    assert (found and found.kind) == kind


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": "no such\\nslot"}', "it answers 404 (no such slot)"),
        (b'{"error": {"message": "gone"}}', "it answers 404 (gone)"),
        (b'{"detail": "gone"}', "it answers 404 (gone)"),
        (b'{"detail": [{"input": "secret"}]}', "it answers 404"),
        (b"<html>secret</html>", "it answers 404"),
        (b'{"error": ""}', "it answers 404"),
    ],
)
def test_a_backend_is_quoted_where_it_says_what_is_wrong_and_nowhere_else(body: bytes, said: str) -> None:
    assert str(answers.trouble_of(404, body)) == said


def test_what_a_backend_says_is_quoted_in_bounds() -> None:
    assert len(str(answers.trouble_of(500, json.dumps({"error": "x" * 100_000}).encode()))) < 300


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
_SLOTS = st.fixed_dictionaries(
    {},
    optional={
        "id": _VALUES,
        "agent_id": st.just("writer") | _VALUES,
        "title": _VALUES,
        "prompt_text": _VALUES,
        "wake_options": _VALUES | st.fixed_dictionaries({"override_message": _VALUES}),
        "status": _VALUES,
    },
)


@given(st.lists(_SLOTS | _VALUES, max_size=5), _VALUES)
def test_whatever_is_listed_becomes_a_slot_or_a_reason(slots: list[Any], pending: Any) -> None:
    answer = read(*slots, restart_pending=pending)
    assert len(answer.slots) + len(answer.dropped) >= len(slots)
    for each in answer.slots:
        assert each.id.isprintable()
        assert each.agent
        assert each.message
        json.dumps([each.id, each.agent, each.title, each.message], ensure_ascii=False).encode()


@given(st.binary())
def test_whatever_bytes_come_are_an_answer_or_trouble(body: bytes) -> None:
    with contextlib.suppress(Trouble):
        answers.of_beat(body)
    assert answers.named_status(body) is None or b"status" in body
