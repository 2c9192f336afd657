"""Rows as lines, by plain values: what is wrapped, what is cut, and what gives way."""

from __future__ import annotations

import pytest

from iai_daemon.cli.colour import Tone
from iai_daemon.cli.layout import Line, Row, cells, cut, fit, in_ascii, lines, shows_unicode, wrap


@pytest.mark.parametrize(
    ("environment", "encoding", "shown"),
    [
        ({}, "utf-8", True),
        ({}, "UTF-8", True),
        ({}, "utf_8", True),
        ({}, "utf8", True),
        ({}, "latin-1", False),
        ({}, "utf-16", False),
        ({}, "", False),
        ({}, None, False),
        ({"LC_ALL": ""}, "utf-8", True),
        ({"LC_ALL": "C"}, "utf-8", False),
        ({"LC_ALL": "POSIX"}, "utf-8", False),
        ({"LC_ALL": "C.UTF-8"}, "utf-8", True),
        ({"LC_ALL": "de_DE.utf8"}, "utf-8", True),
        ({"LC_ALL": "de_DE.UTF-8"}, "ascii", False),
        ({"LANG": "C"}, "utf-8", True),
    ],
)
def test_more_than_ascii_is_shown_where_it_can_be_written_and_the_locale_allows_it(
    environment: dict[str, str], encoding: str | None, shown: bool
) -> None:
    assert shows_unicode(environment, encoding) is shown


@pytest.mark.parametrize(
    ("text", "ascii_only"),
    [
        ("plain", "plain"),
        ("a…", "a..."),
        ("a → b", "a -> b"),
        ("×3", "x3"),
        ("a · b – c — d", "a - b - c - d"),
        ("██░░", "##.."),
        ("“so”", '"so"'),
        ("größe 日", "gr??e ?"),
    ],
)
def test_every_sign_of_ours_has_one_in_ascii_and_what_has_none_is_a_question_mark(
    text: str, ascii_only: str
) -> None:
    assert in_ascii(text) == ascii_only


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 0),
        ("abc", 3),
        ("größe", 5),
        ("日本語", 6),
        ("ＡＢ", 4),
        ("e\u0301", 1),
        ("a\u20dd", 1),
        ("a\u200db", 2),
        ("\u0e01\u0e31", 1),
        ("a日e\u0301", 4),
    ],
)
def test_a_text_takes_as_many_cells_as_a_terminal_gives_it(text: str, width: int) -> None:
    assert cells(text) == width


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "abcd…"),
        ("abcdef", 1, "…"),
        ("abcdef", 0, ""),
        ("ab cdef", 4, "ab…"),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("日本語", 2, "…"),
        ("", 0, ""),
    ],
)
def test_what_has_no_room_is_cut_and_shows_that_it_is(text: str, width: int, shown: str) -> None:
    assert cut(text, width) == shown


@pytest.mark.parametrize(
    ("width", "end", "shown"),
    [(5, "...", "ab..."), (3, "...", "..."), (2, "...", ""), (3, "", "abc"), (0, "", "")],
)
def test_the_sign_at_the_end_takes_its_room_too(width: int, end: str, shown: str) -> None:
    assert cut("abcdef", width, end=end) == shown


