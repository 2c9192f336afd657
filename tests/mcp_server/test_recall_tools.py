"""The tools for recalls as an agent meets them: the real server, the official client."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import jsonschema
import pytest
from mcp import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client

from iai_daemon.agenda.asking.here import this_user
from iai_daemon.agenda.asking.wishes import When, Wish, draft_of
from iai_daemon.agenda.recall import NewRun, Recall
from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.agenda.store.recalls import AgendaStore, Filter, Viewer
from iai_daemon.clock import read
from iai_daemon.config import load
from iai_daemon.paths import Home
from iai_daemon.presence.processes import SystemProcesses

AGENT = '[agents.claude]\ncommand = ["/bin/echo", "{session_id}", "{context}", "{token}"]\n'
MAY_SCHEDULE = "[agenda]\nagents_may_schedule = true\n"
TOKEN = "secret"
IN_S1 = {"CLAUDE_CODE_SESSION_ID": "s1"}

Conversation = Callable[[ClientSession], Awaitable[None]]


@pytest.fixture(autouse=True)
def _agents(home: Home) -> None:
    home.config.write_text(AGENT)


@asynccontextmanager
async def agent(home: Home, environment: dict[str, str]) -> AsyncIterator[ClientSession]:
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "iai_daemon", "--home", str(home.root), "mcp"],
        cwd=home.root,
        env=environment,
    )
    async with stdio_client(parameters) as (reading, writing), ClientSession(reading, writing) as session:
        await session.initialize()
        yield session


def talk(home: Home, conversation: Conversation, **environment: str) -> None:
    async def main() -> None:
        async with asyncio.timeout(60), agent(home, environment) as session:
            await conversation(session)

    asyncio.run(main())


async def ask(session: ClientSession, tool: str, **arguments: Any) -> dict[str, Any]:
    answer = await session.call_tool(tool, arguments)
    assert not answer.is_error, answer
    assert answer.structured_content is not None
    return answer.structured_content


async def refused(session: ClientSession, tool: str, **arguments: Any) -> str:
    answer = await session.call_tool(tool, arguments)
    assert answer.is_error, answer
    text: str = answer.content[0].text  # type: ignore[union-attr]
    assert "\n" not in text
    return text


@contextmanager
def agenda(home: Home) -> Iterator[AgendaStore]:
    opened = open_agenda(home)
    try:
        yield opened.store
    finally:
        opened.close()


def plan(store: AgendaStore, home: Home, session: str, *, owner: str = "", **when: Any) -> Recall:
    now = read().milliseconds
    wish = Wish("Look.", session, When("UTC", **when), owner or this_user())
    draft, first = draft_of(wish, load(home).agents, home.config, now)
    return store.add(draft, first, now)


def begin(home: Home, session: str, *, pid: int, start: int | None) -> Recall:
    """A recall of this session whose agent is at work below this process."""
    with agenda(home) as store:
        made, now = plan(store, home, session, now=True), read().milliseconds
        (due,) = [each for each in store.due(now, 10) if each.recall.id == made.id]
        assert store.claim(due.occurrence.id, "test", now + 60_000, None, now)
        run = store.begin(due.occurrence.id, "test", NewRun("claude", session, TOKEN), now)
        assert run is not None
        store.started(run, pid, start)
        return made


def own_start() -> int | None:
    process = SystemProcesses().look_up(os.getpid(), read())
    assert process is not None
    return process.start


def ids(answer: dict[str, Any]) -> list[int]:
    return [each["id"] for each in answer["recalls"]]


def test_an_agent_sees_the_recalls_of_its_own_session(home: Home) -> None:
    with agenda(home) as store:
        mine = plan(store, home, "s1", after="1h")
        other = plan(store, home, "s2", every="1h")

    async def conversation(session: ClientSession) -> None:
        answer = await ask(session, "list_recalls")
        assert ids(answer) == [mine.id]
        (told,) = answer["recalls"]
        assert (told["status"], told["call_type"], told["agent"]) == ("pending", "once", "claude")
        assert told["additional_context_message"] == "Look."
        assert "run" not in answer
        assert ids(await ask(session, "list_recalls", session_id="s2")) == [other.id]
        listed = {tool.name: tool for tool in (await session.list_tools()).tools}
        jsonschema.validate(answer, listed["list_recalls"].output_schema or {})

    talk(home, conversation, **IN_S1)


def test_an_agent_whose_session_is_not_known_sees_all_of_its_user_and_names_what_it_touches(
    home: Home,
) -> None:
    with agenda(home) as store:
        made = [plan(store, home, f"s{number}", after=f"{number}h").id for number in (1, 2)]

    async def conversation(session: ClientSession) -> None:
        assert ids(await ask(session, "list_recalls")) == made[::-1]
        assert ids(await ask(session, "list_recalls", limit=1)) == made[1:]
        why = await refused(session, "cancel_recall", id=made[0])
        assert why == "session_id is missing: this client does not tell which session it is."
        assert (await ask(session, "cancel_recall", id=made[0], session_id="s1"))["cancelled"] == made[:1]
        assert ids(await ask(session, "list_recalls", include_past=True)) == made[::-1]

    talk(home, conversation)


def test_an_agent_cancels_what_is_pending_and_touches_another_session_only_by_its_name(home: Home) -> None:
    with agenda(home) as store:
        mine, other = (plan(store, home, session, after="1h") for session in ("s1", "s2"))

    async def conversation(session: ClientSession) -> None:
        why = await refused(session, "cancel_recall", id=other.id)
        assert why.startswith(f"Recall {other.id} is one of another session: give its session_id, too")
        answer = await ask(session, "cancel_recall")
        assert answer["cancelled"] == [mine.id]
        assert answer["recalls"][0]["reason"] == "cancelled by an agent"
        assert (await ask(session, "cancel_recall", id=mine.id))["cancelled"] == []
        assert (await ask(session, "cancel_recall"))["recalls"] == []
        assert (await ask(session, "cancel_recall", session_id="s2"))["cancelled"] == [other.id]
        assert await refused(session, "cancel_recall", id=99) == (
            "There is no recall 99: `iai-daemon recall list` shows them."
        )

    talk(home, conversation, **IN_S1)


def test_what_belongs_to_another_user_is_not_there_for_an_agent(home: Home) -> None:
    with agenda(home) as store:
        theirs = plan(store, home, "s1", owner="somebody-else", after="1h")

    async def conversation(session: ClientSession) -> None:
        assert ids(await ask(session, "list_recalls", include_past=True)) == []
        assert f"There is no recall {theirs.id}" in await refused(session, "cancel_recall", id=theirs.id)
        assert (await ask(session, "cancel_recall"))["cancelled"] == []

    talk(home, conversation, **IN_S1)
    with agenda(home) as store:
        assert store.recall(theirs.id).is_live


def test_an_agent_skips_the_next_time_of_what_recurs(home: Home) -> None:
    with agenda(home) as store:
        recurring = plan(store, home, "s1", every="1h")
        plan(store, home, "s2", after="1h")

    async def conversation(session: ClientSession) -> None:
        (before,) = (await ask(session, "list_recalls"))["recalls"]
        told = await ask(session, "skip_next_recall")
        assert (told["id"], told["skipped"]) == (recurring.id, before["trigger_at"])
        assert told["trigger_at"] > before["trigger_at"]
        assert (await ask(session, "skip_next_recall", id=recurring.id))["skipped"] == told["trigger_at"]
        assert "fires once" in await refused(session, "skip_next_recall", session_id="s2")
        assert await refused(session, "skip_next_recall", session_id="s9") == (
            "0 recalls are to come in the session: say the id of one."
        )

    talk(home, conversation, **IN_S1)


def test_an_agent_plans_nothing_unless_the_user_allows_it(home: Home) -> None:
    async def conversation(session: ClientSession) -> None:
        why = await refused(session, "schedule_recall", message="Look.", **{"in": "1h"})
        assert "agents_may_schedule = true under [agenda] in" in why
        assert ids(await ask(session, "list_recalls")) == []

    talk(home, conversation, **IN_S1)


def test_an_agent_that_may_plans_its_own_next_turn(home: Home) -> None:
    home.config.write_text(MAY_SCHEDULE + AGENT)

    async def conversation(session: ClientSession) -> None:
        made = await ask(session, "schedule_recall", message="Look again.", **{"in": "1h"})
        assert (made["session_id"], made["status"], made["call_type"]) == ("s1", "pending", "once")
        assert made["made_by"].startswith("agent mcp")
        taken = await refused(session, "schedule_recall", message="Look again.", every="1h")
        assert "The session s1 has a pending recall already" in taken
        await ask(session, "cancel_recall")
        made = await ask(session, "schedule_recall", message="x", cron="0 9 * * mon-fri", tz="Europe/Paris")
        assert made["trigger"] == {"kind": "cron", "expression": "0 9 * * mon-fri", "tz": "Europe/Paris"}
        listed = {tool.name: tool for tool in (await session.list_tools()).tools}
        jsonschema.validate(made, listed["schedule_recall"].output_schema or {})

    talk(home, conversation, **IN_S1)
    with agenda(home) as store:
        kept = store.recalls(Viewer("", administrator=True), Filter())
        assert {each.owner for each in kept} == {this_user()}


def test_a_plan_that_cannot_be_is_refused_in_one_sentence(home: Home) -> None:
    home.config.write_text(MAY_SCHEDULE + AGENT)

    async def conversation(session: ClientSession) -> None:
        async def why(**arguments: Any) -> str:
            return await refused(session, "schedule_recall", **{"message": "Look.", **arguments})

        assert "say when, with one of at, in, every and cron" in await why()
        assert "with one of at, in, every and cron" in await why(at="09:00", every="1d")
        assert "is no time to wait" in await why(**{"in": "a while"})
        assert "There is no agent codex" in await why(every="1d", agent="codex")
        assert "for its own session only" in await why(every="1d", session_id="s2")
        assert "1 to 20,000 characters" in await why(every="1d", message=" ")
        assert "There is no time zone" in await why(every="1d", tz="Paris/France")
        assert "does not know now: it takes message, at, in, every" in await why(now=True)

    talk(home, conversation, **IN_S1)


def test_an_agent_whose_session_is_not_known_says_for_which_one_it_plans(home: Home) -> None:
    home.config.write_text(MAY_SCHEDULE + AGENT)

    async def conversation(session: ClientSession) -> None:
        assert "session_id is missing" in await refused(session, "schedule_recall", message="x", every="1d")
        made = await ask(session, "schedule_recall", message="x", every="1d", session_id="s7")
        assert made["session_id"] == "s7"
        why = await refused(session, "schedule_recall", message="x", every="1d", session_id="--yolo")
        assert "does not begin with -" in why

    talk(home, conversation)


def test_a_woken_agent_is_told_its_run_and_confirms_it(home: Home) -> None:
    """This process stands for the agent that was woken: the server is below it."""
    recall = begin(home, "s5", pid=os.getpid(), start=own_start())

    async def conversation(session: ClientSession) -> None:
        answer = await ask(session, "list_recalls")
        assert ids(answer) == [recall.id]
        run = answer["run"]
        assert (run["recall"], run["session_id"], run["message"]) == (recall.id, "s5", "Look.")
        assert (run["needs_confirmation"], run["token"], "confirmed_at" in run) == (True, TOKEN, False)
        assert "there is nothing to confirm" in await refused(session, "confirm_recall", token=TOKEN[:-1])
        confirmed = await ask(session, "confirm_recall", token=run["token"])
        assert confirmed["session_id"] == "s5"
        again = await ask(session, "confirm_recall")
        assert again["confirmed_at"] == confirmed["confirmed_at"]
        assert (await ask(session, "list_recalls"))["run"]["confirmed_at"] == confirmed["confirmed_at"]

    talk(home, conversation, IAI_DAEMON_RECALL_TOKEN=TOKEN, **IN_S1)


def test_a_woken_agent_plans_its_next_turn_in_the_session_that_it_was_woken_for(home: Home) -> None:
    home.config.write_text(MAY_SCHEDULE + AGENT)
    begin(home, "s5", pid=os.getpid(), start=own_start())

    async def conversation(session: ClientSession) -> None:
        made = await ask(session, "schedule_recall", message="And then?", **{"in": "1h"})
        assert (made["session_id"], made["status"]) == ("s5", "pending")
        assert "token" not in (await ask(session, "list_recalls"))["run"]
        assert "token is missing" in await refused(session, "confirm_recall")

    talk(home, conversation)


def test_a_run_that_is_not_above_a_server_is_none_of_its_business(home: Home) -> None:
    start = own_start()
    assert start is not None
    begin(home, "s5", pid=os.getpid(), start=start + 1)

    async def conversation(session: ClientSession) -> None:
        answer = await ask(session, "list_recalls")
        assert (answer["recalls"], "run" in answer) == ([], False)

    talk(home, conversation, **IN_S1)


def test_a_server_pays_for_the_agenda_only_when_it_is_asked_for() -> None:
    costly = {"cronsim", "dateutil", "tzlocal", "iai_daemon.agenda"}
    program = f"import sys, iai_daemon.cli.mcp; print(*sorted({costly!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
