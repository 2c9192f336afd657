"""A JSON array of models' profiles, by plain values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iai_daemon.consolidation.insights.profiles import LARGEST, LONGEST, MOST_FIELDS, Profiles, read
from tests.consolidation.test_passes import go_on


def found(*profiles: Any) -> Profiles:
    return read(json.dumps(profiles).encode(), go_on)


def told(**fields: Any) -> str:
    return found({"model_id": "m", **fields}).sentences["m"]


def test_each_model_becomes_a_sentence_in_the_order_of_the_file() -> None:
    said = found({"model_id": "b", "wins": 3}, {"model_id": "a", "wins": 2})
    assert list(said.sentences.items()) == [("b", "b: wins 3."), ("a", "a: wins 2.")]
    assert not said.left_out


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "m: nothing is said of it."),
        ({"z": 1, "a": 2}, "m: a 2, z 1."),
        ({"a": True, "b": False}, "m: a yes, b no."),
        ({"a": 0.5, "b": -3, "c": 0}, "m: a 0.5, b -3, c 0."),
        ({"a": " two\nwords\t"}, "m: a two words."),
        ({"two\nwords": 1}, "m: two words 1."),
        ({"a": None}, "m: nothing is said of it."),
        ({"a": {"b": 1, "c": {}, "d": None}}, "m: a.b 1."),
        ({"a": {"model_id": "x"}}, "m: a.model_id x."),
        ({"größe": "ü"}, "m: größe ü."),
        ({"a": "x" * 300}, f"m: a {'x' * 200}."),
        ({"k" * 300: 1}, f"m: {'k' * 200} 1."),
        ({"a": "\x1b[2J"}, "m: a [2J."),
    ],
)
def test_its_fields_are_told_by_name_as_they_are_given(fields: dict[str, Any], sentence: str) -> None:
    assert LONGEST == 200
    assert told(**fields) == sentence


@pytest.mark.parametrize(
    ("profile", "why"),
    [
        ({"model_id": "m", "a": float("nan")}, "fields without a finite value"),
        ({"model_id": "m", "a": float("inf")}, "fields without a finite value"),
        ({"model_id": "m", "a": 10**400}, "fields without a finite value"),
        ({"model_id": "m", "a": " "}, "fields without a finite value"),
        ({"model_id": "m", "a": []}, "fields that are lists or lie too deep"),
        ({"model_id": "m", "a": {"b": {}}}, "fields that are lists or lie too deep"),
        ({"model_id": "m", "a": {"b": [1]}}, "fields that are lists or lie too deep"),
    ],
)
def test_what_cannot_be_told_of_a_model_is_counted_by_its_reason(profile: dict[str, Any], why: str) -> None:
    said = found(profile, {**profile, "model_id": "n", "good": 1})
    assert said.left_out == {why: 2}
    assert said.sentences == {"m": "m: nothing is said of it.", "n": "n: good 1."}


@pytest.mark.parametrize(
    ("profile", "why"),
    [
        (7, "not an object"),
        ([], "not an object"),
        (None, "not an object"),
        ({}, "without a model_id"),
        ({"model_id": 7}, "without a model_id"),
        ({"model_id": ""}, "without a model_id"),
        ({"model_id": " \n"}, "without a model_id"),
    ],
)
def test_a_profile_of_nobody_is_left_out_and_the_others_are_told(profile: object, why: str) -> None:
    said = found(profile, {"model_id": "m"}, profile)
    assert said.left_out == {why: 2}
    assert said.sentences == {"m": "m: nothing is said of it."}


def test_a_name_is_told_in_one_line_of_at_most_200_characters() -> None:
    assert list(found({"model_id": f" a\n{'b' * 300}"}).sentences) == [f"a {'b' * 197}"]


def test_of_two_profiles_of_one_model_the_later_is_told_in_the_place_of_the_first() -> None:
    said = found({"model_id": "m", "a": 1}, {"model_id": "n"}, {"model_id": " m", "a": 2}, {"model_id": "m"})
    assert list(said.sentences) == ["m", "n"]
    assert said.sentences["m"] == "m: nothing is said of it."
    assert said.left_out == {"followed by another profile of the same model": 2}


def test_of_a_profile_fifty_fields_are_told() -> None:
    assert MOST_FIELDS == 50
    fifty = {f"f{number:02}": number for number in range(50)}
    whole = f"m: {', '.join(f'{name} {number}' for name, number in fifty.items())}."
    said = found({"model_id": "m", **fifty})
    assert (said.sentences, dict(said.left_out)) == ({"m": whole}, {})
    said = found({"model_id": "m", **fifty, "f50": 1, "f51": 2}, {"model_id": "n", **fifty, "f50": 1})
    assert said.sentences["m"] == whole
    assert said.left_out == {"fields beyond 50": 3}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" ",
        b"{}",
        b'{"model_id": "m"}',
        b"[",
        b'[{"model_id": "m"}',
        b'[{"model_id": "m"},',
        b'[{"model_id": "m"},]',
        b'[{"model_id": "m"}}',
        b'[{"model_id": "m"} {"model_id": "n"}]',
        b'[{"model_id": "m"}] x',
        b"[] []",
        b"[]x",
        b"[,]",
        b'[{"model_id": "\xff"}]',
        b"[" * 60_000,
    ],
)
def test_of_what_is_no_json_array_nothing_is_read(content: bytes) -> None:
    said = read(content, go_on)
    assert said.sentences == {}
    assert said.left_out == {"the whole file: not a JSON array": 1}


@pytest.mark.parametrize(
    "content",
    [
        b'[{"model_id":"m"},{"model_id":"n"}]',
        b'\xef\xbb\xbf[{"model_id":"m"},{"model_id":"n"}]',
        b' \t\r\n[ \t\r\n{"model_id":"m"} \t\r\n, \t\r\n{"model_id":"n"} \t\r\n] \t\r\n',
    ],
)
def test_space_between_the_elements_and_a_mark_at_the_beginning_say_nothing(content: bytes) -> None:
    assert list(read(content, go_on).sentences) == ["m", "n"]


@pytest.mark.parametrize("content", [b"[]", b" [ ] ", b"[\n]\n"])
def test_an_empty_array_is_read_and_says_nothing(content: bytes) -> None:
    assert read(content, go_on) == Profiles()


def test_a_file_of_ten_megabytes_is_read_and_a_larger_one_is_not() -> None:
    assert LARGEST == 10_000_000
    whole = b'["' + b"x" * (LARGEST - 4) + b'"]'
    assert read(whole, go_on).left_out == {"not an object": 1}
    said = read(whole + b" ", go_on)
    assert said.sentences == {}
    assert said.left_out == {"the whole file: larger than 10 MB": 1}


@pytest.mark.parametrize(("profiles", "asked"), [(0, 0), (1, 1), (100, 1), (101, 2), (201, 3)])
def test_every_hundred_profiles_it_is_asked_whether_to_go_on(profiles: int, asked: int) -> None:
    times: list[int] = []
    read(json.dumps([{}] * profiles).encode(), lambda: times.append(1))
    assert len(times) == asked
