"""The report of a night under the names that others read, by plain values; test_report reads those of whole nights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import pytest

from iai_daemon.consolidation.death import Cause, Death
from iai_daemon.consolidation.report import (
    CUT_SHORT,
    NOT_REHEARSED,
    Checked,
    Counters,
    PassReport,
    Report,
    Resumed,
    RoundReport,
    Stopped,
    broken,
    counters,
    interrupted,
    notable,
    of_row,
)
from iai_daemon.memory.nights import JournalEntry, NightRow, Outlook, Why

NOON = 1_795_262_400_000
AFTER = Outlook(work=False, total=3, embedded=2)
ROW = NightRow(7, "night", "absent", NOON, None, None, None, None, None)
NOTHING = dict.fromkeys((each.name for each in fields(Counters)), 0)
MANY = Counters(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
ENTRY = JournalEntry(1, 7, 2, "supersede", "c1", "superseded", 4, "why", {}, {}, NOON + 4000, None, False)


@dataclass
class Books:
    """What a store holds of night 7, by round."""

    made: Mapping[tuple[int, str], int] = field(default_factory=dict)
    vectors: Mapping[int, int] = field(default_factory=dict)
    links: Mapping[int, int] = field(default_factory=dict)
    held: Mapping[tuple[int, Why], int] = field(default_factory=dict)
    last: JournalEntry | None = None

    def effects(self, night: int) -> Mapping[tuple[int, str], int]:
        return self.made if night == 7 else {}

    def embedded(self, night: int) -> Mapping[int, int]:
        return self.vectors if night == 7 else {}

    def linked(self, night: int) -> Mapping[int, int]:
        return self.links if night == 7 else {}

    def count_held(self, night: int) -> Mapping[tuple[int, Why], int]:
        return self.held if night == 7 else {}

    def last_entry(self, night: int) -> JournalEntry | None:
        return self.last if night == 7 else None


WHOLE: Any = Books(
    made={
        (1, "expired"): 1,
        (2, "expired"): 10,
        (1, "superseded"): 2,
        (1, "learnt"): 3,
        (1, "profiled"): 4,
        (2, "merged"): 5,
        (1, "gist"): 6,
        (1, "archived"): 7,
        (1, "moved"): 99,
    },
    vectors={1: 20, 2: 30},
    links={1: 40, 2: 50},
    held={
        (1, Why.BUDGET): 1,
        (2, Why.BUDGET): 2,
        (1, Why.RECALL): 4,
        (1, Why.REVIEW): 8,
        (2, Why.REVIEW): 16,
    },
)


def told(**more: Any) -> dict[str, object]:
    usual: dict[str, Any] = {"id": 7, "kind": "night", "rule": "absent", "outcome": "completed"}
    usual |= {"started_at": NOON, "ended_at": NOON + 1500, "reason": None, "rounds": ()}
    usual |= {"counters": Counters(), "after": AFTER}
    return Report(**{**usual, **more}).as_json()


SHOWN: dict[str, Any] = {
    "id": 7,
    "kind": "night",
    "rule": "absent",
    "started_at": "2026-11-21T12:00:00.000Z",
    "ended_at": "2026-11-21T12:00:01.500Z",
    "outcome": "completed",
    "reason": None,
    "rounds": [],
    **NOTHING,
    "total_nodes": 3,
    "embedding_coverage": 0.666667,
    "stopped": None,
    "resumes": None,
    "yield_ms": None,
    "cpu_seconds": 0.0,
    "peak_rss_bytes": 0,
    "self_check": None,
    "passes": [],
}
COUNTED = {
    "expired_pruned": 1,
    "superseded_gc": 2,
    "nodes_embedded": 3,
    "trajectory_insights": 4,
    "model_insights": 5,
    "duplicates_merged": 6,
    "links_added": 7,
    "gists_written": 8,
    "archived": 9,
    "held_back": 10,
    "proposed": 11,
}


def test_of_a_night_in_which_nothing_was_done_everything_is_shown_all_the_same() -> None:
    assert told() == SHOWN
    assert list(told()) == list(SHOWN)


def test_everything_that_is_known_of_a_night_is_shown() -> None:
    shown = told(
        reason="WAKE",
        rounds=[RoundReport(1, MANY, Outlook(work=True, total=0, embedded=0))],
        counters=MANY,
        passes=[PassReport("embed", 1, 2, 3, 0.5, "done", "well"), PassReport("expire", 2)],
        stopped=Stopped("embed", 2, 3, 4),
        resumes=Resumed(6, "expire"),
        yield_ms=12,
        cpu_seconds=1.23456,
        peak_rss_bytes=99,
        checked=Checked(5, 4, 3),
    )
    assert shown == {
        **SHOWN,
        **COUNTED,
        "reason": "WAKE",
        "rounds": [{"round": 1, **COUNTED, "total_nodes": 0, "embedding_coverage": 1.0}],
        "passes": [
            {
                "name": "embed",
                "round": 1,
                "examined": 2,
                "changed": 3,
                "seconds": 0.5,
                "status": "done",
                "said": "well",
            },
            {
                "name": "expire",
                "round": 2,
                "examined": 0,
                "changed": 0,
                "seconds": 0.0,
                "status": "skipped",
                "said": "",
            },
        ],
        "stopped": {"pass": "embed", "round": 2, "done": 3, "total": 4},
        "resumes": {"night": 6, "pass": "expire"},
        "yield_ms": 12,
        "cpu_seconds": 1.235,
        "peak_rss_bytes": 99,
        "self_check": {"asked": 5, "found_before": 4, "found_after": 3},
    }


def test_where_it_stopped_and_what_it_resumes_may_be_known_in_part() -> None:
    assert Stopped("embed", 1).as_json() == {"pass": "embed", "round": 1, "done": 0, "total": 0}
    assert Resumed(6, None).as_json() == {"night": 6, "pass": None}


def test_self_checks_are_added_up() -> None:
    assert Checked(1, 2, 3) + Checked(10, 20, 30) == Checked(11, 22, 33)
    assert Checked() == Checked(0, 0, 0)


@pytest.mark.parametrize(
    ("counter", "meaningful"),
    [
        ("expired_pruned", True),
        ("superseded_gc", True),
        ("nodes_embedded", True),
        ("trajectory_insights", True),
        ("model_insights", False),
        ("duplicates_merged", True),
        ("links_added", False),
        ("gists_written", True),
        ("archived", True),
        ("held_back", False),
        ("proposed", False),
    ],
)
def test_a_round_is_meaningful_where_its_work_may_make_more(counter: str, meaningful: bool) -> None:
    assert Counters(**{counter: 1}).meaningful is meaningful


def test_a_round_without_work_is_not_meaningful() -> None:
    assert Counters().meaningful is False


def test_counters_are_read_back_from_what_was_kept_of_all_rounds_or_of_one() -> None:
    assert counters(WHOLE, 7) == Counters(11, 2, 50, 3, 4, 5, 90, 6, 7, 7, 24)
    assert counters(WHOLE, 7, 1) == Counters(1, 2, 20, 3, 4, 0, 40, 6, 7, 5, 8)
    assert counters(WHOLE, 7, 2) == Counters(10, 0, 30, 0, 0, 5, 50, 0, 0, 2, 16)
    assert counters(WHOLE, 7, 3) == counters(WHOLE, 8) == Counters()


def test_of_a_night_that_left_no_trace_it_is_told_that_it_ended_before_its_first_change() -> None:
    nothing: Any = Books()
    assert interrupted(nothing, ROW, AFTER) == Report(
        id=7,
        kind="night",
        rule="absent",
        started_at=NOON,
        ended_at=NOON,
        outcome="failed",
        reason="its process ended without a word before its first change; what it had done stands",
        rounds=[],
        counters=Counters(),
        after=AFTER,
        stopped=None,
        yield_ms=None,
    )


def test_of_a_night_that_was_interrupted_all_is_told_that_its_traces_say() -> None:
    books: Any = Books(made={(1, "expired"): 1, (3, "archived"): 2}, vectors={2: 5, 1: 1}, last=ENTRY)
    assert interrupted(books, ROW, AFTER) == Report(
        id=7,
        kind="night",
        rule="absent",
        started_at=NOON,
        ended_at=NOON + 4000,
        outcome="failed",
        reason="its process ended without a word in the pass supersede, round 2; what it had done stands",
        rounds=[
            RoundReport(1, Counters(expired_pruned=1, nodes_embedded=1), AFTER),
            RoundReport(2, Counters(nodes_embedded=5), AFTER),
            RoundReport(3, Counters(archived=2), AFTER),
        ],
        counters=Counters(expired_pruned=1, nodes_embedded=6, archived=2),
        after=AFTER,
        stopped=Stopped("supersede", 2),
        yield_ms=None,
    )


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [
        (Cause.YIELD, "yielded"),
        (Cause.CANCEL, "cancelled"),
        (Cause.MEMORY, "failed"),
        (Cause.OTHER, "failed"),
    ],
)
def test_how_its_worker_died_is_how_it_ended(cause: Cause, outcome: str) -> None:
    books: Any = Books(made={(2, "expired"): 1}, vectors={3: 1}, last=ENTRY)
    died = Death(cause, "it was killed", 7, "embed", yield_ms=250)
    said = interrupted(books, ROW, AFTER, died)
    assert (said.outcome, said.reason, said.yield_ms) == (
        outcome,
        "it was killed in the pass embed; what it had done stands",
        250,
    )
    assert said.stopped == Stopped("embed", 3)
    assert said.ended_at == NOON + 4000


def test_a_worker_that_died_in_a_pass_before_any_change_was_in_the_first_round() -> None:
    nothing: Any = Books()
    died = Death(Cause.OTHER, "it was killed", 7, "embed")
    assert interrupted(nothing, ROW, AFTER, died).stopped == Stopped("embed", 1)


def test_a_worker_that_died_nobody_knows_where_stopped_at_its_last_change() -> None:
    books: Any = Books(last=ENTRY)
    said = interrupted(books, ROW, AFTER, Death(Cause.YIELD, "it was killed", night=7))
    assert (said.outcome, said.reason) == ("yielded", "it was killed; what it had done stands")
    assert said.stopped == Stopped("supersede", 2)


def test_the_death_of_another_nights_worker_says_nothing_of_this_one() -> None:
    books: Any = Books(last=ENTRY)
    died = Death(Cause.YIELD, "it was killed", 8, "embed", yield_ms=250)
    assert interrupted(books, ROW, AFTER, died) == interrupted(books, ROW, AFTER)


@pytest.mark.parametrize(
    ("report", "causes"),
    [
        ({}, {}),
        ({"passes": None}, {}),
        ({"passes": []}, {}),
        ({"passes": [{"name": "embed", "status": "done"}, {"name": "x", "status": "skipped"}]}, {}),
        (
            {
                "passes": [
                    {"name": "embed", "status": "failed: no server"},
                    {"name": "expire", "status": "not failed: done"},
                    {"name": "tidy", "status": "failed: failed: twice"},
                ]
            },
            {"embed": "no server", "tidy": "failed: twice"},
        ),
    ],
)
def test_the_passes_that_broke_are_told_with_their_causes(
    report: dict[str, Any], causes: dict[str, str]
) -> None:
    assert broken(report) == causes


@pytest.mark.parametrize("counter", list(NOTHING))
def test_a_night_that_changed_or_planned_anything_is_notable(counter: str) -> None:
    assert notable({**SHOWN, counter: 1}) is True


def test_a_night_of_which_a_pass_broke_is_notable_and_one_without_anything_is_not() -> None:
    assert notable(SHOWN) is False
    assert notable({**SHOWN, "passes": [{"name": "embed", "status": "failed: x"}]}) is True


def test_a_night_without_an_end_is_shown_with_nothing_done() -> None:
    row = NightRow(7, "nap", "idle", NOON, None, None, "why", None, None)
    shown = {**SHOWN, "kind": "nap", "rule": "idle", "ended_at": None, "outcome": None, "reason": "why"}
    assert of_row(row) == {**shown, "total_nodes": 0, "embedding_coverage": 1.0, "undone_at": None}
    undone = NightRow(7, "nap", "idle", NOON, None, None, "why", None, NOON + 1500)
    assert of_row(undone)["undone_at"] == "2026-11-21T12:00:01.500Z"


def test_what_an_older_version_did_not_count_yet_it_did_not_do() -> None:
    kept: dict[str, object] = {"id": 7, "expired_pruned": 3, "colour": "red"}
    row = NightRow(7, "night", "absent", NOON, NOON, "completed", None, kept, None)
    assert of_row(row) == {**NOTHING, **kept, "undone_at": None}
    undone = NightRow(7, "night", "absent", NOON, NOON, "completed", None, kept, NOON)
    assert of_row(undone)["undone_at"] == "2026-11-21T12:00:00.000Z"


def test_what_was_cut_short_leaves_something_to_the_next_night() -> None:
    assert {"yielded", "failed", "cancelled"} == CUT_SHORT
    assert NOT_REHEARSED == "not rehearsed: a dry run starts no other programs and asks no server"
