"""Whatever comes in whatever order: one dream at a time, never within a timeout of activity, and none that is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import example, given
from hypothesis import strategies as some

from iai_daemon.dreaming import IdleDreamScheduler
from tests.dreaming.world import TIMEOUT, Dreamer, HandClock, run, settle

GRACE = 5.0
LONGEST_DREAM = 3 * TIMEOUT

Step = tuple[str, float]

steps = some.lists(
    some.one_of(
        some.tuples(some.just("pass"), some.integers(1, int(2 * TIMEOUT)).map(float)),
        some.tuples(some.just("pass"), some.sampled_from([1.0, TIMEOUT - 1, TIMEOUT, TIMEOUT + 1])),
        some.tuples(some.sampled_from(["call", "call from a thread", "start", "stop"]), some.just(0.0)),
        some.tuples(some.just("dreams last"), some.integers(0, int(LONGEST_DREAM)).map(float)),
        some.tuples(some.sampled_from(["dreams heed", "dreams ignore", "dreams fail"]), some.just(0.0)),
    ),
    max_size=25,
)


@dataclass
class _World:
    """The scheduler, and what a bystander knows of it: the last wish, activity and start."""

    clock: HandClock = field(default_factory=HandClock)
    wanted: bool = False
    ever_stopped: bool = False
    active_at: float = float("-inf")
    stops: list[asyncio.Task[None]] = field(default_factory=list)
    told: int = 0  # the number of the dream that was last told of activity

    def __post_init__(self) -> None:
        self.dreamer = Dreamer(self.clock, lasts=10.0)
        self.scheduler = IdleDreamScheduler(TIMEOUT, clock=self.clock, grace=GRACE)
        self.scheduler.set_dream_callback(self.dreamer)

    async def take(self, step: Step) -> None:
        match step:
            case "pass", seconds:
                await self._let_pass(seconds)
            case "call", _:
                self.scheduler.notify_tool_call()
                self._was_active()
            case "call from a thread", _:
                await asyncio.to_thread(self.scheduler.notify_tool_call)
                self._was_active(starts=False)
            case "start", _:
                await self.scheduler.start()
                if not self.wanted:
                    self.wanted, self.active_at = True, self.clock.awake
            case "stop", _:
                self.stops.append(asyncio.create_task(self.scheduler.stop()))
                self.wanted, self.ever_stopped, self.told = False, True, len(self.dreamer.began)
            case "dreams last", seconds:
                self.dreamer.lasts = seconds
            case word, _:
                self.dreamer.heeds = word == "dreams heed"
                self.dreamer.fails = word == "dreams fail"
        await settle()

    def _was_active(self, *, starts: bool = True) -> None:
        self.active_at, self.told = self.clock.awake, len(self.dreamer.began)
        self.wanted |= starts and not self.ever_stopped

    async def _let_pass(self, seconds: float) -> None:
        """And notice whether a dream begins in this time that should not."""
        before = len(self.dreamer.began)
        await self.clock.let_pass(seconds)
        ends = [float("-inf"), *self.dreamer.ended]
        for number, began in enumerate(self.dreamer.began[before:], before):
            assert self.wanted
            assert began - self.active_at >= TIMEOUT
            assert began - ends[number] >= TIMEOUT

    def check(self) -> None:
        dreamer, scheduler = self.dreamer, self.scheduler
        assert dreamer.most_at_a_time <= 1
        assert scheduler.is_dreaming == bool(dreamer.dreaming)
        undisturbed = bool(dreamer.dreaming) and self.told < len(dreamer.began)
        assert scheduler.user_active.is_set() != undisturbed
        if self.wanted:
            assert scheduler.is_running
        elif not dreamer.dreaming:
            assert not scheduler.is_running
        if self.wanted and not dreamer.dreaming:
            assert self.clock.awake < max(self.active_at, *dreamer.ended, float("-inf")) + TIMEOUT

    async def close(self) -> None:
        await self.take(("stop", 0.0))
        await self.clock.let_pass(2 * GRACE)
        await asyncio.gather(*self.stops)
        assert asyncio.all_tasks() == {asyncio.current_task()}


@given(steps)
@example([("call", 0.0), ("start", 0.0), ("pass", TIMEOUT), ("call", 0.0), ("pass", TIMEOUT)])
@example([("start", 0.0), ("pass", TIMEOUT), ("stop", 0.0), ("start", 0.0), ("pass", TIMEOUT + 10)])
def test_in_any_order(steps: Sequence[Step]) -> None:
    async def story() -> None:
        world = _World()
        world.check()
        for step in steps:
            await world.take(step)
            world.check()
        await world.close()
        world.check()

    run(story())
