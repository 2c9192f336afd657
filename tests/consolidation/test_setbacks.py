"""What kept nights from their end: when the next one is tried, and what is said of it, by plain values."""

from __future__ import annotations

from typing import Any

import pytest

from iai_daemon.consolidation.death import Cause, Death
from iai_daemon.consolidation.setbacks import LONGEST_BACK_OFF, Setbacks

TICK = 30.0
CRASH = Death(Cause.MEMORY, "the worker was ended for want of memory", None, "embed")
FAILED = {"id": 5, "outcome": "failed", "reason": "no copy could be made"}
AGAIN = "as the sentence says; the next night tries again"


def cut_short(times: int, *, death: Death | None = None, at: float = 0.0) -> Setbacks:
    setbacks = Setbacks(TICK)
    for _ in range(times):
        setbacks.ended("yielded", death, at)
    return setbacks


def said(
    setbacks: Setbacks, last: dict[str, Any] | None = None, *, elsewhere: bool = False
) -> list[tuple[str, str]]:
    return list(setbacks.say(last, elsewhere=elsewhere))


def test_before_any_night_nothing_is_waited_for_and_nothing_is_said() -> None:
    setbacks = Setbacks(TICK)
    assert setbacks.retry_at == 0.0
    assert setbacks.failure is None
    assert setbacks.waits_for == "the last one found nothing to do"
    assert said(setbacks) == []


@pytest.mark.parametrize(
    ("times", "wait"),
    [(1, 30.0), (2, 60.0), (3, 120.0), (7, 1920.0), (8, 3600.0), (9, 3600.0), (10_000, 3600.0)],
)
def test_what_is_cut_short_is_tried_again_after_a_tick_then_two_then_four_up_to_an_hour(
    times: int, wait: float
) -> None:
    assert LONGEST_BACK_OFF == 3600.0
    assert cut_short(times, at=1000.0).retry_at == 1000.0 + wait


def test_of_a_very_short_tick_sixteen_doublings_are_the_most() -> None:
    waits = []
    setbacks = Setbacks(0.001)
    for _ in range(19):
        setbacks.ended("failed", None, 0.0)
        waits.append(setbacks.retry_at)
    assert waits[14:] == [16.384, 32.768, 65.536, 65.536, 65.536]


@pytest.mark.parametrize("outcome", ["yielded", "failed", "cancelled"])
def test_a_night_that_was_cut_short_is_waited_for_as_such(outcome: str) -> None:
    setbacks = Setbacks(TICK)
    setbacks.ended(outcome, None, 100.0)
    assert setbacks.retry_at == 130.0
    assert setbacks.waits_for == "the last one was cut short"


@pytest.mark.parametrize("outcome", ["completed", "nothing_to_do"])
def test_a_night_that_came_to_its_end_puts_nothing_off_and_begins_the_count_anew(outcome: str) -> None:
    setbacks = cut_short(4, at=100.0)
    setbacks.ended(outcome, None, 900.0)
    assert setbacks.retry_at == 340.0
    assert setbacks.waits_for == "the last one found nothing to do"
    setbacks.ended("yielded", None, 1000.0)
    assert setbacks.retry_at == 1030.0


def test_a_worker_that_finds_nothing_again_and_again_is_asked_less_and_less() -> None:
    setbacks = Setbacks(TICK)
    waits = []
    for _ in range(3):
        setbacks.ended("nothing_to_do", None, 0.0)
        setbacks.found_nothing(500.0)
        waits.append(setbacks.retry_at)
    assert waits == [530.0, 560.0, 620.0]


@pytest.mark.parametrize("outcome", ["completed", "yielded"])
def test_any_other_end_lets_it_be_asked_soon_again(outcome: str) -> None:
    setbacks = Setbacks(TICK)
    for each in ("nothing_to_do", "nothing_to_do", outcome, "nothing_to_do"):
        setbacks.ended(each, None, 0.0)
    setbacks.found_nothing(500.0)
    assert setbacks.retry_at == 530.0


def test_other_settings_are_tried_at_once_and_go_by_the_new_tick() -> None:
    setbacks = Setbacks(TICK)
    for _ in range(3):
        setbacks.ended("nothing_to_do", None, 0.0)
    setbacks.found_nothing(500.0)
    setbacks.go_by(7.0)
    assert setbacks.retry_at == 0.0
    setbacks.ended("nothing_to_do", None, 0.0)
    setbacks.found_nothing(500.0)
    assert setbacks.retry_at == 507.0


