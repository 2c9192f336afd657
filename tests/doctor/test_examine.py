"""The examination as such: whatever a check does, there is an answer in time, and it tells of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iai_daemon.clock import Stopwatch, read
from iai_daemon.doctor import report
from iai_daemon.doctor.examine import Check, examine
from iai_daemon.doctor.finding import Finding, NotChecked, Verdict, fail, ok, warn
from iai_daemon.doctor.patient import Patient
from iai_daemon.errors import NoSuchPass
from iai_daemon.paths import Home

Look = Callable[[Patient], Iterator[Finding]]


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return Patient(home=Home(tmp_path / "home"), now=read(), settings=None, status=None)


def raising(error: Exception) -> Look:
    def look(_patient: Patient) -> Iterator[Finding]:
        yield ok("this", "was fine")
        raise error

    return look


@pytest.mark.parametrize(
    ("error", "status", "seen"),
    [
        (NotChecked("there is no home yet"), Verdict.WARN, "not checked: there is no home yet"),
        (NoSuchPass(name="embde", nearest=": embed?"), Verdict.FAIL, "There is no pass embde: embed?"),
        (PermissionError(13, "Permission denied", "/x"), Verdict.FAIL, "/x: Permission denied"),
        (KeyError("degraded"), Verdict.FAIL, "the check failed: KeyError: 'degraded'"),
    ],
)
def test_what_a_check_raises_is_told_beside_what_it_had_found(
    patient: Patient, error: Exception, status: Verdict, seen: str
) -> None:
    before, failed = examine(patient, [Check("that", raising(error))])
    assert (before.name, before.status) == ("this", Verdict.OK)
    assert (failed.name, failed.status, failed.seen) == ("that", status, seen)
    assert failed.remedy


def test_checks_that_hang_keep_nobody_waiting_for_longer_than_the_longest_of_their_deadlines(
    patient: Patient,
) -> None:
    over = threading.Event()

    def hang(_patient: Patient) -> Iterator[Finding]:
        yield ok("before", "was fine")
        over.wait(20)

    def quick(_patient: Patient) -> Iterator[Finding]:
        yield ok("quick", "is fine")

    watch = Stopwatch()
    checks = [Check(f"hangs {number}", hang, seconds=0.2) for number in range(10)]
    found = {each.name: each for each in examine(patient, [*checks, Check("quick", quick)])}
    assert watch.seconds() < 2.0
    over.set()
    assert found["before"].status is found["quick"].status is Verdict.OK
    hanging = [found[each.name] for each in checks]
    assert {each.status for each in hanging} == {Verdict.FAIL}
    assert {each.seen for each in hanging} == {"the check did not end within 0.2 s"}


def test_of_one_name_the_worst_is_told_and_the_first_of_those(patient: Patient) -> None:
    def look(_patient: Patient) -> Iterator[Finding]:
        yield ok("store", "opens")
        yield fail("store", "is full", "make room")
        yield fail("store", "is slow", "wait")
        yield warn("store", "is old", "renew it")
        yield ok("log", "is fine")

    assert [(each.name, each.seen) for each in examine(patient, [Check("store", look)])] == [
        ("store", "is full"),
        ("log", "is fine"),
    ]


def test_a_person_reads_a_line_for_each_with_what_mends_it_below() -> None:
    found = [ok("home", "is yours"), warn("store.backup", "is old", "`iai-daemon store backup`")]
    assert [line for _, line in report.lines(found)] == [
        "ok    home          is yours",
        "warn  store.backup  is old",
        "                    -> `iai-daemon store backup`",
        "2 checks: 1 to be looked at",
    ]
    assert report.healthy(found)
    assert not report.healthy([*found, fail("log", "is full", "make room")])
    assert report.summary(found[:1]) == "1 check, nothing is wrong"
