"""Who is here, row by row and word for word."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from iai_daemon.cli.colour import Tone
from iai_daemon.cli.layout import Row
from iai_daemon.cli.people import people
from tests.cli.test_status_rows import HOUR, MINUTE, at, here
from tests.fakes import NOON

BERLIN = ZoneInfo("Europe/Berlin")
NOBODY_GONE = {"fresh": 0, "active": 0, "stale": 0, "orphan": 0, "invalid": 0}


def told(*present: dict[str, Any], **more: Any) -> list[Row]:
    """Their rows at noon in UTC, which is 13:00 in Berlin."""
    return list(people({"presence": NOBODY_GONE, "here": list(present), **more}, NOON, BERLIN))


def said(*present: dict[str, Any]) -> list[str]:
    return [row.text for row in told(*present)]


def busy(calls: int, recall: int | None = None) -> dict[str, Any]:
    return {"calls": calls, "recall": recall}


def test_nobody_is_a_quiet_row() -> None:
    assert told() == [Row("here", "nobody", Tone.QUIET, 8)]


def test_of_a_daemon_that_names_nobody_the_numbers_are_told() -> None:
    counts = NOBODY_GONE | {"fresh": 2, "active": 1}
    plain = Row("here", "2 open, 1 active", Tone.PLAIN, 8)
    assert list(people({"presence": counts}, NOON, BERLIN)) == [plain]
    assert list(people({"presence": counts, "here": None, "here_more": 3}, NOON, BERLIN)) == [
        plain,
        Row("here", "and 3 more: `iai-daemon presence` lists them all", worth=7),
    ]


def test_who_is_active_is_told_plainly_and_who_is_not_quietly() -> None:
    assert told(here(), here(client="zed", active=False)) == [
        Row("here", "codex: active 3 min ago, open since 12:00", Tone.PLAIN, 7, whole=True),
        Row("here", "zed: quiet for 3 min, open since 12:00", Tone.QUIET, 7, whole=True),
    ]


def test_of_several_wrappers_one_that_is_active_is_enough() -> None:
    rows = told(here(active=False, last_activity=at(-HOUR)), here(), here(active=False, last_activity=None))
    assert rows == [
        Row("here", "codex ×3: active 3 min ago, open since 12:00", Tone.PLAIN, 7, whole=True),
    ]


@pytest.mark.parametrize(
    ("another", "rows"),
    [
        ({}, 1),
        ({"pid": 10, "since": at(0), "active": False}, 1),
        ({"client": "zed"}, 2),
        ({"session_id": "s"}, 2),
        ({"host": "mill"}, 2),
        ({"headless": True}, 2),
    ],
)
def test_one_row_is_one_client_in_one_session_on_one_host(another: dict[str, Any], rows: int) -> None:
    assert len(told(here(), here(**another))) == rows


def test_rows_stand_in_the_order_of_the_first_of_each() -> None:
    assert said(here(client="b"), here(client="a"), here(client="b")) == [
        "b ×2: active 3 min ago, open since 12:00",
        "a: active 3 min ago, open since 12:00",
    ]


@pytest.mark.parametrize(
    ("differently", "words"),
    [
        ({}, "codex: active 3 min ago, open since 12:00"),
        ({"client": None}, "a client without a name: active 3 min ago, open since 12:00"),
        ({"client": ""}, "a client without a name: active 3 min ago, open since 12:00"),
        ({"client": "c" * 29}, f"{'c' * 27}…: active 3 min ago, open since 12:00"),
        ({"client": "c" * 28}, f"{'c' * 28}: active 3 min ago, open since 12:00"),
        ({"host": "mill"}, "codex on mill: active 3 min ago, open since 12:00"),
        ({"host": "h" * 29}, f"codex on {'h' * 27}…: active 3 min ago, open since 12:00"),
        ({"since": None}, "codex: active 3 min ago"),
        ({"session_id": "s" * 24}, f"codex: active 3 min ago, open since 12:00, session {'s' * 24}"),
        ({"session_id": "s" * 25}, f"codex: active 3 min ago, open since 12:00, session {'s' * 23}…"),
        ({"session_id": "s", "since": None}, "codex: active 3 min ago, session s"),
        ({"session_id": ""}, "codex: active 3 min ago, open since 12:00"),
        ({"last_activity": at(-1)}, "codex: active just now, open since 12:00"),
        (
            {"last_activity": None},
            "codex: too old to say what it does, so it counts as active, open since 12:00",
        ),
        ({"last_activity": None, "active": False}, "codex: nothing done yet, open since 12:00"),
        ({"active": False}, "codex: quiet for 3 min, open since 12:00"),
        ({"active": False, "last_activity": at(MINUTE)}, "codex: quiet for 0 s, open since 12:00"),
        ({"busy": busy(0)}, "codex: active 3 min ago, open since 12:00"),
        ({"busy": busy(1)}, "codex: a call is in flight, open since 12:00"),
        ({"busy": busy(2)}, "codex: 2 calls are in flight, open since 12:00"),
        ({"busy": busy(1, 4)}, "codex: a call is in flight, open since 12:00"),
        ({"headless": True}, "codex: woken, active 3 min ago, open since 12:00"),
        ({"headless": True, "busy": busy(1)}, "codex: woken, a call is in flight, open since 12:00"),
        (
            {"headless": True, "busy": busy(0, 4)},
            "codex: woken for recall 4, active 3 min ago, open since 12:00",
        ),
        (
            {"headless": True, "busy": busy(2, 0)},
            "codex: woken for recall 0, 2 calls are in flight, open since 12:00",
        ),
    ],
)
def test_a_row_says_who_it_is_and_what_he_does(differently: dict[str, Any], words: str) -> None:
    assert said(here(**differently)) == [words]


def test_of_several_the_latest_activity_the_earliest_beginning_and_all_calls_count() -> None:
    three = [
        here(last_activity=at(-5 * MINUTE), since=at(-HOUR)),
        here(last_activity=at(-2 * MINUTE), since=at(-2 * HOUR)),
        here(last_activity=None, since=None),
    ]
    assert said(*three) == ["codex ×3: active 2 min ago, open since 11:00"]
    quiet = [{**each, "active": False} for each in three]
    assert said(*quiet) == ["codex ×3: quiet for 2 min, open since 11:00"]
    calls = [here(busy=busy(1)), here(busy=busy(2)), here()]
    assert said(*calls) == ["codex ×3: 3 calls are in flight, open since 12:00"]


def test_the_recall_is_the_first_that_one_of_them_names() -> None:
    woken = [here(headless=True, busy=busy(0, number)) for number in (None, 7, 8)]
    assert said(*woken) == ["codex ×3: woken for recall 7, active 3 min ago, open since 12:00"]


def test_five_rows_are_shown_and_the_wrappers_of_the_others_counted() -> None:
    five = [here(client=f"c{number}") for number in range(5)]
    assert len(told(*five)) == 5
    rows = told(*five, here(client="c5"), here(client="c5"), here_more=68)
    assert [row.text.partition(":")[0] for row in rows[:-1]] == ["c0", "c1", "c2", "c3", "c4"]
    assert rows[-1] == Row("here", "and 70 more: `iai-daemon presence` lists them all", worth=7)
    assert told(*five, here_more=None) == told(*five)


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ({"stale": 2}, "2 stale"),
        ({"orphan": 1}, "1 orphan"),
        ({"invalid": 3}, "3 invalid"),
        ({"invalid": 3, "orphan": 1, "stale": 2}, "2 stale, 1 orphan, 3 invalid"),
    ],
)
def test_what_else_lies_about_is_counted_in_a_quiet_row(gone: dict[str, int], words: str) -> None:
    rows = told(presence=NOBODY_GONE | gone)
    assert rows[1:] == [
        Row("here", f"beside them {words}: `iai-daemon presence` tells why", Tone.QUIET, 3),
    ]
