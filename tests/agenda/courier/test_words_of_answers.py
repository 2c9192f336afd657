"""What a backend answers, word for word and to the last byte of every bound; test_answers asks with whatever there is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iai_daemon.agenda.slot import Listed
from iai_daemon.agenda.slots.courier import answers
from iai_daemon.agenda.slots.courier.answers import Answer, Gathering, Kind, Trouble

SLOT: dict[str, Any] = {"id": "7", "agent_id": "writer", "title": "T", "prompt_text": "do it"}
# `["7", "writer", "T", ""]`
AROUND = 24
MANY = 1_000_000


def of(answer: Any) -> Answer:
    return answers.of_beat(json.dumps(answer).encode())


def gathered(*slots: Listed) -> Gathering:
    gathering = Gathering()
    for each in slots:
        gathering.take(each)
    return gathering


def listed(id_: str = "7", message: str = "do it") -> Listed:
    return Listed(id_, "writer", "T", message)


# Bounds.


@pytest.mark.parametrize("letter", ["x", "ü", "€", '"'])
def test_a_million_bytes_are_taken_at_once_and_not_one_more(letter: str) -> None:
    size = {"x": 1, "ü": 2, "€": 3, '"': 2}[letter]
    whole = letter * 1000 + "x" * (MANY - AROUND - 1000 * size)
    assert gathered(listed(message=whole)).dropped == []
    assert gathered(listed(message=whole + "x")).dropped == ["slot 7 is one too many at once"]


def test_the_bytes_of_all_slots_count_together() -> None:
    half = "x" * (MANY // 2 - AROUND)
    both = gathered(listed("1", half), listed("2", half))
    assert (list(both.slots), both.dropped) == (["1", "2"], [])
    more = gathered(listed("1", half), listed("2", half + "x"), listed("3"))
    assert (list(more.slots), more.dropped) == (["1", "3"], ["slot 2 is one too many at once"])
    none_left = gathered(listed("1", half), listed("2", half), listed("3"))
    assert (list(none_left.slots), none_left.dropped) == (["1", "2"], ["slot 3 is one too many at once"])


def test_500_slots_are_taken_at_once_and_not_one_more() -> None:
    many = gathered(*(listed(str(number)) for number in range(500)))
    assert (len(many.slots), many.dropped) == (500, [])
    many.take(listed("500"))
    assert (len(many.slots), many.dropped) == (500, ["slot 500 is one too many at once"])


def test_20_reasons_are_said_and_the_others_counted() -> None:
    gathering = Gathering()
    for number in range(20):
        gathering.drop(f"reason {number}")
    assert gathering.dropped == [f"reason {number}" for number in range(20)]
    gathering.drop("reason 20")
    assert gathering.dropped[19:] == ["reason 19", "and 1 more"]
    gathering.drop("reason 21")
    assert gathering.dropped[19:] == ["reason 19", "and 2 more"]


def test_a_long_id_is_named_by_its_beginning() -> None:
    long = listed("x" * 200)
    assert gathered(long, long).dropped == [f"slot {'x' * 59}… is listed twice: the first counts"]
    assert gathered(listed("x" * 200, "x" * MANY)).dropped == [f"slot {'x' * 59}… is one too many at once"]


# What a beat brings.


def test_slots_of_both_lists_are_brought_and_what_is_none_is_told_by_its_place() -> None:
    answer = of(
        {
            "slots": [SLOT, 3, {**SLOT, "id": 8}],
            "slots_to_fire": [{**SLOT, "id": "9"}, {**SLOT, "agent_id": None}],
            "restart_pending": False,
        }
    )
    assert [each.id for each in answer.slots] == ["7", "8", "9"]
    assert answer.dropped == [
        "slots, number 2: it is no object",
        "slots_to_fire, number 2: agent_id is missing",
    ]
    assert (answer.restart_pending, answer.next_at) == (False, None)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "its answer is no JSON"),
        (b"[" * 100_000, "its answer is no JSON"),
        (b"[]", "its answer is no JSON object"),
        (b"null", "its answer is no JSON object"),
        (b'{"slots": {}}', "its answer's `slots` is no list"),
        (b'{"slots": 0}', "its answer's `slots` is no list"),
        (b'{"slots": [], "slots_to_fire": ""}', "its answer's `slots_to_fire` is no list"),
    ],
)
def test_what_is_no_answer_is_refused_in_words(body: bytes, problem: str) -> None:
    with pytest.raises(Trouble) as caught:
        answers.of_beat(body)
    assert (str(caught.value), caught.value.kind) == (problem, Kind.BAD)


@pytest.mark.parametrize(
    ("pending", "restart", "dropped"),
    [
        (True, True, []),
        (False, False, []),
        (None, False, []),
        (1, False, ["restart_pending is neither true nor false"]),
        ("", False, ["restart_pending is neither true nor false"]),
    ],
)
def test_only_true_means_that_a_restart_is_pending(
    pending: object, restart: bool, dropped: list[str]
) -> None:
    assert of({"restart_pending": pending}) == Answer([], restart, dropped)


@pytest.mark.parametrize(
    ("said", "slot"),
    [
        ({}, Listed("7", "writer", "T", "do it", None)),
        ({"id": 0, "agent_id": -3}, Listed("0", "-3", "T", "do it", None)),
        ({"id": "x" * 200}, Listed("x" * 200, "writer", "T", "do it", None)),
        ({"id": "..."}, Listed("...", "writer", "T", "do it", None)),
        ({"status": ""}, Listed("7", "writer", "T", "do it", None)),
        ({"status": "x" * 50}, Listed("7", "writer", "T", "do it", "x" * 50)),
        ({"prompt_text": " do \n it "}, Listed("7", "writer", "T", " do \n it ", None)),
        ({"wake_options": {}}, Listed("7", "writer", "T", "do it", None)),
        ({"title": "", "prompt_text": "\0"}, Listed("7", "writer", "", "\ufffd", None)),
        ({"title": "\x07", "prompt_text": "\x07"}, Listed("7", "writer", "", "[calendar] slot 7", None)),
    ],
)
def test_a_slot_is_read_as_it_is_listed(said: dict[str, Any], slot: Listed) -> None:
    assert of({"slots": [{**SLOT, **said}]}) == Answer([slot], dropped=[])


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"id": "."}, "id . cannot stand in an address"),
        ({"id": []}, "id is neither a text nor a whole number"),
        ({"id": 10**200}, "id is not of 1 to 200 printable characters"),
        ({"id": "7 "}, "id is not of 1 to 200 printable characters"),
        ({"agent_id": ""}, "agent_id is not of 1 to 200 printable characters"),
        ({"agent_id": False}, "agent_id is neither a text nor a whole number"),
        ({"prompt_text": "x" * 20_001}, "its message is longer than 20,000 characters"),
        ({"wake_options": []}, "wake_options is no object"),
        ({"wake_options": {"override_message": 0}}, "override_message is no text"),
        ({"wake_options": {"override_message": "now"}, "prompt_text": 0}, "prompt_text is no text"),
        ({"title": 0}, "title is no text"),
        ({"status": False}, "status is no text"),
        ({"status": "a\nb"}, "status is none"),
    ],
)
def test_what_is_no_slot_is_dropped_with_the_reason(said: dict[str, Any], why: str) -> None:
    assert of({"slots": [{**SLOT, **said}]}) == Answer([], dropped=[f"slots, number 1: {why}"])


# What it says of mistakes.

LEADS_ON = "it leads on to another address ({}), where nothing is sent"


@pytest.mark.parametrize(
    ("status", "kind", "problem"),
    [
        (199, Kind.REFUSED, "it answers 199 (no)"),
        (300, Kind.BAD, LEADS_ON.format(300)),
        (399, Kind.BAD, LEADS_ON.format(399)),
        (400, Kind.REFUSED, "it answers 400 (no)"),
        (401, Kind.AUTH, "it answers 401 (no)"),
        (402, Kind.REFUSED, "it answers 402 (no)"),
        (403, Kind.AUTH, "it answers 403 (no)"),
        (404, Kind.REFUSED, "it answers 404 (no)"),
        (408, Kind.AWAY, "it answers 408 (no)"),
        (425, Kind.AWAY, "it answers 425 (no)"),
        (429, Kind.AWAY, "it answers 429 (no)"),
        (499, Kind.REFUSED, "it answers 499 (no)"),
        (500, Kind.AWAY, "it answers 500 (no)"),
        (599, Kind.AWAY, "it answers 599 (no)"),
    ],
)
def test_a_status_that_is_not_well_means_trouble_of_a_kind(status: int, kind: Kind, problem: str) -> None:
    found = answers.trouble_of(status, b'{"error": "no"}')
    assert found is not None
    assert (found.kind, str(found)) == (kind, problem)


@pytest.mark.parametrize("status", [200, 201, 299])
def test_a_status_that_is_well_means_none(status: int) -> None:
    assert answers.trouble_of(status, b'{"error": "no"}') is None


def said(body: Any) -> str:
    """What is quoted of it."""
    return str(answers.trouble_of(404, json.dumps(body).encode())).removeprefix("it answers 404")


@pytest.mark.parametrize("name", ["error", "message", "detail", "reason", "title"])
def test_a_backend_says_what_is_wrong_under_any_of_five_names(name: str) -> None:
    assert said({name: "gone\n away"}) == " (gone away)"
    assert said({name: {"message": "gone"}}) == " (gone)"
    assert said({name: " "}) == ""
    assert said({name: {"text": "gone"}}) == ""
    assert said({name: 7}) == ""


def test_of_several_names_the_first_that_says_something_counts() -> None:
    every = {"title": "e", "reason": "d", "detail": "c", "message": "b", "error": "a"}
    assert said(every) == " (a)"
    assert said({**every, "error": ""}) == " (b)"
    assert said({**every, "error": {"message": " "}, "message": None}) == " (c)"
    assert said({**every, "error": 1, "message": 1, "detail": []}) == " (d)"
    assert said({"title": "e", "status": 404}) == " (e)"


def test_what_is_said_in_no_object_is_not_quoted() -> None:
    assert said(["error"]) == ""
    assert said("error") == ""
    assert str(answers.trouble_of(404, b"error")) == "it answers 404"


def test_200_characters_are_quoted() -> None:
    assert said({"error": "x" * 200}) == f" ({'x' * 200})"
    assert said({"error": "x" * 201}) == f" ({'x' * 199}…)"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"status": "paused"}', "paused"),
        (b'{"status": ""}', ""),
        (b'{"status": 7}', None),
        (b'{"STATUS": "paused"}', None),
        (b'["status"]', None),
        (b'"status"', None),
        (b"status", None),
        (b"", None),
    ],
)
def test_the_answer_to_an_update_may_name_a_status(body: bytes, status: str | None) -> None:
    assert answers.named_status(body) == status


# Texts.


def test_a_text_keeps_its_lines_and_tabs_and_loses_what_steers() -> None:
    every = "".join(map(chr, range(0x21))) + "\x7e" + "".join(map(chr, range(0x7F, 0xA1)))
    assert answers.clean(every) == "\ufffd\t\n \x7e\xa0"
    assert answers.clean("a\r\nb\rc\ud7ff\ud800\udfff\ue000") == "a\nbc\ud7ff\ufffd\ufffd\ue000"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (" a\n\tb ", "a b"),
        ("x" * 500, "x" * 500),
        ("x" * 501, "x" * 500),
        ("x" * 499 + " y", "x" * 499),
        (" " * 1999 + "xy", "x"),
        (" " * 2000 + "x", ""),
        ("a\x1b b", "a b"),
        ("", ""),
    ],
)
def test_a_title_is_one_line_of_at_most_500_characters(text: str, title: str) -> None:
    assert answers.clean_title(text) == title


def test_who_is_told_nothing_is_told_which_slot_it_is() -> None:
    assert answers.default_message("7", "Sing") == "[calendar] slot 7: Sing"
    assert answers.default_message("7", "") == "[calendar] slot 7"


def test_the_kinds_of_trouble_are_known_by_these_words() -> None:
    assert [each.value for each in Kind] == ["away", "auth", "refused", "bad"]
