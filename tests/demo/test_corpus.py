"""The corpus of the demo is well-formed, and says what it is meant to say."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest

from iai_daemon.demo import corpus
from iai_daemon.demo.agent import NAMES
from iai_daemon.memory.drafts import from_object
from iai_daemon.units import parse_stamp

CORPUS = corpus.load()
NOW = 1_790_000_000.0
REMEMBER = {"content", "kind", "subject", "attribute", "scope", "tags", "expires_at", "source"}


def of(sort: str) -> Sequence[corpus.Note]:
    return [note for note in CORPUS.notes if note.sort == sort]


def test_there_are_a_few_hundred_notes_of_every_sort_for_three_clients() -> None:
    assert Counter(note.sort for note in CORPUS.notes) == {
        "corrected": 127,
        "lookalikes": 120,
        "plain": 102,
        "expiring": 50,
    }
    assert len(NAMES) == len(corpus.PROJECTS) == 3
    assert all(len(CORPUS.by_client[client]) > 100 for client in range(3))
    assert sum(len(notes) for notes in CORPUS.by_client.values()) == len(CORPUS.notes)


def test_no_two_notes_say_the_same() -> None:
    said = Counter(" ".join(re.findall(r"\w+", note.arguments["content"].lower())) for note in CORPUS.notes)
    assert [words for words, times in said.items() if times > 1] == []


@pytest.mark.parametrize("sort", corpus.SORTS)
def test_every_note_is_what_the_tool_remember_takes(sort: str) -> None:
    for note in of(sort):
        arguments = note.at(NOW, 6.0)
        assert arguments.keys() <= REMEMBER
        assert from_object(arguments).content == note.arguments["content"]
        assert ("subject" in arguments) == ("attribute" in arguments)
        assert 10 < len(note.arguments["content"]) < 200


def test_a_corrected_fact_stands_before_its_correction_and_with_the_same_client() -> None:
    chains = Counter(note.key for note in of("corrected"))
    assert None not in chains
    assert set(chains.values()) == {2, 3}
    assert len(chains) == 60
    by_key = [(note.key, note.client) for note in of("corrected")]
    changes = sum(before[0] != after[0] for before, after in pairwise(by_key))
    assert changes == len(chains) - 1, "the notes of one fact stand together"
    assert len(set(by_key)) == len(chains), "one fact belongs to one client"


def test_lookalikes_never_share_a_key_with_anything() -> None:
    keys = Counter(note.key for note in CORPUS.notes if note.key is not None)
    pairs = list(zip(of("lookalikes")[::2], of("lookalikes")[1::2], strict=True))
    assert len(pairs) == 60
    for one, other in pairs:
        assert (one.key is None) == (other.key is None)
        assert one.key is None or keys[one.key] == keys[other.key] == 1


def test_some_lookalikes_differ_by_their_project_alone() -> None:
    names = Counter(note.key[:2] for note in of("lookalikes") if note.key is not None)
    assert sum(times == 2 for times in names.values()) >= 4


def test_half_of_what_expires_is_over_by_bedtime_and_the_rest_stays_for_days() -> None:
    tonight = [note for note in of("expiring") if note.ends_tonight]
    assert len(tonight) == 25
    for note in tonight:
        seconds = parse_stamp(note.at(NOW, 6.0)["expires_at"]) - NOW
        assert 3.0 <= seconds < 6.0
    for note in of("expiring"):
        assert note.ends_tonight or (note.expires_in or 0) > 3 * 86400
    assert all(note.expires_in is None for note in CORPUS.notes if note.sort != "expiring")


def test_every_question_is_about_something_in_the_corpus() -> None:
    for question in CORPUS.questions:
        watched = [note for note in CORPUS.notes if question.is_about(note.arguments)]
        assert watched
        assert {note.client for note in watched} == {question.client}


def test_who_comes_back_at_night_corrects_a_fact_that_was_corrected_before() -> None:
    facts = [note for note in of("corrected") if note.key == CORPUS.correction.key]
    assert len(facts) == 2
    assert CORPUS.correction.arguments["content"] not in {note.arguments["content"] for note in CORPUS.notes}


def test_last_year_is_the_same_each_time_and_can_be_imported() -> None:
    year = list(corpus.last_year(500, NOW))
    assert year == list(corpus.last_year(500, NOW))
    drafts = [from_object(json.loads(json.dumps(line))) for line in year]
    assert len({draft.external_id for draft in drafts}) == 500
    assert all(draft.created_at is not None and draft.created_at < NOW for draft in drafts)
