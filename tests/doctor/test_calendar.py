"""The calendar: its key, its backend, and what the backend does not take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.agenda.planning import first
from iai_daemon.agenda.slot import Listed
from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.doctor.checks import calendar
from iai_daemon.doctor.examine import Check, examine
from iai_daemon.doctor.finding import Finding, Verdict
from iai_daemon.doctor.patient import meet
from iai_daemon.paths import Home
from iai_daemon.units import format_stamp
from tests.agenda.backend import calendar_backend, configure
from tests.agenda.plans import NOON, draft
from tests.doctor.looking import failing, look
from tests.doctor.remembering import after, remember
from tests.journeys.real import SHORT, RunningDaemon, until

SAYS = {
    "enabled": True,
    "heartbeat_every": 30.0,
    "last_heartbeat": format_stamp(NOON / 1000),
    "failures": 0,
    "problem": None,
    "active": [],
    "queued": [],
}


def beside(home: Home, seconds: float = 0.0, **says: Any) -> dict[str, Finding]:
    """What is found where a daemon says this of its calendar."""
    status = {"pid": 0, "agenda": {"calendar": {**SAYS, **says}}}
    patient = replace(meet(home, after(seconds)), status=status)
    return {each.name: each for each in examine(patient, [Check("agenda.calendar", calendar.look)])}


def test_who_has_no_calendar_hears_nothing_of_one(home: Home) -> None:
    assert look(home, "agenda.calendar") == {}


def test_without_a_daemon_nothing_is_known(home: Home) -> None:
    configure(home, "https://calendar.example/api")
    found = look(home, "agenda.calendar")["agenda.calendar"]
    assert (found.status, found.seen) == (Verdict.WARN, "not checked: no daemon is running")


def test_a_backend_that_answers_is_well_and_one_that_goes_away_is_not(
    home: Home, start_daemon: Callable[..., RunningDaemon]
) -> None:
    with calendar_backend() as backend:
        daemon = start_daemon(f'{SHORT}[calendar]\nurl = "{backend.url}"\ninterval = "200ms"\n')
        until(lambda: daemon.status()["agenda"]["calendar"]["last_heartbeat"])
        until(lambda: failing(look(home, "agenda.calendar")) == {})
        backend.on_beat = lambda handler: handler.say({}, 503)
        until(lambda: failing(look(home, "agenda.calendar")))
        found = look(home, "agenda.calendar")["agenda.calendar"]
        assert found.status is Verdict.FAIL
        assert "for the last time" in found.seen
        assert "503" in found.seen
        backend.on_beat = None
        until(lambda: failing(look(home, "agenda.calendar")) == {})


def test_three_intervals_are_waited_for(home: Home) -> None:
    configure(home, "https://calendar.example/api")
    remember(home)
    assert failing(beside(home, 90)) == {}
    found = beside(home, 91, problem="it has not answered within 15 s")["agenda.calendar"]
    assert (found.status, found.seen.endswith(": it has not answered within 15 s")) == (Verdict.FAIL, True)
    assert "`iai-daemon config show`" in (found.remedy or "")


def test_a_backend_that_was_never_reached_fails(home: Home) -> None:
    configure(home, "https://calendar.example/api")
    remember(home)
    found = beside(home, last_heartbeat=None, failures=1, problem="it answers 401")["agenda.calendar"]
    assert (found.status, "never been reached: it answers 401" in found.seen) == (Verdict.FAIL, True)
    assert beside(home, last_heartbeat=None)["agenda.calendar"].status is Verdict.WARN


def test_a_daemon_that_does_not_know_of_the_calendar_is_told_of_it(home: Home) -> None:
    configure(home, "https://calendar.example/api")
    remember(home)
    found = beside(home, enabled=False)["agenda.calendar"]
    assert (found.status, found.remedy) == (Verdict.FAIL, "`iai-daemon config reload`")


def test_a_key_that_others_may_read_is_closed(home: Home, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("sesame\n")
    key.chmod(0o644)
    configure(home, "https://calendar.example/api", api_key_file=str(key))
    remember(home)
    found = beside(home)["agenda.calendar.key"]
    assert found.status is Verdict.FAIL
    assert f"chmod 600 {key}" in found.seen
    assert "sesame" not in found.seen
    assert found.mend
    found.mend.do()
    assert failing(beside(home)) == {}


def test_a_key_that_is_not_there_fails(home: Home, tmp_path: Path) -> None:
    remember(home)
    configure(home, "https://calendar.example/api", api_key_file=str(tmp_path / "key"))
    found = beside(home)["agenda.calendar.key"]
    assert (found.status, "cannot be read" in found.seen, found.mend) == (Verdict.FAIL, True, None)
    home.config.unlink()
    configure(home, "https://calendar.example/api", api_key_env="NO_SUCH_KEY")
    found = beside(home)["agenda.calendar.key"]
    assert (found.status, "NO_SUCH_KEY, which is not set" in found.seen) == (Verdict.FAIL, True)


def test_a_key_that_goes_unencrypted_to_another_machine_is_told(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALENDAR_KEY", "sesame")
    remember(home)
    configure(home, "http://calendar.example/api", api_key_env="CALENDAR_KEY")
    found = beside(home)["agenda.calendar.http"]
    assert (found.status, "unencrypted to calendar.example" in found.seen) == (Verdict.WARN, True)
    for url in ("https://calendar.example/api", "http://127.0.0.1:1/api"):
        home.config.unlink()
        configure(home, url, api_key_env="CALENDAR_KEY")
        assert failing(beside(home)) == {}


def test_what_the_backend_does_not_take_for_long_is_told(home: Home) -> None:
    configure(home, "https://calendar.example/api")
    agenda = open_agenda(home)
    try:
        agenda.slots.take(Listed("7", "a", "Title", "Do it."), NOON)
        recall = draft("slot")
        assert agenda.slots.fire("7", recall, first(recall, NOON), NOON)
        (update,) = agenda.slots.outbox(10)
        agenda.slots.undelivered(update.id, "it answers 500")
        assert failing(beside(home, 80)) == {}
        says = {"last_heartbeat": format_stamp(NOON / 1000 + 660)}
        found = beside(home, 660, **says)["agenda.calendar.outbox"]
        assert found.status is Verdict.WARN
        assert "for 11 min that slot 7 is in_progress, after 1 tries: it answers 500" in found.seen
        agenda.slots.delivered(update.id, NOON)
        assert failing(beside(home, 660, **says)) == {}
    finally:
        agenda.close()
