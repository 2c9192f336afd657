"""`iai-daemon slots`, without a daemon."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import click
import pytest

from iai_daemon.agenda.slot import SlotState
from iai_daemon.agenda.store.opening import OpenedAgenda, open_agenda
from iai_daemon.cli.slots import slots
from iai_daemon.config import load
from iai_daemon.paths import Home
from tests.cli.inside import call, call_json, refused, said
from tests.cli.planning import CLAUDE, with_agents
from tests.stores.recalls import NOW
from tests.stores.slots import active, begin, carry_out, listed, told

CALENDAR = '[calendar]\nurl = "http://127.0.0.1:9/api"\nhistory = 2\n'


@pytest.fixture(autouse=True)
def _settings(home: Home) -> None:
    with_agents(home, CALENDAR, CLAUDE)


@contextmanager
def kept(home: Home) -> Iterator[OpenedAgenda]:
    opened = open_agenda(home)
    yield opened
    opened.close()


def test_a_home_without_a_calendar_says_so(home: Home) -> None:
    with_agents(home, CLAUDE)
    assert said(home, "slots", "list") == (
        f"no calendar is set, so no slots come: say under [calendar] in {home.config} where they come from\n"
    )
    answer = call_json(home, "slots", "list")
    assert answer == {"enabled": False, "backend": None, "slots": [], "history": [], "outbox": []}
    with kept(home) as opened:
        active(opened.slots)
    assert "a  claude  in_progress" in said(home, "slots", "list"), "what is left of a former one is told"


def test_a_calendar_without_slots_says_so(home: Home) -> None:
    assert said(home, "slots", "list") == "no slots\n"
    answer = call_json(home, "slots", "list")
    assert (answer["enabled"], answer["backend"]) == (True, "http")


def test_slots_are_told_with_what_the_backend_does_not_know_yet(home: Home) -> None:
    with kept(home) as opened:
        recall = active(opened.slots, "at-work")
        opened.slots.take(listed("waits", title="Retro\x1b[2J\nnow"), NOW + 1)
        opened.slots.undelivered(opened.slots.outbox(1)[0].id, "connection refused")
    answer = call_json(home, "slots", "list")
    at_work, waits = answer["slots"]
    assert at_work == {
        "slot": "at-work",
        "agent": "claude",
        "title": "Standup",
        "message": "Write the standup.",
        "state": "in_progress",
        "listed_at": "2026-11-21T12:00:00.000Z",
        "started_at": "2026-11-21T12:00:00.000Z",
        "reason": None,
        "recall": recall.id,
        "agent_ended": False,
    }
    assert (waits["slot"], waits["state"], waits["started_at"]) == ("waits", "queued", None)
    assert answer["outbox"] == [
        {
            "slot": "at-work",
            "status": "in_progress",
            "summary": None,
            "reason": None,
            "made_at": "2026-11-21T12:00:00.000Z",
            "tries": 1,
            "problem": "connection refused",
        }
    ]
    assert said(home, "slots", "list").splitlines() == [
        "at-work  claude  in_progress  since 2026-11-21T12:00:00.000Z  Standup",
        "waits  claude  queued  listed 2026-11-21T12:00:00.001Z  Retro\ufffd[2J now",
        "the backend has not been told yet:",
        "at-work  in_progress  since 2026-11-21T12:00:00.000Z  tries 1: connection refused",
    ]


def test_of_what_is_over_the_newest_are_told_and_all_when_asked(home: Home) -> None:
    with kept(home) as opened:
        for number, name in enumerate(("one", "two", "three")):
            opened.slots.take(listed(name), NOW)
            opened.slots.resolve(name, SlotState.ABORTED, NOW + number, reason=f"replaced {number}")
    newest = call_json(home, "slots", "list")["history"]
    assert [each["slot"] for each in newest] == ["two", "three"]
    assert newest[1] == {
        "slot": "three",
        "agent": "claude",
        "title": "Standup",
        "status": "aborted",
        "started_at": None,
        "resolved_at": "2026-11-21T12:00:00.002Z",
        "reason": "replaced 2",
        "summary": None,
        "recall": None,
    }
    every = call_json(home, "slots", "list", "--all")["history"]
    assert [each["slot"] for each in every] == ["one", "two", "three"]
    shown = said(home, "slots", "list").splitlines()
    assert shown[:2] == ["over:", "two  claude  aborted  2026-11-21T12:00:00.001Z  Standup  replaced 1"]


def test_a_slot_is_completed_once(home: Home) -> None:
    with kept(home) as opened:
        begin(opened, active(opened.slots))
    done = call_json(home, "slots", "complete", "a", "--summary", " All sent. ")
    assert (done["slot"], done["status"], done["summary"]) == ("a", "completed", "All sent.")
    assert done["resolved_at"] > "2026"
    with kept(home) as opened:
        assert told(opened.slots)[-1] == ("a", SlotState.COMPLETED)
        ((_, run),) = opened.store.under_way()
        assert run.confirmed_at is not None
    for words in (
        ("complete", "a", "--summary", "x"),
        ("abort", "a", "--reason", "x"),
        ("pause", "a"),
        ("resume", "a"),
    ):
        assert refused(home, "slots", *words) == "The slot a is completed already."


def test_a_slot_is_aborted_also_one_that_waits(home: Home) -> None:
    with kept(home) as opened:
        active(opened.slots)
        opened.slots.take(listed("b"), NOW)
    assert said(home, "slots", "abort", "a", "--reason", "A holiday.") == "slot a is aborted\n"
    assert said(home, "slots", "abort", "b", "--reason", "A holiday.") == "slot b is aborted\n"
    history = call_json(home, "slots", "list")["history"]
    assert [(each["slot"], each["reason"]) for each in history] == [
        ("a", "A holiday."),
        ("b", "A holiday."),
    ]


def test_a_slot_is_paused_and_resumed_and_says_where_nothing_changes(home: Home) -> None:
    with kept(home) as opened:
        active(opened.slots)
        opened.slots.take(listed("b"), NOW)
    assert said(home, "slots", "pause", "a", "--reason", "lunch") == "slot a is paused\n"
    assert said(home, "slots", "pause", "a") == "slot a is paused already\n"
    assert "a  claude  paused  since" in said(home, "slots", "list")
    assert call_json(home, "slots", "list")["slots"][0]["reason"] == "lunch"
    answer = call_json(home, "slots", "resume", "a")
    assert (answer["state"], answer["changed"], answer["reason"]) == ("in_progress", True, None)
    assert said(home, "slots", "resume", "a") == "slot a is not paused\n"
    assert call_json(home, "slots", "resume", "a")["changed"] is False
    for command in ("pause", "resume"):
        assert refused(home, "slots", command, "b") == (
            "The slot b is queued: claude has not been woken for it yet, but it can be aborted."
        )


def test_a_slot_whose_agent_has_ended_asks_for_its_end(home: Home) -> None:
    with kept(home) as opened:
        carry_out(opened, active(opened.slots))
        opened.slots.note_agent_ended("a", "it has not confirmed")
    assert (
        said(home, "slots", "list")
        .splitlines()[0]
        .endswith("it has not confirmed  its agent has ended: complete or abort it")
    )


@pytest.mark.parametrize("id_", ["unknown", "", " ", "\x1b[2J", "\udcff"])
def test_a_slot_that_is_not_known_is_refused_and_none_is_guessed(home: Home, id_: str) -> None:
    with kept(home) as opened:
        active(opened.slots)
    told_as = id_ if id_ == "unknown" else repr(id_)
    for words in (("complete", id_, "--summary", "x"), ("abort", id_, "--reason", "x"), ("pause", id_)):
        assert refused(home, "slots", *words) == (
            f"There is no slot {told_as}: `iai-daemon slots list` shows them."
        )
    assert call_json(home, "slots", "list")["slots"][0]["state"] == "in_progress"


@pytest.mark.parametrize("text", ["", "  ", "x" * 2001, "\udcff"])
def test_what_the_backend_is_told_is_a_text_with_a_bound(home: Home, text: str) -> None:
    with kept(home) as opened:
        active(opened.slots)
    for command, option in (("complete", "--summary"), ("abort", "--reason")):
        why = refused(home, "slots", command, "a", option, text, status=2)
        assert why == f"The {option[2:]} must be a text of 1 to 2,000 characters."
    for command in ("complete", "abort"):
        assert call(home, "slots", command, "a").returncode == 2
    assert call_json(home, "slots", "list")["slots"][0]["state"] == "in_progress"


def test_every_command_has_help_with_an_example() -> None:
    for name, each in slots.commands.items():
        assert isinstance(each, click.Command)
        assert f"Example: iai-daemon slots {name}" in (each.help or "")
        assert {"--home", "--json"} <= {option for each in each.params for option in each.opts}


def test_settings_that_are_wrong_are_named(home: Home) -> None:
    home.config.write_text("[calendar]\nback = 1\n")
    assert "calendar" in refused(home, "slots", "list", status=78)
    with_agents(home, CALENDAR)
    assert load(home).calendar.history == 2
    assert not re.search("Traceback", call(home, "slots", "list").stderr)
