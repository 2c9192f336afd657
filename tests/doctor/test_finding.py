"""What a check finds, by plain values."""

from __future__ import annotations

import pytest

from iai_daemon.doctor.finding import Finding, Mend, Verdict, fail, ok, some, warn

MEND = Mend("make it", lambda: None)


def test_what_is_well_needs_nothing() -> None:
    assert ok("store", "it is sound") == Finding("store", Verdict.OK, "it is sound", None, None)


@pytest.mark.parametrize(("make", "verdict"), [(warn, Verdict.WARN), (fail, Verdict.FAIL)])
def test_what_is_not_well_says_what_mends_it(make: type[Finding], verdict: Verdict) -> None:
    assert make("store", "seen", "remedy") == Finding("store", verdict, "seen", "remedy", None)  # type: ignore[arg-type]
    assert make("store", "seen", "remedy", MEND) == Finding("store", verdict, "seen", "remedy", MEND)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b", "c"], "a; b; c"),
        (["a", "b", "c", "d"], "a; b; c and 1 more"),
        (["a", "b", "c", "d", "e"], "a; b; c and 2 more"),
    ],
)
def test_three_are_named_and_the_others_counted(said: list[str], sentence: str) -> None:
    assert some(said) == sentence


def test_a_verdict_is_one_word() -> None:
    assert [each.value for each in Verdict] == ["ok", "warn", "fail"]
