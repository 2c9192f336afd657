"""What the report tells: nights and what they changed, growth, the agenda, presence; and what it leaves out."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC
from itertools import pairwise
from pathlib import Path

import pytest

from iai_daemon.agenda.planning import first
from iai_daemon.agenda.recall import CallType, Draft
from iai_daemon.agenda.schedule.triggers import made_cron
from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.consolidation.journal import describe_entry
from iai_daemon.memory.nights import Hindrance
from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
from iai_daemon.report import gather_nights
from iai_daemon.report.days import the_days
from tests.consolidation.evening import a_day, a_night, night, remember
from tests.consolidation.passes_for_tests import joining
from tests.fakes import NOON, FakeClock
from tests.report.told import (
    BERLIN,
    DAY,
    EVIL,
    NOW,
    a_week,
    days,
    everything,
    some_nights,
    told,
    twins,
)

LATER = NOW + 3_600_000


def test_a_fresh_home_has_all_parts_and_nothing_in_them(home: Home) -> None:
    report = told(home)
    assert report["headline"]["night"] is None
    assert report["nights"] == {"problem": None, "listed": [], "left_out": 0}
    assert report["self_check"] == {"problem": None, "nights": []}
    assert {each["current"] for each in report["memory"]["growth"]} == {0}
    assert report["presence"]["clients"] == []
    assert (report["agenda"]["past"], report["agenda"]["coming"], report["agenda"]["runs"]) == ([], [], [])
    assert [each["state"] for each in report["hypnogram"]["stretches"]] == [None]


def test_the_newest_night_comes_first_and_says_what_it_changed_in_the_words_of_nights_show(
    home: Home,
) -> None:
    some_nights(home)
    second, one = told(home, LATER)["nights"]["listed"]
    assert (one["id"], second["id"]) == (1, 2)
    assert (one["expired_pruned"], one["undoable"], second["undoable"]) == (4, True, False)
    changes = one["detail"]["changes"]
    expired = next(each for each in changes if each["content"] == "the staging token is 1")
    assert expired["changes"][0]["said"].startswith(
        "expired (expire, round 1): was to be kept until 2026-11-21"
    )
    assert expired["changes"][0]["fields"] == [
        {"name": "expired at", "before": "—", "after": "2026-11-21T11:59:00.000Z", "other": False}
    ]
    assert second["undone_at"] == "2026-11-21T12:02:00.000Z"
    assert {each["changes"][0]["undone_at"] for each in second["detail"]["changes"]} == {second["undone_at"]}


def test_what_took_the_place_of_a_memory_is_told_with_its_words(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        api = {"subject": "api", "attribute": "port"}
        older = remember(stores, "The API listens on port 80.", NOON - 900, **api)
        newer = remember(stores, "The API listens on port 9000.", **api)
        night(stores)
    (memory,) = told(home)["nights"]["listed"][0]["detail"]["changes"]
    assert (memory["record"], memory["added"]) == (older.id, False)
    assert memory["changes"][0]["fields"][-1] == {
        "name": "superseded by",
        "before": None,
        "after": f"{newer.id}: The API listens on port 9000.",
        "other": True,
    }


def test_much_is_bounded_and_says_how_much_is_left_out(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        a_day(stores, 3000)
        remember(stores, "y" * 9000, expires_at=NOON - 60)
        made = night(stores)
        assert made.id is not None
        entries = [describe_entry(each) for each in stores.nights.journal(night=made.id)]
    (one,) = told(home)["nights"]["listed"]
    detail = one["detail"]
    shown = sum(len(each["changes"]) for each in detail["changes"])
    assert shown == gather_nights.CHANGES
    assert detail["changes_left_out"] == len(entries) - shown
    assert max(len(each["content"]) for each in detail["changes"]) <= gather_nights.WORDS


def test_only_the_newest_nights_are_listed_and_only_some_with_what_they_changed(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        for number in range(gather_nights.LISTED + 5):
            a_night(stores, NOW - (200 - number) * 3_600_000)
    nights = told(home)["nights"]
    assert [each["id"] for each in nights["listed"]] == list(range(105, 5, -1))
    assert nights["left_out"] == 5
    assert sum(each["detail"] is not None for each in nights["listed"]) == gather_nights.DETAILED


def test_the_changes_of_all_nights_together_are_bounded_the_newest_first(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        for number in range(10):
            clock = FakeClock(NOON + number * 60)
            for each in range(220):
                remember(stores, f"token {number} {each}", expires_at=NOON - 60)
            assert night(stores, clock=clock).counters.expired_pruned == 220
    listed = told(home, LATER)["nights"]["listed"]
    shown = [len(each["detail"]["changes"]) if each["detail"] else None for each in listed]
    assert shown == [200] * 7 + [100] + [None] * 2


def test_what_waits_for_a_person_is_told_first_and_with_its_night(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        a_day(stores, 12)
        night(stores, review=True)
    report = told(home)
    assert report["headline"]["waiting"] == report["nights"]["listed"][0]["waiting"]["review"] > 0
    assert report["headline"]["proposed_by"] == [1]
    detail = report["nights"]["listed"][0]["detail"]
    assert (detail["changes"], len(detail["held"])) == ([], report["headline"]["waiting"])
    assert "waits for you" in detail["held"][0]["changes"][0]["said"]


def test_a_pass_that_cannot_run_is_what_is_wrong(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        stores.nights.hinder("embed", Hindrance(failures=3, not_before=NOW + 1000, reason="no model"))
    assert told(home)["headline"]["wrong"] == ["the pass embed does not run: no model"]


def test_the_self_check_tells_what_search_found_before_and_after(home: Home) -> None:
    some_nights(home)
    (found,) = told(home, LATER)["self_check"]["nights"]
    assert found == {
        "night": 2,
        "kind": "night",
        "at": "2026-11-21T12:01:00.000Z",
        "asked": 3,
        "found_before": 3,
        "found_after": 3,
    }


def test_what_search_would_find_no_more_counts_as_found_before_alone(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        kept = remember(stores, "the lighthouse keeper drinks tea")
        remember(stores, "zebras cross at the blue gate")
        made = night(stores, chosen=[joining(into=kept.id)], memory=stores.memory)
        assert made.counters.held_back == 1
    (found,) = told(home)["self_check"]["nights"]
    assert (found["asked"], found["found_before"], found["found_after"]) == (1, 1, 0)


def test_nights_of_before_there_was_such_a_figure_do_not_count_as_having_asked(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        twins(stores, 2)
        made = night(stores, memory=stores.memory)
        assert made.id is not None
        row = stores.nights.night(made.id)
        old = {name: value for name, value in (row.report or {}).items() if name != "self_check"}
        stores.nights.end_night(made.id, "completed", None, old, NOW)
    assert told(home)["self_check"]["nights"] == []


def test_growth_is_told_for_the_end_of_each_day_and_for_now(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        remember(stores, "the first", NOON - 2 * DAY)
        remember(stores, "the second", NOON - 60)
    growth = told(home, days=4)["memory"]["growth"]
    assert [(each["at"], each["current"]) for each in growth] == [
        ("2026-11-19T00:00:00.000Z", 0),
        ("2026-11-20T00:00:00.000Z", 1),
        ("2026-11-21T00:00:00.000Z", 1),
        ("2026-11-21T12:00:00.000Z", 2),
    ]


def test_firings_of_the_past_week_tell_what_became_of_them_and_why(home: Home) -> None:
    a_week(home)
    agenda = told(home, LATER)["agenda"]
    assert [(each["at"][:10], each["state"], each["reason"]) for each in agenda["past"]] == [
        ("2026-11-18", "done", None),
        ("2026-11-19", "failed", "exit status 3: <b>"),
        ("2026-11-20", "missed", "no daemon was running"),
    ]
    assert {each["message"] for each in agenda["past"]} == {"Is the build green?"}


def test_the_coming_week_is_what_is_planned_and_what_follows_by_the_recalls_own_rule(home: Home) -> None:
    a_week(home)
    coming = told(home, LATER)["agenda"]["coming"]
    assert [(each["at"][:10], each["planned"]) for each in coming] == [
        ("2026-11-21", True),
        *((f"2026-11-{day}", False) for day in range(22, 29)),
    ]


def test_a_recall_that_fires_each_minute_does_not_fill_the_week(home: Home) -> None:
    with closing(open_agenda(home)) as opened:
        draft = Draft("s", "a", "Go on.", CallType.RECURRING, made_cron("* * * * *", "UTC", NOW), "ann")
        opened.store.add(draft, first(draft, NOW), NOW)
        a_paused = Draft("t", "a", "Go on.", CallType.RECURRING, made_cron("0 0 * * *", "UTC", NOW), "ann")
        paused = opened.store.add(a_paused, first(a_paused, NOW), NOW)
        opened.store.pause(paused.id, NOW)
    agenda = told(home)["agenda"]
    assert (len(agenda["coming"]), agenda["coming_left_out"], agenda["paused"]) == (50, 1, 1)


def test_runs_tell_how_long_they_took_and_are_counted_for_each_agent(home: Home) -> None:
    a_week(home)
    agenda = told(home, LATER)["agenda"]
    assert [
        (each["agent"], each["exit_status"], each["seconds"], each["problem"]) for each in agenda["runs"]
    ] == [
        ("claude", 3, 90.0, "exit status 3: <b>"),
        ("claude", 0, 90.0, None),
    ]
    assert agenda["agents"] == [{"agent": "claude", "runs": 2, "failed": 1, "running": 0, "seconds": 180.0}]
    assert told(home, LATER, days=1)["agenda"]["runs"] == []


def test_long_messages_of_others_only_begin(home: Home) -> None:
    a_week(home, "m" * 5000)
    agenda = told(home, LATER)["agenda"]
    assert {len(each["message"]) for each in (*agenda["past"], *agenda["coming"])} == {160}


def test_presence_is_told_by_client_and_day_who_worked_longest_first(home: Home) -> None:
    days(home)
    presence = told(home, days=3)["presence"]
    one, other = presence["clients"]
    assert (one["client"], one["open_seconds"], one["active_seconds"]) == ("claude-code", 14_400, 10_800)
    assert (other["client"], other["active_seconds"]) == ("<b>Cursor</b>", 0)
    assert [(each["open"], each["active"]) for each in one["days"]] == [
        (10_800, 7200),
        (0, 0),
        (3600, 3600),
    ]


def test_the_hypnogram_covers_the_week_without_a_hole_and_tells_why(home: Home) -> None:
    days(home)
    told_days = told(home)["hypnogram"]
    stretches = told_days["stretches"]
    assert stretches[0]["since"] == "2026-11-15T00:00:00.000Z"
    assert stretches[-1]["until"] == "2026-11-21T12:00:00.000Z"
    assert all(one["until"] == other["since"] for one, other in pairwise(stretches))
    assert [each["state"] for each in stretches] == [None, "WAKE", "IDLE", "BEDTIME", "WAKE"]
    assert stretches[3]["reason"] == EVIL


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-21", 24)])
def test_days_go_from_midnight_to_midnight_of_the_clocks_here(day: str, hours: int) -> None:
    noon = {"2026-03-29": 1_774_778_400, "2026-10-25": 1_792_926_000, "2026-11-21": 1_795_262_400}[day]
    last = the_days(noon * 1000, 2, BERLIN)[-1]
    assert last.date.isoformat() == day
    assert last.until - last.since == hours * 3600


def test_a_memory_that_cannot_be_opened_leaves_the_days_and_who_was_here(home: Home) -> None:
    everything(home)
    home.memory.write_bytes(b"this is no database, and longer than a header of one would have to be" * 20)
    report = told(home, LATER)
    for part in ("headline", "nights", "memory", "self_check", "agenda"):
        assert str(home.memory) in report[part]["problem"], part
    assert report["hypnogram"]["problem"] is None
    assert len(report["hypnogram"]["stretches"]) == 5
    assert len(report["presence"]["clients"]) == 2


def test_files_that_cannot_be_read_leave_the_nights(home: Home) -> None:
    some_nights(home)
    home.history.mkdir()
    home.attendance.mkdir()
    report = told(home, LATER)
    assert "cannot be read" in report["hypnogram"]["problem"]
    assert "cannot be read" in report["presence"]["problem"]
    assert len(report["nights"]["listed"]) == 2


def test_a_night_that_is_under_way_is_listed_as_such_and_cannot_be_taken_back(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        remember(stores, "the token is 1", expires_at=NOON - 60)
        number = stores.nights.begin_night("night", "absent", NOW)
    (running,) = told(home, LATER)["nights"]["listed"]
    assert (running["id"], running["outcome"], running["undoable"]) == (number, None, False)


def test_a_report_in_the_store_that_lacks_what_we_expect_is_told_all_the_same(home: Home) -> None:
    """Of an older version, or of a night that was restored from an export."""
    some_nights(home)
    with closing(sqlite3.connect(home.memory)) as connection, connection:
        connection.execute("UPDATE nights SET report = ? WHERE id = 1", (json.dumps({"id": 1}),))
    assert len(told(home, LATER)["nights"]["listed"]) == 2


def test_on_a_server_the_report_tells_the_same(
    home: Home, tmp_path: Path, new_database: Callable[[], str]
) -> None:
    other = Home(tmp_path / "other")
    other.create()
    other.config.write_text(f'[memory]\nstore = "{new_database()}"\n')
    other.config.chmod(0o600)
    for each in (home, other):
        everything(each)
    one, two = told(home, LATER), told(other, LATER)
    for part in ("hypnogram", "memory", "self_check", "presence"):
        assert one[part] == two[part]
    # The agenda on a server goes by the clock of that.
    assert [each["state"] for each in two["agenda"]["past"]] in ([], ["done", "failed", "missed"])
    for mine, theirs in zip(one["nights"]["listed"], two["nights"]["listed"], strict=True):
        assert [mine[each] for each in ("id", "outcome", "undoable")] == [
            theirs[each] for each in ("id", "outcome", "undoable")
        ]
        assert len(mine["detail"]["changes"]) == len(theirs["detail"]["changes"])


def test_the_report_is_the_same_however_often_it_is_asked_for(home: Home) -> None:
    everything(home)
    assert told(home, LATER, zone=UTC) == told(home, LATER, zone=UTC)
