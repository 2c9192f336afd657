"""Whatever breaks, the daemon stays up and does the rest, status, service manager and doctor say it, and it is over with its cause."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import structlog

from iai_daemon.clock import Stopwatch
from iai_daemon.control.client import ask
from iai_daemon.paths import Home
from iai_daemon.troubles import Troubles
from tests.consolidation.packages import Site
from tests.faults import degrading
from tests.faults.degrading import FAULTS, Fault, Play, locked_store, memories, wakes_for_its_user
from tests.faults.stage import CONFIG, mounting, playing, staging
from tests.journeys.real import RunningDaemon, until
from tests.service.test_notify import Manager


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    """What every daemon of this test tells how it stands."""
    opened = Manager(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", opened.address)
    monkeypatch.setenv("HOME", str(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    made = Site(tmp_path / "site", monkeypatch)
    made.offer("faults", hungry=f"{degrading.__name__}:Hungry", shot=f"{degrading.__name__}:Shot")
    return made


@pytest.fixture
def play(request: pytest.FixtureRequest, home: Home, manager: Manager, site: Site) -> Iterator[Play]:
    """A daemon and a wrapper, all well, where the fault can happen."""
    fault: Fault = request.param
    with ExitStack() as ends:
        stage, told = None, home
        if fault.kinds:
            stage = ends.enter_context(mounting() if "--mount" in fault.kinds else staging(*fault.kinds))
            if "--mount" in fault.kinds:
                stage.run("mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "none", home.root)
                home = Home(stage.seen(home.root))
                home.create()
        (home.root / "others").mkdir()
        before = stage.before if stage else ()
        scene = ends.enter_context(playing(home, fault.config, before=before, told=told))
        scene.wait_well()
        yield Play(scene, manager, stage)


def assert_told(play: Play, fault: Fault) -> None:
    """By the status, with what mends it, in the manager's line, and by the doctor."""
    if fault.answers:
        until(lambda: all(any(word in each["why"] for each in play.told(fault.what)) for word in fault.words))
        assert all(each["fix"] for each in play.told(fault.what))
    until(lambda: fault.what in play.names_in_line())
    found = until(lambda: play.finding(fault.finding))
    assert found
    assert found.remedy


def assert_over(play: Play, fault: Fault) -> None:
    until(lambda: not play.finding(fault.finding))
    until(lambda: not play.status()["degraded"])
    until(lambda: play.line() and "degraded" not in play.line())


@pytest.mark.parametrize(
    ("play", "fault"), [(each, each) for each in FAULTS.values()], ids=FAULTS, indirect=["play"]
)
def test_it_is_told_to_everybody_and_over_with_its_cause(play: Play, fault: Fault) -> None:
    pid = play.scene.daemon.process.pid
    with fault.breaks(play):
        assert_told(play, fault)
        fault.still(play)
    assert_over(play, fault)
    assert play.status()["pid"] == pid


def test_a_store_that_another_process_holds_keeps_nobody_waiting(
    home: Home, manager: Manager, site: Site
) -> None:
    """Once a daemon has it open nobody can take it, so somebody has before."""
    with locked_store(home) as holder, playing(home) as scene:
        play = Play(scene, manager, None)
        fault = Fault("store", ("has been locked by another process",), "store", wakes_for_its_user)
        assert_told(play, fault)
        watch = Stopwatch()
        wakes_for_its_user(play)
        scene.wait_tick()
        assert watch.seconds() < 5
        holder.communicate()
        assert_over(play, fault)
        assert play.status()["store"]["memories"] == 30
        assert play.status()["pid"] == scene.daemon.process.pid


def test_what_a_night_failed_of_is_over_when_nothing_is_left_to_do(home: Home, site: Site) -> None:
    """Somebody has taken the pass that broke out of the settings: no night will ever complete in its stead."""
    memories(home)
    broken = CONFIG.replace("[consolidation]", '[consolidation]\npasses = ["shot"]')
    daemon = RunningDaemon(home, broken)
    try:
        until(lambda: any("SIGKILL" in each["why"] for each in daemon.status()["degraded"]), 20)
        home.config.write_text(broken.replace('["shot"]', "[]"))
        ask(home, "reload")
        until(lambda: not daemon.status()["degraded"], 20)
    finally:
        assert daemon.stop() == ""


def test_settings_that_are_still_wrong_are_told_anew_and_a_file_that_is_gone_is_no_wish(home: Home) -> None:
    daemon = RunningDaemon(home, CONFIG)
    try:
        home.config.write_text("[lifecycle]\ntikc = 1\n")
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: any("tikc" in each["why"] for each in daemon.status()["degraded"]))
        home.config.write_text("[lifecycle]\nidle = 1\n")
        until(lambda: any("idle" in each["why"] for each in daemon.status()["degraded"]))
        home.config.unlink()
        ticked = {daemon.status()["tick"]["at"]}
        until(lambda: len(ticked) > 4 or ticked.add(daemon.status()["tick"]["at"]))
        assert [each["what"] for each in daemon.status()["degraded"]] == ["config"]
        home.config.write_text(CONFIG)
        until(lambda: not daemon.status()["degraded"])
    finally:
        assert daemon.stop() == ""


def test_who_was_not_let_in_is_told_for_a_whole_tick() -> None:
    """It happens between two turns, and the service manager is told at the end of one."""
    troubles = Troubles(structlog.wrap_logger(structlog.testing.CapturingLogger(), []))
    loop = asyncio.new_event_loop()
    troubles.loop_failed(loop, {"message": "no socket for who calls"})
    loop.close()
    for _ in range(2):
        assert [each["what"] for each in troubles.degraded()] == ["control"]
        troubles.tick()
    assert list(troubles.degraded()) == []
