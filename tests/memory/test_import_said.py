"""What all formats of other programs are turned into: passages with names, and what is said of a file that is no text."""

from __future__ import annotations

import pytest

from iai_daemon.memory.drafts import MAX_NAME, MAX_TAGS
from iai_daemon.memory.importing.said import (
    Bad,
    Source,
    about,
    decoded,
    digest,
    foreign_byte,
    name_of,
    tags_of,
)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("Deploys", "go to Paris", "Deploys: go to Paris"),
        (" Deploys: ", "go to Paris", "Deploys: go to Paris"),
        ("Deploys", "our DEPLOYS go to Paris", "our DEPLOYS go to Paris"),
        (" : ", "go to Paris", "go to Paris"),
    ],
)
def test_a_text_has_the_name_before_it_that_it_stands_below(name: str, text: str, said: str) -> None:
    assert about(name, text) == said


def test_a_name_is_a_short_text_on_one_line() -> None:
    assert name_of("  build \n server ") == "build server"
    assert name_of("x" * MAX_NAME) == "x" * MAX_NAME
    assert [name_of(value) for value in ("x" * (MAX_NAME + 1), "", " ", 7, None)] == [None] * 5


def test_tags_are_names_each_once_and_not_too_many() -> None:
    assert tags_of(["ops", 3, "api", "ops", ""]) == ("ops", "api")
    assert tags_of(str(number) for number in range(MAX_TAGS + 5)) == tuple(map(str, range(MAX_TAGS)))


def test_the_short_name_of_a_text_is_the_same_for_ever() -> None:
    assert digest("Use tabs", "git.md") == "807fbad74bc7139a26"
    assert digest("Use tabsgit.md") != digest("Use tabs", "git.md") != digest("Use", " tabsgit.md")
    assert len(digest("\ud800")) == 18


def test_a_zero_byte_is_named_with_its_line() -> None:
    assert decoded(Source("a", b"one\ntwo\n\0three\n\n")) == Bad(3, "it is no text: it holds a zero byte")
    assert decoded(Source("a", b"\xef\xbb\xbfone")) == "one"


def test_a_foreign_byte_is_named() -> None:
    text = decoded(Source("a", b"gr\xfcn"))
    assert isinstance(text, str)
    assert foreign_byte(text)
    assert foreign_byte("grün") is None
