"""What single words stand for: numbers, and one word for all that mean the same."""

from __future__ import annotations

import pytest

from iai_daemon.wording.features import features
from iai_daemon.wording.lexicon import AFFIRMS, DENIES, IRREGULAR, NUMBERS, OPPOSED, SAME, words

FIGURES = {
    "zero": 0,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "thirteen": 13,
    "fourteen": 14,
    "fifteen": 15,
    "sixteen": 16,
    "seventeen": 17,
    "eighteen": 18,
    "nineteen": 19,
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
    "hundred": 100,
    "thousand": 1000,
    "million": 1_000_000,
    "dozen": 12,
    "once": 1,
    "twice": 2,
    "both": 2,
    "null": 0,
    "zwei": 2,
    "drei": 3,
    "vier": 4,
    "fünf": 5,
    "sechs": 6,
    "sieben": 7,
    "acht": 8,
    "neun": 9,
    "zehn": 10,
    "zwölf": 12,
}


@pytest.mark.parametrize(("word", "figure"), FIGURES.items())
def test_a_number_in_words_is_the_number_in_figures(word: str, figure: int) -> None:
    assert features(f"The van has {word} seats").terms == features(f"The van has {figure} seats").terms


def test_every_number_word_is_known_by_its_figure() -> None:
    assert NUMBERS == FIGURES


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("repo", "repo"),
        ("repository", "repo"),
        ("repositories", "repo"),
        ("documented", "doc"),
        ("kubernetes", "k8s"),
        ("shutting", None),
        ("antworten", "antwort"),
    ],
)
def test_a_word_stands_for_the_first_of_its_line(word: str, meant: str | None) -> None:
    assert SAME.get(word) == meant


@pytest.mark.parametrize(
    ("form", "first"), [("run", "run"), ("ran", "run"), ("kann", "können"), ("konnte", "können")]
)
def test_an_irregular_form_stands_for_the_first_of_its_line(form: str, first: str) -> None:
    assert IRREGULAR[form] == first


def test_the_words_of_a_text_are_those_between_its_spaces() -> None:
    assert words("  b a\n b ") == {"a", "b"}
    assert words("") == frozenset()


def test_what_denies_and_what_affirms_name_the_same_words() -> None:
    assert (DENIES["off"], AFFIRMS["on"]) == ("enable", "enable")
    assert (DENIES["hate"], AFFIRMS["love"]) == ("want", "want")
    assert (DENIES["false"], AFFIRMS["true"]) == ("true", "true")


def test_each_opposite_of_a_light_verb_has_one_verb_against_it() -> None:
    assert OPPOSED == (("read", "write"), ("get", "put"), ("give", "take"))
