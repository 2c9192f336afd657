"""What stands between a pass and its next attempt, and what an undo did, where nothing more is said."""

from __future__ import annotations

from iai_daemon.memory.nights.diary import ASKED, QUARANTINE, Hindrance, Undone


def test_a_pass_that_nothing_is_known_of_may_run() -> None:
    free = Hindrance(failures=0, deferrals=0, not_before=None, portion=None, reason="")
    assert Hindrance() == free


def test_a_pass_is_left_out_once_it_has_failed_three_times_running() -> None:
    assert QUARANTINE == 3


def test_an_undo_finds_everything_as_the_night_left_it_unless_it_says_otherwise() -> None:
    assert Undone(3) == Undone(3, changed_since=(), gone=())


def test_the_rule_of_a_night_that_was_asked_for_stays_what_it_is() -> None:
    assert ASKED == "asked"
