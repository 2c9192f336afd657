"""Thousands of files in the wrappers' directory, whatever they are: who lives is seen, who calls is answered, memory has a bound."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from iai_daemon import clock
from iai_daemon.clock import Stopwatch
from iai_daemon.control.client import TIMEOUT
from iai_daemon.paths import Home
from iai_daemon.presence.listing import Limits
from tests.fakes import LONG
from tests.faults.stage import Scene, also, mounting, playing
from tests.journeys.real import until
from tests.presence.heartbeats import content, writing

MOST = Limits(stale_after=90.0, settle_after=2.0, tick=30.0).files
FILES = 100_000 if LONG else MOST + 1000
# What so many verdicts, and a listing of so many names, take: a third of what the files would take without a bound.
MEGABYTES = 60


@dataclass(frozen=True)
class Kind:
    """What lies about: its name by its number, what is in it when it is made, and how many of them are counted, as what."""

    name: Callable[[int], str]
    content: Callable[[], bytes]
    counted: dict[str, int]
    told: bool


def _orphan() -> bytes:
    return json.dumps(content(clock.read(), pid=2**30, locked=True, client={"name": "editor"})).encode()


KINDS = {
    "heartbeats of the dead": Kind(
        lambda number: f"heartbeat-{2**30}-{number}.json", _orphan, {"orphan": MOST}, told=True
    ),
    "heartbeats that are none": Kind(
        lambda number: f"heartbeat-{2**40}-{number}.json", lambda: b"\0", {"invalid": MOST}, told=True
    ),
    "files of others": Kind(lambda number: f"note-{number}.txt", bytes, {"invalid": 0}, told=False),
}


def _make(directory: Path, kind: Kind) -> Iterator[None]:
    data = kind.content()
    for number in range(FILES):
        descriptor = os.open(directory / kind.name(number), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(descriptor, data)
        os.close(descriptor)
        yield


def _longest_answer(scene: Scene, work: Iterator[None]) -> float:
    """Seconds that a call took at the longest while the work was done, and some looks after it."""
    longest = 0.0
    for number, _ in enumerate(work):
        if number % (FILES // 20) == 0:
            watch = Stopwatch()
            scene.daemon.status()
            longest = max(longest, watch.seconds())
    return longest


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_thousands_of_files_hide_nobody_and_are_gone_when_they_are_gone(
    home: Home, tmp_path: Path, kind: Kind
) -> None:
    others = tmp_path / "others"
    others.mkdir()
    with mounting() as stage:
        # On a disk the making of the files would be what is measured.
        stage.run("mount", "-t", "tmpfs", "-o", "nr_inodes=0", "none", others)
        seen = stage.seen(others)
        with playing(home, also(others), before=stage.before) as scene:
            process = psutil.Process(scene.daemon.process.pid)
            before = process.memory_info().rss
            assert _longest_answer(scene, _make(seen, kind)) < TIMEOUT / 2
            until(lambda: kind.counted.items() <= scene.presence().items(), 60)
            assert kind.told == (f"of which {MOST:,} are looked at" in scene.degraded().get("presence", ""))
            with writing(seen), writing(home.wrappers):
                scene.wait_fresh(3)
            assert (process.memory_info().rss - before) / 1e6 < MEGABYTES
            for path in seen.iterdir():
                if path.name.startswith(kind.name(0)[:15]):
                    path.unlink()
            scene.wait_well()
            scene.leave_work()
            scene.wait_night()
