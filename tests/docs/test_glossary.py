"""The glossary has every word in which iai-daemon says how something stands, in the order of the alphabet, each with its page."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

import pytest

from iai_daemon import config
from iai_daemon.agenda.recall import CallType, CatchUp, Overlap
from iai_daemon.agenda.recall import State as OccurrenceState
from iai_daemon.agenda.recall import Status as RecallStatus
from iai_daemon.agenda.slot import SlotState
from iai_daemon.consolidation import effects, report
from iai_daemon.consolidation.insights.calls import Outcome as CallOutcome
from iai_daemon.doctor.finding import Verdict
from iai_daemon.lifecycle.states import Event, State
from iai_daemon.memory.nights import LinkKind, Why
from iai_daemon.memory.trust import TRUST
from iai_daemon.presence.classify import Status
from tests.docs.pages import page

_PAGE = page("docs/glossary.md")
_OUTCOMES = (
    report.COMPLETED,
    report.YIELDED,
    report.NOTHING_TO_DO,
    report.FAILED,
    report.CANCELLED,
    "killed",
)
_EFFECTS = (
    effects.EXPIRED,
    effects.SUPERSEDED,
    effects.MERGED,
    effects.ARCHIVED,
    effects.GIST,
    effects.LEARNT,
    effects.PROFILED,
)


def _entries() -> dict[str, str]:
    """What is said, by its words; those that belong together are one entry."""
    found = re.findall(r"^- \*\*([^*]+)\*\*(.*?)(?=^- |\Z)", _PAGE.text, re.MULTILINE | re.DOTALL)
    assert len(found) == len(dict(found)), "a word stands there twice"
    return dict(found)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("state", State),
        ("fresh, stale, orphan, invalid", Status),
        ("check", Verdict),
        ("recall", [*RecallStatus, *CallType]),
        ("occurrence", OccurrenceState),
        ("catch-up", CatchUp),
        ("overlap", Overlap),
        ("slot", SlotState),
        ("night", _OUTCOMES),
        ("held back", Why),
        ("link", LinkKind),
        ("call", CallOutcome),
        ("origin", TRUST),
        ("pass", config.PASSES),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_an_entry_names_all_that_its_word_can_be(entry: str, words: Iterable[str | StrEnum]) -> None:
    told = _entries()[entry]
    assert not [word for word in words if str(word) not in re.findall(r"\w+", told)]


def test_every_rule_stands_with_the_state_that_it_leads_to_or_on_its_own() -> None:
    rules = {each.rule for each in Event} | {"started"}
    assert not [rule for rule in rules if f"`{rule}`" not in _PAGE.text]


def test_what_a_night_makes_of_a_memory_is_there() -> None:
    assert not [effect for effect in _EFFECTS if f"(`{effect}`)" not in _PAGE.text]


def test_it_is_in_the_order_of_the_alphabet() -> None:
    words = [word.lower().replace("-", " ") for word in _entries()]
    assert words == sorted(words)


def test_every_entry_leads_to_a_page_or_to_another_entry() -> None:
    entries = _entries()
    for word, told in entries.items():
        other = re.search(r"see \*([a-z]+)\*", told)
        assert "](" in told or (other and any(other[1] in each for each in entries if each != word)), word