def test_what_another_host_works_at_is_not_put_off() -> None:
    setbacks = cut_short(3, at=100.0)
    setbacks.leave_to_others()
    assert setbacks.retry_at == 0.0
    assert setbacks.waits_for == "the last one found nothing to do"
    assert said(setbacks) == []
    setbacks.ended("yielded", None, 0.0)
    assert setbacks.retry_at == 30.0


@pytest.mark.parametrize(
    ("times", "sentences"),
    [
        (0, []),
        (1, []),
        (2, [("the last 2 nights were cut short", "`iai-daemon nights list` tells by what")]),
        (5, [("the last 5 nights were cut short", "`iai-daemon nights list` tells by what")]),
    ],
)
def test_more_than_one_night_that_was_cut_short_is_told(times: int, sentences: list[tuple[str, str]]) -> None:
    assert said(cut_short(times)) == sentences
    assert said(cut_short(times), elsewhere=True) == []


def test_how_a_worker_died_is_told_until_a_night_comes_to_its_end() -> None:
    setbacks = cut_short(1, death=CRASH)
    assert said(setbacks) == [("the worker was ended for want of memory in the pass embed", CRASH.remedy)]
    setbacks.ended("yielded", None, 0.0)
    assert said(setbacks)[0] == (CRASH.say(), CRASH.remedy)
    setbacks.ended("completed", None, 0.0)
    assert said(setbacks) == []


def test_a_worker_that_we_ended_ourselves_is_not_told_of_and_hides_no_other() -> None:
    ours = Death(Cause.YIELD, "it was killed")
    assert said(cut_short(1, death=ours)) == []
    setbacks = cut_short(1, death=CRASH)
    setbacks.ended("yielded", ours, 0.0)
    assert said(setbacks)[0] == (CRASH.say(), CRASH.remedy)


def test_a_later_death_takes_the_place_of_the_one_before() -> None:
    later = Death(Cause.OTHER, "it was killed by signal 9")
    setbacks = cut_short(1, death=CRASH)
    setbacks.ended("failed", later, 0.0)
    assert said(setbacks)[0] == ("it was killed by signal 9", later.remedy)


@pytest.mark.parametrize(
    ("last", "sentences"),
    [
        (None, []),
        (FAILED, [("night 5 failed: no copy could be made", AGAIN)]),
        ({**FAILED, "outcome": "yielded"}, []),
        ({**FAILED, "outcome": "completed"}, []),
    ],
)
def test_a_night_that_failed_is_told_with_its_reason(
    last: dict[str, Any] | None, sentences: list[tuple[str, str]]
) -> None:
    assert said(Setbacks(TICK), last) == sentences


def test_why_this_daemon_could_not_run_one_comes_before_what_the_books_say() -> None:
    setbacks = Setbacks(TICK)
    setbacks.failure = "the lock cannot be taken"
    assert said(setbacks, FAILED) == [("the lock cannot be taken", AGAIN)]


def test_everything_that_does_not_work_is_told_in_order() -> None:
    setbacks = cut_short(2, death=CRASH)
    assert said(setbacks, FAILED) == [
        (CRASH.say(), CRASH.remedy),
        ("night 5 failed: no copy could be made", AGAIN),
        ("the last 2 nights were cut short", "`iai-daemon nights list` tells by what"),
    ]


def test_what_left_nothing_undone_is_forgotten_with_the_night_that_failed() -> None:
    setbacks = cut_short(2, death=CRASH)
    setbacks.failure = "the lock cannot be taken"
    setbacks.forget(5)
    assert setbacks.failure is None
    assert said(setbacks, FAILED) == []
    assert said(setbacks, {**FAILED, "id": 6}) == [("night 6 failed: no copy could be made", AGAIN)]
    setbacks.ended("yielded", None, 0.0)
    assert setbacks.retry_at == 30.0


def test_where_there_was_no_night_the_one_that_was_mended_stays_so() -> None:
    setbacks = Setbacks(TICK)
    setbacks.forget(5)
    setbacks.forget(None)
    assert said(setbacks, FAILED) == []
