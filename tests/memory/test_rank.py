"""In which order search results come, by plain values; tests/stores asks the same of whole memories."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from iai_daemon.memory.ranking import answers, rank, words_of
from iai_daemon.memory.record import Record
from iai_daemon.memory.store import Query
from tests.memory.test_record import NEVER_ENDED, NOON


def memory(number: int, content: str = "a note", **changes: Any) -> Record:
    """One that nobody has ended; the greater its number, the newer it is."""
    plain = replace(
        NEVER_ENDED, id=number, content=content, subject=None, attribute=None, made_by=None, origin="user"
    )
    return replace(plain, **{"valid_from": NOON + number, "scope": "global", **changes})


def order(found: list[tuple[Record, float]], *, limit: int = 10, **more: Any) -> list[int]:
    given: dict[str, Any] = {"newest": {}, "after": [], **more}
    return [hit.record.id for hit in rank(found, limit=limit, **given)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Which port does the API use?", ["port", "api", "use"]),
        ("PORT port Port", ["port"]),
        ("to be or not to be", ["to", "be", "or", "not"]),
        ("größe ΩMEGA—naïve", ["größe", "ωmega", "naïve"]),
        ("日本語・入力", ["日本語", "入力"]),
        ("a*b:c^d", ["b", "c"]),
        ("— …", []),
        ("", []),
    ],
)
def test_a_question_is_made_of_the_words_that_tell_something(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_a_question_has_at_most_64_words() -> None:
    many = [f"w{number}" for number in range(100)]
    assert words_of(" ".join(many)) == many[:64]


def asked(**more: Any) -> Query:
    return Query("x", **more)


def test_what_was_forgotten_answers_nothing() -> None:
    forgotten = memory(1, forgotten_at=NOON)
    assert not answers(forgotten, asked(include_superseded=True), NOON)
    assert not answers(forgotten, asked(as_of=NOON + 5), NOON)


def test_only_the_scopes_that_are_asked_for_answer() -> None:
    assert answers(memory(1, scope="a"), asked(scopes=("a", "b")), NOON)
    assert not answers(memory(1, scope="c"), asked(scopes=("a", "b")), NOON)
    assert answers(memory(1, scope="c"), asked(), NOON)


def test_what_has_an_end_answers_until_then() -> None:
    ends = memory(1, expires_at=NOON)
    assert answers(ends, asked(), NOON - 1)
    assert not answers(ends, asked(), NOON)
    assert answers(ends, asked(include_superseded=True), NOON)


def test_what_is_over_answers_only_who_wants_the_past_as_well() -> None:
    over = memory(1, superseded_by=2, valid_to=NOON)
    assert not answers(over, asked(), NOON)
    assert answers(over, asked(include_superseded=True), NOON)


def test_a_moment_of_the_past_is_answered_by_what_held_then() -> None:
    held = memory(1, valid_from=NOON, valid_to=NOON + 10, superseded_by=2)
    assert [answers(held, asked(as_of=at), NOON + 99) for at in (NOON - 1, NOON, NOON + 9, NOON + 10)] == [
        False,
        True,
        True,
        False,
    ]
    assert not answers(memory(1, valid_from=NOON, expires_at=NOON + 5), asked(as_of=NOON + 5), NOON)


def test_the_greater_score_comes_first_and_the_best_is_one() -> None:
    hits = rank([(memory(1), 2.0), (memory(2), 8.0), (memory(3), 4.0)], {}, [], 10)
    assert [(hit.record.id, hit.score) for hit in hits] == [(2, 1.0), (3, 0.5), (1, 0.25)]


def test_of_equal_scores_the_most_trusted_comes_first_then_the_newest() -> None:
    assert order([(memory(1), 1.0), (memory(2), 1.0), (memory(3, origin="tool"), 1.0)]) == [2, 1, 3]
    assert order([(memory(1, valid_from=NOON), 1.0), (memory(2, valid_from=NOON), 1.0)]) == [2, 1]


def test_no_more_come_than_are_wanted() -> None:
    assert order([(memory(number), float(number)) for number in range(1, 6)], limit=2) == [5, 4]


def test_what_came_after_one_comes_before_it_with_its_score_though_its_words_did_not_match() -> None:
    hits = rank([(memory(1), 4.0), (memory(2), 2.0)], {}, [(1, memory(9))], 10)
    assert [(hit.record.id, hit.score) for hit in hits] == [(9, 1.0), (1, 1.0), (2, 0.5)]


def test_what_came_after_keeps_its_own_score_where_that_is_greater() -> None:
    assert order([(memory(1), 1.0), (memory(9), 5.0), (memory(3), 2.0)], after=[(1, memory(9))]) == [9, 3, 1]


def test_a_chain_leads_to_its_end() -> None:
    chain = [(5, memory(6)), (1, memory(5))]
    assert order([(memory(1), 3.0), (memory(5), 0.5), (memory(2), 1.0)], after=chain) == [6, 5, 1, 2]


def test_what_holds_about_a_key_comes_before_the_older_ones() -> None:
    older, newer = memory(1, subject="s", attribute="a"), memory(2, subject="s", attribute="a")
    assert older.key
    assert order([(older, 5.0), (memory(3), 4.0)], newest={older.key: newer}) == [2, 1, 3]
    assert order([(newer, 5.0)], newest={older.key: newer}) == [2]


def test_what_only_led_to_another_is_not_shown() -> None:
    assert order([(memory(1), 5.0)], after=[(1, memory(2))], past={1}) == [2]


def test_of_two_that_answer_in_the_same_words_the_newer_comes_first() -> None:
    older = memory(1, "The deploy region is Frankfurt")
    newer = memory(2, "Our deploy region is called Paris now")
    assert order([(older, 2.0), (newer, 1.0)], asked=["deploy", "region"]) == [2, 1]
    assert order([(older, 2.0), (newer, 1.0)]) == [1, 2]


@pytest.mark.parametrize(
    "changes",
    [
        {"scope": "elsewhere"},
        {"subject": "another"},
        {"origin": "tool"},
        {"content": "The region of the grocery next door with its ten thousand shelves was deploy"},
    ],
)
def test_unless_they_are_about_other_things_or_it_is_trusted_less(changes: dict[str, Any]) -> None:
    older = memory(1, "The deploy region is Frankfurt, Germany: chosen with legal")
    newer = replace(memory(2, "Our deploy region is called Paris now"), **changes)
    assert order([(older, 2.0), (newer, 1.0)], asked=["deploy", "region"]) == [1, 2]


def test_what_is_done_with_a_thing_and_box_numbers_say_nothing_about_it() -> None:
    older, newer = memory(1, "Backups use box11 nightly runs"), memory(2, "Backups use box12 nightly runs")
    assert order([(older, 2.0), (newer, 1.0)], asked=["box11"]) == [1, 2]
    assert order([(older, 2.0), (newer, 1.0)], asked=["use"]) == [1, 2]
    assert order([(older, 2.0), (newer, 1.0)], asked=["backup"]) == [2, 1]
