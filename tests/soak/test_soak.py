"""A short soak with everything real: it is fine, leaves nothing behind, and ends when it is asked to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from iai_daemon.clock import Stopwatch, pause


def _command(tmp_path: Path, *arguments: str) -> list[str]:
    figures = tmp_path / "figures.json"
    return [sys.executable, "-m", "tests.soak", "--seed", "4", "--json", str(figures), *arguments]


def _environment(tmp_path: Path) -> dict[str, str]:
    """Where what it leaves behind would be seen."""
    return {**os.environ, "TMPDIR": str(tmp_path)}


def test_a_short_soak_is_fine_and_leaves_nothing_behind(tmp_path: Path) -> None:
    short = ("--minutes", "0.3", "--wrappers", "5", "--day", "9", "--memories", "40")
    done = subprocess.run(
        _command(tmp_path, *short),
        cwd=Path(__file__).parents[2],
        env=_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("seed 4: 0.3 minutes with 5 wrappers\n")
    assert done.stdout.endswith("everything is fine\n")
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["fine"] is True
    assert figures["counts"]["memories told"] > 40
    assert figures["counts"]["nights completed"] >= 1
    assert {row["measure"]["name"] for row in figures["rows"]} >= {"daemon RSS", "daemon descriptors"}
    assert list(tmp_path.glob("iai-soak-*")) == []


def test_ctrl_c_ends_it_with_the_table_of_what_there_is(tmp_path: Path) -> None:
    with subprocess.Popen(
        _command(tmp_path, "--wrappers", "2", "--memories", "10"),
        cwd=Path(__file__).parents[2],
        env=_environment(tmp_path),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        watch = Stopwatch()
        while not list(tmp_path.glob("iai-soak-*/home/wrappers/heartbeat-*.json")):
            assert watch.seconds() < 60
            pause(0.05)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=300)
    assert "daemon RSS (MB)" in said
    assert said.endswith("everything is fine\n"), said
    assert list(tmp_path.glob("iai-soak-*")) == []
