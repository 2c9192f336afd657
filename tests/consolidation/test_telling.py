"""What becomes of what was found: told, told anew or taken to its end, by plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from iai_daemon.consolidation.insights import findings
from iai_daemon.consolidation.insights.findings import FALSE, KEPT
from iai_daemon.consolidation.insights.telling import (
    MOST,
    Telling,
    Told,
    from_note,
    tell,
    to_note,
)
from iai_daemon.consolidation.plan import change_id
from iai_daemon.memory.nights import Addition, Change
from iai_daemon.memory.record import Draft, Record
from tests.memory.test_rank import memory

NOW = 1_795_262_400_000
KEY = ("search", "failure rate")
FOUND = findings.Tested(
    subject="search",
    attribute="failure rate",
    sentence="`search` failed in 30 of 100 calls.",
    over="This is no more than usual now: 30 of 100.",
    support=100,
    rate=0.3,
    other=None,
    more=True,
    p=0.0001,
    clear=True,
    q=0.0002,
)
TOLD = Told(more=True, over=False, support=100, rate=0.3, other=None)
RECORD = replace(memory(7, valid_from=NOW - 5), revision=3)


def telling(
    *found: findings.Tested, told: Mapping[tuple[str, str], Told] | None = None, record: Record | None = None
) -> Telling:
    return tell(found, told or {}, {} if record is None else {KEY: record}, NOW)


def test_what_is_found_first_is_added_under_its_key_with_its_support() -> None:
    said = telling(FOUND)
    draft = Draft(
        "`search` failed in 30 of 100 calls.",
        kind="insight",
        subject="search",
        attribute="failure rate",
        tags=("insight", "support:100", "confidence:0.999"),
        source="trajectories",
    )
    assert said.additions == [
        Addition(
            change_id("trajectories", "learnt", 0, "search", "failure rate", FOUND.sentence),
            "learnt",
            draft,
            "read from 100 recorded outcomes: more than chance",
            {},
            (),
            {},
        )
    ]
    assert said.changes == []
    assert said.told == {KEY: TOLD}


def test_what_said_so_before_is_replaced() -> None:
    said = telling(FOUND, told={KEY: replace(TOLD, rate=0.9)}, record=RECORD)
    (addition,) = said.additions
    assert (addition.rests_on, addition.replaces, addition.sources) == ({7: 3}, {7: 3}, ())
    assert said.told == {KEY: TOLD}


@pytest.mark.parametrize(
    ("q", "confidence"),
    [
        (0.0, "0.999"),
        (0.001, "0.999"),
        (0.0011, "0.99"),
        (0.01, "0.99"),
        (0.011, "0.95"),
        (0.05, "0.95"),
    ],
)
def test_how_sure_it_is_is_said_in_steps(q: float, confidence: str) -> None:
    (addition,) = telling(replace(FOUND, q=q)).additions
    assert addition.draft.tags[2] == f"confidence:{confidence}"


@pytest.mark.parametrize("changes", [{"q": 0.051}, {"clear": False}])
def test_what_is_not_sure_is_not_told(changes: dict[str, Any]) -> None:
    assert FALSE == 0.05
    assert telling(replace(FOUND, **changes)) == Telling([], [], {})


@pytest.mark.parametrize(
    ("changes", "again"),
    [
        ({}, False),
        ({"rate": 0.39}, False),
        ({"rate": 0.41}, True),
        ({"rate": 0.21}, False),
        ({"rate": 0.19}, True),
        ({"other": 0.09}, False),
        ({"other": 0.1}, True),
        ({"support": 199}, False),
        ({"support": 200}, True),
        ({"support": 51}, False),
        ({"support": 50}, True),
        ({"more": False}, True),
    ],
)
def test_it_is_told_anew_where_it_has_moved_by_a_tenth_or_its_support_has_doubled_or_halved(
    changes: dict[str, Any], again: bool
) -> None:
    now = replace(FOUND, **changes)
    said = telling(now, told={KEY: TOLD}, record=RECORD)
    assert bool(said.additions) is again
    assert said.told == {
        KEY: Told(now.more, over=False, support=now.support, rate=now.rate, other=now.other)
        if again
        else TOLD
    }


@pytest.mark.parametrize(
    ("before", "now", "again"),
    [(0.5, 0.41, False), (0.5, 0.39, True), (0.5, 0.59, False), (0.5, 0.61, True), (0.5, None, True)],
)
def test_the_rate_of_the_others_counts_too(before: float, now: float | None, again: bool) -> None:
    said = telling(replace(FOUND, other=now), told={KEY: replace(TOLD, other=before)})
    assert bool(said.additions) is again


def test_a_rate_that_has_moved_by_just_a_tenth_is_told_anew() -> None:
    assert telling(replace(FOUND, rate=0.1), told={KEY: replace(TOLD, rate=0.0)}).additions


def test_what_was_said_to_be_over_and_is_back_is_told_anew() -> None:
    said = telling(FOUND, told={KEY: replace(TOLD, over=True)}, record=RECORD)
    assert len(said.additions) == 1
    assert said.told == {KEY: TOLD}


GONE = replace(FOUND, clear=False, p=0.3, q=0.4, rate=0.1, support=300)


def test_what_is_no_more_than_chance_any_longer_is_said_to_be_over_in_its_place() -> None:
    said = telling(replace(GONE, other=0.2), told={KEY: TOLD}, record=RECORD)
    (addition,) = said.additions
    assert addition == Addition(
        change_id("trajectories", "learnt", 0, "search", "failure rate", FOUND.over),
        "learnt",
        Draft(
            "This is no more than usual now: 30 of 100.",
            kind="insight",
            subject="search",
            attribute="failure rate",
            tags=("insight", "support:300", "confidence:less than 0.95"),
            source="trajectories",
        ),
        "read from 300 recorded outcomes: no more than chance any longer",
        {7: 3},
        (),
        {7: 3},
    )
    assert said.told == {KEY: Told(more=True, over=True, support=300, rate=0.1, other=0.2)}
    assert said.changes == []


@pytest.mark.parametrize(("p", "more", "kept"), [(0.2, True, True), (0.21, True, False), (0.2, False, False)])
def test_what_still_looks_like_it_stays_as_it_was_told(p: float, more: bool, kept: bool) -> None:
    assert KEPT == 0.2
    said = telling(replace(GONE, p=p, more=more), told={KEY: TOLD}, record=RECORD)
    assert bool(said.additions) is not kept
    assert said.told[KEY].over is not kept


def test_what_is_over_is_said_once() -> None:
    over = replace(TOLD, over=True)
    assert telling(GONE, told={KEY: over}, record=RECORD) == Telling([], [], {KEY: over})


def test_what_is_over_and_was_taken_back_meanwhile_is_not_told_at_all() -> None:
    assert telling(GONE, told={KEY: TOLD}) == Telling([], [], {})


@pytest.mark.parametrize(("valid_from", "valid_to"), [(NOW - 5, NOW), (NOW + 5, NOW + 5)])
def test_of_what_too_few_tell_now_the_record_ends(valid_from: int, valid_to: int) -> None:
    said = telling(told={KEY: TOLD}, record=replace(RECORD, valid_from=valid_from))
    assert said == Telling(
        [],
        [
            Change(
                change_id("trajectories", "ended", 7, 3),
                "ended",
                7,
                3,
                "too few recorded outcomes tell of it now",
                {"valid_to": valid_to},
                {},
            )
        ],
        {},
    )


def test_of_what_too_few_tell_and_nobody_says_nothing_ends() -> None:
    assert telling(told={KEY: TOLD}) == Telling([], [], {})


def test_what_is_new_and_what_is_over_are_told_beside_what_stays_and_what_ends() -> None:
    def about(subject: str, **changes: Any) -> findings.Tested:
        return replace(FOUND, subject=subject, **changes)

    def key(subject: str) -> tuple[str, str]:
        return subject, "failure rate"

    found = [
        about("stays"),
        about("new"),
        replace(GONE, subject="over"),
        replace(GONE, subject="kept", p=0.1),
    ]
    told = {key(name): TOLD for name in ("ends", "over", "kept", "stays", "ends too")}
    current = {key(name): replace(RECORD, id=at) for at, name in enumerate(("ends", "over", "ends too"))}
    said = tell(found, told, current, NOW)
    assert [each.draft.subject for each in said.additions] == ["new", "over"]
    assert [each.record for each in said.changes] == [0, 2]
    assert list(said.told) == [key("stays"), key("new"), key("over"), key("kept")]


def test_the_two_hundred_surest_are_told() -> None:
    assert MOST == 200
    found = [replace(FOUND, subject=f"t{number}") for number in range(201)]
    said = telling(replace(FOUND, subject="unsure", clear=False), *found)
    assert [each.draft.subject for each in said.additions] == [f"t{number}" for number in range(200)]


def test_what_was_told_is_noted_in_the_order_of_its_keys_and_read_back() -> None:
    told = {("ü", "b"): Told(more=False, over=True, support=12, rate=0.5, other=0.25), KEY: TOLD}
    note = '[["search","failure rate",true,false,100,0.3,null],["ü","b",false,true,12,0.5,0.25]]'
    assert to_note(told) == note
    assert from_note(note) == told
    assert to_note({}) == "[]"
    assert from_note("[]") == {}
