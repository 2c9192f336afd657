"""How a worker came to its end: what is said, what the next night learns, and how it is written down, by plain values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iai_daemon.consolidation.death import Cause, Death, from_bytes
from iai_daemon.memory.nights import Hindrance

NOW = 1_795_262_400_000
KNOWN = {
    "cause": "memory",
    "words": "the kernel ended it for want of memory",
    "night": 7,
    "pass_name": "embed",
    "settled": True,
    "portion": 16,
    "yield_ms": 120,
}
WHOLE = Death(Cause.MEMORY, "the kernel ended it for want of memory", 7, "embed", True, 16, 120)


def test_of_a_death_nothing_is_known_but_its_cause_and_words_unless_it_is_said() -> None:
    assert Death(Cause.OTHER, "it ended") == Death(Cause.OTHER, "it ended", None, None, False, None, None)


@pytest.mark.parametrize(
    ("cause", "ours"),
    [(Cause.MEMORY, False), (Cause.YIELD, True), (Cause.CANCEL, True), (Cause.OTHER, False)],
)
def test_only_what_did_not_give_way_in_time_is_ended_by_us(cause: Cause, ours: bool) -> None:
    assert Death(cause, "x").ours is ours


def test_it_is_said_in_which_pass_it_happened_where_that_is_known() -> None:
    assert WHOLE.say() == "the kernel ended it for want of memory in the pass embed"
    assert Death(Cause.OTHER, "it was killed by signal 9").say() == "it was killed by signal 9"


@pytest.mark.parametrize("cause", Cause)
def test_what_mends_it_is_said(cause: Cause) -> None:
    less = "the next night takes less at a time; `iai-daemon nights list` and the log tell more"
    memory = "close what needs much memory, or set consolidation.memory_limit lower; the next night takes less at a time"
    assert Death(cause, "x").remedy == (memory if cause is Cause.MEMORY else less)


@pytest.mark.parametrize("cause", [Cause.MEMORY, Cause.OTHER])
@pytest.mark.parametrize(("portion", "next_one"), [(None, None), (16, 8), (5, 2), (3, 1), (2, 1), (1, 1)])
def test_after_a_crash_the_pass_takes_half_as_much_at_a_time(
    cause: Cause, portion: int | None, next_one: int | None
) -> None:
    died = Death(cause, "it crashed", settled=True, portion=portion)
    assert died.hinders(None, NOW) == Hindrance(failures=1, portion=next_one, reason="it crashed")


def test_where_it_is_not_known_how_much_it_took_it_takes_as_much_as_it_was_left() -> None:
    before = Hindrance(failures=2, portion=4, reason="before")
    assert Death(Cause.OTHER, "it crashed").hinders(before, NOW) == Hindrance(
        failures=3, not_before=NOW + 86_400_000, portion=4, reason="it crashed"
    )


@pytest.mark.parametrize("cause", [Cause.YIELD, Cause.CANCEL])
def test_what_got_on_before_we_ended_it_is_not_put_off_but_keeps_its_failures(cause: Cause) -> None:
    died = Death(cause, "it was killed", settled=True, portion=16)
    before = Hindrance(failures=1, deferrals=2, not_before=NOW, portion=8, reason="it broke")
    assert died.hinders(before, NOW) == Hindrance(failures=1, portion=8, reason="it broke")
    assert died.hinders(None, NOW) is None
    assert died.hinders(Hindrance(deferrals=2), NOW) is None


def test_what_had_to_give_way_before_it_got_on_is_deferred() -> None:
    died = Death(Cause.YIELD, "it was killed", portion=16)
    assert died.hinders(None, NOW) == Hindrance(
        deferrals=1, reason="somebody came back 1 times running before it had settled anything"
    )
    twice = Hindrance(deferrals=2)
    assert died.hinders(twice, NOW) == Hindrance(
        deferrals=3,
        not_before=NOW + 60_000,
        reason="somebody came back 3 times running before it had settled anything",
    )


def test_what_a_person_cancelled_is_as_it_was() -> None:
    before = Hindrance(deferrals=2, reason="before")
    assert Death(Cause.CANCEL, "it was killed").hinders(before, NOW) is before
    assert Death(Cause.CANCEL, "it was killed").hinders(None, NOW) is None


def test_it_is_written_down_as_one_line_of_json_under_these_names() -> None:
    written = WHOLE.to_bytes()
    assert written.endswith(b"}\n")
    assert written.count(b"\n") == 1
    assert json.loads(written) == KNOWN
    assert from_bytes(written) == WHOLE


@pytest.mark.parametrize("cause", ["memory", "yield", "cancel", "other"])
def test_of_what_is_written_down_only_cause_and_words_are_needed(cause: str) -> None:
    written = json.dumps({"cause": cause, "words": "x"}).encode()
    assert from_bytes(written) == Death(Cause(cause), "x")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"null",
        b"[]",
        b"7",
        b'"memory"',
        b"{}",
        b'{"words": "x"}',
        b'{"cause": "memory"}',
        b'{"cause": "hunger", "words": "x"}',
        b'{"cause": ["memory"], "words": "x"}',
        b'{"cause": "memory", "words": "x", "colour": "red"}',
    ],
)
def test_anything_else_is_no_death(data: bytes) -> None:
    assert from_bytes(data) is None


@pytest.mark.parametrize("name", ["words", "pass_name", "night", "portion", "yield_ms"])
def test_what_is_of_another_type_is_no_death_either(name: str) -> None:
    wrong: Any = 7 if name in ("words", "pass_name") else "seven"
    assert from_bytes(json.dumps({**KNOWN, name: wrong}).encode()) is None


@pytest.mark.parametrize(
    ("name", "stays"),
    [("words", False), ("pass_name", True), ("night", True), ("portion", True), ("yield_ms", True)],
)
def test_all_but_the_words_may_be_unknown(name: str, stays: bool) -> None:
    assert (from_bytes(json.dumps({**KNOWN, name: None}).encode()) is not None) is stays
