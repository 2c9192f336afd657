"""What a look takes in has bounds: of too many files, or too much in them, or without descriptors, nobody who lives is lost."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from iai_daemon.presence.classify import Presence, Status
from iai_daemon.presence.listing import Limits
from iai_daemon.presence.scanner import Scanner
from tests.fakes import FakeClock, FakeProcesses, process
from tests.journeys.real import until
from tests.presence.heartbeats import PID, publish, verdicts

FILES = 6


@pytest.fixture
def looking(directory: Path) -> Scanner:
    limits = Limits(stale_after=90.0, settle_after=2.0, tick=30.0, files=FILES, bytes=1500)
    return Scanner([directory], limits, FakeProcesses(process(PID)))


def _publish_later(
    directory: Path, clock: FakeClock, uuid: str, pid: int = PID, server: str | None = None
) -> None:
    """A heartbeat that the file system, too, holds for newer than all others: its clock goes in steps."""
    newest = max((path.stat().st_ctime_ns for path in directory.iterdir()), default=0)
    until(
        lambda: publish(directory, clock.now(), pid=pid, uuid=uuid, server=server).stat().st_ctime_ns > newest
    )


def _read_all(looking: Scanner, clock: FakeClock) -> Presence:
    presence = looking.scan(clock.now())
    for _ in range(FILES):
        presence = looking.scan(clock.now())
    assert not looking.behind
    return presence


def _fresh(presence: Presence) -> set[str]:
    return {Path(wrapper.path).name.split("-", 2)[2] for wrapper in presence.present}


def test_of_too_many_files_those_who_live_and_the_newest_are_looked_at(
    directory: Path, looking: Scanner, clock: FakeClock
) -> None:
    for uuid in "ab":
        _publish_later(directory, clock, uuid)
    _read_all(looking, clock)
    for number in range(3 * FILES):
        _publish_later(directory, clock, f"junk-{number}", pid=77)
    _publish_later(directory, clock, "late")
    presence = _read_all(looking, clock)
    assert len(presence.wrappers) == FILES
    assert _fresh(presence) == {"a.json", "b.json", "late.json"}
    assert [each.why for each in presence.trouble] == [
        f"{directory} holds {3 * FILES + 3} heartbeats, of which {FILES} are looked at"
    ]


def test_one_who_refreshes_among_too_many_is_not_lost(
    directory: Path, looking: Scanner, clock: FakeClock
) -> None:
    _publish_later(directory, clock, "a")
    _read_all(looking, clock)
    for _ in range(3):
        _publish_later(directory, clock, "a")
        for number in range(2 * FILES):
            _publish_later(directory, clock, f"junk-{number}", pid=77)
        assert _fresh(looking.scan(clock.now())) == {"a.json"}


def test_when_the_files_have_gone_all_is_as_it_was(
    directory: Path, looking: Scanner, clock: FakeClock
) -> None:
    for number in range(FILES + 1):
        publish(directory, clock.now(), uuid=f"{number}")
    assert _read_all(looking, clock).trouble
    (directory / f"heartbeat-{PID}-0.json").unlink()
    presence = _read_all(looking, clock)
    assert (presence.counts[Status.FRESH], presence.trouble) == (FILES, ())


def test_names_that_are_no_heartbeats_do_not_count(
    directory: Path, looking: Scanner, clock: FakeClock
) -> None:
    for number in range(3 * FILES):
        (directory / f"note-{number}.json").touch()
    publish(directory, clock.now())
    presence = looking.scan(clock.now())
    assert (presence.counts[Status.FRESH], presence.trouble) == (1, ())


def test_what_one_look_does_not_read_the_next_one_does_the_newest_first(
    directory: Path, looking: Scanner, clock: FakeClock
) -> None:
    for number in range(FILES):
        _publish_later(directory, clock, f"{number}", server="x" * 1000)
    seen = []
    for _ in range(FILES):
        presence = looking.scan(clock.now())
        seen.append(len(presence.wrappers))
        assert looking.behind == bool(presence.trouble) == (seen[-1] < FILES)
    assert seen[:3] == [2, 4, 6]
    _publish_later(directory, clock, "0", server="x" * 1000)
    for number in range(FILES):
        publish(directory, clock.advance(1), uuid=f"{number}", server="x" * 1000)
    # What has been read stands until it is read again.
    assert looking.scan(clock.now()).counts[Status.FRESH] == FILES
    assert looking.behind


def test_without_descriptors_a_heartbeat_is_as_old_as_its_file(
    directory: Path, looking: Scanner, clock: FakeClock
) -> None:
    for uuid in ("refreshes", "does-not"):
        publish(directory, clock.now(), uuid=uuid)
    looking.scan(clock.now())
    path = publish(directory, clock.advance(60), uuid="refreshes")
    os.utime(path, (clock.wall, clock.wall))
    clock.advance(31)
    with _no_descriptors():
        presence = looking.scan(clock.now())
    assert verdicts(presence) == {path.name: Status.FRESH}
    assert "Too many open files" in presence.trouble[0].why
    assert looking.scan(clock.now()).trouble == ()


@contextmanager
def _no_descriptors() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
