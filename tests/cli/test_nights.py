"""`iai-daemon nights` and a dry run as people and programs see them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from iai_daemon.memory.nights import Hindrance
from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
from tests.cli.calling import at_a_terminal
from tests.cli.inside import call, call_json, refused, said
from tests.consolidation.evening import a_day, a_night, night

DAY = 86_400_000


def two_ports_and_a_token(home: Home) -> None:
    """What a night supersedes and what it expires."""
    api = {"subject": "api", "attribute": "port"}
    memories = [
        {"content": "The API listens on port 80.", "created_at": "2026-01-01T00:00:00Z", **api},
        {"content": "The API listens on port 9000.", "created_at": "2026-02-01T00:00:00Z", **api},
        {"content": "The token is abc.", "expires_at": "2026-03-01T00:00:00Z"},
    ]
    lines = map(json.dumps, memories)
    assert call_json(home, "memory", "import", "-", stdin="\n".join(lines))["added"] == 3


DIFF = """\
       3  The token is abc.
          expired (expire, round 1): was to be kept until 2026-03-01T00:00:00.000Z
            expired at: — → 2026-03-01T00:00:00.000Z
       1  The API listens on port 80.
          superseded (supersede, round 1): replaced by 2, a newer fact about (api, port) in global
            valid to: — → 2026-02-01T00:00:00.000Z
            now superseded by 2: The API listens on port 9000.
