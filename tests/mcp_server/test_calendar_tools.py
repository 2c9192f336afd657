"""The tools for slots of the calendar as an agent meets them: the real server, the official client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import jsonschema
import pytest
from mcp import ClientSession

from iai_daemon.agenda.recall import Recall, State
from iai_daemon.agenda.slot import SlotState
from iai_daemon.agenda.store.opening import OpenedAgenda, open_agenda
from iai_daemon.agenda.store.recalls import Outcome
from iai_daemon.clock import read
from iai_daemon.control.server import ControlServer
from iai_daemon.paths import Home
from tests.mcp_server.test_recall_tools import AGENT, ask, own_start, refused, talk
from tests.mcp_server.test_tools import TOOLS
from tests.stores.recalls import add, once
from tests.stores.slots import active, begin, listed, told

CALENDAR = '[calendar]\nurl = "http://127.0.0.1:9/api"\ninterval = "45s"\nhistory = 3\n'
SLOT_TOOLS = [
    "calendar_status",
    "calendar_complete",
    "calendar_abort",
    "calendar_pause",
    "calendar_resume",
]
# Every session of who has a calendar pays for these before its first word, beside the others.
_MOST_CHARACTERS = 500


@pytest.fixture(autouse=True)
def _settings(home: Home) -> None:
    home.config.write_text(CALENDAR + AGENT)


@contextmanager
def kept(home: Home) -> Iterator[OpenedAgenda]:
    opened = open_agenda(home)
    yield opened
    opened.close()


def at_work(opened: OpenedAgenda, recall: Recall, token: str | None = None) -> int:
    """Its agent is this process: the server is below it."""
    run = begin(opened, recall, read().milliseconds, token)
    opened.store.started(run, os.getpid(), own_start())
    return run


@asynccontextmanager
async def daemon(home: Home, calendar: Mapping[str, object]) -> AsyncIterator[list[str]]:
    """What a daemon answers; and what it was asked."""
    asked: list[str] = []

    async def status(_params: object, _notify: object) -> Mapping[str, object]:
        asked.append("status")
        return {"agenda": {"calendar": calendar}}

    async def look(_params: object, _notify: object) -> Mapping[str, object]:
        asked.append("look")
        return {}

    failures: list[Exception] = []
    server = ControlServer(home.socket, {"status": status, "look": look}, failures.append)
    await server.open()
    try:
        yield asked
    finally:
        await server.close()
    assert not failures


async def described(session: ClientSession) -> dict[str, dict[str, Any]]:
    answer = (await session.list_tools()).model_dump(mode="json", by_alias=True)
    return {tool["name"]: tool for tool in answer["tools"]}


def test_who_has_no_calendar_is_offered_none_of_its_tools(home: Home) -> None:
    home.config.write_text(AGENT)

    async def conversation(session: ClientSession) -> None:
        assert list(await described(session)) == TOOLS
        assert "There is no tool calendar_status" in await refused(session, "calendar_status")

    talk(home, conversation)


def test_who_has_one_gets_five_that_are_short_and_say_what_they_do(home: Home) -> None:
    async def conversation(session: ClientSession) -> None:
        tools = await described(session)
        assert list(tools) == [*TOOLS, *SLOT_TOOLS]
        costs = [tools[name]["description"] for name in SLOT_TOOLS]
        for name in SLOT_TOOLS:
            costs += [each["description"] for each in tools[name]["inputSchema"]["properties"].values()]
        assert sum(map(len, costs)) <= _MOST_CHARACTERS
        assert not [text for text in costs if "\n" in text or "  " in text]
        hints = {
            name: (
                tools[name]["annotations"]["readOnlyHint"],
                tools[name]["annotations"]["destructiveHint"],
                tools[name]["annotations"]["idempotentHint"],
                tools[name]["annotations"]["openWorldHint"],
            )
            for name in SLOT_TOOLS
        }
        notes, hides = (False, False, True, False), (False, True, True, False)
        assert hints == {
            "calendar_status": (True, False, True, False),
            "calendar_complete": notes,
            "calendar_abort": hides,
            "calendar_pause": notes,
            "calendar_resume": notes,
        }
        required = {name: tools[name]["inputSchema"].get("required", []) for name in SLOT_TOOLS}
        assert required == {
            **{name: [] for name in SLOT_TOOLS},
            "calendar_complete": ["summary"],
            "calendar_abort": ["reason"],
        }

    talk(home, conversation)


def test_an_agent_sees_its_own_slots_and_completes_the_one_that_it_was_woken_for(home: Home) -> None:
    """Also where another one of its own started later."""
    with kept(home) as opened:
        run = at_work(opened, active(opened.slots, "mine", agent="claude"), "secret")
        active(opened.slots, "later", read().milliseconds, "claude")
        active(opened.slots, "theirs", agent="codex")
        opened.slots.take(listed("waits"), 0)
        opened.slots.take(listed("was-theirs", "codex"), 0)
        opened.slots.resolve("was-theirs", SlotState.ABORTED, 1, reason="replaced")

    async def conversation(session: ClientSession) -> None:
        status = await ask(session, "calendar_status")
        assert [each["slot"] for each in status["active"]] == ["mine", "later"]
        assert (status["queued"], status["history"]) == (["waits"], [])
        done = await ask(session, "calendar_complete", summary="All sent.")
        assert (done["slot"], done["status"], done["summary"]) == ("mine", "completed", "All sent.")
        assert await refused(session, "calendar_complete", summary="Again.") == (
            "The slot mine is completed already."
        ), "the other one is not meant"
        assert await refused(session, "calendar_abort", slot="theirs", reason="x") == (
            "The slot theirs is one of codex, not of claude."
        )
        status = await ask(session, "calendar_status")
        assert [each["slot"] for each in status["active"]] == ["later"]
        assert [each["slot"] for each in status["history"]] == ["mine"]
        await ask(session, "calendar_abort", slot="later", reason="A holiday.")

    talk(home, conversation)
    with kept(home) as opened:
        assert told(opened.slots)[-2:] == [("mine", SlotState.COMPLETED), ("later", SlotState.ABORTED)]
        opened.store.end(run, Outcome(State.UNCONFIRMED, 0, "", "x"), read().milliseconds)
        assert opened.store.history(1, 1)[0].state is State.DONE, "completing it confirmed the run"
        assert opened.slots.slot("theirs").state is SlotState.IN_PROGRESS


def test_an_agent_that_was_woken_for_something_else_means_its_slot_that_started_last(home: Home) -> None:
    with kept(home) as opened:
        at_work(opened, add(opened.store, once("another-session")))
        for number, name in enumerate(("early", "late")):
            active(opened.slots, name, 10 + number)
        active(opened.slots, "theirs", 50, "codex")

    async def conversation(session: ClientSession) -> None:
        assert (await ask(session, "calendar_pause", reason="lunch"))["slot"] == "late"
        assert (await ask(session, "calendar_complete", summary="x"))["slot"] == "late"
        assert (await ask(session, "calendar_complete", summary="x"))["slot"] == "early"
        assert await refused(session, "calendar_complete", summary="x") == (
            "No slot of claude is active: there is none to which this could be done."
        )

    talk(home, conversation)


def test_who_was_not_woken_sees_every_slot_and_names_the_one_where_there_are_several(home: Home) -> None:
    with kept(home) as opened:
        active(opened.slots, "a", 5)
        active(opened.slots, "b", 6, "codex")

    async def conversation(session: ClientSession) -> None:
        assert [each["slot"] for each in (await ask(session, "calendar_status"))["active"]] == ["a", "b"]
        assert await refused(session, "calendar_pause") == (
            "Several slots are active: say which one is meant, of a, b."
        )
        paused = await ask(session, "calendar_pause", slot=" b ", reason="lunch")
        assert (paused["state"], paused["reason"]) == ("paused", "lunch")
        assert (await ask(session, "calendar_pause", slot="b"))["reason"] == "lunch"
        assert (await ask(session, "calendar_resume", slot="b"))["state"] == "in_progress"
        await ask(session, "calendar_abort", slot="b", reason="A holiday.")
        assert (await ask(session, "calendar_resume"))["slot"] == "a"
        await ask(session, "calendar_complete", summary="x")
        assert await refused(session, "calendar_complete", summary="x") == (
            "No slot is active: there is none to which this could be done."
        )
        assert await refused(session, "calendar_pause", slot="c") == (
            "There is no slot c: `iai-daemon slots list` shows them."
        )

    talk(home, conversation)


def test_the_history_has_as_many_as_the_settings_say(home: Home) -> None:
    with kept(home) as opened:
        for number in range(5):
            opened.slots.take(listed(f"slot-{number}"), number)
            opened.slots.resolve(f"slot-{number}", SlotState.COMPLETED, number, summary="done")

    async def conversation(session: ClientSession) -> None:
        history = (await ask(session, "calendar_status"))["history"]
        assert [each["slot"] for each in history] == ["slot-2", "slot-3", "slot-4"]
        assert history[0]["resolved_at"] == "1970-01-01T00:00:00.002Z"

    talk(home, conversation)


def test_what_only_the_daemon_knows_comes_from_it_and_it_looks_at_once(home: Home) -> None:
    heard_at = "2026-11-21T12:00:30.000Z"
    with kept(home) as opened:
        active(opened.slots)

    async def conversation(session: ClientSession) -> None:
        alone = await ask(session, "calendar_status")
        assert (alone["enabled"], alone["heartbeat_every"]) == (True, 45.0)
        assert not {"last_heartbeat", "restart_pending"} & set(alone)
        async with daemon(home, {"last_heartbeat": heard_at, "restart_pending": True}) as asked:
            status = await ask(session, "calendar_status")
            await ask(session, "calendar_pause")
            await ask(session, "calendar_resume")
            await ask(session, "calendar_complete", summary="x")
            assert asked == ["status", "look", "look", "look"]
        assert (status["last_heartbeat"], status["restart_pending"]) == (heard_at, True)
        assert status["active"][0]["last_heartbeat"] == heard_at
        for calendar in ({"last_heartbeat": None, "restart_pending": False}, {"enabled": False}, None):
            async with daemon(home, calendar):  # type: ignore[arg-type]
                assert "last_heartbeat" not in await ask(session, "calendar_status")

    talk(home, conversation)


def test_every_answer_is_what_its_schema_says_and_spares_what_is_null(home: Home) -> None:
    with kept(home) as opened:
        for name in ("a", "b"):
            active(opened.slots, name)
        opened.slots.take(listed("c"), 1)

    async def conversation(session: ClientSession) -> None:
        tools = await described(session)
        calls: list[tuple[str, dict[str, Any]]] = [
            ("calendar_status", {}),
            ("calendar_pause", {"slot": "a"}),
            ("calendar_resume", {"slot": "a"}),
            ("calendar_complete", {"slot": "a", "summary": "x"}),
            ("calendar_abort", {"slot": "b", "reason": "x"}),
            ("calendar_abort", {"slot": "c", "reason": "x"}),
            ("calendar_status", {}),
        ]
        for name, arguments in calls:
            answer = await session.call_tool(name, arguments)
            jsonschema.validate(answer.structured_content, tools[name]["outputSchema"])
            assert "null" not in json.dumps(answer.structured_content)
        (before, *_) = [await session.call_tool("calendar_complete", {})]
        assert before.content[0].text == "calendar_complete: summary is missing."  # type: ignore[union-attr]
        why = await refused(session, "calendar_complete", slot="a", summary=" ")
        assert why == "The summary must be a text of 1 to 2,000 characters."
        why = await refused(session, "calendar_pause", id="a")
        assert why == "calendar_pause does not know id: it takes reason, slot."

    talk(home, conversation)


def test_a_server_pays_for_the_agenda_only_when_it_is_asked_for() -> None:
    costly = {"cronsim", "dateutil", "tzlocal", "iai_daemon.agenda"}
    program = (
        f"import sys, iai_daemon.mcp_server.calendar_tools; print(*sorted({costly!r} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
