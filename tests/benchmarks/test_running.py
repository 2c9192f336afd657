"""A bench runs in a place of its own, and what it leaves behind is found; what cannot be installed is said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import peers
from benchmarks.figures import Absent
from benchmarks.measuring import Effort, by_turns
from benchmarks.peers import Peer
from benchmarks.running import _environment, _left, run


def test_a_bench_gives_its_figures_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = run("quality", Effort(quick=True))
    assert (found.bench, found.quick) == ("quality", True)
    assert any(each.goal is not None for each in found.figures)
    assert list(tmp_path.iterdir()) == []


def test_a_file_and_a_process_that_stay_are_named_and_the_process_is_ended(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / "forgotten").touch()
    environment = _environment(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=environment
    ) as process:
        assert _left(tmp_path) == ["forgotten", f"the process {process.pid}"]
        assert process.wait(10) < 0


def test_a_bench_sees_nothing_of_the_home_of_whoever_measures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_DAEMON_HOME", "/nowhere")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    environment = _environment(tmp_path)
    assert environment["HOME"] == str(tmp_path)
    assert environment["PATH"] == os.environ["PATH"]
    assert not {"IAI_DAEMON_HOME", "PYTHONDONTWRITEBYTECODE"} & set(environment)


def test_every_other_round_goes_the_other_way() -> None:
    called: list[str] = []
    found = by_turns(3, {name: lambda name=name: called.append(name) or 1.0 for name in "ab"})  # type: ignore[misc, func-returns-value]
    assert "".join(called) == "baabba"
    assert found == {"a": [1.0] * 3, "b": [1.0] * 3}


def test_what_cannot_be_installed_is_noted_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "node_modules/.bin/a-relay"
    peer = Peer("a relay", ("a-relay@1.0.0",), program, by_npm=True, below=tmp_path / "peers")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert peers.found(peer) == Absent("a relay", "not installed: nobody has tried")
    peers.prepare([peer])
    assert peers.found(peer) == Absent("a relay", "not installed: there is no npm here")
    assert (tmp_path / "peers" / ".gitignore").read_text() == "*\n"
