"""Scans of real files under a clock that is handed in: time, clean-up, and directories that come and go."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from iai_daemon.presence.classify import Status
from iai_daemon.presence.scanner import Scanner
from tests.fakes import NOON, FakeClock, FakeProcesses, process
from tests.presence.heartbeats import LIMITS, PID, content, only, publish, scanner, verdicts

NAME = f"heartbeat-{PID}-a-b.json"


@pytest.fixture
def processes() -> FakeProcesses:
    return FakeProcesses(process(PID))


@pytest.fixture
def looking(directory: Path, processes: FakeProcesses) -> Scanner:
    return scanner(directory, processes)


def _status(looking: Scanner, clock: FakeClock) -> Status:
    return only(looking.scan(clock.now())).status


# --- time


@pytest.mark.parametrize("milliseconds", [0, 1, 123, 999])
@pytest.mark.parametrize("looked_before", [True, False])
def test_exactly_ninety_seconds_is_fresh_and_one_millisecond_more_is_not(
    directory: Path, looking: Scanner, clock: FakeClock, milliseconds: int, looked_before: bool
) -> None:
    clock.advance(milliseconds / 1000)
    publish(directory, clock.now())
    if looked_before:
        looking.scan(clock.now())
    clock.advance(90)
    assert _status(looking, clock) is Status.FRESH
    clock.advance(0.001)
    assert _status(looking, clock) is Status.STALE


def test_a_scan_says_when_a_wrapper_will_be_stale(
    directory: Path, looking: Scanner, clock: FakeClock
) -> None:
    publish(directory, clock.now())
    stale_at = only(looking.scan(clock.advance(20))).stale_at
    clock.advance(stale_at - clock.awake - 0.001)
    assert _status(looking, clock) is Status.FRESH
    clock.advance(0.001)
    assert _status(looking, clock) is Status.STALE


def test_stale_wins_whatever_the_process_does(directory: Path, looking: Scanner, clock: FakeClock) -> None:
    publish(directory, clock.now())
    publish(directory, clock.now(), pid=77)
    clock.advance(91)
    assert set(verdicts(looking.scan(clock.now())).values()) == {Status.STALE}


def test_an_orphan_becomes_stale_in_its_time(
    directory: Path, looking: Scanner, clock: FakeClock, processes: FakeProcesses
) -> None:
    publish(directory, clock.now())
    assert _status(looking, clock) is Status.FRESH
    processes.end(PID)
    clock.advance(30)
    assert _status(looking, clock) is Status.ORPHAN
    clock.advance(60.001)
    assert _status(looking, clock) is Status.STALE


@pytest.mark.parametrize("ahead", [3600, 315_360_000])
def test_a_stamp_far_ahead_counts_from_when_it_was_first_seen(
    directory: Path, looking: Scanner, clock: FakeClock, ahead: float
) -> None:
    publish(directory, FakeClock(wall=NOON + ahead).now())
    assert _status(looking, clock) is Status.FRESH
    clock.advance(90)
    assert _status(looking, clock) is Status.FRESH
    clock.advance(0.001)
    assert _status(looking, clock) is Status.STALE


@pytest.mark.parametrize("step", [7200, -7200])
@pytest.mark.parametrize("refreshed", ["not", "before the step", "after the step"])
def test_a_step_of_two_hours_neither_kills_nor_revives_a_wrapper(
    directory: Path, looking: Scanner, clock: FakeClock, processes: FakeProcesses, step: float, refreshed: str
) -> None:
    publish(directory, clock.now(), last_activity="2026-11-21T11:58:20Z")
    active_at = only(looking.scan(clock.now())).active_at
    assert active_at == clock.awake - 100
    clock.advance(30)
    if refreshed == "before the step":
        publish(directory, clock.now(), last_activity="2026-11-21T11:58:20Z")
    clock.step(step)
    # The kernel tells a process' start by today's wall clock, the wrapper told its own by yesterday's.
    processes.running[PID] = process(PID, started_at=NOON - 600 + step)
    if refreshed == "after the step":
        publish(
            directory, clock.now(), last_activity="2026-11-21T11:58:20Z", started_at="2026-11-21T11:50:00Z"
        )
    wrapper = only(looking.scan(clock.now()))
    assert wrapper.status is Status.FRESH
    assert wrapper.active_at == active_at
    clock.advance(60 if refreshed == "not" else 90)
    assert _status(looking, clock) is Status.FRESH
    clock.advance(0.001)
    assert _status(looking, clock) is Status.STALE


def test_an_hour_asleep_does_not_make_a_live_wrapper_stale(
    directory: Path, looking: Scanner, clock: FakeClock
) -> None:
    publish(directory, clock.now())
    looking.scan(clock.advance(20))
    clock.suspend(3600)
    assert _status(looking, clock) is Status.FRESH
    clock.advance(10)
    publish(directory, clock.now())
    assert _status(looking, clock) is Status.FRESH
    clock.advance(80)
    assert _status(looking, clock) is Status.FRESH


def test_a_wrapper_that_does_not_wake_with_the_machine_is_stale_after_a_refresh_and_a_tick(
    directory: Path, looking: Scanner, clock: FakeClock
) -> None:
    publish(directory, clock.now())
    looking.scan(clock.advance(5))
    clock.suspend(3600)
    assert only(looking.scan(clock.now())).stale_at == pytest.approx(clock.awake + 60, abs=0.001)
    clock.advance(59.999)
    assert _status(looking, clock) is Status.FRESH
    clock.advance(0.002)
    assert _status(looking, clock) is Status.STALE
    clock.suspend(3600)
    assert _status(looking, clock) is Status.STALE


def test_a_wrapper_that_was_here_before_a_restart_does_not_settle_again(
    directory: Path, processes: FakeProcesses, clock: FakeClock
) -> None:
    publish(directory, clock.now())
    for looking in (scanner(directory, processes), scanner(directory, processes)):
        assert only(looking.scan(clock.now())).settled_at == clock.awake - 598


def test_a_new_wrapper_settles_two_seconds_after_its_start_and_a_refresh_does_not_move_that(
    directory: Path, looking: Scanner, clock: FakeClock
) -> None:
    started = {"started_at": "2026-11-21T12:00:00Z"}
    publish(directory, clock.now(), **started)
    settles = only(looking.scan(clock.advance(0.5))).settled_at
    assert settles == pytest.approx(clock.awake + 1.5)
    clock.step(-7200)
    looking.scan(clock.now())
    publish(directory, clock.advance(0.1), **started)
    assert only(looking.scan(clock.now())).settled_at == settles


def test_a_call_is_activity_at_every_look_and_until_its_answer(
    directory: Path, looking: Scanner, clock: FakeClock
) -> None:
    publish(directory, clock.now(), last_activity="2026-11-21T11:00:00Z", in_flight=1)
    for _ in range(3):
        presence = looking.scan(clock.advance(20))
        assert only(presence).active_at == clock.awake
        assert presence.in_flight == 1
    publish(directory, clock.now(), last_activity="2026-11-21T11:00:00Z", in_flight=0)
    answered = clock.awake
    assert only(looking.scan(clock.now())).active_at == answered
    publish(directory, clock.advance(30), last_activity="2026-11-21T11:00:00Z", in_flight=0)
    assert only(looking.scan(clock.now())).active_at == answered


# --- what is behind a file


def test_several_heartbeats_of_one_process_are_several_wrappers(
    directory: Path, looking: Scanner, clock: FakeClock, processes: FakeProcesses
) -> None:
    for uuid in "abc":
        publish(directory, clock.now(), uuid=uuid)
    assert looking.scan(clock.now()).counts[Status.FRESH] == 3
    assert processes.asked == 1


def test_a_process_that_ends_is_seen_at_the_next_look(
    directory: Path, looking: Scanner, clock: FakeClock, processes: FakeProcesses
) -> None:
    publish(directory, clock.now())
    assert _status(looking, clock) is Status.FRESH
    processes.end(PID)
    assert _status(looking, clock) is Status.ORPHAN


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_that_changes_hands_is_judged_again(
    directory: Path, looking: Scanner, clock: FakeClock
) -> None:
    path = publish(directory, clock.now())
    assert _status(looking, clock) is Status.FRESH
    os.chown(path, 65534, -1)
    assert _status(looking, clock) is Status.INVALID
    os.chown(path, os.geteuid(), -1)
    assert _status(looking, clock) is Status.FRESH


def test_a_torn_write_keeps_a_wrapper_for_one_threshold_and_no_longer(
    directory: Path, looking: Scanner, clock: FakeClock
) -> None:
    path = publish(directory, clock.now())
    assert _status(looking, clock) is Status.FRESH
    path.write_text(json.dumps(content(clock.now()))[:40])
    os.utime(path, (clock.wall + 10, clock.wall + 10))
    clock.advance(100)
    assert _status(looking, clock) is Status.FRESH
    clock.advance(0.001)
    assert _status(looking, clock) is Status.STALE


# --- clean-up


@contextmanager
def _may_not_write(directory: Path) -> Iterator[None]:
    """Nobody may delete here meanwhile; root becomes somebody else for that long."""
    directory.chmod(0o500)
    try:
        if os.geteuid() == 0:
            os.seteuid(65534)
        yield
    finally:
        os.seteuid(os.getuid())
        directory.chmod(0o700)


def _until_due(looking: Scanner, clock: FakeClock) -> None:
    """A heartbeat of this moment becomes stale, and stays so for almost a whole threshold."""
    clock.advance(90.001)
    looking.scan(clock.now())
    looking.clean_up(clock.now())
    clock.advance(89.999)


def test_a_stale_file_is_deleted_when_it_has_been_so_for_a_whole_threshold(
    directory: Path, looking: Scanner, clock: FakeClock
) -> None:
    path = publish(directory, clock.now())
    _until_due(looking, clock)
    looking.scan(clock.now())
    assert looking.clean_up(clock.now()) == 0
    assert path.exists()
    clock.advance(0.002)
    assert looking.clean_up(clock.now()) == 1
    assert not path.exists()
    assert looking.scan(clock.now()).wrappers == ()


def test_an_orphan_is_deleted_when_it_has_been_so_for_a_whole_threshold(
    directory: Path, looking: Scanner, clock: FakeClock
) -> None:
    path = publish(directory, clock.now(), pid=77)
    looking.scan(clock.now())
    clock.advance(89.999)
    assert looking.clean_up(clock.now()) == 0
    clock.advance(0.002)
    assert looking.clean_up(clock.now()) == 1
    assert not path.exists()


@pytest.mark.parametrize("in_place", [True, False])
def test_a_file_that_was_refreshed_meanwhile_survives(
    directory: Path, looking: Scanner, clock: FakeClock, in_place: bool
) -> None:
    path = publish(directory, clock.now())
    _until_due(looking, clock)
    looking.scan(clock.advance(1))
    if in_place:
        path.write_text(json.dumps(content(clock.now())))
    else:
        publish(directory, clock.now())
    assert looking.clean_up(clock.now()) == 0
    assert _status(looking, clock) is Status.FRESH


def test_a_file_that_is_already_gone_counts_as_cleaned(
    directory: Path, looking: Scanner, clock: FakeClock
) -> None:
    path = publish(directory, clock.now())
    _until_due(looking, clock)
    path.unlink()
    assert looking.clean_up(clock.advance(1)) == 1
    assert looking.undeletable == 0


def test_a_file_that_cannot_be_deleted_is_counted_and_does_not_stop_the_others(
    directory: Path, tmp_path: Path, clock: FakeClock
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    looking = Scanner([directory, other], LIMITS, FakeProcesses())
    publish(directory, clock.now())
    publish(other, clock.now())
    _until_due(looking, clock)
    (other / NAME).unlink()
    with _may_not_write(directory):
        assert looking.clean_up(clock.advance(1)) <= 1
        assert looking.undeletable >= 1
    assert (directory / NAME).exists()
    looking.clean_up(clock.now())
    assert looking.undeletable == 0
    assert not (directory / NAME).exists()


@pytest.mark.parametrize(
    ("name", "minutes", "survives"),
    [
        (f"heartbeat-{PID}-u.json.tmp", 60, True),
        ("heartbeat-77-u.json.tmp", 60, False),
        ("heartbeat-77-u.json.tmp", 4.9, True),
        (".heartbeat-77-u.json.3.tmp", 60, False),
        ("heartbeat-88-u.json.tmp", 60, False),
        ("notes.tmp", 60, True),
        ("heartbeat-77-u.json.bak", 60, True),
    ],
)
def test_a_temporary_file_is_deleted_when_it_is_old_and_its_writer_is_gone(
    directory: Path, clock: FakeClock, name: str, minutes: float, survives: bool
) -> None:
    looking = scanner(directory, FakeProcesses(process(PID), process(88, zombie=True)))
    (directory / name).write_text("half a heart")
    os.utime(directory / name, (NOON - minutes * 60,) * 2)
    looking.scan(clock.now())
    assert looking.clean_up(clock.now()) == (not survives)
    assert (directory / name).exists() == survives


def test_a_temporary_name_that_is_no_file_is_left_alone(
    directory: Path, looking: Scanner, clock: FakeClock
) -> None:
    odd = directory / "heartbeat-77-u.json.tmp"
    odd.mkdir()
    os.utime(odd, (NOON - 3600,) * 2)
    assert looking.clean_up(clock.now()) == 0
    assert odd.exists()


# --- directories that come and go


def test_a_missing_directory_is_no_wrapper_and_no_trouble(tmp_path: Path, clock: FakeClock) -> None:
    looking = scanner(tmp_path / "missing", FakeProcesses())
    presence = looking.scan(clock.now())
    assert (presence.wrappers, presence.trouble) == ((), ())
    assert looking.clean_up(clock.now()) == 0


def test_when_a_directory_vanishes_the_last_verdicts_stand_until_each_is_stale(
    directory: Path, looking: Scanner, clock: FakeClock
) -> None:
    publish(directory, clock.now())
    looking.scan(clock.now())
    directory.rename(directory.with_name("away"))
    presence = looking.scan(clock.advance(90))
    assert verdicts(presence) == {NAME: Status.FRESH}
    assert [each.why for each in presence.trouble] == [f"{directory} has vanished"]
    presence = looking.scan(clock.advance(0.001))
    assert presence.wrappers == ()
    assert presence.trouble
    directory.mkdir()
    assert looking.scan(clock.now()).trouble == ()


def test_when_a_directory_is_replaced_nobody_is_lost(
    directory: Path, looking: Scanner, clock: FakeClock
) -> None:
    publish(directory, clock.now(), uuid="old")
    looking.scan(clock.now())
    directory.rename(directory.with_name("away"))
    directory.mkdir()
    publish(directory, clock.advance(10), uuid="new")
    here = {f"heartbeat-{PID}-old.json": Status.FRESH, f"heartbeat-{PID}-new.json": Status.FRESH}
    assert verdicts(looking.scan(clock.now())) == here
    publish(directory, clock.advance(70), uuid="new")
    assert verdicts(looking.scan(clock.advance(10.001))) == {f"heartbeat-{PID}-new.json": Status.FRESH}


def test_a_directory_that_cannot_be_listed_is_told_and_recovers(
    directory: Path, looking: Scanner, clock: FakeClock
) -> None:
    publish(directory, clock.now())
    looking.scan(clock.now())
    with _may_not_list(directory):
        presence = looking.scan(clock.advance(30))
        assert verdicts(presence) == {NAME: Status.FRESH}
        assert [each.why for each in presence.trouble] == [
            f"{directory} cannot be listed (Permission denied)"
        ]
        looking.clean_up(clock.now())
    presence = looking.scan(clock.now())
    assert verdicts(presence) == {NAME: Status.FRESH}
    assert presence.trouble == ()


@contextmanager
def _may_not_list(directory: Path) -> Iterator[None]:
    directory.chmod(0)
    try:
        if os.geteuid() == 0:
            os.seteuid(65534)
        yield
    finally:
        os.seteuid(os.getuid())
        directory.chmod(0o700)


def test_a_file_in_the_place_of_the_directory_is_told(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "wrappers").write_text("")
    presence = scanner(tmp_path / "wrappers", FakeProcesses()).scan(clock.now())
    assert [each.why for each in presence.trouble] == [
        f"{tmp_path / 'wrappers'} cannot be listed (Not a directory)"
    ]


def test_several_directories_are_looked_at_together(
    directory: Path, tmp_path: Path, clock: FakeClock
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    publish(directory, clock.now(), uuid="one")
    publish(other, clock.now(), uuid="two")
    presence = Scanner([directory, other], LIMITS, FakeProcesses(process(PID))).scan(clock.now())
    assert presence.counts[Status.FRESH] == 2
