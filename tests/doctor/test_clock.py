"""The clock and the zone: one that cannot be right, one that was set, and a machine that does not know where it is."""

from __future__ import annotations

import sys
import zoneinfo
from collections.abc import Iterator
from pathlib import Path

import pytest

from iai_daemon.clock import Now, read
from iai_daemon.doctor.checks.clock import largest_step
from iai_daemon.doctor.finding import Verdict
from iai_daemon.lifecycle import saved
from iai_daemon.lifecycle.decide import Standing
from iai_daemon.lifecycle.states import State
from iai_daemon.paths import Home
from iai_daemon.presence.ageing import Ageing, Era
from iai_daemon.presence.processes import SystemProcesses
from tests.doctor.looking import failing, look
from tests.journeys.real import until

DAY = 86_400.0


def later(now: Now, wall: float = 0.0, awake: float = 0.0, boot: float = 0.0) -> Now:
    return Now(now.wall + wall, now.awake + awake, now.boot + boot)


def save(home: Home, *moments: Now) -> None:
    """As a daemon would that has seen these moments."""
    ageing = Ageing(30.0)
    for each in moments:
        ageing.observe(each)
    last = moments[-1]
    standing = Standing(State.WAKE, since=last.awake, last_active=last.awake)
    saved.save(home.state, standing, last, SystemProcesses().boot_id, ageing.clocks)


def test_a_clock_that_goes_right_is_well_with_and_without_a_home(home: Home, tmp_path: Path) -> None:
    save(home, later(read(), -60, -60, -60), read())
    assert failing(look(home, "clock")) == {}
    assert failing(look(Home(tmp_path / "none"), "clock")) == {}


def test_a_clock_that_was_never_set_is_told(home: Home) -> None:
    found = look(home, "clock", Now(86_400.0, 10.0, 10.0))["clock"]
    assert (found.status, found.seen) == (Verdict.FAIL, "the clock shows 1970-01-02 00:00 UTC")
    assert "set-ntp" in (found.remedy or "")


def test_a_clock_before_what_was_written_already_is_told_by_how_much(home: Home) -> None:
    home.memory.write_bytes(b"")
    assert failing(look(home, "clock", later(read(), wall=-0.5 * DAY))) == {}
    found = look(home, "clock", later(read(), wall=-3 * DAY))["clock"]
    assert found.status is Verdict.FAIL
    assert f"3 d before {home.memory}" in found.seen


def test_a_clock_before_the_newest_backup_is_told(home: Home) -> None:
    (home.backups / "memory-20990101T000000Z.db").write_bytes(b"")
    found = look(home, "clock")["clock"]
    assert (found.status, "memory-20990101T000000Z.db" in found.seen) == (Verdict.FAIL, True)


def test_a_clock_that_was_set_in_this_boot_is_told_by_how_much(home: Home) -> None:
    now = read()
    save(home, later(now, -1000, -100, -100), later(now, -40, -40, -40))
    found = look(home, "clock", now)["clock.steps"]
    assert (found.status, "ahead by 15 min" in found.seen) == (Verdict.WARN, True)
    save(home, later(now, -40, -40, -40))
    assert "back by 10 min" in look(home, "clock", later(now, wall=-600))["clock.steps"].seen
    assert failing(look(home, "clock", later(now, wall=30))) == {}


def test_a_sleep_of_the_machine_is_no_step() -> None:
    start = Now(1000.0, 100.0, 200.0)
    slept = later(start, 8 * 3600 + 30, 30, 8 * 3600 + 30)
    assert largest_step([Era(100.0, start), Era(130.0, slept, 8 * 3600)], later(slept, 5, 5, 5)) == 0
    assert largest_step([], start) == 0


def test_what_systemd_says_of_time_servers_is_told(home: Home, tools: Path) -> None:
    program = tools / "timedatectl"
    for said, status, expected in (("no", 0, {"clock.synchronised"}), ("yes", 0, set()), ("no", 1, set())):
        program.write_text(f"#!/bin/sh\necho {said}\nexit {status}\n")
        program.chmod(0o755)
        # One that takes too long says nothing: on a busy machine that may be this one.
        until(lambda expected=expected: failing(look(home, "clock")).keys() == expected)
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    assert failing(look(home, "clock")) == {}


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where programs are looked for first."""
    path = tmp_path / "tools"
    path.mkdir()
    monkeypatch.setenv("PATH", f"{path}:/usr/bin:/bin")
    return path


def test_a_machine_that_does_not_know_its_zone_is_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Atlantis/Capital")
    found = look(home, "clock")["clock.zone"]
    assert (found.status, "UTC" in found.seen) == (Verdict.WARN, True)
    monkeypatch.setenv("TZ", "America/New_York")
    assert look(home, "clock")["clock.zone"].seen == "America/New_York"


@pytest.fixture
def _no_zones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Neither the system has any nor is the package installed."""
    for name in ["tzdata", *(each for each in sys.modules if each.startswith("tzdata."))]:
        monkeypatch.setitem(sys.modules, name, None)
    zoneinfo.reset_tzpath(to=[str(tmp_path)])
    yield
    zoneinfo.reset_tzpath()


@pytest.mark.usefixtures("_no_zones")
def test_a_machine_without_zones_is_told_what_to_install(home: Home) -> None:
    found = look(home, "clock")["clock.zones"]
    assert (found.status, "tzdata" in (found.remedy or "")) == (Verdict.FAIL, True)
