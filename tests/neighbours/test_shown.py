"""What people are shown of other hosts, by the status and by the doctor."""

from __future__ import annotations

from typing import Any

from iai_daemon import clock
from iai_daemon.cli.standing import rows
from iai_daemon.cli.status import nobody
from iai_daemon.config import Settings
from iai_daemon.doctor.checks import presence
from iai_daemon.doctor.finding import Finding, Verdict
from iai_daemon.doctor.patient import Patient
from iai_daemon.paths import Home
from iai_daemon.units import format_stamp
from tests.fakes import NOON


def host(name: str, **differently: Any) -> dict[str, Any]:
    told = {
        "id": name,
        "name": name,
        "this": False,
        "state": "WAKE",
        "rule": "active",
        "wrappers": 2,
        "active": 1,
    }
    return {**told, "night": None, "seen": 3.0, "lease_over": False, **differently}


def lines(*hosts: dict[str, Any]) -> list[str]:
    agenda = {"next_at": None, "running": [], "missed_last_day": 0}
    seen = {
        **nobody(),
        "since": format_stamp(NOON),
        "hosts": [host("here", this=True), *hosts],
        "agenda": agenda,
    }
    return [each.text for each in rows(seen, NOON) if each.label == "hosts"]


def findings(home: Home, *hosts: dict[str, Any]) -> list[Finding]:
    status = {"pid": 0, "agenda": {}, "hosts": [host("here", this=True), *hosts]}
    patient = Patient(home=home, now=clock.read(), settings=Settings(), status=status)
    return [each for each in presence.look(patient) if each.name == "presence.hosts"]


def test_the_status_has_a_line_for_each_of_the_others() -> None:
    assert lines() == []
    assert lines(
        host("mill"), host("quern", night=7, state="BEDTIME", rule="absent", wrappers=0, active=0)
    ) == [
        "mill: WAKE (active), 2 open, 1 active",
        "quern: BEDTIME (absent), 0 open, 0 active, night 7 is running there",
    ]


def test_who_is_not_heard_of_or_understood_is_said_after_those_who_are() -> None:
    nothing = {"state": None, "rule": None, "wrappers": None, "active": None}
    assert lines(host("mill", lease_over=True, seen=40.2), host("quern", **nothing)) == [
        "quern: tells what cannot be read: another version may run there",
        "mill: has not been heard of for 40 s",
    ]


def test_of_hundreds_the_first_are_shown_and_the_others_counted() -> None:
    shown = lines(*(host(f"host-{number}") for number in range(300)))
    assert len(shown) == 13
    assert shown[-1] == "288 more: `iai-daemon status --json`"


def test_the_doctor_says_how_many_are_in_sight(home: Home) -> None:
    assert findings(home) == []
    (found,) = findings(home, host("mill"), host("quern"))
    assert (found.status, found.seen) == (Verdict.OK, "2 other hosts in sight")


def test_the_doctor_warns_of_who_was_lost_sight_of_and_of_who_is_not_understood(home: Home) -> None:
    lost, odd = findings(home, host("mill", lease_over=True, seen=40.0), host("quern", state=None))
    assert (lost.status, odd.status) == (Verdict.WARN, Verdict.WARN)
    assert lost.seen.startswith("mill has not been heard of for 40 s")
    assert lost.remedy
    assert odd.seen == "quern tells what cannot be read"


def test_a_daemon_that_knows_of_no_hosts_is_no_finding(home: Home) -> None:
    patient = Patient(home=home, now=clock.read(), settings=Settings(), status={"pid": 0, "agenda": {}})
    assert [each for each in presence.look(patient) if each.name == "presence.hosts"] == []
