"""Days as people live them, under a time that is handed in: a night every day, and none while somebody works."""

from __future__ import annotations

import pytest

from iai_daemon.config import Lifecycle
from iai_daemon.lifecycle.decide import Allowed
from iai_daemon.lifecycle.states import State
from iai_daemon.units import NEVER
from tests.lifecycle.world import DAY, HOUR, MINUTE, Client, Spell, Story, path, working

DAYS = range(7)
STRICT = Lifecycle(inactive_for=NEVER, overdue_after=NEVER, absent_for=0.0)


def _at(day: int, hour: float) -> float:
    return day * DAY + hour * HOUR


def _nights_of(spells: list[Spell], day: int) -> float:
    """How long it was BEDTIME between noon of this day and noon of the next, in seconds."""
    begin, end = _at(day, 12), _at(day + 1, 12)
    return sum(
        max(0.0, min(spell.ended, end) - max(spell.begun, begin))
        for spell in spells
        if spell.state is State.BEDTIME
    )


def _assert_awake_while(spells: list[Spell], deeds: list[float]) -> None:
    for spell in spells:
        if spell.state is not State.WAKE:
            assert not [at for at in deeds if spell.begun <= at < spell.ended], spell


def test_an_office_worker_who_closes_his_client_has_a_night_every_day() -> None:
    deeds = [
        at
        for day in DAYS
        for at in (*working(_at(day, 9), _at(day, 12)), *working(_at(day, 13), _at(day, 17.5)))
    ]
    clients = [
        Client(_at(day, 9), _at(day, 17.6), [at for at in deeds if _at(day, 9) <= at < _at(day, 17.6)])
        for day in DAYS
    ]
    story = Story(clients)
    spells = story.live(_at(0, 8), _at(7, 8))
    _assert_awake_while(spells, deeds)
    assert all(_nights_of(spells, day) > 12 * HOUR for day in DAYS[:-1])
    first_evening = [spell for spell in spells if _at(0, 9) <= spell.begun < _at(1, 9)]
    assert path(first_evening) == [
        ("WAKE", "active"),
        ("WAKE", "settled"),
        ("WAKE", "active"),
        ("IDLE", "idle"),  # lunch
        ("BEDTIME", "inactive"),
        ("WAKE", "active"),
        ("IDLE", "idle"),  # he has gone home and closes the lid of his client with it
        ("IDLE", "nobody"),
        ("BEDTIME", "absent"),
    ]
    assert first_evening[-1].allowed is Allowed.ALL


def test_a_night_worker_has_his_night_by_day() -> None:
    deeds = [at for day in DAYS for at in working(_at(day, 22), _at(day, 29.5))]
    clients = [Client(0.0, NEVER, deeds)]
    spells = Story(clients).live(_at(0, 20), _at(7, 20))
    _assert_awake_while(spells, deeds)
    for day in DAYS[1:]:
        by_day = [
            spell
            for spell in spells
            if spell.state is State.BEDTIME and _at(day, 6) <= spell.begun < _at(day, 22)
        ]
        assert [(round(spell.begun - _at(day, 6), 3), spell.rule) for spell in by_day] == [(0, "inactive")]
        assert by_day[0].ended == _at(day, 22)


def test_someone_with_four_clients_always_open_has_a_night_every_day() -> None:
    mornings = [at for day in DAYS for at in working(_at(day, 9), _at(day, 12))]
    evenings = [at for day in DAYS for at in working(_at(day, 20), _at(day, 23))]
    calls = [(_at(day, 15), _at(day, 15) + 40 * MINUTE) for day in DAYS]
    clients = [
        Client(0.0, activity=mornings),
        Client(0.0, activity=evenings),
        Client(0.0, calls=calls),
        Client(0.0),
    ]
    story = Story(clients)
    spells = story.live(_at(0, 8), _at(7, 8))
    _assert_awake_while(spells, [*mornings, *evenings])
    assert all(_nights_of(spells, day) > 8 * HOUR for day in DAYS[:-1])
    assert len(story.nights) >= 7
    for begun, ended in calls:
        during = [spell for spell in spells if spell.begun < ended and spell.ended > begun]
        assert {spell.state for spell in during} == {State.WAKE}


def test_ten_clients_that_refresh_for_ever_and_never_act_have_nights_without_end() -> None:
    story = Story([Client(0.0) for _ in range(10)])
    spells = story.live(0.0, 3 * DAY)
    assert path(spells) == [
        ("WAKE", "active"),  # the daemon's own start counts as one activity
        ("WAKE", "settled"),
        ("IDLE", "idle"),
        ("BEDTIME", "inactive"),
    ]
    assert spells[-1].begun == pytest.approx(30 * MINUTE + 2)
    assert len(story.nights) > 100


def test_a_user_who_never_rests_half_an_hour_has_his_night_when_it_is_overdue() -> None:
    deeds = working(0.0, 4 * DAY, every=20 * MINUTE)
    story = Story([Client(0.0, activity=deeds)], night_takes=10 * MINUTE)
    spells = story.live(0.0, 4 * DAY)
    _assert_awake_while(spells, deeds)
    overdue = [spell for spell in spells if spell.state is State.BEDTIME]
    assert {spell.rule for spell in overdue} == {"overdue"}
    assert overdue[0].begun == pytest.approx(48 * HOUR + 5 * MINUTE)
    assert len(story.nights) == 1


def test_wrappers_too_old_to_report_activity_have_a_night_every_two_days() -> None:
    story = Story([Client(0.0, legacy=True)])
    spells = story.live(0.0, 10 * DAY)
    assert {spell.rule for spell in spells if spell.state is State.BEDTIME} == {"overdue"}
    assert len(story.nights) == 4


def test_clients_that_only_probe_leave_every_night_alone() -> None:
    probes = [Client(at, at + 0.9) for at in working(HOUR, 8 * HOUR, every=5 * MINUTE)]
    spells = Story(probes).live(0.0, 8 * HOUR)
    assert set(path(spells)) == {("IDLE", "nobody"), ("BEDTIME", "absent")}
    assert [spell.state for spell in spells if spell.begun >= 2 * MINUTE] == [State.BEDTIME] * (
        len(spells) - 1
    )


def test_under_the_strict_settings_the_always_open_client_has_no_night_and_the_closed_one_has() -> None:
    always = Story([Client(0.0, activity=working(0, HOUR))], STRICT).live(0.0, 7 * DAY)
    assert {spell.state for spell in always} == {State.WAKE, State.IDLE}
    closed = Story([Client(0.0, 2 * HOUR, working(0, HOUR))], STRICT).live(0.0, 7 * DAY)
    assert closed[-1].state is State.BEDTIME
    assert (closed[-1].begun, closed[-1].rule) == (2 * HOUR, "absent")
