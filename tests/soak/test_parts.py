"""The parts of the soak, by values: what grows, what is accounted for, what is wrong, and the plan of a day."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.soak.accounting import DEGRADED, Expected, account
from tests.soak.figures import Measure, Sample, floors, growth, row_of, table
from tests.soak.looking import wrong_about_status
from tests.soak.planning import TROUBLES, day

DAY = 10.0
RSS = Measure("RSS", "MB", 1e6, bound=1.0)


def _samples(values: list[float], life: int = 1, begin: float = 0.0) -> list[Sample]:
    """One a second."""
    return [Sample(begin + at, life, {"RSS": value * 1e6}) for at, value in enumerate(values)]


def test_what_comes_and_goes_each_day_is_no_growth() -> None:
    row = row_of(RSS, _samples([30, 31, 38, 40, 35, 30, 30, 30, 30, 30] * 8), DAY)
    assert row is not None
    assert (row.least, row.middle, row.most, row.drift) == (30, 30, 40, 0)
    assert row.is_fine


def test_what_is_left_of_each_day_is_growth() -> None:
    row = row_of(RSS, _samples([30 + at / 20 for at in range(80)]), DAY)
    assert row is not None
    assert row.drift == pytest.approx(2.0)
    assert row.verdict == "GROWS (most 1)"
    assert not row.is_fine


def test_what_warms_up_is_no_growth() -> None:
    row = row_of(RSS, _samples([20.0] * 14 + [30.0] * 70), DAY)
    assert row is not None
    assert row.drift == 0


def test_each_life_of_the_daemon_is_looked_at_by_itself_and_the_last_against_the_first() -> None:
    lives = _samples([30.0] * 60) + _samples([30.4] * 60, 2, 60) + _samples([31.2] * 60, 3, 120)
    row = row_of(RSS, lives, DAY)
    assert row is not None
    assert row.drift == pytest.approx(1.2)


def test_of_too_few_days_nothing_is_said() -> None:
    row = row_of(RSS, _samples([30.0, 90.0] * 9), DAY)
    assert row is not None
    assert (row.drift, row.verdict, row.is_fine) == (None, "too short to say", True)
    assert growth([1.0, 2.0]) is None
    assert floors([], DAY) == []
    assert row_of(Measure("other", ""), _samples([1.0]), DAY) is None


def test_what_may_never_be_so_large_is_said() -> None:
    row = row_of(Measure("RSS", "MB", 1e6, most=35.0), _samples([30.0, 36.0]), DAY)
    assert row is not None
    assert row.verdict == "TOO MUCH (most 35)"
    assert "RSS (MB)" in table([row])[1]


KILLED = {"level": "warning", "event": "night killed", "cause": "by somebody"}
MISSED = {"level": "warning", "event": "recall not run: miss", "reason": "its session was busy"}


def test_an_entry_is_accounted_for_by_a_deed_and_as_often_as_it_was_done() -> None:
    found = account([KILLED, KILLED, KILLED], {"kill the worker": 2})
    assert found.explained == {"night killed": 2}
    assert found.unexplained == (KILLED,)


def test_what_nothing_was_done_for_is_not_accounted_for_and_what_is_no_trouble_need_not_be() -> None:
    crashed = {"level": "error", "event": "tick failed"}
    found = account([KILLED, crashed, {"level": "info", "event": "stopped"}], Counter())
    assert found.unexplained == (KILLED, crashed)


def test_an_entry_has_to_say_what_the_deed_leads_to() -> None:
    expected = [Expected("recall not run: .*", "recall", field="reason", like="busy")]
    other = {**MISSED, "reason": "no descriptor is left"}
    assert account([MISSED, other], {"recall": 9}, expected).unexplained == (other,)


STATUS = {
    "state": "WAKE",
    "rule": "active",
    "presence": {"fresh": 2, "active": 1},
    "tick": {"failures": 0},
    "degraded": [],
}


def test_a_state_that_who_is_there_explains_is_right() -> None:
    assert list(wrong_about_status(STATUS, 2, {}, settled=True)) == []
    assert list(wrong_about_status(STATUS, 5, {}, settled=False)) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"state": "BEDTIME", "rule": "absent"}, "somebody is active, and it is BEDTIME"),
        ({"presence": {"fresh": 0, "active": 0}}, "nobody is here"),
        ({"presence": {"fresh": 3, "active": 1}}, "3 wrappers are FRESH where 2 live"),
        ({"tick": {"failures": 1}}, "the loop has failed 1 times"),
        ({"degraded": [{"what": "store", "why": "it is corrupt"}]}, "degraded: store"),
    ],
)
def test_a_status_that_nothing_explains_is_wrong(changed: dict[str, object], told: str) -> None:
    assert any(told in each for each in wrong_about_status({**STATUS, **changed}, 2, {}, settled=True))


def test_what_does_not_work_because_of_a_deed_is_right() -> None:
    why = "its worker was killed by somebody (SIGKILL) in the pass embed"
    status = {**STATUS, "degraded": [{"what": "nights", "why": why}]}
    assert list(wrong_about_status(status, 2, {"kill the worker": 1}, settled=True)) == []
    assert any(each.cause == "kill the worker" for each in DEGRADED)


def test_the_same_seed_makes_the_same_days_and_every_trouble_comes() -> None:
    assert day(5, 3, guests=20, seconds=24.0) == day(5, 3, guests=20, seconds=24.0)
    assert day(5, 3, guests=20, seconds=24.0) != day(6, 3, guests=20, seconds=24.0)
    deeds = [deed for number in range(len(TROUBLES)) for deed in day(5, number, guests=20, seconds=24.0)]
    assert {*TROUBLES} - {deed.what for deed in deeds} == {"nothing", "come back"}
    assert all(0 <= deed.at < 24.0 for deed in deeds)
