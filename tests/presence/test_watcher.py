"""Real watching: what moves wakes the loop, our own reads do not, and a replaced directory is watched again."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from iai_daemon import clock
from iai_daemon.clock import SystemClock
from iai_daemon.presence.processes import SystemProcesses
from iai_daemon.presence.watcher import Watcher, _Threaded
from tests.presence.heartbeats import publish, scanner

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")

# Long enough for the kernel to tell what it has to tell; nothing is waited for in full but silence.
SOON = 5.0
SILENCE = 0.05


class Ears:
    """A watcher and whether it has called."""

    def __init__(self, *directories: Path) -> None:
        self._changed = asyncio.Event()
        self.watcher = Watcher(directories, self._changed.set)
        self.watcher.check()

    async def hears(self) -> bool:
        return await SystemClock().wait(self._changed, SOON)

    async def hears_nothing(self) -> bool:
        return not await SystemClock().wait(self._changed, SILENCE)


@asynccontextmanager
async def listening(*directories: Path) -> AsyncIterator[Ears]:
    """Ears that have heard their own beginning already."""
    ears = Ears(*directories)
    try:
        if not ears.watcher.trouble:
            assert await ears.hears()
        yield ears
    finally:
        ears.watcher.close()
        ears.watcher.close()


def _run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await scenario()

    asyncio.run(run())


def test_a_heartbeat_that_is_renamed_into_place_wakes_the_loop(directory: Path) -> None:
    async def scenario() -> None:
        async with listening(directory) as ears:
            for _ in range(3):
                publish(directory, clock.read())
                assert await ears.hears()

    _run(scenario)


def test_a_heartbeat_that_is_created_or_deleted_wakes_the_loop(directory: Path) -> None:
    async def scenario() -> None:
        async with listening(directory) as ears:
            path = directory / "heartbeat-1-u.json"
            path.touch()
            assert await ears.hears()
            path.unlink()
            assert await ears.hears()

    _run(scenario)


@LINUX
def test_our_own_reads_and_half_written_files_do_not(directory: Path) -> None:
    async def scenario() -> None:
        publish(directory, clock.read(), pid=os.getpid(), locked=True)
        async with listening(directory) as ears:
            for _ in range(3):
                scanner(directory, SystemProcesses()).scan(clock.read())
            (directory / "heartbeat-1-u.json.tmp").write_text("{")
            assert await ears.hears_nothing()

    _run(scenario)


@LINUX
def test_a_note_of_an_end_and_its_deletion_wait_for_the_tick(directory: Path) -> None:
    async def scenario() -> None:
        async with listening(directory) as ears:
            (directory / "heartbeat-1-u.json.tmp").write_text("{}")
            (directory / "heartbeat-1-u.json.tmp").rename(directory / "ended-01.json")
            (directory / "ended-01.json").unlink()
            assert await ears.hears_nothing()

    _run(scenario)


def test_checking_again_changes_nothing(directory: Path) -> None:
    async def scenario() -> None:
        async with listening(directory) as ears:
            ears.watcher.check()
            assert await ears.hears_nothing()
            publish(directory, clock.read())
            assert await ears.hears()

    _run(scenario)


@pytest.mark.parametrize("manner", ["moved away", "deleted"])
def test_a_replaced_directory_is_watched_again(directory: Path, manner: str) -> None:
    """A deleted one, too, whose inode the new one often gets at once."""

    async def scenario() -> None:
        async with listening(directory) as ears:
            _replace(directory, manner)
            assert await ears.hears()
            ears.watcher.check()
            assert ears.watcher.trouble == ()
            while not await ears.hears_nothing():
                pass
            publish(directory, clock.read())
            assert await ears.hears()

    _run(scenario)


def _replace(directory: Path, manner: str) -> None:
    if manner == "moved away":
        directory.rename(directory.with_name("away"))
    else:
        directory.rmdir()
    directory.mkdir()


def test_a_directory_that_is_missing_is_told_and_watched_when_it_appears(directory: Path) -> None:
    async def scenario() -> None:
        later = directory / "later"
        async with listening(later, directory) as ears:
            assert [each.why for each in ears.watcher.trouble] == [
                f"{later} cannot be watched (No such file or directory)"
            ]
            await ears.hears()
            later.mkdir()
            await ears.hears()
            ears.watcher.check()
            assert ears.watcher.trouble == ()
            assert await ears.hears()
            publish(later, clock.read())
            assert await ears.hears()

    _run(scenario)


@LINUX
def test_when_the_limit_is_used_up_that_is_told_and_it_recovers(directory: Path) -> None:
    async def scenario() -> None:
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        lowest = os.dup(0)
        os.close(lowest)
        ears = None
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, before[1]))
        try:
            ears = Ears(directory)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        assert "fs.inotify.max_user_instances" in ears.watcher.trouble[0].fix
        try:
            ears.watcher.check()
            assert ears.watcher.trouble == ()
            assert await ears.hears()
            publish(directory, clock.read())
            assert await ears.hears()
        finally:
            ears.watcher.close()

    _run(scenario)


def test_where_there_is_no_inotify_an_observer_of_watchdog_calls(directory: Path) -> None:
    async def scenario() -> None:
        changed = asyncio.Event()
        watching = _Threaded(changed.set)
        try:
            assert watching.watch(directory)
            assert not watching.watch(directory)
            publish(directory, clock.read())
            assert await SystemClock().wait(changed, SOON)
            _replace(directory, "moved away")
            assert watching.watch(directory)
            changed.clear()
            publish(directory, clock.read())
            assert await SystemClock().wait(changed, SOON)
        finally:
            watching.close()

    _run(scenario)
