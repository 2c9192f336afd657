"""What the doctor says of what was found, word for word: for programs, and for a person."""

from __future__ import annotations

import pytest

from iai_daemon.doctor.finding import Finding, Verdict, fail, ok, warn
from iai_daemon.doctor.report import describe, healthy, lines, summary

WELL, DOUBTFUL, BROKEN = (
    ok("home", "it is there"),
    warn("store.backup", "there is none", "iai-daemon store backup"),
    fail("daemon", "it is not running", "iai-daemon start"),
)


@pytest.mark.parametrize(
    ("found", "well"),
    [([], True), ([WELL], True), ([WELL, DOUBTFUL], True), ([WELL, BROKEN], False), ([BROKEN], False)],
)
def test_only_what_fails_is_unhealthy(found: list[Finding], well: bool) -> None:
    assert healthy(found) is well


def test_programs_are_told_every_check() -> None:
    assert describe([WELL, DOUBTFUL, BROKEN]) == [
        {"name": "home", "status": "ok", "seen": "it is there", "remedy": None},
        {
            "name": "store.backup",
            "status": "warn",
            "seen": "there is none",
            "remedy": "iai-daemon store backup",
        },
        {"name": "daemon", "status": "fail", "seen": "it is not running", "remedy": "iai-daemon start"},
    ]


def test_a_person_reads_a_line_for_each_and_below_it_what_mends_it() -> None:
    assert list(lines([WELL, DOUBTFUL, BROKEN])) == [
        (Verdict.OK, "ok    home          it is there"),
        (Verdict.WARN, "warn  store.backup  there is none"),
        (None, "                    -> iai-daemon store backup"),
        (Verdict.FAIL, "fail  daemon        it is not running"),
        (None, "                    -> iai-daemon start"),
        (None, "3 checks: 1 failed, 1 to be looked at"),
    ]


def test_of_no_check_there_is_the_summary_alone() -> None:
    assert list(lines([])) == [(None, "0 checks, nothing is wrong")]


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ([WELL], "1 check, nothing is wrong"),
        ([WELL, WELL], "2 checks, nothing is wrong"),
        ([BROKEN], "1 check: 1 failed"),
        ([BROKEN, BROKEN, WELL], "3 checks: 2 failed"),
        ([DOUBTFUL, DOUBTFUL], "2 checks: 2 to be looked at"),
        ([DOUBTFUL, BROKEN, WELL, BROKEN], "4 checks: 2 failed, 1 to be looked at"),
        ([DOUBTFUL, BROKEN], "2 checks: 1 failed, 1 to be looked at"),
    ],
)
def test_the_summary_counts_what_is_wrong(found: list[Finding], sentence: str) -> None:
    assert summary(found) == sentence
