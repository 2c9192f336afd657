"""One line of a trajectory, by plain values; what the golden files say is read in test_insights."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iai_daemon.consolidation.insights.calls import (
    LONGEST_LINE,
    LONGEST_NAME,
    REWARDED,
    Call,
    Outcome,
    Unreadable,
    parse,
)

NOON = 1_795_262_400.0
WHOLE = {
    "tool": "read",
    "outcome": "error",
    "run": "r1",
    "session": "s1",
    "at": "2026-11-21T12:00:00Z",
    "seq": 3,
    "duration_ms": 12.5,
    "client": "codex",
    "server": "files",
    "task": "build",
    "success": True,
    "reward": 0.1,
}


def read(**fields: Any) -> Call | Unreadable:
    return parse(json.dumps(fields).encode(), "a.jsonl")


def call(**fields: Any) -> Call:
    found = read(**{"tool": "t", "outcome": "ok", **fields})
    assert isinstance(found, Call)
    return found


def test_everything_that_a_line_may_say_is_read() -> None:
    assert read(**WHOLE) == Call(
        run="run r1",
        tool="read",
        outcome=Outcome.ERROR,
        at=NOON,
        seq=3.0,
        duration_ms=12.5,
        client="codex",
        server="files",
        task="build",
        success=True,
    )


def test_a_tool_and_an_outcome_are_enough() -> None:
    assert read(tool="read", outcome="ok") == Call("file a.jsonl", "read", Outcome.OK)


@pytest.mark.parametrize(
    ("fields", "run"),
    [
        ({"run": "r", "session": "s"}, "run r"),
        ({"run": 7}, "run 7"),
        ({"session": "s"}, "session s"),
        ({"run": "", "session": "s"}, "session s"),
        ({"run": " ", "session": None}, "file a.jsonl"),
        ({}, "file a.jsonl"),
    ],
)
def test_calls_belong_to_their_run_else_to_their_session_else_to_their_file(
    fields: dict[str, Any], run: str
) -> None:
    assert call(**fields).run == run


@pytest.mark.parametrize("outcome", ["ok", "error", "cancelled", "unanswered"])
def test_a_call_ends_in_one_of_four_ways(outcome: str) -> None:
    assert call(outcome=outcome).outcome == outcome


@pytest.mark.parametrize("outcome", [None, "OK", "done", 1, [], ""])
def test_another_end_is_none_that_is_known(outcome: object) -> None:
    assert read(tool="t", outcome=outcome) == Unreadable("no outcome that is known")


@pytest.mark.parametrize("success", [True, False])
def test_without_a_tool_it_tells_of_the_end_of_a_run(success: bool) -> None:
    assert read(run="r", success=success, outcome="ok") == Call("run r", success=success)


@pytest.mark.parametrize(
    "fields", [{}, {"run": "r"}, {"success": True}, {"session": "s", "success": True}, {"tool": ""}]
)
def test_what_tells_of_neither_is_left_out(fields: dict[str, Any]) -> None:
    assert read(**fields) == Unreadable("neither a call nor the end of a run")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 60_000, "not JSON"),
        (b"[]", "not an object"),
        (b"null", "not an object"),
        (b'"x"', "not an object"),
        (b"7", "not an object"),
    ],
)
def test_what_is_no_object_is_left_out_with_the_reason(line: bytes, why: str) -> None:
    assert parse(line, "x") == Unreadable(why)


def test_a_line_of_64_kib_is_read_and_a_longer_one_is_not() -> None:
    assert LONGEST_LINE == 65_536
    line = b'{"tool": "t", "outcome": "ok"}'
    assert parse(line.ljust(65_536), "x") == Call("file x", "t", Outcome.OK)
    assert parse(line.ljust(65_537), "x") == Unreadable("longer than 64 KiB")


@pytest.mark.parametrize("name", ["client", "server", "task", "tool"])
@pytest.mark.parametrize(
    ("value", "read_as"),
    [
        ("codex", "codex"),
        (" two\twords\n ", "two words"),
        ("a`b", "a b"),
        ("\x1b[2J", "[2J"),
        (7, "7"),
        (-7, "-7"),
        (0, "0"),
        ((1 << 63) - 1, "9223372036854775807"),
        ("größe", "größe"),
        ("x" * 201, "x" * 200),
        ("x" * 199 + " y", "x" * 199),
    ],
)
def test_a_name_is_read_in_one_line_without_what_ends_a_quotation(
    name: str, value: object, read_as: str
) -> None:
    assert getattr(call(**{name: value}), name) == read_as


@pytest.mark.parametrize("value", [None, "", " ", "`", "\n", True, False, 1.5, 1 << 63, -(1 << 63), [], {}])
def test_what_is_no_name_is_none(value: object) -> None:
    read_as = call(client=value, server=value, task=value)
    assert (read_as.client, read_as.server, read_as.task) == (None, None, None)


def test_a_name_has_at_most_200_characters() -> None:
    assert LONGEST_NAME == 200


@pytest.mark.parametrize("name", ["seq", "duration_ms"])
@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3.0),
        (0, 0.0),
        (-1.5, -1.5),
        (None, None),
        ("3", None),
        (True, None),
        (False, None),
        ([], None),
        (10**400, None),
        (float("inf"), None),
        (float("nan"), None),
    ],
)
def test_a_number_is_one_that_is_finite(name: str, value: object, number: float | None) -> None:
    assert getattr(call(**{name: value}), name) == number


@pytest.mark.parametrize(
    ("value", "at"),
    [
        ("2026-11-21T12:00:00Z", NOON),
        ("2026-11-21T12:00:00.500+00:00", NOON + 0.5),
        ("yesterday", None),
        ("", None),
        (None, None),
        (NOON, None),
    ],
)
def test_a_time_is_one_that_can_be_read(value: object, at: float | None) -> None:
    assert call(at=value).at == at


@pytest.mark.parametrize(
    ("fields", "success"),
    [
        ({}, None),
        ({"success": True}, True),
        ({"success": False, "reward": 1.0}, False),
        ({"success": True, "reward": 0.0}, True),
        ({"success": None, "reward": 0.5}, True),
        ({"success": "yes", "reward": 0.49}, False),
        ({"reward": 1}, True),
        ({"reward": 0}, False),
        ({"reward": "1"}, None),
        ({"reward": True}, None),
    ],
)
def test_a_run_succeeds_by_its_word_else_by_half_a_reward_or_more(
    fields: dict[str, Any], success: bool | None
) -> None:
    assert REWARDED == 0.5
    assert call(**fields).success is success