@pytest.mark.parametrize(
    ("text", "width", "wrapped"),
    [
        ("", 5, []),
        ("   ", 5, []),
        ("one", 3, ["one"]),
        ("one two", 7, ["one two"]),
        ("one two", 6, ["one", "two"]),
        ("  one\n two ", 20, ["one two"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("abcdefghi", 3, ["abc", "def", "ghi"]),
        ("a abcdefgh b", 3, ["a", "abc", "def", "gh", "b"]),
        ("日本", 1, ["日", "本"]),
        ("日本語 a", 4, ["日本", "語 a"]),
    ],
)
def test_lines_are_made_of_whole_words_where_they_can(text: str, width: int, wrapped: list[str]) -> None:
    assert list(wrap(text, width)) == wrapped


def test_a_row_becomes_lines_beside_its_label_in_its_tone() -> None:
    rows = [Row("night", "one two three four five six seven", Tone.BEDTIME)]
    assert lines(rows, 40) == [
        Line("night     ", "one two three four five six", Tone.BEDTIME),
        Line("          ", "seven", Tone.BEDTIME),
    ]


def test_a_label_is_shown_again_where_another_stands_between() -> None:
    shown = lines([Row("a", "1"), Row("a", "2"), Row("b", "3"), Row("a", "4")], 40)
    assert shown == [
        Line("a         ", "1"),
        Line("          ", "2"),
        Line("b         ", "3"),
        Line("a         ", "4"),
    ]


def test_a_row_without_a_text_is_a_line_too() -> None:
    assert lines([Row("a", "")], 40) == [Line("a         ", "")]
    assert lines([Row("", "")], 20) == [Line("", "")]


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (40, [Line("here      ", "somebody is here")]),
        (39, [Line("", "here somebody is here")]),
        (13, [Line("", "here somebody"), Line("", "is here")]),
        (10, [Line("", "here"), Line("", "somebody"), Line("", "is here")]),
        (3, [Line("", "here"), Line("", "somebody"), Line("", "is here")]),
    ],
)
def test_where_there_is_little_room_the_label_is_the_first_word(width: int, shown: list[Line]) -> None:
    assert lines([Row("here", "somebody is here")], width) == shown


def test_a_row_that_stays_whole_is_cut_to_the_room_beside_its_label() -> None:
    row = Row("here", "x" * 50, whole=True)
    assert lines([row], 40) == [Line("here      ", "x" * 29 + "…")]
    assert lines([row], 40, unicode=False) == [Line("here      ", "x" * 27 + "...")]
    assert lines([row], 20) == [Line("", "here " + "x" * 14 + "…")]


def test_where_only_ascii_is_shown_the_text_is_ascii() -> None:
    assert lines([Row("next", "a → b")], 40, unicode=False) == [Line("next      ", "a -> b")]
    assert lines([Row("next", "a → b")], 40) == [Line("next      ", "a → b")]


def test_what_would_steer_the_terminal_is_replaced() -> None:
    assert lines([Row("why", "a\x1b[31mb")], 40) == [Line("why       ", "a\ufffd[31mb")]


ROWS = [Row("a", "1", worth=3), Row("b", "2"), Row("c", "3", worth=3), Row("d", "4", worth=9)]


@pytest.mark.parametrize(
    ("height", "left"),
    [(9, "1234"), (4, "1234"), (3, "124"), (2, "24"), (1, "4"), (0, ""), (-1, "")],
)
def test_as_many_rows_are_kept_as_there_is_room_for_and_the_least_worth_goes_first(
    height: int, left: str
) -> None:
    assert "".join(line.text for line in fit(ROWS, 40, height)) == left


def test_a_row_of_the_usual_worth_gives_way_to_one_of_more_and_not_to_one_of_less() -> None:
    assert [line.text for line in fit([Row("a", "1"), Row("b", "2", worth=6)], 40, 1)] == ["2"]
    assert [line.text for line in fit([Row("a", "1"), Row("b", "2", worth=4)], 40, 1)] == ["1"]


def test_of_the_last_row_as_many_lines_are_shown_as_there_is_room_for() -> None:
    long = Row("a", "one two three four five six seven eight nine ten")
    assert [line.text for line in fit([long], 40, 1)] == ["one two three four five six"]


def test_what_fits_is_measured_as_it_is_shown() -> None:
    rows = [Row("a", "1234567890 1234567890 12345678…"), Row("b", "2", worth=1)]
    assert [line.text for line in fit(rows, 41, 2)] == ["1234567890 1234567890 12345678…", "2"]
    assert [line.text for line in fit(rows, 41, 2, unicode=False)] == [
        "1234567890 1234567890",
        "12345678...",
    ]
    assert [line.text for line in fit([*rows, Row("c", "3", worth=0)], 41, 2)][-1] == "2"
