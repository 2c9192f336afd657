"""Events fail or are lost: the tick finds what they do not tell, the status says so, and watching comes back by itself."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest

from iai_daemon.paths import Home
from tests.faults.stage import NO_TICK, Scene, Stage, also, mounting, playing, staging
from tests.journeys.real import until
from tests.presence.heartbeats import writing

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")

QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")
# More are not made here, only to see them lost.
MOST_EVENTS = 200_000


@pytest.fixture
def limited() -> Iterator[Stage]:
    """A user namespace, whose limits are its own."""
    with staging("--user", "--map-root-user") as stage:
        yield stage


def _set_limit(stage: Stage, what: str, limit: int) -> None:
    stage.run("sh", "-c", f"echo {limit} > /proc/sys/user/max_inotify_{what}")


def _watched(scene: Scene) -> set[int]:
    """The inodes that the daemon watches, as the kernel tells."""
    found = set()
    for path in Path(f"/proc/{scene.daemon.process.pid}/fdinfo").iterdir():
        with suppress(FileNotFoundError):
            for line in path.read_text().splitlines():
                if line.startswith("inotify "):
                    fields = dict(field.split(":") for field in line.split()[1:])
                    found.add(int(fields["ino"], 16))
    return found


def test_without_an_instance_the_tick_notices_and_it_recovers_when_one_is_free(
    home: Home, limited: Stage
) -> None:
    _set_limit(limited, "instances", 0)
    with playing(home, before=limited.before) as scene:
        scene.wait_degraded("watching", str(home.wrappers), "inotify instances")
        assert any("max_user_instances" in each["fix"] for each in scene.daemon.status()["degraded"])
        assert _watched(scene) == set()
        with writing(home.wrappers):
            scene.wait_fresh(2)
        _set_limit(limited, "instances", 100)
        scene.wait_well()
        assert _watched(scene) == {home.wrappers.stat().st_ino}
        scene.assert_goes_on()


def test_without_a_watch_for_a_replaced_directory_the_tick_notices_and_it_recovers_when_one_is_free(
    home: Home, limited: Stage
) -> None:
    with playing(home, before=limited.before) as scene:
        _set_limit(limited, "watches", 0)
        shutil.rmtree(home.wrappers)
        home.wrappers.mkdir(mode=0o700)
        scene.wait_degraded("watching", str(home.wrappers), "inotify watches")
        assert any("max_user_watches" in each["fix"] for each in scene.daemon.status()["degraded"])
        assert _watched(scene) == set()
        # Who was in the old directory counts until he would be stale, unless the new one has its very inode; with news he is in both.
        scene.act()
        scene.wait_fresh(1)
        with writing(home.wrappers):
            scene.wait_fresh(2)
        _set_limit(limited, "watches", 100)
        scene.act()
        scene.wait_well()
        assert _watched(scene) == {home.wrappers.stat().st_ino}
        scene.assert_goes_on()


def _lose_events(scene: Scene, directory: Path) -> None:
    """Stop the daemon, and then make more of them than the kernel keeps for it."""
    events = int(QUEUE.read_text())
    if events > MOST_EVENTS:
        pytest.skip(f"the kernel keeps {events} events here, too many to have some lost")
    process = psutil.Process(scene.daemon.process.pid)
    process.suspend()
    until(lambda: process.status() == psutil.STATUS_STOPPED)
    noise = directory / "noise"
    for _ in range(events // 2 + 10):
        os.close(os.open(noise, os.O_CREAT | os.O_WRONLY, 0o600))
        noise.unlink()


def test_nothing_is_missed_when_events_were_lost(home: Home) -> None:
    with playing(home, NO_TICK) as scene, ExitStack() as late:
        with writing(home.wrappers):
            scene.wait_fresh(2)
            scene.wait_quiet()
            _lose_events(scene, home.wrappers)
        for _ in range(2):
            late.enter_context(writing(home.wrappers))
        psutil.Process(scene.daemon.process.pid).resume()
        scene.wait_well(3)
        late.close()
        scene.wait_well(1)
        scene.leave_work()
        scene.wait_night()


def test_a_watch_that_was_dropped_when_events_were_lost_is_made_again(home: Home, tmp_path: Path) -> None:
    """No event tells of it, and what took the directory's place has its very device and inode: another disk's root."""
    others = tmp_path / "others"
    others.mkdir()
    with mounting() as stage:
        stage.run("mount", "-t", "tmpfs", "none", others)
        seen = stage.seen(others)
        config = also(others, NO_TICK)
        with playing(home, config, before=stage.before) as scene:
            scene.wait_quiet()
            _lose_events(scene, seen)
            before = seen.stat()
            stage.run("umount", others)
            stage.run("mount", "-t", "tmpfs", "none", others)
            assert (seen.stat().st_dev, seen.stat().st_ino) == (before.st_dev, before.st_ino)
            psutil.Process(scene.daemon.process.pid).resume()
            until(lambda: _watched(scene) == {home.wrappers.stat().st_ino, seen.stat().st_ino})
            with writing(seen):
                scene.wait_fresh(2)
