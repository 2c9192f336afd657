"""What a pass has to wait for: after deferrals without progress, after failures, with too little memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from iai_daemon.consolidation import hindrances
from iai_daemon.consolidation.hindrances import DAY, MINUTE
from iai_daemon.memory.nights import Hindrance

NOW = 1_795_262_400_000


def _deferred(times: int) -> Hindrance:
    hindrance = None
    for _ in range(times):
        hindrance = hindrances.deferred(hindrance, NOW)
    assert hindrance is not None
    return hindrance


@pytest.mark.parametrize(("times", "minutes"), [(1, 0), (2, 0), (3, 1), (4, 2), (5, 4), (8, 32), (50, 360)])
def test_a_pass_that_never_gets_anywhere_waits_longer_and_longer(times: int, minutes: int) -> None:
    hindrance = _deferred(times)
    assert hindrance.not_before == (NOW + minutes * MINUTE if minutes else None)
    assert (hindrances.say(hindrance, NOW) is not None) == (minutes > 0)
    assert hindrances.say(hindrance, NOW + minutes * MINUTE) is None


def test_a_hundred_fruitless_attempts_run_at_most_twice_as_often_as_ten() -> None:
    """However far apart they are: it runs only when it need not wait."""

    def runs(attempts: int, apart: int) -> int:
        hindrance, ran = Hindrance(), 0
        for attempt in range(attempts):
            now = NOW + attempt * apart
            if hindrances.say(hindrance, now) is None:
                hindrance = hindrances.deferred(hindrance, now)
                ran += 1
        return ran

    for apart in (1000, 30_000, MINUTE, 5 * MINUTE, 10 * MINUTE):
        assert runs(100, apart) <= 2 * runs(10, apart) + 1


def test_a_failure_may_be_tried_again_at_once_and_the_third_one_not_for_a_day() -> None:
    hindrance = None
    for _ in range(2):
        hindrance = hindrances.failed(hindrance, "it broke", NOW)
        assert hindrances.say(hindrance, NOW) is None
    hindrance = hindrances.failed(hindrance, "it broke", NOW)
    assert hindrances.say(hindrance, NOW + DAY - 1) == "quarantined: it broke"
    assert hindrances.say(hindrance, NOW + DAY) is None
    assert hindrances.say(hindrances.failed(hindrance, "it broke", NOW + DAY), NOW + DAY) is not None


def test_a_pass_that_came_to_its_end_is_free_again_but_keeps_to_the_portion_that_fits() -> None:
    assert hindrances.settled(hindrances.failed(None, "it broke", NOW), whole=True) is None
    assert hindrances.settled(_deferred(5), whole=True) is None
    small = hindrances.failed(None, "it had too little memory", NOW, portion=50)
    assert hindrances.settled(small, whole=True) == Hindrance(portion=50, reason="it had too little memory")


def test_a_pass_that_got_on_is_no_longer_deferred_but_its_failures_stand_until_it_ends() -> None:
    failed = hindrances.failed(None, "it broke", NOW)
    assert hindrances.settled(_deferred(5), whole=False) is None
    kept = hindrances.settled(hindrances.deferred(failed, NOW), whole=False)
    assert kept is not None
    assert (kept.failures, kept.deferrals, kept.not_before) == (1, 0, None)


@given(some.lists(some.sampled_from(["deferred", "failed", "on", "done"]), max_size=30))
def test_no_history_keeps_a_pass_from_running_for_more_than_a_day(history: list[str]) -> None:
    hindrance: Hindrance | None = None
    for what in history:
        match what:
            case "deferred":
                hindrance = hindrances.deferred(hindrance, NOW)
            case "failed":
                hindrance = hindrances.failed(hindrance, "it broke", NOW)
            case _:
                hindrance = hindrances.settled(hindrance, whole=what == "done")
    assert hindrance is None or hindrances.say(hindrance, NOW + DAY) is None
