"""The wrapper: a real one passes, and every way in which one can be broken is told with what happened."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from iai_daemon.clock import Stopwatch
from iai_daemon.doctor.checks import wrapper
from iai_daemon.doctor.finding import Finding, Verdict
from iai_daemon.paths import Home
from tests.doctor.looking import failing, look
from tests.wrapper.running import WRAPPER


@pytest.fixture(autouse=True)
def _leaves_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """What it puts into the directory of temporary files is gone afterwards."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield
    assert list(folder.iterdir()) == []


def script(folder: Path, text: str) -> Path:
    path = folder / "iai_wrapper.py"
    path.write_text(text)
    return path


def failed(found: Finding) -> str:
    assert found.status is Verdict.FAIL
    assert found.remedy
    return found.seen


def test_a_real_wrapper_passes_and_this_home_knows_nothing_of_it(home: Home) -> None:
    found = look(home, "wrapper")
    assert failing(found) == {}
    assert found["wrapper"].seen.startswith("a line went through ")
    assert list(home.wrappers.iterdir()) == []


def test_it_needs_no_home_and_makes_none(tmp_path: Path) -> None:
    nowhere = Home(tmp_path / "nowhere")
    assert failing(look(nowhere, "wrapper")) == {}
    assert not nowhere.root.exists()


def test_the_home_of_the_user_is_not_told_by_its_variable(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_DAEMON_HOME", str(home.root))
    assert failing(look(home, "wrapper")) == {}
    assert list(home.wrappers.iterdir()) == []


def test_a_wrapper_without_what_lies_beside_it_says_so_itself(tmp_path: Path) -> None:
    copied = tmp_path / "iai_wrapper.py"
    shutil.copy(WRAPPER, copied)
    seen = failed(wrapper.try_out(sys.executable, copied))
    assert seen.startswith(
        f"{copied}: it ended with status 1: iai-wrapper: iai_relay.py and iai_heartbeat.py must"
    )
    for each in WRAPPER.parent.glob("iai_*.py"):
        shutil.copy(each, tmp_path)
    assert wrapper.try_out(sys.executable, copied).status is Verdict.OK


def test_a_wrapper_that_is_not_there_is_told(tmp_path: Path) -> None:
    seen = failed(wrapper.try_out(sys.executable, tmp_path / "iai_wrapper.py"))
    assert "it ended with status 2: " in seen
    assert "No such file or directory" in seen


def test_an_interpreter_that_is_not_there_is_told_apart(tmp_path: Path) -> None:
    python = str(tmp_path / "python3")
    found = wrapper.try_out(python, WRAPPER)
    assert failed(found) == f"{python} cannot be started or used (No such file or directory)"
    assert python in (found.remedy or "")


def test_an_interpreter_that_cannot_start_is_told(tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\necho 'no such library' >&2\nexit 3\n")
    python.chmod(0o700)
    assert failed(wrapper.try_out(str(python), WRAPPER)).endswith("it ended with status 3: no such library")


_SEEN = "import sys, time; open(sys.argv[2] + '/wrappers/heartbeat-1-a.json', 'w').close()"
_ANSWERS = "import sys, time; print(sys.stdin.readline(), end='', flush=True)"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("import time; time.sleep(60)", "no line came back within 1.5 s"),
        (
            "import sys; print(sys.stdin.readline().upper(), end='', flush=True)",
            "a line came back as b'{\"JSON",
        ),
        (_ANSWERS, "it wrote no heartbeat"),
        (f"{_SEEN}\n{_ANSWERS}; time.sleep(60)", "it does not end when its client has gone"),
        (f"{_SEEN}\n{_ANSWERS}", "it left its heartbeat behind"),
        ("raise SystemExit('it broke')", "it ended with status 1: it broke"),
    ],
)
def test_each_thing_that_a_wrapper_does_wrong_is_told_in_time(tmp_path: Path, text: str, what: str) -> None:
    watch = Stopwatch()
    assert what in failed(wrapper.try_out(sys.executable, script(tmp_path, text)))
    assert watch.seconds() < 2.5
