"""Rows as lines of a terminal: wrapped and cut by the cells that they take, in colours where they are wanted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from iai_daemon.cli.colour import Tone, paint, wants_colour
from iai_daemon.cli.layout import Row, cells, cut, fit, in_ascii, lines, shows_unicode, wrap
from iai_daemon.foreign import printable

TEXTS = some.text(
    some.characters(exclude_categories=["Cs"]) | some.sampled_from("日本語é\u0301ab "), max_size=200
)


def test_ideographs_take_two_cells_and_what_is_written_over_a_letter_none() -> None:
    assert [cells(text) for text in ("ab", "日本", "e\u0301", "…")] == [2, 4, 1, 1]


def test_a_long_word_is_broken_and_words_stay_whole_where_they_can() -> None:
    assert list(wrap("one two three", 7)) == ["one two", "three"]
    assert list(wrap("a 日本語日本語", 5)) == ["a", "日本", "語日", "本語"]


@given(TEXTS, some.integers(2, 60))
def test_wrapping_loses_nothing_and_no_line_is_too_long(text: str, width: int) -> None:
    wrapped = list(wrap(text, width))
    assert "".join("".join(wrapped).split()) == "".join(text.split())
    assert all(cells(line) <= width for line in wrapped)


@given(TEXTS, some.integers(0, 60))
def test_what_is_cut_has_room_and_shows_that_it_is(text: str, width: int) -> None:
    shown = cut(text, width)
    assert cells(shown) <= width
    if cells(text) <= width:
        assert shown == text
    elif width:
        assert shown.endswith("…")


def test_the_same_label_is_shown_once_and_its_texts_stand_below_each_other() -> None:
    rows = [Row("here", "a"), Row("here", "b"), Row("night", "c d")]
    assert [line.label + line.text for line in lines(rows, 80)] == [
        "here      a",
        "          b",
        "night     c d",
    ]


def test_on_a_narrow_screen_a_label_is_the_first_word_of_its_text() -> None:
    shown = lines([Row("here", "somebody is here"), Row("here", "and you")], 13)
    assert [line.label + line.text for line in shown] == ["here somebody", "is here", "and you"]


def test_a_row_that_stays_whole_is_cut_and_not_wrapped() -> None:
    assert [line.text for line in lines([Row("here", "a b " * 40, whole=True)], 50)] == [
        ("a b " * 10)[:39] + "…"
    ]


def test_where_there_is_no_room_for_all_the_last_of_the_least_worth_go_first() -> None:
    rows = [Row("a", "1", worth=1), Row("b", "2", worth=9), Row("c", "3", worth=1)]
    assert [line.text for line in fit(rows, 80, 2)] == ["1", "2"]
    assert [line.text for line in fit(rows, 80, 1)] == ["2"]
    assert fit(rows, 80, 0) == []


def test_without_unicode_everything_is_ascii() -> None:
    shown = lines([Row("here", "a → b … ×3 é 日 \x1b[31m █░")], 80, unicode=False)
    assert [line.text for line in shown] == ["a -> b ... x3 ? ? ?[31m #."]
    assert in_ascii("“x”") == '"x"'


@pytest.mark.parametrize(
    ("environment", "encoding", "shows"),
    [
        ({}, "utf-8", True),
        ({"LC_ALL": "de_DE.UTF-8"}, "utf-8", True),
        ({"LC_ALL": "C.utf8"}, "UTF-8", True),
        ({"LC_ALL": "C"}, "utf-8", False),
        ({"LC_ALL": "POSIX"}, "utf-8", False),
        ({}, "iso8859-1", False),
        ({}, "ascii", False),
        ({}, None, False),
    ],
)
def test_whether_a_terminal_shows_more_than_ascii(
    environment: dict[str, str], encoding: str | None, shows: bool
) -> None:
    assert shows_unicode(environment, encoding) is shows


@pytest.mark.parametrize(
    ("environment", "is_terminal", "wanted"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm"}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({}, True, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ({"TERM": "xterm", "CLICOLOR": "0"}, True, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, False, True),
        ({"TERM": "xterm", "FORCE_COLOR": "0"}, False, False),
        ({"CLICOLOR_FORCE": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_who_wants_colours(environment: dict[str, str], is_terminal: bool, wanted: bool) -> None:
    assert wants_colour(environment, is_terminal=is_terminal) is wanted


@given(TEXTS, some.sampled_from(Tone))
def test_a_colour_ends_with_its_text(text: str, tone: Tone) -> None:
    painted = paint(printable(text), tone)
    assert painted.count("\x1b") in (0, 2)
    assert painted.count("\x1b") == 0 or painted.endswith("\x1b[0m")
