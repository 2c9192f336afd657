"""What the words of one record say against another, by plain values; tests/stores asks it of whole memories."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from iai_daemon.memory.contradictions import contradiction, contradictions, tells_of_change
from iai_daemon.memory.store import Contradiction
from tests.memory.test_rank import memory

OLD = memory(1, "Deploys go to the region Frankfurt.")
NEW = memory(2, "Deploys moved from Frankfurt to Paris.")
FOUND = contradiction(NEW, OLD)


def test_a_correction_says_who_says_what_against_whom_and_by_which_words() -> None:
    words = "says “Deploys moved from Frankfurt to Paris” of what was “Deploys go to the region Frankfurt”"
    assert Contradiction(1, 2, "named as over", words, certain=True, outranked=False) == FOUND


def test_what_has_nothing_to_say_about_it_says_nothing_against_it() -> None:
    assert contradiction(memory(2, "The logo is blue."), OLD) is None
    assert contradiction(OLD, NEW) is None


def test_what_is_trusted_less_is_outranked() -> None:
    found = contradiction(replace(NEW, origin="tool"), OLD)
    assert found == replace(FOUND or _none(), outranked=True)
    assert contradiction(replace(NEW, origin="tool"), replace(OLD, origin="tool")) == FOUND


def _none() -> Contradiction:
    raise AssertionError


@pytest.mark.parametrize(
    ("newer", "older", "compared"),
    [
        ({}, {}, True),
        ({"made_by": "summarize"}, {}, False),
        ({}, {"made_by": "summarize"}, False),
        ({"made_by": "summarize"}, {"made_by": "summarize"}, False),
        ({"scope": "a"}, {"scope": "b"}, False),
        ({"scope": "a"}, {"scope": "a"}, True),
        ({"subject": "deploys"}, {}, True),
        ({}, {"subject": "deploys"}, True),
        ({"subject": "deploys"}, {"subject": "deploys"}, True),
        ({"subject": "deploys"}, {"subject": "backups"}, False),
        ({"subject": "deploys", "attribute": "region"}, {"subject": "deploys"}, True),
        ({"subject": "deploys"}, {"subject": "deploys", "attribute": "region"}, True),
        ({"subject": "deploys", "attribute": "region"}, {"subject": "backups"}, False),
        ({"subject": "d", "attribute": "region"}, {"subject": "d", "attribute": "region"}, False),
    ],
)
def test_only_what_may_speak_of_the_same_is_compared(
    newer: dict[str, Any], older: dict[str, Any], compared: bool
) -> None:
    assert (contradiction(replace(NEW, **newer), replace(OLD, **older)) is not None) is compared


def test_of_two_the_newer_one_speaks_whichever_is_asked_about() -> None:
    assert list(contradictions(NEW, [OLD])) == [FOUND]
    assert list(contradictions(OLD, [NEW])) == [FOUND]
    assert list(contradictions(OLD, [])) == []


def test_between_two_looks_it_is_asked_whether_to_go_on() -> None:
    asked: list[int] = []
    found = list(contradictions(NEW, [OLD, memory(0, "The logo is blue.")], lambda: asked.append(1)))
    assert found == [FOUND]
    assert len(asked) == 2


def test_what_tells_of_a_change_says_so_in_its_words() -> None:
    assert tells_of_change(NEW)
    assert tells_of_change(memory(3, "We no longer use tabs."))
    assert not tells_of_change(OLD)


def test_without_words_of_change_only_what_is_said_in_much_the_same_words_is_read() -> None:
    older = memory(1, "The nightly build starts at 2 in the cluster")
    same, other = memory(2, "The nightly build starts at 4 in the cluster"), memory(3, "Lunch is at 4")
    (found,) = contradictions(older, [same, other])
    assert (found.older, found.newer) == (1, 2)
