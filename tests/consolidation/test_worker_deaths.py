"""Workers that end without a report: what is said about it, and what the next night makes of it."""

from __future__ import annotations

import pytest

from iai_daemon.consolidation.death import Cause, Death, from_bytes
from iai_daemon.consolidation.night import Event, Night
from iai_daemon.memory.nights import QUARANTINE, Hindrance
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.consolidation.evening import NOW, a_day, remember
from tests.consolidation.own_worker import program
from tests.consolidation.working import Worked, whole_or_untouched, work
from tests.journeys.real import until

MINUTE = 60_000
SHOT = "its worker was killed by somebody (SIGKILL) in the pass shot"


def test_what_a_pass_prints_does_not_break_the_conversation(stores: Stores, home: Home) -> None:
    remember(stores, "a note")
    worked = work(home, program("talkative"))
    assert worked.report is not None
    assert worked.report["outcome"] == "completed"
    assert worked.night.death is None


def test_a_worker_that_somebody_kills_is_reported_by_the_next_which_takes_half_as_much(
    stores: Stores, home: Home
) -> None:
    remember(stores, "a note")
    assert work(home, program("shot")).said == SHOT
    assert home.killed_night.exists()
    done = work(home).report
    assert done is not None
    assert done["outcome"] == "completed"
    killed = stores.nights.night(1)
    assert (killed.outcome, killed.reason) == ("failed", f"{SHOT}; what it had done stands")
    assert killed.report is not None
    assert killed.report["stopped"] == {"pass": "shot", "round": 1, "done": 0, "total": 0}
    assert done["resumes"] == {"night": 1, "pass": "shot"}
    assert stores.nights.hindrances()["shot"].failures == 1
    assert not home.killed_night.exists()


def test_a_pass_whose_worker_is_killed_three_times_running_is_quarantined(stores: Stores, home: Home) -> None:
    remember(stores, "a note")
    portions = []
    for _ in range(QUARANTINE):
        assert work(home, program("shot")).said == SHOT
        portions += [hindrance.portion for hindrance in stores.nights.hindrances().values()]
    report = work(home, program("shot")).report
    assert report is not None
    assert report["outcome"] == "nothing_to_do"
    assert not stores.nights.unfinished_nights()
    hindrance = stores.nights.hindrances()["shot"]
    assert (*portions, hindrance.portion) == (8, 4, 2)
    assert (hindrance.failures, hindrance.not_before is not None) == (QUARANTINE, True)
    assert hindrance.reason == "its worker was killed by somebody (SIGKILL)"
    # The other passes are not held up by it.
    done = work(home).report
    assert done is not None
    assert done["outcome"] == "completed"


def test_a_worker_that_crashes_is_told_in_what_it_said_last(stores: Stores, home: Home) -> None:
    remember(stores, "a note")
    assert work(home, program("crashing")).said == "its worker crashed (SIGABRT) in the pass crashing"


def deaf(home: Home, *, cancelled: bool = False) -> Worked:
    """A night with a pass that never asks, to which somebody comes back in the middle of it."""
    begun = home.root / "begun"

    def heard(night: Night, event: Event) -> None:
        if event["event"] == "pass":
            until(begun.exists)
            begun.unlink()
            night.request_yield("somebody is back", cancelled=cancelled)

    return work(home, program("deaf", begun), heard, yield_within=1.0)


def test_a_worker_that_never_asks_is_killed_in_time_and_has_only_given_way(
    stores: Stores, home: Home
) -> None:
    a_day(stores, 100)
    for _ in range(3):
        killed = deaf(home)
        assert (
            killed.said
            == "somebody is back; its worker did not give way in time and was killed in the pass deaf"
        )
        assert killed.night.yield_seconds is not None
        assert 0.75 < killed.night.yield_seconds < 1.0
        whole_or_untouched(home)
    report = work(home, program("deaf")).report
    assert report is not None
    assert report["outcome"] == "nothing_to_do"
    hindrance = stores.nights.hindrances()["deaf"]
    assert (hindrance.deferrals, hindrance.failures, hindrance.portion) == (3, 0, None)
    assert hindrance.not_before is not None
    for night in stores.nights.nights():
        assert night.outcome == "yielded"
        assert night.report is not None
        assert 750 < int(str(night.report["yield_ms"])) < 1000


