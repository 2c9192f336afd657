"""Measuring really sees children: those with an environment of their own, without site-packages, and those that end at once."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path

import pytest

pytest.importorskip("coverage", reason="coverage is not installed")

import coverage

from tests.coverage.switch import NAME, measuring, pth
from tests.project.source import ROOT

SWITCH = Path(sysconfig.get_path("purelib")) / NAME
WRAPPER = ROOT / "wrappers" / "iai_wrapper.py"
# Every Python of this environment would read the switch, so it is put where only one that is told to reads it.
SITE = (
    f"import site, sys; sys.path.append({str(Path(coverage.__file__).parents[1])!r});"
    "site.addsitedir(sys.argv.pop(1)); exec(sys.argv.pop(1))"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a switch in it that measures into it."""
    if SWITCH.exists():
        pytest.skip("this suite is being measured itself")
    with measuring(ROOT, tmp_path, tmp_path):
        pass
    (tmp_path / NAME).write_text(pth(tmp_path / "coveragerc", os.getpid()), encoding="utf-8")
    return tmp_path


def measured(folder: Path, program: str, *arguments: str) -> set[str]:
    """Run it; the files of ours of which a line was seen."""
    argv = [sys.executable, "-c", SITE, str(folder), program, *arguments]
    subprocess.run(argv, env={}, cwd=folder, check=True, timeout=60)
    seen = coverage.Coverage(config_file=str(folder / "coveragerc"))
    seen.combine([str(folder)], keep=True)
    data = seen.get_data()
    return {Path(file).name for file in data.measured_files() if data.lines(file)}


def test_a_process_with_an_empty_environment_is_seen(folder: Path) -> None:
    assert "units.py" in measured(
        folder, f"import sys; sys.path.insert(0, {str(ROOT)!r}); import iai_daemon.units"
    )


def test_a_process_that_ends_at_once_is_seen(folder: Path) -> None:
    program = f"import os, sys; sys.path.insert(0, {str(ROOT)!r}); import iai_daemon.units; os._exit(0)"
    assert "units.py" in measured(folder, program)


def test_what_is_started_without_site_packages_is_started_with_them() -> None:
    from tests.coverage.child import with_site  # noqa: PLC0415 -- needs coverage

    assert with_site(["python", "-I", "-S", str(WRAPPER), "--", "python", "-S", "x"]) == [
        "python", "-I", str(WRAPPER), "--", "python", "-S", "x",
    ]  # fmt: skip
    assert with_site(["python", "-I", "-S", "-c", "pass"]) == ["python", "-I", "-S", "-c", "pass"]


def test_a_switch_whose_runner_has_gone_measures_nothing(folder: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-I", "-S", "-c", ""])
    gone.wait()
    (folder / NAME).write_text(pth(folder / "coveragerc", gone.pid), encoding="utf-8")
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import iai_daemon.units"
    subprocess.run([sys.executable, "-c", SITE, str(folder), program], env={}, check=True, timeout=60)
    assert not list(folder.glob("seen*"))


def test_nothing_is_left_of_the_switch_whatever_happens(tmp_path: Path) -> None:
    with suppress(KeyboardInterrupt), measuring(ROOT, tmp_path, tmp_path):
        assert (tmp_path / NAME).exists()
        raise KeyboardInterrupt
    assert not (tmp_path / NAME).exists()
