"""What is noted for a time only is over when that time is, tried out with real nights over a memory of its own."""

from __future__ import annotations

from temporary_notes import TemporaryNotes

from iai_daemon.passes import Draft
from iai_daemon.passes.trial import Trial, check

NAME = TemporaryNotes.name
DAY = 86_400.0
NOON = 1_795_262_400.0
NOTES = (
    Draft("Staging is read-only this week.", tags=("for-7-days",), created_at=NOON - 8 * DAY),
    Draft("The old token works until the rollout.", tags=("temporary",), created_at=NOON - 8 * DAY),
    Draft("Deploys go out on Tuesdays.", created_at=NOON - 300 * DAY),
)


def current(trial: Trial) -> list[int]:
    return [record.id for record in trial.records() if record.current]


def test_it_keeps_what_every_pass_has_to_keep() -> None:
    report = check(NAME, TemporaryNotes, NOTES, now=NOON)
    assert report["expired_pruned"] == 1


def test_each_is_over_when_its_own_time_is_also_in_a_memory_that_nobody_changes() -> None:
    with Trial(NAME, TemporaryNotes, NOTES, now=NOON) as trial:
        trial.night()
        assert current(trial) == [2, 3]
        trial.now += 6 * DAY - 1
        assert trial.night()["outcome"] == "nothing_to_do"
        trial.now += 1
        assert trial.night()["outcome"] == "completed"
        assert current(trial) == [3]
        assert trial.journal()[-1].reason == "was tagged to be kept for 14 days"


def test_what_a_user_took_back_stays_and_what_he_forgot_is_left_alone() -> None:
    with Trial(NAME, TemporaryNotes, NOTES, now=NOON) as trial:
        trial.undo(trial.night()["id"])
        trial.now += 365 * DAY
        trial.night()
        assert current(trial) == [1, 3]


def test_a_thousand_of_them_take_more_than_one_portion() -> None:
    notes = [Draft(f"note {n}", tags=("for-1-day",), created_at=NOON - 2 * DAY) for n in range(1200)]
    with Trial(NAME, TemporaryNotes, notes, now=NOON) as trial:
        assert trial.night()["expired_pruned"] == 1200
        assert current(trial) == []
