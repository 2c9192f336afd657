"""What becomes of the lines of history.jsonl: every second of a range in exactly one stretch, whatever the lines say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.lifecycle.history import SLEPT, STEPPED, STOPPED
from iai_daemon.lifecycle.hypnogram import (
    NOT_KNOWN,
    NOT_RUNNING,
    Night,
    Stretch,
    nights_between,
    stretches,
    totals,
)
from iai_daemon.lifecycle.spans import Entry, spans
from iai_daemon.units import NEVER, format_stamp
from tests.fakes import NOON
from tests.lifecycle.world import DAY, HOUR, MINUTE

Line = Mapping[str, Any]


def went(at: float, to: str, rule: str = "nobody", known_until: float | None = None) -> Line:
    """A transition, so many seconds after noon."""
    line = {"at": format_stamp(NOON + at), "from": "WAKE", "to": to, "rule": rule, "reason": f"by {rule}"}
    return line if known_until is None else {**line, "known_until": format_stamp(NOON + known_until)}


def mark(what: str, at: float, known_until: float, state: str = "WAKE") -> Line:
    stamps = {"at": format_stamp(NOON + at), "known_until": format_stamp(NOON + known_until)}
    return {
        **stamps,
        "mark": what,
        "why": f"it {what}",
        "state": state,
        "rule": "active",
        "reason": "at work",
    }


def seen(
    lines: list[Line], since: float = 0.0, until: float = HOUR, known_until: float = NEVER
) -> list[tuple[float, float, str | None]]:
    """The stretches, in seconds after noon, with their states."""
    found = stretches(lines, NOON + since, NOON + until, known_until=NOON + known_until)
    return [(each.since - NOON, each.until - NOON, each.state) for each in found]


def test_a_state_holds_from_its_transition_to_the_next_and_the_last_one_until_now() -> None:
    lines = [went(-60.0, "WAKE", "active"), went(600.0, "IDLE", "idle"), went(1800.0, "BEDTIME", "inactive")]
    assert seen(lines) == [(0, 600, "WAKE"), (600, 1800, "IDLE"), (1800, HOUR, "BEDTIME")]
    first, *_ = stretches(lines, NOON, NOON + HOUR)
    assert first == Stretch(NOON, NOON + 600, "WAKE", "active", "by active")


def test_before_the_first_line_nothing_is_known() -> None:
    assert seen([]) == [(0, HOUR, None)]
    first, second = stretches([went(600.0, "WAKE", "started")], NOON, NOON + HOUR)
    assert (first.state, first.reason, first.until) == (None, NOT_KNOWN, NOON + 600)
    assert second.state == "WAKE"


def test_a_start_ends_what_was_before_it_and_since_when_is_not_known() -> None:
    lines = [went(0.0, "BEDTIME"), went(1800.0, "WAKE", "started")]
    assert seen(lines) == [(0, 1800, None), (1800, HOUR, "WAKE")]


def test_after_a_kill_the_state_is_known_until_the_last_sign_of_life() -> None:
    lines = [went(0.0, "BEDTIME"), went(1800.0, "WAKE", "started", known_until=1200.0)]
    assert seen(lines) == [(0, 1200, "BEDTIME"), (1200, 1800, None), (1800, HOUR, "WAKE")]
    assert stretches(lines, NOON, NOON + HOUR)[1].reason == NOT_RUNNING
    assert seen([went(0.0, "IDLE")], known_until=300.0) == [(0, 300, "IDLE"), (300, HOUR, None)]


def test_after_a_clean_stop_it_is_known_that_no_daemon_ran() -> None:
    lines = [went(0.0, "WAKE"), mark(STOPPED, 600.0, 600.0)]
    assert seen(lines) == [(0, 600, "WAKE"), (600, HOUR, None)]
    assert stretches(lines, NOON, NOON + HOUR, known_until=NOON + 600)[1].reason == "it stopped"
    again = [*lines, went(1800.0, "WAKE", "started", known_until=600.0)]
    assert seen(again) == [(0, 600, "WAKE"), (600, 1800, None), (1800, HOUR, "WAKE")]


def test_a_machine_that_sleeps_is_in_no_state_and_goes_on_in_the_same() -> None:
    lines = [went(0.0, "IDLE"), mark(SLEPT, 1800.0, 900.0, "IDLE"), went(1800.0, "WAKE", "active")]
    assert seen(lines) == [(0, 900, "IDLE"), (900, 1800, None), (1800, HOUR, "WAKE")]
    assert stretches(lines, NOON, NOON + HOUR)[1].reason == "it slept"


def test_where_the_clock_was_set_back_what_was_written_later_holds() -> None:
    lines = [
        went(0.0, "WAKE"), went(1800.0, "IDLE"), mark(STEPPED, 900.0, 2400.0, "IDLE"), went(1200.0, "BEDTIME"),
    ]  # fmt: skip
    assert seen(lines) == [(0, 900, "WAKE"), (900, 1200, "IDLE"), (1200, HOUR, "BEDTIME")]
    unmarked = [went(0.0, "WAKE"), went(1800.0, "IDLE"), went(900.0, "BEDTIME")]
    assert seen(unmarked) == [(0, 900, "WAKE"), (900, HOUR, "BEDTIME")]


def test_a_start_before_the_clock_was_right_hides_nothing_of_what_was() -> None:
    """A machine without a battery begins in 1970, and is told the time a minute later."""
    lines = [
        went(0.0, "WAKE"), went(600.0, "IDLE"), went(-NOON, "WAKE", "started", known_until=1200.0),
        mark(STEPPED, 1800.0, 60.0 - NOON),
    ]  # fmt: skip
    assert seen(lines)[:2] == [(0, 600, "WAKE"), (600, 1200, "IDLE")]
    assert seen(lines)[-1] == (1800, HOUR, "WAKE")


@pytest.mark.parametrize(
    "line",
    [{}, {"at": None, "to": "IDLE"}, {"at": "yesterday", "to": "IDLE"}, {"at": 12, "to": "IDLE"}],
    ids=str,
)
def test_a_line_without_a_time_is_left_out(line: Line) -> None:
    assert seen([went(0.0, "WAKE"), line]) == [(0, HOUR, "WAKE")]


def test_a_state_of_a_later_version_is_none_that_is_known() -> None:
    lines = [went(0.0, "WAKE"), went(600.0, "SIESTA"), went(900.0, "IDLE")]
    assert seen(lines) == [(0, 600, "WAKE"), (600, 900, None), (900, HOUR, "IDLE")]
    assert stretches(lines, NOON, NOON + HOUR)[1].reason == "SIESTA is no state that this version knows"


def test_a_range_without_any_time_has_no_stretch() -> None:
    assert seen([went(0.0, "WAKE")], 60.0, 60.0) == []
    assert seen([went(0.0, "WAKE")], 60.0, 30.0) == []


STAMPS = st.one_of(
    st.integers(-120, 4000).map(lambda seconds: format_stamp(NOON + seconds)),
    st.sampled_from(
        ["1970-01-01T00:00:10Z", "9999-12-31T23:59:59Z", "soon", None, 7, "0001-01-01T00:00:00Z"]
    ),
)
WORDS = st.sampled_from(["WAKE", "IDLE", "BEDTIME", "started", STOPPED, SLEPT, "", None, 5, {"a": 1}])
LINES = st.lists(
    st.dictionaries(st.sampled_from(["to", "rule", "mark", "state", "reason", "why"]), WORDS).flatmap(
        lambda line: st.tuples(STAMPS, STAMPS).map(
            lambda stamps: {**line, "at": stamps[0], "known_until": stamps[1]}
        )
    ),
    max_size=12,
)


@given(lines=LINES, known_until=st.one_of(st.just(NEVER), st.integers(-100, 4000)))
def test_every_second_of_the_range_belongs_to_exactly_one_stretch(
    lines: list[Line], known_until: float
) -> None:
    found = stretches(lines, NOON, NOON + HOUR, known_until=NOON + known_until)
    assert (found[0].since, found[-1].until) == (NOON, NOON + HOUR)
    assert all(one.until == other.since for one, other in pairwise(found))
    assert all(each.seconds > 0 for each in found)
    summed = totals(found, [])
    assert sum(summed.seconds.values()) + summed.unknown == pytest.approx(HOUR)


@given(
    told=st.lists(
        st.tuples(st.integers(-5, 40), st.sampled_from("abc"), st.one_of(st.none(), st.integers(-5, 40))),
        max_size=8,
    ),
    since=st.integers(0, 10),
    length=st.integers(1, 30),
)
def test_spans_are_what_painting_each_second_for_itself_gives(
    told: list[tuple[int, str, int | None]], since: int, length: int
) -> None:
    until = since + length
    entries = [Entry(float(at), value, "gap", known) for at, value, known in told]
    expected = ["nothing"] * length
    for (at, value, _), (then, _, known) in pairwise(told):
        ends = then if known is None else known
        for second in range(length):
            moment = since + second
            if at <= moment < ends:
                expected[second] = value
            elif max(at, ends) <= moment < then and expected[second] == "nothing":
                expected[second] = "gap"
    found = spans(entries, since, until, "nothing")
    assert [each.value for each in found for _ in range(int(each.until - each.since))] == expected


@dataclass(frozen=True)
class Row:
    id: int
    kind: str
    started_at: int
    ended_at: int | None
    outcome: str | None = "completed"
    undone_at: int | None = None


def row(number: int, begin: float, end: float | None, kind: str = "night", **fields: Any) -> Row:
    ended = None if end is None else round((NOON + end) * 1000)
    return Row(number, kind, round((NOON + begin) * 1000), ended, **fields)


def test_the_nights_of_a_range_are_those_that_ran_at_some_time_of_it() -> None:
    rows = [
        row(1, -DAY, -DAY + 60), row(2, -60.0, 60.0), row(4, 1200.0, 1300.0, "nap", undone_at=5), row(3, 600.0, 660.0),
        row(5, 3000.0, None, outcome=None), row(6, HOUR, HOUR + 1),
    ]  # fmt: skip
    found = nights_between(rows, NOON, NOON + HOUR)
    assert [each.id for each in found] == [2, 3, 4, 5]
    assert (found[2].kind, found[2].undone) == ("nap", True)
    assert (found[3].until, found[3].outcome) == (NOON + HOUR, None)
    assert found[2].plain() == {
        "id": 4,
        "kind": "nap",
        "since": "2026-11-21T12:20:00.000Z",
        "until": "2026-11-21T12:21:40.000Z",
        "outcome": "completed",
        "undone": True,
    }


def test_a_night_during_which_the_clock_was_set_back_ends_when_it_began() -> None:
    (found,) = nights_between([row(1, 600.0, 300.0)], NOON, NOON + HOUR)
    assert (found.since, found.until) == (NOON + 600, NOON + 600)


def test_the_totals_count_each_state_and_what_is_not_known() -> None:
    lines = [went(0.0, "WAKE"), went(600.0, "BEDTIME"), mark(STOPPED, 1800.0, 1800.0)]
    nights = [Night(1, "night", 0, 1, None), Night(2, "nap", 0, 1, None), Night(3, "nap", 0, 1, None)]
    assert totals(stretches(lines, NOON, NOON + HOUR), nights).plain() == {
        "seconds": {"WAKE": 600.0, "IDLE": 0.0, "BEDTIME": 1200.0},
        "unknown": 1800.0,
        "nights": 1,
        "naps": 2,
    }


def test_totals_are_told_in_milliseconds() -> None:
    lines = [went(0.0, "WAKE"), mark(STOPPED, 0.12345, 0.12345)]
    told = totals(stretches(lines, NOON, NOON + 1), []).plain()
    assert told["seconds"] == {"WAKE": 0.123, "IDLE": 0.0, "BEDTIME": 0.0}
    assert told["unknown"] == 0.877


def test_half_a_year_of_restless_days_is_drawn_at_once() -> None:
    """As many lines as the two files hold, and the clock set back in each of them: no line costs more for those before it."""
    lines = [
        went(number * MINUTE - (number % 2) * HOUR, "WAKE" if number % 2 else "IDLE")
        for number in range(40_000)
    ]
    found = stretches(lines, NOON, NOON + 40_000 * MINUTE)
    assert len(found) > 10_000
    assert sum(each.seconds for each in found) == pytest.approx(40_000 * MINUTE)
