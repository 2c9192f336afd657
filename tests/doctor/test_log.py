"""The log: one that cannot be written, errors in it, a crash, and files that nothing bounds."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from iai_daemon.clock import read
from iai_daemon.doctor.finding import Verdict
from iai_daemon.paths import Home
from iai_daemon.units import format_stamp
from tests.doctor.looking import failing, look
from tests.journeys.real import RunningDaemon

DAY = 86_400.0


def entry(event: str, level: str, ago: float, **fields: object) -> str:
    stamp = format_stamp(read().wall - ago)
    return json.dumps({"event": event, "level": level, "timestamp": stamp, **fields}) + "\n"


def test_without_a_home_and_without_a_log_all_is_well(home: Home, tmp_path: Path) -> None:
    assert failing(look(Home(tmp_path / "none"), "log")) == {}
    assert failing(look(home, "log")) == {}


def test_a_daemon_that_logs_is_well_and_one_whose_log_is_deleted_is_told_of(home: Home) -> None:
    daemon = RunningDaemon(home)
    try:
        assert failing(look(home, "log")) == {}
        os.utime(home.log, (0, read().wall - 3 * DAY))
        assert look(home, "log")["log"].status is Verdict.WARN
        home.log.unlink()
        found = look(home, "log")["log"]
        assert (found.status, "nothing was written" in found.seen) == (Verdict.WARN, True)
        assert "`iai-daemon restart`" in (found.remedy or "")
    finally:
        daemon.stop()
    assert failing(look(home, "log")) == {}


def test_what_is_no_file_in_its_place_is_told(home: Home) -> None:
    home.log.mkdir()
    found = look(home, "log")["log"]
    assert (found.status, found.seen) == (Verdict.FAIL, f"{home.log} is no file")


def test_errors_of_the_last_day_are_counted_and_only_their_events_are_told(home: Home) -> None:
    home.log.write_text(
        entry("an old one", "error", 2 * DAY)
        + entry("started", "info", 100, why="an error")
        + entry("tick failed", "error", 50, exception="ValueError: a secret")
        + 'no entry: error\n[1, "error"]\n'
        + entry("call failed", "error", 10, said="a secret")
        + '{"event": "cut", "level": "error", "timest'
    )
    found = look(home, "log")["log.errors"]
    assert found.status is Verdict.WARN
    assert found.seen == "2 errors were logged within the last day, the newest: call failed"
    assert found.remedy == "`iai-daemon logs` shows them"


def test_of_a_long_log_the_end_is_read(home: Home) -> None:
    many = entry("tick failed", "error", 50) * 20_000
    home.log.write_text(many)
    found = look(home, "log")["log.errors"]
    assert 5_000 < int(found.seen.split()[0]) < 20_000


def test_a_crash_is_told_until_the_next_start_has_taken_it_into_the_log(home: Home) -> None:
    home.crash.write_text("Fatal Python error: Aborted\n")
    found = look(home, "log")["log.crash"]
    assert (found.status, str(home.crash) in found.seen) == (Verdict.WARN, True)
    RunningDaemon(home).stop()
    assert failing(look(home, "log")).keys() == {"log.errors"}


@pytest.fixture
def small(home: Home) -> Home:
    """One whose log is rotated early, and kept twice."""
    home.config.write_text('[log]\nmax_size = "10KB"\nkeep = 2\n')
    return home


def test_a_log_that_is_not_rotated_is_told(small: Home) -> None:
    small.log.write_text("x" * 100_000)
    assert failing(look(small, "log")) == {}
    small.log.write_text("x" * 120_000)
    found = look(small, "log")["log.size"]
    assert (found.status, "is not rotated" in found.seen) == (Verdict.WARN, True)


def test_what_a_former_setting_kept_is_told_with_the_oldest_to_delete(small: Home) -> None:
    for number in range(1, 5):
        small.log.with_name(f"{small.log.name}.{number}").write_text("x" * 10_000)
    found = look(small, "log")["log.size"]
    assert (found.status, found.remedy) == (Verdict.WARN, f"rm {small.log}.3 {small.log}.4")


def test_what_launchd_has_caught_is_told_when_it_grows(small: Home) -> None:
    small.log.with_name("launchd.log").write_text("x" * 20_000)
    found = look(small, "log")["log.launchd"]
    assert (found.status, "tail" in (found.remedy or "")) == (Verdict.WARN, True)
