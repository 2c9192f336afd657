"""Of which kinds names are, and which words keep facts apart."""

from __future__ import annotations

import pytest

from iai_daemon.wording.kinds import CONTEXTS, KINDS, PROPERTIES


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("english", {"language-of-people"}),
        ("turkish", {"language-of-people"}),
        ("redis", {"cache", "queue"}),
        ("github", {"ci", "host-of-code"}),
        ("black", {"colour", "formatter"}),
        ("blue", {"colour", "formatter"}),
        ("moon", {"build-tool", "monorepo"}),
        ("pre-commit", {"hooks"}),
        ("kubernetes", {"orchestration"}),
        ("prettier", {"formatter"}),
    ],
)
def test_a_name_is_of_every_kind_that_lists_it(name: str, kinds: set[str]) -> None:
    assert KINDS[name] == kinds


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("postgres", "postgres"),
        ("dynamodb", "dynamodb"),
        ("typescript", "ts"),
        ("elasticsearch", "elasticsearch"),
    ],
)
def test_a_name_is_known_as_it_is_written_and_by_its_stem(name: str, stem: str) -> None:
    assert KINDS[name] == KINDS[stem]


@pytest.mark.parametrize(
    ("word", "sides"),
    [
        ("prod", {"environment"}),
        ("laptop", {"environment"}),
        ("phone", {"platform"}),
        ("ios-team", {"who"}),
        ("night", {"time"}),
        ("day", {"time"}),
        ("eu", {"continent"}),
    ],
)
def test_a_word_of_context_says_which_facts_hold_apart(word: str, sides: set[str]) -> None:
    assert CONTEXTS[word] == sides


def test_nothing_but_names_of_a_kind_is_known() -> None:
    assert all(name and kinds for table in (KINDS, CONTEXTS) for name, kinds in table.items())
    assert not {"english:", "weekday:", "language-of-people:", ""} & KINDS.keys()


def test_every_property_is_a_kind() -> None:
    assert frozenset().union(*KINDS.values()) >= PROPERTIES