def test_a_worker_that_is_killed_because_a_person_said_stop_is_not_held_against_its_pass(
    stores: Stores, home: Home
) -> None:
    remember(stores, "a note")
    assert "did not give way" in deaf(home, cancelled=True).said
    work(home)
    assert (stores.nights.night(1).outcome, stores.nights.hindrances()) == ("cancelled", {})


def test_a_worker_that_dies_before_it_has_begun_is_held_against_nobody(stores: Stores, home: Home) -> None:
    remember(stores, "a note")
    worked = work(home, ("-c", "import os, sys; os.write(2, b'no such library\\n'); sys.exit(3)"))
    assert worked.said == "its worker ended with status 3 (no such library)"
    report = work(home).report
    assert report is not None
    assert (report["id"], report["outcome"], stores.nights.hindrances()) == (1, "completed", {})


def test_what_a_worker_was_writing_when_it_was_killed_is_not_taken_for_an_event(
    stores: Stores, home: Home
) -> None:
    remember(stores, "a note")
    half = 'import os; os.write(1, b\'{"event": "rep\'); os.kill(os.getpid(), 9)'
    assert work(home, ("-c", half)).said == "its worker was killed by somebody (SIGKILL)"


def test_a_rehearsal_that_is_killed_leaves_no_word(stores: Stores, home: Home) -> None:
    a_day(stores, 60)
    worked = work(home, program("shot"), dry_run=True)
    assert worked.said == SHOT
    assert not home.killed_night.exists()


def test_a_word_that_cannot_be_left_is_told(stores: Stores, home: Home) -> None:
    remember(stores, "a note")
    home.killed_night.mkdir()
    worked = work(home, program("shot"))
    assert [event["event"] for event in worked.events][-1] == "warning"
    done = work(home)
    assert done.report is not None
    assert done.report["outcome"] == "completed"
    assert "cannot be read" in next(event["message"] for event in done.events if event["event"] == "warning")
    assert stores.nights.night(1).reason is not None


def test_a_death_that_is_written_down_is_read_again() -> None:
    death = Death(Cause.YIELD, "WAKE", 3, "embed", settled=True, portion=64, yield_ms=812)
    assert from_bytes(death.to_bytes()) == death
    for unreadable in (b"", b"[]", b"7", b'{"cause": "age", "words": ""}', b'{"cause": "yield"}', b"\xff"):
        assert from_bytes(unreadable) is None
    assert from_bytes(b'{"cause": "yield", "words": "", "night": "3"}') is None


@pytest.mark.parametrize("cause", Cause)
def test_a_pass_is_held_up_by_what_it_did_not_get_done(cause: Cause) -> None:
    before = Hindrance(failures=1, deferrals=1, portion=40, reason="it broke")
    death = Death(cause, "it ended", 3, "embed", settled=False, portion=32)
    after = death.hinders(before, NOW)
    assert after is not None
    counted = (after.failures, after.deferrals, after.portion)
    assert (
        counted
        == {
            Cause.YIELD: (1, 2, 40),
            Cause.CANCEL: (1, 1, 40),
            Cause.MEMORY: (2, 1, 16),
            Cause.OTHER: (2, 1, 16),
        }[cause]
    )


def test_a_pass_that_had_got_on_before_it_was_killed_for_its_silence_begins_to_count_anew() -> None:
    before = Hindrance(deferrals=5, not_before=NOW + MINUTE, reason="somebody came back")
    assert Death(Cause.YIELD, "late", 3, "embed", settled=True).hinders(before, NOW) is None


def test_a_portion_of_one_cannot_be_halved() -> None:
    after = Death(Cause.MEMORY, "short", 3, "embed", portion=1).hinders(None, NOW)
    assert after is not None
    assert after.portion == 1
