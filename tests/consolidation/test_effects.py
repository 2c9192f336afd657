"""What a night did, in words, by plain values."""

from __future__ import annotations

import pytest

from iai_daemon.consolidation import effects
from iai_daemon.consolidation.effects import BESIDE, COUNTERS, UNDOABLE, counted


@pytest.mark.parametrize(
    ("counter", "one", "many"),
    [
        ("expired_pruned", "1 past their time", "2,000 past their time"),
        ("superseded_gc", "1 replaced by newer facts", "2,000 replaced by newer facts"),
        ("duplicates_merged", "1 joined with others", "2,000 joined with others"),
        ("archived", "1 archived", "2,000 archived"),
        ("trajectory_insights", "1 learnt from agents' runs", "2,000 learnt from agents' runs"),
        ("model_insights", "1 learnt from models' profiles", "2,000 learnt from models' profiles"),
        ("links_added", "1 link", "2,000 links"),
        ("gists_written", "1 gist", "2,000 gists"),
        ("nodes_embedded", "1 given a vector", "2,000 given a vector"),
    ],
)
def test_every_counter_has_its_words(counter: str, one: str, many: str) -> None:
    assert counted({counter: 1}) == [one]
    assert counted({counter: 2000}) == [many]
    assert counted({counter: 0}) == []


def test_what_matters_most_comes_first_and_what_is_no_counter_is_left_out() -> None:
    report = dict.fromkeys(("held_back", *reversed(COUNTERS)), 3)
    assert counted(report) == [
        "3 past their time",
        "3 replaced by newer facts",
        "3 joined with others",
        "3 archived",
        "3 learnt from agents' runs",
        "3 learnt from models' profiles",
        "3 links",
        "3 gists",
        "3 given a vector",
    ]
    assert counted(report, {"gists_written", "archived"}) == ["3 archived", "3 gists"]
    assert counted(report, ()) == []


def test_links_and_gists_come_beside_the_memories_and_a_vector_is_not_taken_back() -> None:
    assert BESIDE == ("links_added", "gists_written")
    assert (*UNDOABLE, "nodes_embedded") == COUNTERS


def test_the_names_in_the_journal_stay() -> None:
    names = [effects.EXPIRED, effects.SUPERSEDED, effects.MERGED, effects.ARCHIVED]
    names += [effects.GIST, effects.LEARNT, effects.PROFILED]
    assert names == ["expired", "superseded", "merged", "archived", "gist", "learnt", "profiled"]
