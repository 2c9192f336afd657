"""The metrics file: its directory, its age, and the name that it needs."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from iai_daemon.clock import read
from iai_daemon.doctor.finding import Verdict
from iai_daemon.paths import Home
from tests.doctor.looking import failing, look
from tests.journeys.real import RunningDaemon, until


def wants(home: Home, path: Path) -> str:
    config = f'[lifecycle]\ntick = "300ms"\n[metrics]\ntextfile = "{path}"\n'
    home.config.write_text(config)
    return config


def test_who_has_no_file_hears_nothing_of_one(home: Home) -> None:
    assert look(home, "metrics") == {}


def test_a_directory_that_is_missing_fails_until_it_is_made(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "collector" / "iai-daemon.prom"
    wants(home, path)
    found = look(home, "metrics")["metrics"]
    assert (found.status, found.seen) == (Verdict.FAIL, f"{path.parent} is no directory")
    assert f"mkdir -p {path.parent}" in str(found.remedy)
    path.parent.mkdir()
    assert failing(look(home, "metrics")) == {}


@pytest.mark.skipif(os.getuid() == 0, reason="the administrator may write everywhere")
def test_a_directory_of_somebody_elses_fails(home: Home) -> None:
    wants(home, Path("/iai-daemon.prom"))
    assert look(home, "metrics")["metrics"].seen == "/ cannot be written"


def test_a_name_that_node_exporter_does_not_read_is_a_warning(home: Home, tmp_path: Path) -> None:
    wants(home, tmp_path / "iai-daemon.txt")
    found = look(home, "metrics")["metrics.name"]
    assert (found.status, found.seen) == (Verdict.WARN, "node_exporter reads no iai-daemon.txt")


def test_a_file_that_is_written_is_well_and_one_that_has_become_old_is_not(
    home: Home, tmp_path: Path, start_daemon: Callable[..., RunningDaemon]
) -> None:
    path = tmp_path / "iai-daemon.prom"
    start_daemon(wants(home, path))
    until(path.exists)
    assert failing(look(home, "metrics")) == {}
    now = read()
    found = look(home, "metrics", replace(now, wall=now.wall + 10))["metrics"]
    assert found.status is Verdict.FAIL
    assert "10 s old" in found.seen or "11 s old" in found.seen
