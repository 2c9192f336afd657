"""An agent is tried out: it takes its place like any other, is nobody's recall, and ends with who asked for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from iai_daemon.agenda.recall import State
from iai_daemon.agenda.waking.trial import HELLO, Trial
from iai_daemon.errors import NoSuchAgent, Refused
from tests.agenda.plans import draft
from tests.agenda.world import AGENT, BADLY, World

SPEAKS = replace(AGENT, command=("/bin/echo", "{session_id}", "{context}"), name="speaks", max_runs_per_day=0)


def live(world: World, life: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    """Run it, and stop the daemon at the end."""

    async def run() -> None:
        try:
            await life(world)
        finally:
            await world.close()

    asyncio.run(run())


async def begun(world: World) -> asyncio.Task[Trial]:
    """A trial that is under way."""
    trial = asyncio.create_task(world.agenda.try_out("speaks"))
    await world.live(0.1)
    assert len(world.agents.began) == 1
    return trial


@pytest.fixture
def world(worlds: Callable[..., World]) -> World:
    world = worlds(max_concurrent=1)
    world.settings = replace(world.settings, agents={"a": AGENT, "speaks": SPEAKS})
    return world


def test_a_trial_says_hello_in_a_session_of_its_own_and_is_no_recall(world: World) -> None:
    async def life(world: World) -> None:
        first, second = [await world.agenda.try_out("speaks") for _ in range(2)]
        assert first.call.argv == ("/bin/echo", first.session_id, f"[Scheduled recall] {HELLO}")
        assert first.session_id != second.session_id
        assert first.to_json()["problem"] is None
        world.agents.how = lambda _: BADLY
        failed = (await world.agenda.try_out("speaks")).to_json()
        assert (failed["exit_status"], failed["problem"], failed["output"]) == (3, "exit status 3", "no")

    live(world, life)
    assert (world.store.history(None, 10), world.store.sessions()) == ([], [])
    assert world.store.spent("speaks", 0, world.now).runs == 0


def test_while_it_is_under_way_it_takes_a_place_and_its_wrappers_are_known(world: World) -> None:
    world.agents.seconds = 60.0
    recall = world.add(draft())

    async def life(world: World) -> None:
        trial = await begun(world)
        assert list(world.agenda.woken) == [(1, None)]
        (told,) = world.agenda.describe_running()
        assert (told["recall"], told["agent"], told["processes"]) == (None, "speaks", [[1, None]])
        with pytest.raises(Refused, match="1 agents are at work"):
            await world.agenda.try_out("speaks")
        await world.live(30)
        assert [each.state for each in world.history(recall)] == [State.PLANNED]
        await world.live(40)
        assert trial.done()
        assert world.history(recall)[0].state is State.RUNNING
        assert list(world.agenda.woken) == [(2, None)]

    live(world, life)


def test_it_ends_with_who_asked_for_it_and_with_the_daemon(world: World) -> None:
    world.agents.seconds = 60.0

    async def life(world: World) -> None:
        trial = await begun(world)
        trial.cancel()
        with pytest.raises(asyncio.CancelledError):
            await trial
        assert (world.agenda.room, dict(world.agenda.woken)) == (1, {})
        world.agents.began.clear()
        trial, agenda = await begun(world), world.agenda
        await agenda.close()
        with pytest.raises(asyncio.CancelledError):
            await trial
        assert dict(agenda.woken) == {}

    live(world, life)


def test_an_agent_that_there_is_not_is_named_with_the_nearest(world: World) -> None:
    async def life(world: World) -> None:
        with pytest.raises(NoSuchAgent, match="speaks"):
            await world.agenda.try_out("speaksy")

    live(world, life)
