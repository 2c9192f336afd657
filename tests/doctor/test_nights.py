"""The nights: none comes, they fail, passes are held up, changes wait, somebody else is at the memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from iai_daemon.consolidation import hindrances
from iai_daemon.consolidation.lock import held
from iai_daemon.doctor.checks import nights as check
from iai_daemon.doctor.finding import Finding, Verdict
from iai_daemon.doctor.patient import meet
from iai_daemon.memory.nights import Batch, Change, Held, Hindrance, Why
from iai_daemon.paths import Home
from tests.doctor.looking import failing, look
from tests.doctor.remembering import DAY, after, opened, remember
from tests.fakes import NOON


def night(home: Home, seconds: float, outcome: str | None = "completed", reason: str | None = None) -> int:
    """One that began and, unless its process was killed, ended so."""
    at = round((NOON + seconds) * 1000)
    with opened(home) as stores:
        number = stores.nights.begin_night("night", "absent", at)
        if outcome is not None:
            stores.nights.end_night(number, outcome, reason, {}, at + 1000)
    return number


def settings(home: Home, text: str) -> None:
    home.config.write_text(text)


def hinder(home: Home, name: str, *reasons: str) -> None:
    """The pass fails for these reasons, one night after the other."""
    hindrance = None
    for reason in reasons:
        hindrance = hindrances.failed(hindrance, reason, round(NOON * 1000))
    with opened(home) as stores:
        stores.nights.hinder(name, hindrance)


def test_without_a_memory_there_is_nothing_to_do(home: Home) -> None:
    assert failing(look(home, "nights")) == {}


def test_a_memory_of_today_is_waited_for(home: Home) -> None:
    remember(home)
    found = look(home, "nights", after(DAY))
    assert failing(found) == {}
    assert "no night has completed yet" in found["nights"].seen


def test_work_for_which_no_night_completes_is_a_failure(home: Home) -> None:
    remember(home)
    found = look(home, "nights", after(3 * DAY))["nights"]
    assert found.status is Verdict.FAIL
    assert "no night has completed yet, though there is work" in found.seen
    assert "3 d (no daemon answers)" in found.seen
    assert "`iai-daemon logs`" in (found.remedy or "")
    night(home, 2.5 * DAY)
    assert failing(look(home, "nights", after(3 * DAY))) == {}
    assert look(home, "nights", after(5 * DAY))["nights"].status is Verdict.FAIL


def test_nights_that_only_yield_are_none_that_complete(home: Home) -> None:
    remember(home)
    for hour in range(40, 48):
        night(home, hour * 3600, "yielded", "WAKE: somebody came back")
    found = look(home, "nights", after(2.1 * DAY))
    assert found["nights"].status is Verdict.FAIL
    assert found["nights.last"].status is Verdict.WARN
    assert "the last 5 nights were cut short" in found["nights.last"].seen
    assert "somebody came back" in found["nights.last"].seen


def test_a_longer_wait_that_is_wished_for_is_kept(home: Home) -> None:
    remember(home)
    settings(home, '[lifecycle]\noverdue_after = "10d"\n')
    assert failing(look(home, "nights", after(9 * DAY))) == {}
    assert look(home, "nights", after(11 * DAY))["nights"].status is Verdict.FAIL


def test_where_nights_are_never_overdue_a_week_is_told_all_the_same(home: Home) -> None:
    remember(home)
    settings(home, '[lifecycle]\noverdue_after = "never"\n')
    assert failing(look(home, "nights", after(6 * DAY))) == {}
    assert look(home, "nights", after(8 * DAY))["nights"].status is Verdict.WARN


def test_a_machine_that_was_off_has_an_hour_for_its_night(home: Home) -> None:
    remember(home)
    assert look(home, "nights", after(9 * DAY, boot=600))["nights"].status is Verdict.WARN
    assert look(home, "nights", after(9 * DAY, boot=7200))["nights"].status is Verdict.FAIL


def test_a_memory_in_which_nothing_is_due_is_never_overdue(home: Home) -> None:
    remember(home)
    settings(home, '[consolidation]\npasses = ["expire"]\n')
    found = look(home, "nights", after(90 * DAY))
    assert failing(found) == {}
    assert "nothing is to be done" in found["nights"].seen


def test_nights_that_are_switched_off_are_told_with_both_switches(home: Home) -> None:
    remember(home)
    settings(home, "[consolidation]\nenabled = false\n")
    found = look(home, "nights", after(9 * DAY))
    assert failing(found).keys() == {"nights.enabled"}
    assert found["nights.enabled"].remedy == "`iai-daemon config set consolidation.enabled true`"
    with opened(home) as stores:
        stores.tasks.update("consolidate", 1, enabled=False)
    remedy = look(home, "nights", after(9 * DAY))["nights.enabled"].remedy or ""
    assert remedy.endswith(" and `iai-daemon tasks enable consolidate`")


def test_a_night_that_failed_is_told_and_three_are_a_failure(home: Home) -> None:
    remember(home)
    night(home, 0)
    for number, status in ((1, Verdict.WARN), (2, Verdict.WARN), (3, Verdict.FAIL)):
        failed = night(home, number * 3600, "failed", "the disk is full")
        found = look(home, "nights", after(number * 3600 + 60))["nights.last"]
        assert (found.status, f"night {failed} because: the disk is full" in found.seen) == (status, True)
    night(home, 4 * 3600)
    assert failing(look(home, "nights", after(5 * 3600))) == {}


def test_a_night_without_an_end_was_killed_unless_one_runs(home: Home) -> None:
    remember(home)
    number = night(home, 0, None)
    found = look(home, "nights", after(60))["nights.last"]
    assert (found.status, f"night {number}, begun at" in found.seen) == (Verdict.WARN, True)
    with held(home.consolidation_lock, "process 1, night 1"):
        assert failing(look(home, "nights", after(60))) == {}


def test_a_pass_in_quarantine_fails_and_says_how_it_is_let_run(home: Home) -> None:
    remember(home)
    hinder(home, "embed", "no model", "no model", "no model")
    found = look(home, "nights", after())["nights.passes"]
    assert found.status is Verdict.FAIL
    assert "the pass embed does not run until 2026-11-22T12:00:00.000Z, quarantined: no model" in found.seen
    assert "`iai-daemon nights retry embed`" in (found.remedy or "")
    with opened(home) as stores:
        stores.nights.hinder("embed", None)
    assert failing(look(home, "nights", after())) == {}


def test_a_pass_that_failed_once_or_was_put_off_is_a_warning(home: Home) -> None:
    remember(home)
    hinder(home, "embed", "no model")
    found = look(home, "nights", after())["nights.passes"]
    assert (found.status, "failed once: no model" in found.seen) == (Verdict.WARN, True)
    with opened(home) as stores:
        put_off = Hindrance(deferrals=3, not_before=round(NOON * 1000) + 60_000, reason="somebody came back")
        stores.nights.hinder("embed", put_off)
    found = look(home, "nights", after())["nights.passes"]
    assert (found.status, "deferred: somebody came back" in found.seen) == (Verdict.WARN, True)


def test_a_pass_that_is_not_used_any_more_bothers_nobody(home: Home) -> None:
    remember(home)
    hinder(home, "embed", "no model", "no model", "no model")
    settings(home, '[consolidation]\npasses = ["expire"]\n')
    assert failing(look(home, "nights", after())) == {}


@pytest.mark.parametrize("why", list(Why))
def test_changes_that_wait_for_longer_than_a_week_are_told(home: Home, why: Why) -> None:
    remember(home)
    number = night(home, 0)
    with opened(home) as stores:
        (record,) = stores.nights.changed_since(0, 1)
        change = Change(
            "c", "archived", record.id, record.revision, "old", {"archived_at": 1}, {}, inferred=True
        )
        stores.nights.apply(number, 1, "decay", Batch(held=[Held(change, why)]), round(NOON * 1000))
    assert "nights.held" not in look(home, "nights", after(6 * DAY))
    found = look(home, "nights", after(8 * DAY))["nights.held"]
    assert (found.status, "longer than a week: 1 " in found.seen) == (Verdict.WARN, True)
    assert f"`iai-daemon nights accept {number}`" in (found.remedy or "")


@pytest.mark.parametrize("running", [False, True])
def test_who_holds_the_lock_without_the_daemon_s_knowledge_is_named(home: Home, running: bool) -> None:
    remember(home)
    night(home, 0)
    status = {"state": "BEDTIME", "reason": "r", "consolidation": {"running": running}}
    with held(home.consolidation_lock, "process 4711, restore"):
        os.utime(home.consolidation_lock, (NOON, NOON))
        assert found_of(home, status, 30.0) == []
        found = found_of(home, status, 3600.0)
    assert found == ([] if running else [("nights.lock", Verdict.WARN)])


def found_of(home: Home, status: dict[str, object], seconds: float) -> list[tuple[str, Verdict]]:
    """What is not well where a daemon says this of itself."""
    patient = replace(meet(home, after(seconds)), status=status)
    return [(each.name, each.status) for each in not_well(check.look(patient))]


def not_well(found: Iterator[Finding]) -> Iterator[Finding]:
    return (each for each in found if each.status is not Verdict.OK)