"""


def test_a_dry_run_and_the_night_after_it_are_told_in_the_same_words(home: Home) -> None:
    two_ports_and_a_token(home)
    assert said(home, "consolidate", "--dry-run") == DIFF + "2 changes to make; none was made\n"
    assert call_json(home, "nights", "list")["nights"] == []
    call_json(home, "consolidate")
    shown = said(home, "nights", "show", "1", "--diff")
    assert DIFF in shown
    assert shown.startswith(
        "night 1 (night, asked): completed, 1 past their time, 1 replaced by newer facts, 3 given a vector\n"
    )


def test_the_diff_is_coloured_on_a_terminal_that_wants_it_and_nowhere_else(home: Home) -> None:
    two_ports_and_a_token(home)
    call_json(home, "consolidate")
    assert "\x1b[32m2: The API listens on port 9000.\x1b[0m" in at_a_terminal(
        home, "nights", "show", "1", "--diff"
    )
    assert "\x1b[" not in at_a_terminal(home, "nights", "show", "1", "--diff", NO_COLOR="1")
    assert "\x1b[" not in said(home, "nights", "show", "1", "--diff")


def test_without_diff_a_night_is_told_in_a_few_lines_however_much_it_did(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        a_day(stores, 3000)
        night(stores)
    shown = said(home, "nights", "show", "1").splitlines()
    assert len(shown) < 40
    assert "  … and 1973 more, --diff shows all" in shown
    assert sum(line.startswith("  ") and "expired: was to be kept until" in line for line in shown) == 20
    assert len(said(home, "nights", "show", "1", "--diff").splitlines()) > 3 * 1993


def test_for_programs_every_change_and_all_that_waits_is_there_with_and_without_diff(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        a_day(stores, 90)
        night(stores, review=True)
    shown = call_json(home, "nights", "show", "1")
    assert shown == call_json(home, "nights", "show", "1", "--diff")
    assert (shown["changes"], len(shown["held"]), shown["waiting"]) == (
        [],
        53,
        {"review": 53, "budget": 0, "recall": 0},
    )
    first = shown["held"][0]
    assert (first["pass"], first["effect"], first["why"], first["record"]) == (
        "expire",
        "expired",
        "review",
        2,
    )
    assert first["changed"] == {"expired_at": [None, "2026-11-21T11:59:00.000Z"]}
    assert first["content"] == "the staging token is 1"


def test_what_a_pass_was_kept_from_stands_beside_its_name(home: Home) -> None:
    two_ports_and_a_token(home)
    with closing(open_stores(home)) as stores:
        stores.nights.hinder("supersede", Hindrance(3, 0, 1 << 50, None, "ValueError: no luck"))
    call_json(home, "consolidate")
    assert "  supersede      quarantined: ValueError: no luck, 0 examined" in said(
        home, "nights", "show", "1"
    )


def test_under_review_a_night_waits_for_its_acceptance_which_an_undo_takes_back(home: Home) -> None:
    two_ports_and_a_token(home)
    call_json(home, "config", "set", "consolidation.review", "true")
    before = said(home, "memory", "export")
    told = said(home, "consolidate")
    assert (
        "2 proposed: `iai-daemon nights show 1 --diff` shows them, `iai-daemon nights accept 1` carries"
        in told
    )
    assert "`iai-daemon nights accept 1` carries them out" in home.last_night.read_text()
    assert said(home, "memory", "export") == before
    assert said(home, "nights", "list").rstrip().endswith("1 link, 3 given a vector; 2 wait for you")
    proposed = said(home, "nights", "show", "1", "--diff")
    assert "superseded (supersede, round 1), waits for you: replaced by 2" in proposed
    assert "now superseded by 2: The API listens on port 9000." in proposed
    accepted = call_json(home, "nights", "accept", "1")
    assert (accepted["applied"], accepted["left_out"]) == (2, [])
    assert (accepted["report"]["superseded_gc"], accepted["report"]["proposed"]) == (1, 0)
    assert call_json(home, "nights", "list")["nights"][0]["waiting"]["review"] == 0
    assert call_json(home, "nights", "show", "1")["expired_pruned"] == 1
    call_json(home, "nights", "undo", "1")
    assert said(home, "memory", "export") == before


def test_what_is_proposed_and_undone_is_refused_and_not_proposed_again(home: Home) -> None:
    two_ports_and_a_token(home)
    with closing(open_stores(home)) as stores:
        night(stores, review=True)
        undone = call_json(home, "nights", "undo", "1")
        assert (undone["restored"], undone["refused"]) == (0, 2)
        assert night(stores, review=True).counters.proposed == 0
    assert "it was undone at" in refused(home, "nights", "accept", "1")


def test_an_acceptance_of_nothing_twice_or_of_no_night_is_one_sentence_and_1(home: Home) -> None:
    two_ports_and_a_token(home)
    with closing(open_stores(home)) as stores:
        night(stores)
    assert refused(home, "nights", "accept", "1") == "Nothing that night 1 proposed waits."
    assert (
        refused(home, "nights", "accept", "9") == "There is no night 9: `iai-daemon nights list` shows them."
    )


def test_where_all_that_was_proposed_has_moved_on_it_is_named_and_the_answer_negative(home: Home) -> None:
    two_ports_and_a_token(home)
    with closing(open_stores(home)) as stores:
        night(stores, review=True)
    for record in ("1", "3"):
        call_json(home, "memory", "forget", record)
    answer = call_json(home, "nights", "accept", "1", status=1)
    assert (answer["applied"], [each["record"] for each in answer["left_out"]]) == (0, [3, 1])


def test_an_undo_names_what_changed_since_and_what_no_longer_exists(home: Home) -> None:
    two_ports_and_a_token(home)
    with closing(open_stores(home)) as stores:
        night(stores)
    call_json(home, "memory", "forget", "1")
    with closing(sqlite3.connect(home.memory, isolation_level=None)) as other:
        other.execute("DELETE FROM records WHERE id = 3")
    why = refused(home, "nights", "undo", "1")
    assert why == (
        "Nothing was put back: the memory 1 changed after night 1. "
        "`iai-daemon nights undo 1 --force` puts them back all the same."
    )
    undone = call_json(home, "nights", "undo", "1", "--force")
    assert (undone["restored"], undone["changed_since"], undone["gone"]) == (1, [1], [3])
    assert said(home, "nights", "list").rstrip().endswith("; taken back")


def test_a_pass_that_was_kept_from_running_is_let_go(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        stores.nights.hinder("embed", Hindrance(3, 0, 1 << 50, 16, "it had too little memory"))
    freed = "the pass embed may run again; what stood in its way: it had too little memory\n"
    assert said(home, "nights", "retry", "embed") == freed
    with closing(open_stores(home)) as stores:
        assert stores.nights.hindrances() == {}
    assert call_json(home, "nights", "retry", "embed") == {"pass": "embed", "cleared": False, "reason": None}
    assert said(home, "nights", "retry", "embed") == "nothing kept the pass embed from running\n"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("embedd", 'There is no pass embedd: did you mean "embed"?'),
        ("supersed", 'There is no pass supersed: did you mean "supersede"?'),
    ],
)
def test_a_pass_that_is_not_known_is_refused_with_the_nearest_that_is(
    home: Home, name: str, sentence: str
) -> None:
    assert refused(home, "nights", "retry", name) == sentence


def test_a_pass_of_somebody_elses_that_stumbled_is_known_by_its_hindrance(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        stores.nights.hinder("their-own", Hindrance(3, 0, 1 << 50, None, "it broke"))
    assert call_json(home, "nights", "retry", "their-own")["cleared"] is True


def test_nights_are_listed_oldest_first_and_the_newest_few(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        for number in range(4):
            a_night(stores, number * DAY)
    assert [each["id"] for each in call_json(home, "nights", "list", "--limit", "2")["nights"]] == [3, 4]


def test_a_night_that_runs_shows_its_progress_rate_and_remaining_time_on_a_terminal_alone(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        a_day(stores, 3000)
    seen = at_a_terminal(home, "consolidate", "--pass", "embed")
    assert "embed" in seen
    assert "/3,000" in seen
    assert "/s" in seen
    assert "night 1: completed, 3,000 given a vector" in seen
    with closing(open_stores(home)) as stores:
        a_day(stores, 300)
    done = call(home, "consolidate", "--pass", "embed")
    assert (done.stdout, done.stderr) == ("night 2: completed, 300 given a vector\n", "")
