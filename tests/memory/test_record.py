"""What one memory is: its key, its name, whether it holds, and how it is shown and read back."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest

from iai_daemon.errors import UnreadableRecord
from iai_daemon.memory.record import Record, as_stamp, describe, from_row

NOON = 1_795_262_400_000
TOLD = Record(
    id=7,
    external_id="note-7",
    content="The staging API answers on port 9000.",
    kind="fact",
    subject="staging",
    attribute="api port",
    scope="/src/shop",
    tags=("ops", "api"),
    source="chat",
    session="s1",
    created_at=NOON,
    expires_at=NOON + 1000,
    valid_from=NOON + 2000,
    valid_to=NOON + 3000,
    superseded_by=9,
    merged_into=8,
    expired_at=NOON + 4000,
    archived_at=NOON + 5000,
    forgotten_at=NOON + 6000,
    revision=2,
    change=40,
    made_by="summarize",
    client="codex",
    origin="tool",
)
NEVER_ENDED = replace(
    TOLD,
    expires_at=None,
    valid_to=None,
    superseded_by=None,
    merged_into=None,
    expired_at=None,
    archived_at=None,
    forgotten_at=None,
)


def test_everything_that_may_be_known_of_it_is_shown() -> None:
    assert describe(TOLD, ["note-3", "4"]) == {
        "id": 7,
        "external_id": "note-7",
        "content": "The staging API answers on port 9000.",
        "kind": "fact",
        "subject": "staging",
        "attribute": "api port",
        "scope": "/src/shop",
        "tags": ["ops", "api"],
        "source": "chat",
        "session": "s1",
        "created_at": "2026-11-21T12:00:00.000Z",
        "expires_at": "2026-11-21T12:00:01.000Z",
        "valid_from": "2026-11-21T12:00:02.000Z",
        "valid_to": "2026-11-21T12:00:03.000Z",
        "superseded_by": 9,
        "merged_into": 8,
        "merged_ids": ["note-3", "4"],
        "expired_at": "2026-11-21T12:00:04.000Z",
        "archived_at": "2026-11-21T12:00:05.000Z",
        "forgotten_at": "2026-11-21T12:00:06.000Z",
        "made_by": "summarize",
        "client": "codex",
        "origin": "tool",
        "trust": 0.3,
        "current": False,
    }


def test_what_never_ended_has_no_times_of_it_and_is_current() -> None:
    shown = describe(NEVER_ENDED)
    assert shown["current"] is True
    assert shown["merged_ids"] == []
    ends = (
        "expires_at",
        "valid_to",
        "superseded_by",
        "merged_into",
        "expired_at",
        "archived_at",
        "forgotten_at",
    )
    assert [shown[name] for name in ends] == [None] * 7


@pytest.mark.parametrize(
    "end", ["valid_to", "superseded_by", "merged_into", "expired_at", "archived_at", "forgotten_at"]
)
def test_whatever_ended_it_it_is_not_current(end: str) -> None:
    assert NEVER_ENDED.current
    ended: dict[str, Any] = {end: 1}
    assert not replace(NEVER_ENDED, **ended).current


def test_a_key_needs_a_subject_and_an_attribute() -> None:
    assert TOLD.key == ("staging", "api port", "/src/shop")
    assert replace(TOLD, subject=None).key is None
    assert replace(TOLD, attribute=None).key is None


def test_its_name_is_the_one_that_it_came_with() -> None:
    assert TOLD.name == "note-7"
    assert replace(TOLD, external_id=None).name == "7"
    assert replace(TOLD, external_id="").name == ""


def test_the_older_of_two_holds_from_earlier_and_was_told_first() -> None:
    assert TOLD.age == (NOON + 2000, 7)
    assert replace(TOLD, id=8).age > TOLD.age > replace(TOLD, id=8, valid_from=NOON).age


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [
        (NOON, "2026-11-21T12:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (-5, "1970-01-01T00:00:00.000Z"),
        (2**63 - 1, "9999-12-31T23:59:59.000Z"),
    ],
)
def test_a_number_that_no_date_can_say_is_the_first_or_the_last_that_may_be_told(
    milliseconds: int, said: str
) -> None:
    assert as_stamp(milliseconds) == said


def test_a_row_reads_back_as_what_was_written() -> None:
    assert from_row({**asdict(TOLD), "tags": '["ops", "api"]'}) == TOLD
    assert from_row({**asdict(TOLD), "tags": "[]"}) == replace(TOLD, tags=())


@pytest.mark.parametrize("odd", [{"tags": "["}, {"tags": "7"}, {"colour": "red"}])
def test_a_row_that_cannot_be_read_is_named(odd: dict[str, object]) -> None:
    with pytest.raises(UnreadableRecord) as caught:
        from_row({**asdict(TOLD), "tags": "[]", **odd})
    assert caught.value.data["id"] == 7
    assert caught.value.data["cause"] is caught.value.__cause__
