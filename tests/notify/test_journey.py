"""A real daemon tells a real program of its nights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from iai_daemon.control.client import ask
from iai_daemon.errors import Refused
from iai_daemon.paths import Home
from tests.journeys.real import SHORT, RunningDaemon, call, call_json, until
from tests.notify.telling import program, told

# Only nights that are asked for.
ASKED = SHORT.replace("[consolidation]", "[consolidation]\nenabled = false")


def wants(command: Path) -> str:
    return f'{ASKED}\n[notify]\ncommand = ["{command}"]\n'


def add_corrected_fact(home: Home) -> None:
    for port in ("8081", "9000"):
        call_json(
            home, "memory", "add", f"Staging is on {port}.", "--subject", "staging", "--attribute", "port"
        )


def troubles(daemon: RunningDaemon) -> list[dict[str, str]]:
    return [each for each in daemon.status()["degraded"] if each["what"] == "notify"]


@pytest.fixture
def command(tmp_path: Path) -> Path:
    return program(tmp_path / "bin", "tell")


def test_a_night_is_told_once_with_its_note_and_not_again_after_a_restart(home: Home, command: Path) -> None:
    add_corrected_fact(home)
    daemon = RunningDaemon(home, wants(command))
    try:
        # Before that what needs the store alone would be left to the second one.
        daemon.wait_state("BEDTIME")
        call_json(home, "consolidate")
        ((_, given, environment),) = until(lambda: told(command))
        assert given == home.last_night.read_text()
        assert '"Staging is on 8081." gave way to "Staging is on 9000."' in given
        about = {
            "IAI_NIGHT": "1",
            "IAI_KIND": "night",
            "IAI_OUTCOME": "completed",
            "IAI_HOME": str(home.root),
        }
        assert about.items() <= environment.items()
        # What found nothing to do is no news.
        assert call_json(home, "consolidate")["outcome"] == "nothing_to_do"
    finally:
        daemon.stop()
    daemon = RunningDaemon(home, wants(command))
    try:
        ticked = daemon.status()["tick"]["at"]
        until(lambda: daemon.status()["tick"]["at"] > ticked)
        assert len(told(command)) == 1
        assert troubles(daemon) == []
    finally:
        daemon.stop()


def test_a_program_that_fails_stands_in_the_status_until_a_night_could_be_told(
    home: Home, command: Path
) -> None:
    program(command.parent, command.name, "sys.exit('no route')")
    add_corrected_fact(home)
    daemon = RunningDaemon(home, wants(command))
    try:
        call_json(home, "consolidate")
        (wrong,) = until(lambda: troubles(daemon))
        assert wrong["why"].endswith("ended with status 1: no route")
        found = {each["name"]: each["status"] for each in call_json(home, "doctor")["checks"]}
        assert found["notify"] == "fail"
        program(command.parent, command.name)
        call_json(home, "memory", "add", "Another one.")
        call_json(home, "consolidate")
        until(lambda: not troubles(daemon))
        assert daemon.status()["tick"]["failures"] == 0
    finally:
        daemon.stop()


def test_a_program_that_hangs_keeps_neither_the_daemon_nor_its_end_waiting(home: Home, command: Path) -> None:
    program(command.parent, command.name, "import time; time.sleep(600)")
    add_corrected_fact(home)
    daemon = RunningDaemon(home, wants(command))
    try:
        call_json(home, "consolidate")
        until(lambda: told(command))
        first = daemon.status()["tick"]["at"]
        until(lambda: daemon.status()["tick"]["at"] > first)
    finally:
        daemon.stop()
    assert daemon.process.returncode == 0


def test_settings_that_are_reloaded_hold_from_the_next_night_on(home: Home, command: Path) -> None:
    add_corrected_fact(home)
    daemon = RunningDaemon(home, ASKED)
    try:
        call_json(home, "consolidate")
        changed: Any = ask_config(home, wants(command))
        assert changed["changed"] == ["notify.command"]
        assert changed["needs_restart"] == []
        call_json(home, "memory", "add", "Another one.")
        call_json(home, "consolidate")
        ((_, _, environment),) = until(lambda: told(command))
        assert environment["IAI_NIGHT"] == "2"
    finally:
        daemon.stop()


def ask_config(home: Home, config: str) -> dict[str, Any]:
    home.config.write_text(config)
    return ask(home, "reload")


def test_a_night_that_could_not_begin_is_told_with_why(home: Home, command: Path) -> None:
    add_corrected_fact(home)
    daemon = RunningDaemon(home, wants(command))
    try:
        home.backups.rmdir()
        home.backups.write_text("in the way")
        with pytest.raises(Refused, match="cannot be used"):
            ask(home, "consolidate", {"force": True}, timeout=60)
        ((_, given, environment),) = until(lambda: told(command))
        assert (environment["IAI_OUTCOME"], environment["IAI_NIGHT"]) == ("failed", "")
        assert given.startswith("iai-daemon: night failed\n")
        assert "cannot be used" in given
    finally:
        daemon.stop()


def test_a_night_of_which_a_pass_broke_is_told_with_what_mends_it(home: Home, command: Path) -> None:
    add_corrected_fact(home)
    gone = '[embedding]\nmodel = "http"\nremote_model = "none"\nurl = "http://127.0.0.1:9/v1"\n'
    daemon = RunningDaemon(home, wants(command) + gone)
    try:
        call(home, "consolidate")
        ((_, given, _),) = until(lambda: told(command))
        assert "\nWent wrong: embed, " in given
        assert "`iai-daemon doctor` says what is wrong." in given
        assert given.endswith("`iai-daemon nights undo 1` takes it back.\n")
    finally:
        daemon.stop()
