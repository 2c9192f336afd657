"""What a JSON object says of a memory, field by field, and what is refused in which words."""

from __future__ import annotations

from typing import Any

import pytest

from iai_daemon.errors import BadRecord
from iai_daemon.memory.drafts import from_object, stamp
from iai_daemon.memory.record import Draft

NO_TEXT = "holds a character that no text can have"


def refusal(line: object) -> str:
    with pytest.raises(BadRecord) as refused:
        from_object(line)
    return str(refused.value)


def test_every_field_is_taken_from_its_own_member() -> None:
    line = {
        "content": "c",
        "external_id": "e",
        "id": "i",
        "kind": "k",
        "subject": "s",
        "attribute": "a",
        "scope": "/p",
        "tags": ["t", "u"],
        "source": "o",
        "session": "n",
        "created_at": "1970-01-01T00:00:01Z",
        "expires_at": "1970-01-01T00:00:02Z",
        "client": "l",
        "origin": "tool",
    }
    whole = Draft("c", "e", "k", "s", "a", "/p", ("t", "u"), "o", "n", 1.0, 2.0, "l", "tool")
    assert from_object(line) == whole
    spaced = {name: f" {value}\n" for name, value in line.items() if isinstance(value, str)}
    stamps = {name: line[name] for name in ("created_at", "expires_at")}
    assert from_object(line | spaced | stamps) == whole


def test_what_is_missing_or_null_is_not_there() -> None:
    fields = (
        "external_id id kind subject attribute scope tags source session created_at expires_at client origin"
    )
    assert from_object({"content": "c"}) == Draft("c")
    assert from_object({"content": "c", **dict.fromkeys(fields.split())}) == Draft("c")
    assert from_object({"content": "c", "scope": " "}).scope == "global"


@pytest.mark.parametrize(
    ("ids", "kept"),
    [
        ({"external_id": "e", "id": 7}, "e"),
        ({"external_id": None, "id": 7}, "7"),
        ({"id": 0}, "0"),
        ({"external_id": 7}, "7"),
        ({"external_id": "", "id": "i"}, None),
        ({"id": " i "}, "i"),
    ],
)
def test_the_id_that_it_had_elsewhere_is_kept(ids: dict[str, Any], kept: str | None) -> None:
    assert from_object({"content": "c", **ids}).external_id == kept


@pytest.mark.parametrize("origin", ["user", "agent", "tool", "import"])
def test_whose_words_it_is_says_the_object_itself_before_who_tells_it(origin: str) -> None:
    assert from_object({"content": "c"}, origin=origin).origin == origin
    assert from_object({"content": "c", "origin": origin}).origin == origin
    assert from_object({"content": "c", "origin": origin}, origin="user").origin == origin


def test_secrets_are_taken_out_unless_that_is_done_elsewhere() -> None:
    told = {"content": "The staging password is hunter2."}
    kept = from_object(told, redacts=False)
    done = from_object(told)
    assert (kept.content, kept.redacted) == ("The staging password is hunter2.", ())
    assert (done.content, done.redacted) == ("The staging password is [secret: password].", ("password",))


@pytest.mark.parametrize(
    ("field", "longest"),
    [
        ("content", 65_536),
        ("id", 256),
        ("kind", 256),
        ("subject", 256),
        ("attribute", 256),
        ("scope", 4096),
        ("source", 1024),
        ("session", 256),
        ("client", 256),
    ],
)
def test_a_field_may_be_so_long_without_the_space_around_it_and_no_longer(field: str, longest: int) -> None:
    line = {"content": "c", field: f" {'x' * longest} "}
    assert "x" * longest in vars_of(from_object(line))
    said = f"{field} has {longest + 1} characters, {longest} are allowed"
    assert refusal({"content": "c", field: "x" * (longest + 1)}) == said


def vars_of(draft: Draft) -> list[object]:
    return [getattr(draft, name) for name in Draft.__slots__]


@pytest.mark.parametrize(
    "field", ["content", "id", "kind", "subject", "attribute", "scope", "source", "session", "client", "origin"]
)  # fmt: skip
def test_what_is_no_text_is_refused_by_its_name(field: str) -> None:
    assert refusal({"content": "c", field: []}) == f"{field} must be a text"
    for character in ("\0", "\ud800", "\udfff"):
        assert refusal({"content": "c", field: f"a{character}b"}) == f"{field} {NO_TEXT}"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (None, "it is not a JSON object"),
        ([{"content": "c"}], "it is not a JSON object"),
        ({}, "content is missing or empty"),
        ({"content": None}, "content is missing or empty"),
        ({"content": " \n"}, "content is missing or empty"),
        ({"content": "c", "id": True}, "id must be a text"),
        ({"content": "c", "id": 1.0}, "id must be a text"),
        ({"content": "c", "origin": "web"}, "origin must be one of user, agent, import, tool"),
        ({"content": "c", "tags": "ab"}, "tags must be a list of at most 64 texts"),
        ({"content": "c", "tags": b"ab"}, "tags must be a list of at most 64 texts"),
        ({"content": "c", "tags": {"a": 1}}, "tags must be a list of at most 64 texts"),
        ({"content": "c", "tags": 7}, "tags must be a list of at most 64 texts"),
        ({"content": "c", "tags": ["t"] * 65}, "tags must be a list of at most 64 texts"),
        ({"content": "c", "tags": ["t", 7]}, "each of tags must be a text"),
        ({"content": "c", "tags": ["t" * 257]}, "each of tags has 257 characters, 256 are allowed"),
        ({"content": "c", "tags": ["\0"]}, f"each of tags {NO_TEXT}"),
        ({"content": "c", "created_at": 5}, "created_at must be a time such as 2026-11-21T11:00:00Z"),
        ({"content": "c", "expires_at": "soon"}, "expires_at must be a time such as 2026-11-21T11:00:00Z"),
    ],
)
def test_each_refusal_says_what_is_wrong(line: object, said: str) -> None:
    assert refusal(line) == said


def test_tags_are_as_many_as_are_allowed_and_those_that_are_empty_are_none() -> None:
    assert from_object({"content": "c", "tags": ["t"] * 64}).tags == ("t",) * 64
    assert from_object({"content": "c", "tags": (" a ", "", None, "b" * 256)}).tags == ("a", "b" * 256)
    assert from_object({"content": "c", "tags": []}).tags == ()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0.0),
        ("1970-01-01T00:00:00.250Z", 0.25),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("1970-01-02", 86_400.0),
        ("9999-01-01T00:00:00Z", 253_370_764_800.0),
    ],
)
@pytest.mark.parametrize("name", ["created_at", "expires_at", "as_of"])
def test_a_time_is_seconds_since_the_epoch(text: str, seconds: float, name: str) -> None:
    assert stamp(text, name) == seconds


@pytest.mark.parametrize("value", [5, 5.0, True, [], "", "soon", "1969-12-31T23:59:59Z", "10000-01-01"])
def test_what_is_no_time_is_refused_by_its_name(value: object) -> None:
    for name in ("created_at", "expires_at"):
        with pytest.raises(BadRecord) as refused:
            stamp(value, name)
        assert str(refused.value) == f"{name} must be a time such as 2026-11-21T11:00:00Z"


def test_none_is_no_time_and_no_refusal() -> None:
    assert stamp(None, "created_at") is None


def test_only_an_end_may_be_as_late_as_dates_go() -> None:
    assert stamp("9999-12-31T23:59:59Z", "expires_at") == 253_402_300_799.0
    with pytest.raises(BadRecord):
        stamp("9999-01-01T00:00:01Z", "created_at")
