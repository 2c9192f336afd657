"""A backend's plan is carried out: each slot once, and the backend is told what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from iai_daemon import config
from iai_daemon.agenda.slot import SlotState
from iai_daemon.agenda.slots.messenger import Messenger
from iai_daemon.units import format_stamp
from tests.agenda.plans import HOUR
from tests.agenda.world import AGENT, BADLY, World

TOGETHER = Callable[[World, "Backend"], Coroutine[Any, Any, None]]


@dataclass
class Backend:
    """A messenger whose backend is made of values: what it `lists`, and what it has been told."""

    world: World
    lists: list[dict[str, Any]] = field(default_factory=list)
    beats: list[Mapping[str, Any]] = field(default_factory=list)
    told: list[tuple[str, str, str | None]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    away: str | None = None
    disagrees: dict[str, str] = field(default_factory=dict)
    muddled: set[str] = field(default_factory=set)

    async def ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        if request["do"] == "beat":
            self.beats.append({**request, "at": self.world.clock.awake})
        if self.away is not None:
            return {"ok": False, "kind": "away", "problem": self.away}
        if request["do"] == "beat":
            heard = {"restart_pending": False, "dropped": [], "next_at": None}
            return {"ok": True, "slots": [dict(each) for each in self.lists], **heard}
        if request["slot"] in self.muddled:
            return {"ok": False, "kind": "bad", "problem": "its answer is longer than 1 MB"}
        self.keys.append(request["key"])
        self.told.append((request["slot"], request["status"], request["reason"] or request["summary"]))
        return {"ok": True, "status": self.disagrees.get(request["slot"])}

    async def close(self) -> None: ...

    def list(self, name: str, agent: str = "a", status: str | None = None) -> None:
        self.lists.append(
            {"id": name, "agent": agent, "title": name, "message": f"Do {name}.", "status": status}
        )


@pytest.fixture
def world(worlds: Callable[..., World]) -> World:
    world = worlds(tick=30.0)
    world.settings = replace(
        world.settings,
        calendar=config.Calendar(url="http://localhost:1/api"),
        agents={"a": AGENT, "b": replace(AGENT, name="b", model="m", command=("/bin/true",))},
    )
    return world


@pytest.fixture
def backend(world: World) -> Backend:
    backend = Backend(world)
    world.messenger = cast("Messenger", backend)
    return backend


def live(world: World, backend: Backend, life: TOGETHER) -> None:
    async def run() -> None:
        try:
            await life(world, backend)
        finally:
            await world.close()

    asyncio.run(run())


def test_the_backend_is_told_who_is_here_at_once_and_every_thirty_seconds(
    world: World, backend: Backend
) -> None:
    async def life(world: World, backend: Backend) -> None:
        world.clients = {"a-code": True}
        await world.live(95)

    live(world, backend, life)
    begun = backend.beats[0]["at"]
    assert [round(each["at"] - begun) for each in backend.beats] == [0, 30, 60, 90]
    assert backend.beats[0]["agents"] == [
        {"id": "a", "model": "", "status": "active"},
        {"id": "b", "model": "m", "status": "offline"},
    ]


def test_a_slot_wakes_its_agent_with_its_message_and_is_completed_when_that_has_ended(
    world: World, backend: Backend
) -> None:
    world.agents.seconds = 100.0
    backend.list("one")

    async def life(world: World, backend: Backend) -> None:
        await world.live(50)
        assert backend.told == [("one", "in_progress", None)]
        assert backend.beats[-1]["agents"][0]["status"] == "working"
        await world.live(500)

    live(world, backend, life)
    assert len(world.agents.began) == 1
    assert backend.told == [("one", "in_progress", None), ("one", "completed", "done")]


def test_what_is_listed_again_and_again_is_done_once_also_after_a_restart(
    world: World, backend: Backend
) -> None:
    backend.list("one")

    async def life(world: World, backend: Backend) -> None:
        await world.live(200)
        world.kill()
        await world.live(200)

    live(world, backend, life)
    assert len(world.agents.began) == 1
    assert [status for _, status, _ in backend.told] == ["in_progress", "completed"]


def test_of_what_waits_for_an_agent_the_newest_wins_and_the_other_is_told_why(
    world: World, backend: Backend
) -> None:
    world.agents.seconds = 300.0
    backend.list("one")

    async def life(world: World, backend: Backend) -> None:
        await world.live(10)
        backend.list("two")
        await world.live(60)
        backend.list("three")
        backend.list("other", "b")
        await world.live(60)
        assert len(world.agents.began) == 2
        await world.live(900)

    live(world, backend, life)
    assert ("two", "aborted", "replaced by slot three") in backend.told
    assert [name for name, status, _ in backend.told if status == "completed"] == ["one", "other", "three"]


def test_a_wake_that_fails_aborts_the_slot_with_the_reason(world: World, backend: Backend) -> None:
    world.agents.how = lambda _: BADLY
    backend.list("one")
    backend.list("two", "nobody")

    async def life(world: World, backend: Backend) -> None:
        await world.live(100)

    live(world, backend, life)
    assert ("one", "aborted", "wake-agent failed: exit status 3") in backend.told
    assert (
        "two",
        "aborted",
        "wake-agent failed: there is no [agents.nobody] in the settings",
    ) in backend.told


def test_where_nobody_answers_it_is_said_and_told_later_in_order_with_the_same_keys(
    world: World, backend: Backend
) -> None:
    world.agents.seconds = 60.0
    backend.list("one")

    async def life(world: World, backend: Backend) -> None:
        await world.live(10)
        backend.away = "the backend cannot be reached (connection refused)"
        backend.list("two")
        await world.live(200)
        (told,) = world.calendar.degraded()
        assert told["why"] == backend.away
        assert world.calendar.describe()["failures"] == 6
        world.kill()
        await world.live(100)
        backend.away = None
        await world.live(200)

    live(world, backend, life)
    assert [(name, status) for name, status, _ in backend.told] == [
        ("one", "in_progress"),
        ("one", "completed"),
        ("two", "in_progress"),
        ("two", "completed"),
    ]
    assert len(set(backend.keys)) == len(backend.keys)


def test_what_is_never_answered_usably_keeps_the_rest_waiting_for_a_day(
    world: World, backend: Backend
) -> None:
    world.settings = replace(
        world.settings,
        calendar=replace(world.settings.calendar, interval=HOUR / 1000),
        lifecycle=replace(world.settings.lifecycle, tick=HOUR / 1000),
    )
    backend.list("one")
    backend.muddled = {"one"}

    async def life(world: World, backend: Backend) -> None:
        await world.live(4 * 3600)
        backend.list("two")
        await world.live(16 * 3600)
        assert backend.told == []
        (told,) = world.calendar.degraded()
        assert told["why"] == "its answer is longer than 1 MB"
        await world.live(12 * 3600)
        assert list(world.calendar.degraded()) == []

    live(world, backend, life)
    assert [(name, status) for name, status, _ in backend.told] == [
        ("two", "in_progress"),
        ("two", "completed"),
    ]


def test_an_agent_that_confirms_leaves_its_slot_in_progress_until_somebody_completes_it(
    world: World, backend: Backend
) -> None:
    world.settings = replace(world.settings, agents={"a": replace(AGENT, confirm=True)})
    backend.list("one")

    async def life(world: World, backend: Backend) -> None:
        await world.live(100)
        backend.list("two")
        await world.live(100)
        assert [(each.id, each.agent_ended) for each in world.mine.slots.open_slots()] == [
            ("one", True),
            ("two", True),
        ]
        world.mine.slots.resolve("one", SlotState.COMPLETED, world.now, summary="all well")
        world.tell_daemon()
        await world.live(1)

    live(world, backend, life)
    assert backend.told[-1] == ("one", "completed", "all well")


def test_a_slot_that_is_aborted_here_ends_its_agent(world: World, backend: Backend) -> None:
    world.agents.seconds = 3000.0
    backend.list("one")

    async def life(world: World, backend: Backend) -> None:
        await world.live(10)
        assert world.agenda.working == {"a"}
        world.mine.slots.resolve("one", SlotState.ABORTED, world.now, reason="not today")
        world.tell_daemon()
        await world.live(1)
        assert world.agenda.working == set()

    live(world, backend, life)
    assert backend.told[-1] == ("one", "aborted", "not today")


def test_the_backends_own_end_of_a_slot_wins(world: World, backend: Backend) -> None:
    world.agents.seconds = 3000.0
    backend.list("one")
    backend.list("two", "b")
    backend.disagrees["two"] = "aborted"

    async def life(world: World, backend: Backend) -> None:
        await world.live(10)
        backend.lists[0]["status"] = "aborted"
        await world.live(60)

    live(world, backend, life)
    assert {each.id: each.state for each in world.mine.slots.past_slots(10)} == {
        "one": SlotState.ABORTED,
        "two": SlotState.ABORTED,
    }
    assert [status for _, status, _ in backend.told] == ["in_progress", "in_progress"]
    # Of the other it was said before its agent had begun.
    assert [call.name for call, _ in world.agents.began] == ["a"]


def test_a_slot_whose_agent_ran_when_the_daemon_died_is_aborted_and_never_started_again(
    world: World, backend: Backend
) -> None:
    world.agents.seconds = 600.0
    backend.list("one")

    async def life(world: World, backend: Backend) -> None:
        await world.live(10)
        world.kill()
        world.agents.seconds = 0.0
        await world.live(100)

    live(world, backend, life)
    assert len(world.agents.began) == 1
    name, status, reason = backend.told[-1]
    assert (name, status) == ("one", "aborted")
    assert (reason or "").startswith("wake-agent failed: the daemon ended while it ran")


def test_a_slot_that_is_paused_stays_so_when_its_agent_has_ended(world: World, backend: Backend) -> None:
    world.agents.seconds = 100.0
    backend.list("one")

    async def life(world: World, backend: Backend) -> None:
        await world.live(10)
        assert world.mine.slots.pause("one", "lunch", world.now)
        world.tell_daemon()
        await world.live(300)
        assert world.mine.slots.slot("one").state is SlotState.PAUSED
        assert world.mine.slots.resume("one", world.now)
        world.mine.slots.resolve("one", SlotState.COMPLETED, world.now, summary="done by hand")
        world.tell_daemon()
        await world.live(1)

    live(world, backend, life)
    assert [status for _, status, _ in backend.told] == ["in_progress", "paused", "in_progress", "completed"]


def test_what_another_machine_has_begun_is_not_begun_here(world: World, backend: Backend) -> None:
    backend.list("theirs", status="in_progress")
    backend.list("done", status="completed")

    async def life(world: World, backend: Backend) -> None:
        await world.live(100)

    live(world, backend, life)
    assert not world.agents.began
    assert not backend.told


def test_what_waits_for_its_agent_for_too_long_is_given_up(worlds: Callable[..., World]) -> None:
    world = worlds(tick=30.0, max_defer=600.0)
    world.settings = replace(
        world.settings,
        calendar=config.Calendar(url="http://localhost:1/api"),
        agents={"a": replace(AGENT, timeout=1e6)},
    )
    backend = Backend(world)
    world.messenger = cast("Messenger", backend)
    world.agents.seconds = 5000.0
    backend.list("one")

    async def life(world: World, backend: Backend) -> None:
        await world.live(10)
        backend.list("two")
        await world.live(700)

    live(world, backend, life)
    assert ("two", "aborted", "wake-agent failed: a was not free for 10 min") in backend.told


def test_an_event_is_asked_for_in_its_moment(world: World, backend: Backend) -> None:
    """An iCalendar knows when its next event begins."""
    asked: list[float] = []

    class Punctual(Backend):
        async def ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
            answer = {**await super().ask(request)}
            asked.append(self.world.clock.wall)
            if len(asked) == 1:
                answer["next_at"] = format_stamp(self.world.clock.wall + 7)
            return answer

    world.messenger = cast("Messenger", Punctual(world))

    async def life(world: World, backend: Backend) -> None:
        await world.live(20)

    live(world, backend, life)
    assert round(asked[1] - asked[0], 1) == 7.0
