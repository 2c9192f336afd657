"""`iai-daemon tasks`, with and without a daemon."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from iai_daemon.paths import Home
from tests.cli.inside import call_json, refused, said
from tests.journeys.real import SHORT, RunningDaemon, until


def test_a_home_that_no_daemon_has_seen_yet_has_its_task_too(home: Home) -> None:
    answer = call_json(home, "tasks", "list")
    (task,) = answer["tasks"]
    shown = {
        name: task[name]
        for name in ("name", "action", "trigger", "every", "enabled", "last_run_at", "why_not")
    }
    assert shown == {
        "name": "consolidate",
        "action": "memory.consolidate",
        "trigger": "interval",
        "every": "1h",
        "enabled": True,
        "last_run_at": None,
        "why_not": None,
    }
    assert task["next_due_at"] == task["created_at"]
    assert answer["consolidation_enabled"] is True
    assert call_json(home, "tasks", "list") == answer


def test_a_task_is_switched_off_and_on_and_says_so(home: Home) -> None:
    off = call_json(home, "tasks", "disable", "consolidate")
    assert (off["enabled"], off["changed"], off["next_due_at"]) == (False, True, None)
    assert call_json(home, "tasks", "disable", "consolidate")["changed"] is False
    shown = said(home, "tasks", "list")
    assert "every 1h, disabled" in shown
    assert "next due  never" in shown
    assert (
        "no night comes by itself: the task consolidate is disabled (`iai-daemon tasks enable consolidate`); "
        "`iai-daemon consolidate` works all the same"
    ) in shown
    assert said(home, "tasks", "enable", "consolidate") == "the task consolidate is enabled\n"
    assert said(home, "tasks", "enable", "consolidate") == "the task consolidate is enabled already\n"


def test_the_other_switch_is_told_apart_from_it(home: Home) -> None:
    call_json(home, "config", "set", "consolidation.enabled", "false")
    answer = call_json(home, "tasks", "list")
    assert (answer["tasks"][0]["enabled"], answer["consolidation_enabled"]) == (True, False)
    assert answer["tasks"][0]["next_due_at"] is None
    assert "consolidation.enabled is false in the settings" in said(home, "tasks", "list")
    on = said(home, "tasks", "enable", "consolidate")
    assert "is enabled already, but no night comes by itself: consolidation.enabled is false" in on
    call_json(home, "tasks", "disable", "consolidate")
    both = said(home, "tasks", "list")
    assert "consolidation.enabled is false in the settings and the task consolidate is disabled" in both


def test_an_interval_that_the_daemon_has_not_taken_over_yet_is_told(home: Home) -> None:
    call_json(home, "tasks", "list")
    call_json(home, "config", "set", "consolidation.interval", "2h")
    assert "consolidation.interval is 2h by now: the daemon takes it over" in said(home, "tasks", "list")


@pytest.mark.parametrize("command", ["enable", "disable", "run"])
def test_a_task_that_is_not_known_is_refused_with_the_nearest_that_is(home: Home, command: str) -> None:
    why = refused(home, "tasks", command, "consolidat")
    assert why == 'There is no task consolidat: did you mean "consolidate"?'


def test_to_run_a_task_is_to_consolidate_also_a_disabled_one(home: Home) -> None:
    call_json(home, "tasks", "disable", "consolidate")
    call_json(home, "memory", "add", "Frozen.", "--expires-at", "2020-01-01T00:00:00Z")
    report = call_json(home, "tasks", "run", "consolidate")
    assert (report["outcome"], report["rule"], report["expired_pruned"]) == ("completed", "asked", 1)
    assert call_json(home, "tasks", "list")["tasks"][0]["last_run_at"] == report["started_at"]
    assert call_json(home, "tasks", "run", "consolidate")["outcome"] == "nothing_to_do"


@pytest.fixture
def daemon(home: Home) -> Iterator[RunningDaemon]:
    call_json(home, "tasks", "disable", "consolidate")
    running = RunningDaemon(home, SHORT)
    yield running
    running.stop()


def test_a_running_daemon_notices_a_switch_at_once(home: Home, daemon: RunningDaemon) -> None:
    """Its tick is two seconds, and the store has work from the start: disabled, nothing comes; enabled, it does."""
    call_json(home, "memory", "add", "Frozen.", "--expires-at", "2020-01-01T00:00:00Z")
    daemon.wait_state("BEDTIME")
    before = daemon.status()["tick"]["at"]
    until(lambda: daemon.status()["tick"]["at"] > before)
    night = daemon.status()["consolidation"]
    assert (night["running"], night["last"]) == (False, None)
    assert "the task consolidate is disabled" in night["why_not"]
    assert "disabled  no night comes by itself: the task consolidate is disabled" in said(home, "status")
    call_json(home, "tasks", "enable", "consolidate")
    assert daemon.status()["consolidation"]["why_not"] is None
    until(lambda: daemon.status()["consolidation"]["last"])
    assert daemon.status()["consolidation"]["last"]["rule"] == "absent"
    call_json(home, "tasks", "disable", "consolidate")
    assert daemon.status()["consolidation"]["why_not"]
    until(lambda: not daemon.status()["consolidation"]["running"])
    assert call_json(home, "tasks", "run", "consolidate")["outcome"] == "nothing_to_do"


def test_a_daemon_lets_its_row_mirror_the_setting(home: Home, daemon: RunningDaemon) -> None:
    (task,) = call_json(home, "tasks", "list")["tasks"]
    assert (task["every"], task["enabled"]) == ("0s", False)
