"""What there is to tell of a night, word for word; test_herald asks who is told."""

from __future__ import annotations

from typing import Any

import pytest

from iai_daemon.notify.news import News, worth_telling
from tests.notify.telling import news, report

NO_NOTE = "The morning note could not be made: see the log."


def bare(**fields: Any) -> News:
    """One of which only that is known."""
    return News(7, "night", "failed", **fields)


def test_a_night_of_which_little_is_known_has_no_words() -> None:
    assert bare() == News(7, "night", "failed", report=None, trouble="", note="", summary="")


@pytest.mark.parametrize(
    ("said", "title"),
    [
        (News(7, "night", "completed"), "iai-daemon: night 7 completed"),
        (News(0, "nap", "yielded"), "iai-daemon: nap 0 yielded"),
        (News(None, "night", "failed"), "iai-daemon: night failed"),
    ],
)
def test_the_title_says_which_night_it_was_and_how_it_ended(said: News, title: str) -> None:
    assert said.title == title


@pytest.mark.parametrize(
    ("said", "short"),
    [
        (bare(summary="2 replaced.", trouble="no room", note="All of it."), "2 replaced."),
        (bare(trouble="no room", note="All of it."), "no room"),
        (bare(note="All of it."), "`iai-daemon nights list` tells more."),
    ],
)
def test_where_others_look_on_the_summary_is_told_else_what_went_wrong(said: News, short: str) -> None:
    assert said.short == short


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (bare(note="All of it.\n", trouble="no room", summary="2 replaced."), "All of it.\n"),
        (bare(trouble="no room", summary="2 replaced."), "iai-daemon: night 7 failed\nno room\n"),
        (bare(summary="2 replaced."), f"iai-daemon: night 7 failed\n{NO_NOTE}\n"),
    ],
)
def test_in_full_the_note_is_told_else_how_it_ended_and_why(said: News, text: str) -> None:
    assert said.text == text


NOTHING = report(superseded_gc=0)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (news(), True),
        (news(report=NOTHING), False),
        (news(outcome="failed", report=NOTHING), True),
        (news(outcome="failed"), True),
        (news(kind="nap", outcome="failed"), False),
        (news(kind="nap", report=None, trouble="no room"), False),
        (news(report=None, trouble="no room"), True),
        (news(report=None), False),
        (news(outcome="failed", report=None), False),
    ],
)
def test_a_night_is_worth_telling_that_changed_something_or_failed(said: News, wanted: bool) -> None:
    assert worth_telling(said) is wanted
