"""In which order hits come, from plain values."""

from __future__ import annotations

import pytest

from iai_daemon.memory.ranking import rank, words_of
from iai_daemon.memory.record import Record
from tests.consolidation.test_passes import record


def order(asked: str, *found: tuple[Record, float], limit: int = 10) -> list[str]:
    return [hit.record.content for hit in rank(found, {}, [], limit, asked=words_of(asked))]


def told(content: str, at: int, **fields: object) -> Record:
    return record(content=content, valid_from=at, **fields)


def test_of_two_that_answer_in_the_same_words_the_newer_comes_before_the_shorter() -> None:
    older = told("Release notes are Marek's.", 1000)
    newer = told("The release notes are on Judith's desk from this release on.", 2000)
    assert order("who writes release notes", (older, 2.0), (newer, 1.5))[0] == newer.content


@pytest.mark.parametrize(
    ("asked", "better", "newer"),
    [
        (
            "cache ttl in production",
            "The cache ttl in production is long.",
            "The cache ttl in staging is short.",
        ),
        ("port of box11", "Port of box11 is 80.", "Port of box119 is 80."),
        ("notes", "Marek writes the release notes.", "Sheet music: notes of a waltz for two violins."),
    ],
)
def test_what_answers_better_or_speaks_of_something_else_is_left_where_it_is(
    asked: str, better: str, newer: str
) -> None:
    assert order(asked, (told(better, 1000), 2.0), (told(newer, 2000), 1.5))[0] == better


def test_another_subject_or_scope_is_left_where_it_is() -> None:
    for fields in ({"subject": "a"}, {"scope": "elsewhere"}):
        older, newer = told("the front port is open", 1000), told("the front port is shut", 2000, **fields)
        assert order("port", (older, 2.0), (newer, 1.0)) == [older.content, newer.content]


def test_nothing_comes_among_the_best_because_it_is_new() -> None:
    older, newer = told("the front port is open", 1000), told("the front port is shut", 2000)
    assert order("port", (older, 2.0), (newer, 1.0), limit=1) == [older.content]
    assert order("port", (older, 2.0), (newer, 1.0), limit=2) == [newer.content, older.content]


def test_what_comes_after_has_at_least_the_score_of_what_it_comes_after() -> None:
    one, other, late = told("one", 1000), told("other", 1500), told("late", 2000)
    hits = rank([(one, 2.0), (other, 1.0)], {}, [(one.id, late)], 10)
    assert [(hit.record.content, hit.score) for hit in hits] == [("late", 1.0), ("one", 1.0), ("other", 0.5)]


def test_what_is_past_only_leads_to_what_came_after_it() -> None:
    one, late = told("one", 1000), told("late", 2000)
    hits = rank([(one, 2.0)], {}, [(one.id, late)], 10, past={one.id})
    assert [(hit.record.content, hit.score) for hit in hits] == [("late", 1.0)]
