"""What a person is told of the daemon, from objects of `status --json`: in words, on one screen, whatever others call themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from iai_daemon.cli.layout import Row, cells, fit, lines
from iai_daemon.cli.moments import ago, clock_time, coming
from iai_daemon.cli.standing import rows
from iai_daemon.cli.status import nobody
from iai_daemon.units import format_stamp
from tests.fakes import NOON

BERLIN = ZoneInfo("Europe/Berlin")  # noon in UTC is 13:00 there
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


def at(seconds: float) -> str:
    """A stamp so many seconds after noon."""
    return format_stamp(NOON + seconds)


def status(**differently: Any) -> dict[str, Any]:
    """A quiet daemon, at noon, with nobody here."""
    told = nobody() | {"at": at(0), "pid": 7, "state": "IDLE", "since": at(-HOUR), "rule": "idle"}
    told |= {"reason": "nobody active for 6 min (limit 5 min), 1 wrapper open"}
    told |= {"agenda": {"next_at": None, "running": [], "missed_last_day": 0}}
    told |= {"store": {"engine": "sqlite", "memories": 1204}, "tick": {"at": at(0), "failures": 0}}
    return told | differently


def here(**differently: Any) -> dict[str, Any]:
    """One who was active three minutes ago."""
    told: dict[str, Any] = {"client": "codex", "session_id": None, "since": at(-HOUR), "active": True}
    told |= {"last_activity": at(-3 * MINUTE), "headless": False, "pid": 9, "host": None, "server": "mcp"}
    return {**told, "busy": None, **differently}


def night(**differently: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"id": 12, "kind": "night", "outcome": "completed", "reason": None}
    told |= {"started_at": at(-9 * HOUR), "ended_at": at(-9 * HOUR + MINUTE), "undone_at": None}
    return told | differently


def consolidation(**differently: Any) -> dict[str, Any]:
    found: dict[str, Any] = nobody()["consolidation"]
    return found | differently


def said(seen: Mapping[str, Any], label: str) -> list[str]:
    return [row.text for row in rows(seen, NOON, BERLIN) if row.label == label]


def test_the_state_is_told_in_words_with_the_rule_and_its_figures_below() -> None:
    seen = status()
    assert said(seen, "state") == ["IDLE: nobody has done anything for a while, since 12:00 (60 min ago)"]
    assert said(seen, "why") == ["idle: nobody active for 6 min (limit 5 min), 1 wrapper open"]


def test_who_is_here_is_told_with_what_he_does() -> None:
    seen = status(
        here=[
            here(session_id="s1"),
            here(client="cursor", active=False, last_activity=at(-2 * HOUR), since=at(-DAY)),
            here(client="zed", active=False, last_activity=None),
            here(client="old", last_activity=None),
            here(client="gemini", busy={"calls": 2, "recall": None}),
        ]
    )
    assert said(seen, "here") == [
        "codex: active 3 min ago, open since 12:00, session s1",
        "cursor: quiet for 2 h, open since yesterday 13:00",
        "zed: nothing done yet, open since 12:00",
        "old: too old to say what it does, so it counts as active, open since 12:00",
        "gemini: 2 calls are in flight, open since 12:00",
    ]


def test_nobody_is_said_to_be_nobody() -> None:
    assert said(status(), "here") == ["nobody"]


def test_the_wrappers_of_one_client_are_one_line() -> None:
    seen = status(here=[here(), here(since=at(-2 * HOUR)), here(busy={"calls": 1, "recall": None})])
    assert said(seen, "here") == ["codex ×3: a call is in flight, open since 11:00"]


def test_a_woken_agent_is_told_from_people_and_another_host_from_this_one() -> None:
    seen = status(
        here=[
            here(host="mill", since=None),
            here(client="claude", headless=True, busy={"calls": 0, "recall": 4}),
            here(headless=True),
        ]
    )
    assert said(seen, "here") == [
        "codex on mill: active 3 min ago",
        "claude: woken for recall 4, active 3 min ago, open since 12:00",
        "codex: woken, active 3 min ago, open since 12:00",
    ]


def test_of_a_hundred_clients_the_first_are_told_and_the_others_counted() -> None:
    seen = status(here=[here(client=f"client {number}") for number in range(32)], here_more=68)
    told = said(seen, "here")
    assert len(told) == 6
    assert told[-1] == "and 95 more: `iai-daemon presence` lists them all"


def test_who_is_gone_is_counted_and_the_command_named_that_tells_why() -> None:
    seen = status(presence=nobody()["presence"] | {"stale": 2, "orphan": 1})
    assert said(seen, "here")[-1] == "beside them 2 stale, 1 orphan: `iai-daemon presence` tells why"


def test_the_last_night_is_one_sentence_with_the_way_back() -> None:
    seen = status(consolidation=consolidation(last=night(superseded_gc=3, nodes_embedded=1200)))
    (told,) = said(seen, "night")
    assert told == (
        "the last: night 12 completed 04:01 (9 h ago): 3 replaced by newer facts, 1,200 given a vector; "
        "`iai-daemon nights undo 12` takes it back"
    )


def test_what_cannot_be_taken_back_or_was_already_names_no_way_back() -> None:
    vectors = status(consolidation=consolidation(last=night(nodes_embedded=5)))
    undone = status(consolidation=consolidation(last=night(archived=5, undone_at=at(-HOUR))))
    assert "undo" not in said(vectors, "night")[0]
    assert said(undone, "night")[0].endswith(": 5 archived; taken back 12:00")


def test_a_nap_does_not_hide_the_night_before() -> None:
    nap = night(id=13, kind="nap", outcome="yielded", reason="someone is back", ended_at=at(-HOUR))
    seen = status(consolidation=consolidation(last=nap, last_night=night()))
    assert said(seen, "night") == [
        "the last: night 12 completed 04:01 (9 h ago)",
        "since then: nap 13 gave way to someone who came back 12:00 (60 min ago) (someone is back)",
    ]


def test_a_running_night_says_how_far_it_is() -> None:
    progress = {"round": 2, "done": 1300, "total": 40_000}
    running = consolidation(running=True, night=14, progress=progress, last=night()) | {"pass": "embed"}
    assert said(status(consolidation=running), "night")[0] == "14 is running: embed, round 2, 1,300 of 40,000"


def test_what_comes_next_is_told_by_the_clock_and_from_now() -> None:
    ahead = {"idle": {"at": at(12 * MINUTE)}, "bedtime": {"at": at(37 * MINUTE), "rule": "inactive"}}
    ahead |= {"night": {"at": at(37 * MINUTE), "why": None}}
    ahead |= {
        "recall": {"at": at(22 * HOUR), "id": 4, "agent": "scribe", "session_id": "s", "message": "Write."}
    }
    assert said(status(next=ahead), "next") == [
        "IDLE 13:12 (in 12 min), BEDTIME 13:37 (in 37 min), if nobody does anything",
        "a night as soon as it is BEDTIME, if there is anything to do",
        "recall 4 tomorrow 11:00 (in 22 h) wakes scribe: Write.",
    ]


def test_a_night_that_must_wait_or_cannot_be_says_why() -> None:
    later = {"night": {"at": at(HOUR), "why": "the interval since the last one"}}
    never = {"night": {"at": None, "why": "nothing is to do"}}
    assert said(status(next=later), "next")[0] == (
        "a night 14:00 (in 60 min) at the earliest (the interval since the last one)"
    )
    assert said(status(next=never), "next")[0] == "no night: nothing is to do"


def test_agents_and_what_was_missed_are_told() -> None:
    runs = [
        {"recall": 4, "agent": "scribe", "since": at(-MINUTE)},
        {"recall": None, "agent": "b", "since": at(-1)},
    ]
    agenda = {"next_at": None, "running": runs, "missed_last_day": 2}
    assert said(status(agenda=agenda), "agents") == [
        "scribe is at work on recall 4, since 12:59 (60 s ago)",
        "b is being tried out, since 12:59 (just now)",
        "2 recalls missed since yesterday: `iai-daemon recall history`",
    ]


def test_what_does_not_work_stands_with_what_mends_it_and_dozens_are_counted() -> None:
    entry = {"what": "store", "why": "it is locked", "fix": "close the other program"}
    assert said(status(degraded=[entry]), "degraded") == ["store: it is locked; close the other program"]
    assert said(status(degraded=[entry] * 30), "degraded")[-1] == "18 more: `iai-daemon status --json`"


def test_the_status_of_a_daemon_that_knows_less_is_told_all_the_same() -> None:
    """It was there before this command was."""
    old = status()
    for name in ("at", "here", "here_more", "next"):
        del old[name]
    del old["consolidation"]["last_night"]
    old["presence"] = old["presence"] | {"fresh": 2, "active": 1}
    assert said(old, "here") == ["2 open, 1 active"]
    assert said(old, "night") == ["none yet"]


WORDS = some.text(max_size=300)
NAMES = some.none() | some.text(max_size=80)


@given(
    some.lists(some.builds(here, client=NAMES, session_id=NAMES, host=NAMES), max_size=8),
    some.lists(some.fixed_dictionaries({"what": WORDS, "why": WORDS, "fix": WORDS}), max_size=3),
    WORDS,
    some.integers(20, 200),
)
def test_whatever_others_call_themselves_nothing_steers_the_terminal_and_no_line_is_too_long(
    present: list[dict[str, Any]], wrong: list[dict[str, str]], text: str, width: int
) -> None:
    recall = {"at": at(HOUR), "id": 1, "agent": text or "a", "session_id": None, "message": text}
    last = night(outcome=text, reason=text or None)
    seen = status(here=present, degraded=wrong, reason=text, next={"recall": recall})
    shown = rows(seen | {"consolidation": consolidation(last=last, why_not=text or None)}, NOON, BERLIN)
    for line in lines(shown, width):
        assert (line.label + line.text).isprintable()
        assert cells(line.label + line.text) <= width


def test_a_usual_day_fits_on_one_screen() -> None:
    entry = {
        "what": "store",
        "why": "the memory is held by another program that lets nobody read",
        "fix": "end it",
    }
    ahead = {"idle": {"at": at(12 * MINUTE)}, "bedtime": {"at": at(37 * MINUTE), "rule": "inactive"}}
    ahead |= {"night": {"at": at(HOUR), "why": "the interval since the last one"}}
    ahead |= {
        "recall": {"at": at(DAY), "id": 4, "agent": "scribe", "session_id": "s", "message": "Write. " * 40}
    }
    last = night(superseded_gc=3, nodes_embedded=1200, archived=7, duplicates_merged=3, links_added=2)
    present = [here(client=f"client {number}", session_id="a" * 36) for number in range(32)]
    seen = status(
        here=present, here_more=68, degraded=[entry], next=ahead, consolidation=consolidation(last=last)
    )
    assert len(lines(rows(seen, NOON, BERLIN), 80)) <= 24


@pytest.mark.parametrize("height", [1, 5, 9, 24])
def test_where_there_is_less_room_the_least_worth_goes_first(height: int) -> None:
    seen = status(here=[here(client=f"client {number}") for number in range(9)])
    shown = fit(rows(seen, NOON, BERLIN), 80, height)
    assert len(shown) <= height
    assert shown[0].text.startswith("IDLE:")
    assert [line.label.strip() for line in shown if "daemon" in line.label] == (
        ["daemon"] if height == 24 else []
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "13:00"),
        (10 * HOUR, "23:00"),
        (11 * HOUR, "tomorrow 00:00"),
        (-14 * HOUR, "yesterday 23:00"),
        (3 * DAY, "Tue 13:00"),
        (-6 * DAY, "Sun 13:00"),
        (7 * DAY, "2026-11-28 13:00"),
    ],
)
def test_times_are_said_by_the_day_that_they_are_on(seconds: float, words: str) -> None:
    assert clock_time(NOON + seconds, NOON, BERLIN) == words


def test_when_summer_time_ends_tomorrow_is_still_tomorrow() -> None:
    """2026-10-25 has 25 hours in Berlin: 24 h after Saturday 23:30 it is Sunday 22:30."""
    saturday = 1_792_877_400.0  # 2026-10-24T21:30:00Z
    assert clock_time(saturday, saturday, BERLIN) == "23:30"
    assert clock_time(saturday + DAY, saturday, BERLIN) == "tomorrow 22:30"


def test_what_is_a_moment_away_is_now() -> None:
    assert (ago(NOON + 5, NOON), coming(NOON - 5, NOON, BERLIN)) == ("just now", "now")


def test_rows_know_what_they_are_by_their_words_alone() -> None:
    """Colour adds nothing: a tone never tells two rows with the same text apart."""
    shown = rows(status(degraded=[{"what": "store", "why": "why", "fix": "fix"}]), NOON, BERLIN)
    assert len({(row.label, row.text) for row in shown}) == len(shown)
    assert all(isinstance(row, Row) and row.text for row in shown)
