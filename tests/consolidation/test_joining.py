"""Which record joins which, by plain values; test_deduplicate asks it of whole nights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from iai_daemon.consolidation.likeness.joining import joins
from iai_daemon.consolidation.likeness.portions import Compared
from iai_daemon.consolidation.plan import YieldPoint, change_id
from iai_daemon.memory.nights import Change
from iai_daemon.memory.record import Record
from tests.consolidation.test_passes import go_on
from tests.memory.test_rank import memory
from tests.memory.test_record import NOON

SAID = "Seed the fixtures before launching the importer."
# The same in other words.
AGAIN = "Before launching the importer, seed the fixtures."


def told(number: int, content: str = SAID, **changes: Any) -> Record:
    """All of the same age unless it is said otherwise."""
    return memory(
        number, content, **{"valid_from": NOON, "created_at": NOON, "revision": 10 + number, **changes}
    )


def planned(
    *records: Record, joined: dict[int, Sequence[Record]] | None = None, yield_point: YieldPoint = go_on
) -> list[Change]:
    near = {each.id: [other for other in records if other.id != each.id] for each in records}
    portion = Compared(list(records), len(records), last=True, near=near, joined=joined or {})
    return list(joins(portion, "deduplicate", yield_point))


def joined(*records: Record, **more: Any) -> dict[int, int]:
    """Who joined whom, whichever of them came first."""
    found = {each.record: each.sets["merged_into"] for each in planned(*records, **more)}
    assert found == {each.record: each.sets["merged_into"] for each in planned(*records[::-1], **more)}
    return found


@pytest.mark.parametrize(("older", "newer"), [(NOON, NOON + 9), (NOON + 9, NOON)])
def test_of_a_join_everything_is_planned(older: int, newer: int) -> None:
    assert planned(
        told(1, created_at=1, valid_from=older), told(2, AGAIN, created_at=2, valid_from=newer)
    ) == [
        Change(
            change_id("deduplicate", "merged", 2, 1),
            "merged",
            2,
            12,
            "says the same as 1 in other words: Seed the fixtures before launching the importer",
            {"merged_into": 1, "valid_to": NOON + 9},
            {1: 11},
            inferred=True,
        )
    ]


@pytest.mark.parametrize(
    ("leader", "member", "reason"),
    [
        (SAID, f" {SAID[:-1]}  ", "word for word"),
        (SAID, SAID.lower(), f"in other words: {SAID[:-1]}"),
        (
            "x" * 40 + " " + "y" * 39 + ".",
            "y" * 39 + " " + "x" * 40,
            f"in other words: {'x' * 40} {'y' * 39}",
        ),
        (
            "x" * 40 + " " + "y" * 40 + ".",
            "y" * 40 + " " + "x" * 40,
            f"in other words: {'x' * 40} {'y' * 39}…",
        ),
    ],
)
def test_the_words_are_quoted_where_they_are_others(leader: str, member: str, reason: str) -> None:
    (change,) = planned(told(1, leader), told(2, member))
    assert change.reason == f"says the same as 1 {reason}"


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        # Who says most leads, also where another is older or trusted more.
        ({}, {"content": SAID + " Always."}, {1: 2}),
        ({"created_at": 2}, {"created_at": 1}, {1: 2}),
        ({"created_at": 1}, {"created_at": 2}, {2: 1}),
        ({}, {}, {2: 1}),
        ({"origin": "tool"}, {}, {1: 2}),
        ({"origin": "tool", "created_at": 1}, {"created_at": 2}, {1: 2}),
        ({"expires_at": NOON + 1}, {"expires_at": NOON + 2}, {1: 2}),
        ({"expires_at": NOON + 1, "created_at": 1}, {"created_at": 2}, {1: 2}),
        ({"expires_at": NOON + 1}, {"expires_at": NOON + 1}, {2: 1}),
        ({"origin": "tool"}, {"expires_at": NOON + 1}, {}),
        ({"valid_from": NOON + 9}, {}, {2: 1}),
    ],
)
def test_the_better_one_leads_and_the_other_joins_where_it_may(
    first: dict[str, Any], second: dict[str, Any], found: dict[int, int]
) -> None:
    assert joined(told(1, **first), told(2, **second)) == found


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ({"valid_from": NOON + 1}, {}, {2: 1}),
        ({}, {"valid_from": NOON + 1}, {1: 2}),
        ({}, {}, {1: 2}),
        ({"created_at": 1}, {"created_at": 2}, {1: 2}),
        ({"content": SAID + " Always.", "valid_from": NOON}, {"valid_from": NOON + 1}, {}),
        ({"content": SAID + " Always.", "valid_from": NOON + 1}, {"valid_from": NOON}, {2: 1}),
    ],
)
def test_of_facts_with_a_key_the_newest_leads_and_no_newer_one_joins(
    first: dict[str, Any], second: dict[str, Any], found: dict[int, int]
) -> None:
    key = {"subject": "importer", "attribute": "order"}
    assert joined(told(1, **key, **first), told(2, **key, **second)) == found


@pytest.mark.parametrize(
    "elsewhere", [{"scope": "a"}, {"kind": "preference"}, {"subject": "importer"}, {"attribute": "order"}]
)
def test_what_is_about_something_else_does_not_join(elsewhere: dict[str, str]) -> None:
    assert joined(told(1), told(2, **elsewhere)) == {}
    assert joined(told(1, **elsewhere), told(2, **elsewhere)) in ({2: 1}, {1: 2})


def test_what_joins_does_not_lead() -> None:
    assert joined(told(1), told(2), told(3), told(4, "Lunch is at noon.")) == {2: 1, 3: 1}


def test_who_may_not_join_the_first_leader_joins_the_next() -> None:
    assert joined(told(1, origin="user", scope="a"), told(2), told(3)) == {3: 2}


def test_one_that_may_not_join_leads_itself() -> None:
    lasting, most = told(2), told(1, SAID + " Always.", expires_at=NOON)
    assert joined(most, lasting, told(3)) == {3: 2}
    assert joined(most, lasting, told(3, expires_at=NOON)) == {3: 1}


def test_only_what_is_near_and_the_same_joins() -> None:
    portion = Compared([told(1)], 1, last=True, near={1: [told(2)]}, joined={})
    both = Compared([told(1)], 1, last=True, near={1: [told(2), told(3)]}, joined={})
    assert [each.record for each in joins(portion, "p", go_on)] == [2]
    assert [each.record for each in joins(both, "p", go_on)] == [2, 3]
    last = Compared([told(3)], 1, last=True, near={3: [told(1), told(2, "Lunch is at noon.")]}, joined={})
    assert [(each.record, each.sets["merged_into"]) for each in joins(last, "p", go_on)] == [(3, 1)]


@pytest.mark.parametrize(
    ("others", "follows"),
    [
        ([], True),
        ([told(8, AGAIN)], True),
        ([told(8, AGAIN), told(9, "Lunch is at noon.")], False),
        ([told(8, "Do not seed the fixtures before launching the importer.")], False),
        ([told(8)] * 19, True),
        ([told(8)] * 20, False),
    ],
)
def test_what_has_been_joined_takes_the_others_along_where_they_agree(
    others: list[Record], follows: bool
) -> None:
    assert joined(told(1), told(2), joined={2: others}) == ({2: 1} if follows else {})
    assert joined(told(1), told(2), joined={1: others}) == {2: 1}


@pytest.mark.parametrize(("others", "asked"), [(0, 2), (3, 5), (20, 2)])
def test_before_each_look_it_is_asked_whether_to_go_on(others: int, asked: int) -> None:
    times: list[int] = []
    planned(told(1), told(2), joined={2: [told(8)] * others}, yield_point=lambda: times.append(1))
    assert len(times) == asked
