"""What nights changed, in words, by plain values."""

from __future__ import annotations

from typing import Any

import pytest

from iai_daemon.consolidation.diff import WHY, Field, by_memory, fields, others, say_change

CHANGE: dict[str, Any] = {
    "change_id": "c1",
    "record": 7,
    "effect": "superseded",
    "pass": "supersede",
    "round": 2,
    "reason": "replaced by 20",
}


def words(number: int) -> str | None:
    return {8: "Staging is on 9000."}.get(number)


def shown(changed: dict[str, Any]) -> list[Field]:
    return list(fields(changed, words))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "superseded (supersede, round 2): replaced by 20"),
        ({"undone_at": None}, "superseded (supersede, round 2): replaced by 20"),
        (
            {"undone_at": "2026-11-21T12:00:00.000Z"},
            "superseded (supersede, round 2), taken back at 2026-11-21T12:00:00.000Z: replaced by 20",
        ),
        ({"why": "review"}, "superseded (supersede, round 2), waits for you: replaced by 20"),
        (
            {"why": "budget"},
            "superseded (supersede, round 2), waits for the next night: it is beyond what one may lose: replaced by 20",
        ),
        (
            {"why": "recall"},
            "superseded (supersede, round 2), waits: search would no longer find what it says: replaced by 20",
        ),
        ({"why": "rain"}, "superseded (supersede, round 2), rain: replaced by 20"),
        (
            {"undone_at": "then", "why": "review"},
            "superseded (supersede, round 2), taken back at then, waits for you: replaced by 20",
        ),
    ],
)
def test_a_change_is_told_with_its_pass_round_and_reason(more: dict[str, Any], said: str) -> None:
    assert say_change({**CHANGE, **more}) == said


def test_every_reason_to_wait_has_its_words() -> None:
    assert set(WHY) == {"review", "budget", "recall"}


def test_changes_come_memory_by_memory_in_the_order_in_which_these_were_changed_first() -> None:
    changes = [
        {**CHANGE, "change_id": name, "record": record}
        for name, record in (("c1", 9), ("c2", 3), ("c3", 9), ("c4", None), ("c5", None), ("c6", 3))
    ]
    groups = by_memory(iter(changes))
    assert [[each["change_id"] for each in group] for group in groups] == [
        ["c1", "c3"],
        ["c2", "c6"],
        ["c4"],
        ["c5"],
    ]
    assert by_memory([]) == []


@pytest.mark.parametrize(
    ("name", "called"), [("superseded_by", "superseded by"), ("merged_into", "joined into")]
)
def test_what_took_its_place_is_told_with_its_first_words(name: str, called: str) -> None:
    assert shown({name: (None, 8)}) == [Field(called, None, "8: Staging is on 9000.", other=True)]
    assert shown({name: (5, 9)}) == [Field(called, "5", "9: gone since", other=True)]
    assert list(others({"valid_to": (1, 2), name: (None, 8)})) == [8]


@pytest.mark.parametrize("name", ["superseded_by", "merged_into"])
def test_what_stands_by_itself_again_has_nobody_in_its_place(name: str) -> None:
    assert shown({name: (8, None)}) == [Field(name.replace("_", " "), "8", "—", other=False)]
    assert list(others({name: (8, None)})) == []


def test_everything_else_is_told_before_and_after() -> None:
    assert shown({"valid_to": (None, "2026"), "expired_at": (8, None), "kind": ("a", "b")}) == [
        Field("valid to", "—", "2026"),
        Field("expired at", "8", "—"),
        Field("kind", "a", "b"),
    ]
    assert shown({}) == []


def test_the_memories_whose_words_are_asked_for_are_those_that_are_told() -> None:
    changed = {"superseded_by": (None, 3), "valid_to": (1, 4), "merged_into": (5, 6)}
    assert list(others(changed)) == [3, 6]
