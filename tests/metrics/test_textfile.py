"""The file for node_exporter, as a real daemon writes it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as read_prometheus

from iai_daemon.control.client import ask
from iai_daemon.metrics.families import families
from iai_daemon.metrics.textfile import remedy, write
from iai_daemon.paths import Home
from tests.journeys.real import RunningDaemon, until
from tests.metrics.statuses import FIGURES, status
from tests.metrics.test_families import Samples, samples, value

CONFIG = """
[lifecycle]
tick = "300ms"
[consolidation]
enabled = false
[metrics]
textfile = "{path}"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "collector").mkdir()
    return tmp_path / "collector" / "iai-daemon.prom"


@pytest.fixture
def daemon(home: Home, path: Path) -> Iterator[RunningDaemon]:
    running = RunningDaemon(home, CONFIG.format(path=path))
    yield running
    running.stop()


def read(path: Path) -> Samples:
    """Whole at every moment."""
    return samples(read_prometheus(path.read_text()))


def troubles(daemon: RunningDaemon) -> list[dict[str, str]]:
    return [each for each in daemon.status()["degraded"] if each["what"] == "metrics"]


def test_a_daemon_writes_it_at_each_tick_for_everybody_to_read(daemon: RunningDaemon, path: Path) -> None:
    until(path.exists)
    found = read(path)
    assert value(found, "up") == value(found, "store_up") == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    first = value(found, "tick_timestamp_seconds")
    until(lambda: value(read(path), "tick_timestamp_seconds") > first)
    assert [each.name for each in path.parent.iterdir() if not each.name.startswith(".")] == [path.name]
    assert troubles(daemon) == []


def test_a_daemon_that_is_stopped_writes_a_last_time_that_it_is_gone(
    daemon: RunningDaemon, path: Path
) -> None:
    until(path.exists)
    daemon.stop()
    found = read(path)
    assert (value(found, "up"), value(found, "store_up")) == (0, 1)
    assert ("iai_daemon_state", (("state", "WAKE"),)) not in found
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_directory_that_is_not_there_is_told_until_it_is(daemon: RunningDaemon, path: Path) -> None:
    until(path.exists)
    aside = path.parent.with_name("aside")
    path.parent.rename(aside)
    (wrong,) = until(lambda: troubles(daemon))
    assert wrong["why"] == f"{path} cannot be written (No such file or directory)"
    assert f"mkdir -p {path.parent}" in wrong["fix"]
    aside.rename(path.parent)
    until(lambda: not troubles(daemon))


def test_other_settings_are_gone_by_at_once_and_none_end_it(
    daemon: RunningDaemon, home: Home, path: Path
) -> None:
    until(path.exists)
    other = path.with_name("other.prom")
    home.config.write_text(CONFIG.format(path=other))
    ask(home, "reload")
    until(other.exists)
    home.config.write_text(CONFIG.format(path=""))
    ask(home, "reload")
    before = daemon.status()["tick"]["at"]
    other.unlink()
    until(lambda: daemon.status()["tick"]["at"] > before)
    last = daemon.status()["tick"]["at"]
    until(lambda: daemon.status()["tick"]["at"] > last)
    assert not other.exists()


def test_a_memory_that_is_away_leaves_what_the_daemon_knows(home: Home, path: Path) -> None:
    home.memory.write_bytes(b"this is no database, whatever its name says" * 100)
    daemon = RunningDaemon(home, CONFIG.format(path=path))
    try:
        until(path.exists)
        found = read(path)
    finally:
        daemon.stop()
    assert (value(found, "up"), value(found, "store_up")) == (1, 0)
    assert value(found, "degraded") >= 1


def test_it_says_what_mends_what_kept_it_from_being_written(path: Path) -> None:
    told = families(status(), FIGURES)
    path.mkdir()
    with pytest.raises(OSError, match=r".") as in_the_way:
        write(path, told)
    assert "can be replaced" in remedy(in_the_way.value, path)
    missing = path.parent / "missing" / "x.prom"
    with pytest.raises(FileNotFoundError) as gone:
        write(missing, told)
    assert "mkdir -p" in remedy(gone.value, missing)
    assert "a group of its own" in remedy(PermissionError(13, os.strerror(13)), path)
