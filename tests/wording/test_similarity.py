"""How much two texts share, and which words count as forms of one."""

from __future__ import annotations

import pytest

from iai_daemon.wording.features import features
from iai_daemon.wording.similarity import MOST_COMPARED, akin, begin_alike, opposed, similarity


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("kiln tape", "tape kiln", 1.0),
        ("kiln tape", "kiln rope", 0.5),
        ("kiln tape", "oven rope", 0.0),
        ("kiln tape rope", "kiln", 0.5),
        ("kiln", "kiln keep", 2 / 2.25),
        ("keep", "keep use", 2 / 3),
        ("kiln use", "kiln keep", 2 / 2.5),
        ("kiln keep use", "kiln keep", 2.5 / 2.75),
        ("kiln painter", "kiln paints", 3.5 / 4),
        ("painter", "paints", 0.0),
        ("kiln painter", "kiln planter", 0.5),
        ("keep painter", "keep paints", 0.8),
        ("kiln painting paste", "kiln painter pasted", 5.5 / 6),
        ("kiln 12345", "kiln 12346", 0.5),
        ("keep", "use", 0.0),
        ("", "", 1.0),
        ("", "kiln", 0.0),
        ("the", "of", 1.0),
    ],
)
def test_likeness_is_the_share_of_what_both_say(one: str, other: str, alike: float) -> None:
    a, b = features(one), features(other)
    assert similarity(a, b) == similarity(b, a) == pytest.approx(alike)


def test_words_behind_what_was_read_make_a_text_nearly_the_same() -> None:
    beginning = "kiln " * 4000
    assert similarity(features(beginning + "left"), features(beginning + "left")) == 1.0
    assert similarity(features(beginning + "left"), features(beginning + "right")) == 0.9


@pytest.mark.parametrize(("more", "alike"), [(23, 3.5 / 27), (24, 2 / 28)])
def test_where_more_than_24_words_differ_no_two_are_compared(more: int, alike: float) -> None:
    assert MOST_COMPARED == 24
    many = " ".join(f"q{letter}q" for letter in "abcdefghijklmnopqrstuvwxyz"[:more])
    one, other = features(f"kiln painter {many}"), features("kiln paints")
    assert similarity(one, other) == similarity(other, one) == pytest.approx(alike)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("depend", "dependency", True),
        ("painter", "paints", True),
        ("paint", "paint", True),
        ("paint", "pains", False),
        ("pain", "pain", False),
        ("painter", "paintings", True),
        ("paint", "paintabcd", True),
        ("paint", "paintabcde", False),
        ("paintxx", "painty", True),
        ("paintxx", "paintyyy", True),
        ("paintxxx", "paintyyy", False),
        ("abcdefgh", "abcdefgxyz", True),
        ("abcdexyz", "abcde", True),
        ("xbcde", "abcde", False),
    ],
)
def test_two_words_that_begin_alike_and_hardly_go_on_are_forms_of_one(
    one: str, other: str, alike: bool
) -> None:
    assert begin_alike(one, other) is begin_alike(other, one) is alike


@pytest.mark.parametrize(
    ("one", "other", "pairs"),
    [
        ("painter", "paints", [("painter", "paint")]),
        ("painter", "paints painting", [("painter", "paint")]),
        ("painter painters", "paints", [("painter", "paint")]),
        ("painter paintry", "paints", [("painter", "paint")]),
        ("marbler painter", "paints marble", [("marbler", "marbl"), ("painter", "paint")]),
        ("rope 12345 painter", "ropex 12346 paints", [("painter", "paint")]),
        ("`painter`", "paints", []),
        ("paints", "`painter`", []),
        ("abcd", "abcdx", []),
    ],
)
def test_each_word_is_paired_with_one_form_of_it_and_values_with_none(
    one: str, other: str, pairs: list[tuple[str, str]]
) -> None:
    a, b = features(one), features(other)
    assert akin(a.heavy, b.heavy, a, b) == pairs


@pytest.mark.parametrize(
    ("one", "other", "opposites"),
    [
        ("The read pool.", "The write pool.", ("read", "write")),
        ("The write pool.", "The read pool.", ("write", "read")),
        ("Get tape.", "Put tape.", ("get", "put")),
        ("Give tape.", "Take tape.", ("give", "take")),
        ("Take and read.", "Give and write.", ("read", "write")),
        ("Read and write.", "Write tape.", None),
        ("Write tape.", "Read and write.", None),
        ("Read tape.", "Read and write tape.", None),
        ("Read it.", "Put it.", None),
        ("Tape.", "Glue.", None),
    ],
)
def test_words_are_opposed_where_no_text_has_both(
    one: str, other: str, opposites: tuple[str, str] | None
) -> None:
    assert opposed(features(one), features(other)) == opposites
