"""`iai-daemon doctor` as people and programs call it: on a bare machine, over broken homes, beside a daemon, and to mend."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from iai_daemon.clock import Stopwatch
from iai_daemon.paths import Home
from tests.cli.calling import at_a_terminal, call
from tests.journeys.real import RunningDaemon, until

Daemons = Callable[..., RunningDaemon]


def doctor(home: Home, *words: str) -> tuple[int, dict[str, dict[str, Any]], dict[str, Any]]:
    """Its exit status, its checks by name, and the whole object."""
    done = call(home, "doctor", "--json", *words)
    assert "Traceback" not in done.stderr
    answer = json.loads(done.stdout)
    assert answer["schema"] == 1
    assert all(set(each) == {"name", "status", "seen", "remedy"} for each in answer["checks"])
    names = [each["name"] for each in answer["checks"]]
    assert len(names) == len(set(names))
    return done.returncode, {each["name"]: each for each in answer["checks"]}, answer


def not_well(checks: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: each["seen"] for name, each in checks.items() if each["status"] != "ok"}


def test_where_nothing_was_ever_installed_it_says_how_to_begin_and_makes_nothing(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-m", "iai_daemon", "doctor"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "nothing is installed yet" in done.stdout
    assert "`iai-daemon demo`" in done.stdout
    assert [line.split()[1] for line in done.stdout.splitlines() if line.startswith("fail")] == ["daemon"]
    assert list(tmp_path.iterdir()) == []


def test_without_any_home_to_work_in_it_ends_with_one_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "iai_daemon", "--home", "", "doctor"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr


def test_over_settings_that_are_wrong_it_still_looks_at_the_rest(home: Home) -> None:
    home.config.write_text("[lifecycle\n")
    status, checks, _ = doctor(home)
    assert status == 1
    assert checks["config"]["status"] == "fail"
    assert checks["home"]["status"] == "ok"
    assert {name for name, seen in not_well(checks).items() if seen.startswith("not checked")}


def test_beside_a_daemon_that_is_well_nothing_fails(home: Home, start_daemon: Daemons) -> None:
    start_daemon("")
    status, checks, _ = doctor(home)
    failed = {name: each for name, each in checks.items() if each["status"] == "fail"}
    assert (status, failed) == (0, {})


def test_a_daemon_that_hangs_a_home_that_is_open_and_settings_that_hang_take_it_five_seconds_at_most(
    home: Home, start_daemon: Daemons
) -> None:
    daemon = start_daemon("")
    process = psutil.Process(daemon.process.pid)
    home.config.unlink()
    os.mkfifo(home.config)
    daemon.process.send_signal(signal.SIGSTOP)
    until(lambda: process.status() == psutil.STATUS_STOPPED)
    try:
        watch = Stopwatch()
        status, checks, _ = doctor(home)
        # On a machine that does nothing else it is five; here others run beside it.
        assert watch.seconds() < 8.0
    finally:
        daemon.process.send_signal(signal.SIGCONT)
    assert status == 1
    assert {checks["config"]["status"], checks["daemon"]["status"]} == {"fail"}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_says_what_it_will_mend_and_mends_it_and_looks_again(home: Home) -> None:
    home.root.chmod(0o755)
    _, checks, dry = doctor(home, "--fix", "--dry-run")
    assert (mode(home.root), dry["mended"]) == (0o755, [])
    (broken,) = [name for name in not_well(checks) if name.startswith("home")]
    done = call(home, "doctor", "--fix")
    assert f"will make {home.root}" in done.stderr
    assert mode(home.root) == 0o700
    _, checks, again = doctor(home, "--fix")
    assert broken not in not_well(checks)
    assert again["mended"] == []


def test_what_cannot_be_mended_is_said_and_the_rest_is_mended_all_the_same(home: Home) -> None:
    home.config.write_text("")
    home.config.chmod(0o666)
    home.root.chmod(0o755)
    _, checks, answer = doctor(home, "--fix")
    assert {each["name"] for each in answer["mended"]} >= {"config.private"}
    assert all(each["problem"] is None for each in answer["mended"])
    assert "config.private" not in not_well(checks)
    assert (mode(home.config), mode(home.root)) == (0o600, 0o700)


def test_a_person_is_asked_and_may_say_no(home: Home) -> None:
    home.root.chmod(0o755)
    assert "Do it?" in at_a_terminal(home, "doctor", "--fix", typed="n\n", status=1)
    assert mode(home.root) == 0o755
    at_a_terminal(home, "doctor", "--fix", typed="y\n", status=1)
    assert mode(home.root) == 0o700


@pytest.mark.parametrize("words", [("--dry-run",), ("--yes",)])
def test_words_that_mean_nothing_without_fix_are_refused(home: Home, words: tuple[str, ...]) -> None:
    done = call(home, "doctor", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--fix" in done.stderr
