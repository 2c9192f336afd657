"""The surroundings break and are mended again: the daemon goes on, says what is wrong while it is, and the night comes."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from iai_daemon.control.client import ask
from iai_daemon.paths import Home
from tests.faults.stage import CONFIG, Scene, Stage, also, mounting, playing, wrapping
from tests.journeys.real import until
from tests.presence.heartbeats import writing

Happening = Callable[[Path], object]

MEGABYTE = 1_000_000
MOST_WRITES = 10_000


# --- the directory of the wrappers


def _move_away(directory: Path) -> None:
    directory.rename(directory.with_name(f"away-{directory.stat().st_ino}"))


def _swap(directory: Path) -> None:
    other = directory.with_name("other")
    other.mkdir()
    _move_away(directory)
    other.rename(directory)


def _link(directory: Path) -> None:
    _swap(directory)
    directory.rename(directory.with_name("linked"))
    directory.symlink_to("linked")


def _put_file(directory: Path) -> None:
    _move_away(directory)
    directory.write_text("")


def _put_dangling_link(directory: Path) -> None:
    _move_away(directory)
    directory.symlink_to("nowhere")


def test_a_directory_that_is_missing_is_made_and_one_that_was_replaced_is_the_one_that_counts(
    home: Home,
) -> None:
    home.wrappers.rmdir()
    happenings: list[Happening] = [shutil.rmtree, _move_away, _swap, _link]
    with playing(home) as scene:
        for happens in happenings:
            happens(home.wrappers)
            scene.wait_tick()
            scene.act()
            scene.wait_well()
        scene.assert_goes_on()


def test_what_is_no_directory_is_told_until_it_is_one_and_others_are_seen_meanwhile(home: Home) -> None:
    others = home.root / "others"
    others.mkdir()
    happenings: dict[str, Happening] = {"Not a directory": _put_file, "has vanished": _put_dangling_link}
    with playing(home, also(others)) as scene:
        for why, happens in happenings.items():
            happens(home.wrappers)
            scene.wait_degraded("presence", str(home.wrappers), why)
            scene.wait_degraded("watching", str(home.wrappers))
            scene.wait_degraded("home", str(home.wrappers))
            with writing(others) as other:
                scene.wait_fresh(2)
                # No event tells of a kill: only the tick can notice it.
                other.kill()
                until(lambda: scene.presence()["orphan"] == 1)
            (others / f"heartbeat-{other.pid}-u-1.json").unlink()
            home.wrappers.unlink()
            scene.wait_tick()
            scene.act()
            scene.wait_well()
        assert scene.daemon.status()["tick"]["failures"] > 0
        scene.assert_goes_on()


# What binds everybody but root binds him, too.
_BOUND = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


def test_a_directory_that_cannot_be_read_is_told_and_its_wrappers_stay(home: Home, tmp_path: Path) -> None:
    """In the home the daemon gives itself back what it needs; elsewhere it waits."""
    if _BOUND and not shutil.which(_BOUND[0]):
        pytest.skip("permissions do not bind root, and there is no setpriv to bind him")
    other = Home(tmp_path / "other")
    other.create()
    with playing(home, also(other.wrappers), before=_BOUND) as scene:
        with wrapping(other):
            scene.wait_fresh(2)
            other.wrappers.chmod(0)
            scene.wait_degraded("presence", str(other.wrappers), "Permission denied")
            scene.wait_degraded("watching", str(other.wrappers), "Permission denied")
            scene.wait_tick()
            assert scene.presence()["fresh"] == 2
            other.wrappers.chmod(0o700)
            scene.wait_well(2)
        home.wrappers.chmod(0)
        until(lambda: home.wrappers.stat().st_mode & 0o777 == 0o700)
        scene.assert_goes_on()


# --- the disk


@pytest.fixture
def mounted() -> Iterator[Stage]:
    """A namespace whose mounts nobody else sees."""
    with mounting() as stage:
        yield stage


def _fill_with_bytes(home: Home) -> None:
    with (home.root / "filler").open("wb", buffering=0) as filler:
        for size in (MEGABYTE, 1):
            _until_refused(partial(filler.write, bytes(size)))


def _fill_with_files(home: Home) -> None:
    fillers = home.root / "filler"
    fillers.mkdir()
    numbers = iter(range(MOST_WRITES))

    def one_more() -> None:
        (fillers / str(next(numbers))).touch()

    _until_refused(one_more)


def _until_refused(write: Callable[[], object]) -> None:
    for _ in range(MOST_WRITES):
        try:
            write()
        except OSError as cause:
            assert cause.errno == errno.ENOSPC  # noqa: PT017 -- that it is raised is what is waited for
            return
    pytest.fail("the disk is not full yet")


def _remove_filler(home: Home) -> None:
    filler = home.root / "filler"
    shutil.rmtree(filler) if filler.is_dir() else filler.unlink()


def test_a_full_disk_is_told_and_nothing_is_missing_when_there_is_room_again(
    home: Home, mounted: Stage
) -> None:
    mounted.run("mount", "-t", "tmpfs", "-o", "size=80m,nr_inodes=200", "none", home.root)
    seen = Home(mounted.seen(home.root))
    seen.create()
    with playing(seen, told=home, before=mounted.before) as scene:
        scene.wait_quiet()
        for fill, broken in ((_fill_with_bytes, {"state", "history", "log"}), (_fill_with_files, {"state"})):
            fill(seen)
            # A page that is there already takes some lines more.
            until(lambda: _ask_to_sleep_and_wake(scene) and broken <= scene.degraded().keys())  # noqa: B023
            scene.wait_degraded("state", str(home.state), "No space left")
            scene.wait_tick()
            _remove_filler(seen)
            scene.wait_well()
            until(lambda: _told(seen.history)[-1]["to"] == _kept_state(seen) == scene.daemon.state()[0])
        scene.assert_goes_on()
        _assert_whole(seen)
        # Then it ends as it should, though nothing can be written.
        _fill_with_bytes(seen)


def _kept_state(home: Home) -> str:
    kept: str = json.loads(home.state.read_text())["state"]
    return kept


def _ask_to_sleep_and_wake(scene: Scene) -> bool:
    """Two transitions that want to be written down."""
    for method in ("sleep", "wake"):
        ask(scene.home, method, {"for": "100ms"})
    return True


def _told(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _assert_whole(home: Home) -> None:
    """No transition is missing, none is there twice, and neither history nor log holds half a line."""
    told = _told(home.history)
    assert [each["from"] for each in told[1:]] == [each["to"] for each in told[:-1]]
    assert _told(home.log)


def test_a_disk_that_becomes_read_only_is_told_until_it_may_be_written_again(
    home: Home, mounted: Stage
) -> None:
    with playing(Home(mounted.seen(home.root)), told=home, before=mounted.before) as scene:
        scene.wait_quiet()
        mounted.run("mount", "--bind", home.root, home.root)
        mounted.run("mount", "-o", "remount,bind,ro", home.root)
        _ask_to_sleep_and_wake(scene)
        scene.wait_degraded("state", str(home.state), "Read-only file system")
        scene.wait_degraded("history", str(home.history), "Read-only file system")
        scene.wait_tick()
        mounted.run("umount", "--lazy", home.root)
        scene.wait_well()
        scene.assert_goes_on()
        _assert_whole(home)


# --- the machine


def test_on_battery_a_night_waits_for_the_mains(home: Home, mounted: Stage, tmp_path: Path) -> None:
    supply = tmp_path / "supply"
    for name, content in {"BAT0/capacity": "57", "BAT0/status": "Discharging", "AC/online": "0"}.items():
        (supply / name).parent.mkdir(parents=True, exist_ok=True)
        (supply / name).write_text(content + "\n")
    mounted.run("mount", "--bind", supply, "/sys/class/power_supply")
    config = CONFIG.replace("[lifecycle]", "[lifecycle]\nonly_on_ac = true")
    with playing(home, config, before=mounted.before) as scene:
        scene.leave_work()
        scene.wait_degraded("nights", "battery", "only_on_ac")
        scene.wait_tick()
        assert scene.daemon.status()["consolidation"]["last"] is None
        (supply / "AC/online").write_text("1\n")
        scene.wait_night()
        assert scene.degraded() == {}


def test_under_load_no_night_starts(home: Home) -> None:
    """The load is the machine's own: there is nothing to put in its place."""
    if os.getloadavg()[0] < 0.05:
        pytest.skip("this machine has nothing to do: there is no load to object to")
    config = CONFIG.replace("[lifecycle]", "[lifecycle]\nmax_load = 0.01")
    with playing(home, config) as scene:
        scene.leave_work()
        scene.wait_degraded("nights", "the load is ", "(max_load 0.01)")
        scene.wait_tick()
        assert scene.daemon.status()["consolidation"]["last"] is None
