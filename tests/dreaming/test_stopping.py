"""How IdleDreamScheduler stops: told, a grace, cancelled, and never hanging on what heeds neither."""

from __future__ import annotations

import asyncio
import logging

import pytest

from iai_daemon.dreaming import IdleDreamScheduler
from tests.dreaming.conftest import Said
from tests.dreaming.world import TIMEOUT, Dreamer, HandClock, run, settle, stop


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


class _Deaf:
    """Work that ignores both the signal and its cancellation, until it is let go."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.cancelled = 0
        self.runs = 0

    async def __call__(self, _: IdleDreamScheduler) -> None:
        self.runs += 1
        while not self.let_go.is_set():
            try:
                await self.let_go.wait()
            except asyncio.CancelledError:
                self.cancelled += 1


class _BrokenClock(HandClock):
    """Waits no more once it is broken."""

    broken = False

    async def wait(self, changed: asyncio.Event, seconds: float) -> bool:
        if self.broken:
            raise OSError("no clock")
        return await super().wait(changed, seconds)


async def _dreaming(clock: HandClock, dreamer: Dreamer | _Deaf, grace: float = 5.0) -> IdleDreamScheduler:
    """A scheduler in its first dream."""
    scheduler = IdleDreamScheduler(TIMEOUT, clock=clock, grace=grace)
    scheduler.set_dream_callback(dreamer)
    await scheduler.start()
    await clock.let_pass(TIMEOUT)
    assert scheduler.is_dreaming
    return scheduler


def _ended(scheduler: IdleDreamScheduler) -> bool:
    return not scheduler.is_running and not scheduler.is_dreaming and scheduler.user_active.is_set()


def test_stop_tells_the_work_and_lets_it_end_by_itself(clock: HandClock, said: Said) -> None:
    async def story() -> None:
        dreamer = Dreamer(clock, lasts=1000)
        scheduler = await _dreaming(clock, dreamer)
        stopping = asyncio.create_task(scheduler.stop())
        await settle()
        assert scheduler.user_active.is_set()
        assert scheduler.is_dreaming
        await clock.let_pass(1)  # the work looks once a second
        assert stopping.done()
        assert _ended(scheduler)
        assert dreamer.dreaming == 0

    run(story())
    assert not said.at(logging.WARNING)


@pytest.mark.parametrize("grace", [5.0, 20.0])
def test_work_that_does_not_end_within_the_grace_is_cancelled(
    clock: HandClock, said: Said, grace: float
) -> None:
    async def story() -> None:
        dreamer = Dreamer(clock, lasts=1000)
        dreamer.heeds = False
        scheduler = await _dreaming(clock, dreamer, grace)
        stopping = asyncio.create_task(scheduler.stop())
        await clock.let_pass(grace - 0.5)
        assert scheduler.is_dreaming
        await clock.let_pass(0.5)
        assert stopping.done()
        assert _ended(scheduler)
        assert dreamer.ended == [clock.awake]

    run(story())
    assert said.at(logging.WARNING) == [
        f"The dream did not end within {grace:g} s of stop(): it is cancelled.",
        "The dream was cancelled before its end.",
    ]


def test_without_a_grace_the_work_is_cancelled_at_once(clock: HandClock) -> None:
    async def story() -> None:
        dreamer = Dreamer(clock, lasts=1000)
        scheduler = await _dreaming(clock, dreamer, grace=0)
        await scheduler.stop()
        assert _ended(scheduler)
        assert dreamer.dreaming == 0

    run(story())


def test_work_that_ignores_its_cancellation_does_not_hold_up_the_stop_for_ever(
    clock: HandClock, said: Said
) -> None:
    async def story() -> None:
        deaf = _Deaf()
        scheduler = await _dreaming(clock, deaf)
        stopping = asyncio.create_task(scheduler.stop())
        await clock.let_pass(10)
        assert stopping.done()
        assert not scheduler.is_running
        assert scheduler.is_dreaming, "it says so as long as it is so"
        assert said.at(logging.ERROR) == [
            "The dream ignores its cancellation: it is left, and none begins before it has ended."
        ]
        await scheduler.stop()
        await scheduler.start()
        await clock.let_pass(2 * TIMEOUT)
        assert deaf.runs == 1
        assert scheduler.user_active.is_set()
        deaf.let_go.set()
        await settle()
        assert not scheduler.is_dreaming
        await clock.let_pass(TIMEOUT - 1)
        assert deaf.runs == 1
        await clock.let_pass(1)
        assert deaf.runs == 2
        await scheduler.stop()
        assert deaf.cancelled == 1

    run(story())


def test_stopping_twice_or_without_a_start_is_no_error(clock: HandClock) -> None:
    async def story() -> None:
        await IdleDreamScheduler(clock=clock).stop()
        scheduler = await _dreaming(clock, Dreamer(clock))
        await asyncio.gather(scheduler.stop(), scheduler.stop())
        await scheduler.stop()
        assert _ended(scheduler)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(story())


def test_stopping_while_it_waits_wakes_it_and_leaves_no_task(clock: HandClock) -> None:
    async def story() -> None:
        scheduler = IdleDreamScheduler(TIMEOUT, clock=clock)
        await scheduler.start()
        await settle()
        await scheduler.stop()
        assert not scheduler.is_running
        await scheduler.start()
        await scheduler.stop()  # before the monitor has taken its first step
        assert not scheduler.is_running
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(story())


def test_a_dream_may_stop_the_scheduler_that_it_runs_in(clock: HandClock) -> None:
    steps: list[str] = []

    async def dream(scheduler: IdleDreamScheduler) -> None:
        await scheduler.stop()
        steps.append(f"told: {scheduler.user_active.is_set()}, dreaming: {scheduler.is_dreaming}")

    async def story() -> None:
        scheduler = IdleDreamScheduler(TIMEOUT, clock=clock)
        scheduler.set_dream_callback(dream)
        await scheduler.start()
        await clock.let_pass(TIMEOUT)
        assert _ended(scheduler)
        await clock.let_pass(3 * TIMEOUT)

    run(story())
    assert steps == ["told: True, dreaming: True"]


def test_a_dream_that_stops_the_scheduler_and_goes_on_has_the_grace_and_no_more(clock: HandClock) -> None:
    async def dream(scheduler: IdleDreamScheduler) -> None:
        await scheduler.stop()
        await asyncio.Event().wait()

    async def story() -> None:
        scheduler = IdleDreamScheduler(TIMEOUT, clock=clock)
        scheduler.set_dream_callback(dream)
        await scheduler.start()
        await clock.let_pass(TIMEOUT + 4)
        assert scheduler.is_dreaming
        await clock.let_pass(1)
        assert _ended(scheduler)

    run(story())


def test_a_dream_may_restart_the_scheduler_that_it_runs_in(clock: HandClock) -> None:
    dreams: list[float] = []

    async def dream(scheduler: IdleDreamScheduler) -> None:
        dreams.append(clock.awake)
        await scheduler.stop()
        await scheduler.start()

    async def story() -> None:
        scheduler = IdleDreamScheduler(TIMEOUT, clock=clock)
        scheduler.set_dream_callback(dream)
        await scheduler.start()
        await clock.let_pass(3 * TIMEOUT)
        assert scheduler.is_running
        assert len(dreams) == 3
        await scheduler.stop()

    run(story())


def test_a_start_while_it_is_being_stopped_begins_when_that_has_come_to_its_end(clock: HandClock) -> None:
    async def story() -> None:
        dreamer = Dreamer(clock, lasts=1000)
        dreamer.heeds = False
        scheduler = await _dreaming(clock, dreamer)
        stopping = asyncio.create_task(scheduler.stop())
        await clock.let_pass(1)
        await scheduler.start()
        await clock.let_pass(4)
        assert stopping.done()
        assert dreamer.dreaming == 0
        assert scheduler.is_running
        await clock.let_pass(TIMEOUT - 1)
        assert len(dreamer.began) == 1
        await clock.let_pass(1)
        assert len(dreamer.began) == 2
        assert dreamer.most_at_a_time == 1
        await stop(scheduler, clock)

    run(story())


def test_of_stop_start_stop_in_one_moment_the_last_one_holds(clock: HandClock) -> None:
    async def story() -> None:
        dreamer = Dreamer(clock, lasts=1000)
        scheduler = await _dreaming(clock, dreamer)
        first = asyncio.create_task(scheduler.stop())
        await settle()
        await scheduler.start()
        second = asyncio.create_task(scheduler.stop())
        await settle()
        assert not second.done(), "the first one's dream still runs"
        await clock.let_pass(1)
        assert first.done()
        assert second.done()
        assert _ended(scheduler)

    run(story())


def test_who_gives_up_waiting_for_the_stop_does_not_prevent_it(clock: HandClock) -> None:
    async def story() -> None:
        dreamer = Dreamer(clock, lasts=1000)
        scheduler = await _dreaming(clock, dreamer)
        stopping = asyncio.create_task(scheduler.stop())
        await settle()
        stopping.cancel()
        await settle()
        assert stopping.cancelled()
        assert scheduler.is_dreaming
        await clock.let_pass(1)
        assert _ended(scheduler)

    run(story())


def test_an_error_while_it_is_being_stopped_does_not_come_out_of_the_stop(
    clock: HandClock, said: Said
) -> None:
    async def story() -> None:
        dreamer = Dreamer(clock)
        dreamer.fails = True
        scheduler = await _dreaming(clock, dreamer)
        await scheduler.stop()
        assert _ended(scheduler)

    run(story())
    assert said.at(logging.ERROR) == ["The dream failed: OSError: the disk is full"]


def test_whoever_cancels_the_monitor_alone_ends_the_dream_too(clock: HandClock) -> None:
    async def story() -> None:
        dreamer = Dreamer(clock, lasts=1000)
        scheduler = IdleDreamScheduler(TIMEOUT, clock=clock)
        scheduler.set_dream_callback(dreamer)
        await scheduler.start()
        (monitor,) = asyncio.all_tasks() - {asyncio.current_task()}
        await clock.let_pass(TIMEOUT)
        assert scheduler.is_dreaming
        monitor.cancel()
        await settle()
        assert _ended(scheduler)
        assert dreamer.dreaming == 0

    run(story())


def test_work_that_outlives_its_cancelled_monitor_is_told(clock: HandClock) -> None:
    async def story() -> None:
        deaf = _Deaf()
        scheduler = IdleDreamScheduler(TIMEOUT, clock=clock)
        scheduler.set_dream_callback(deaf)
        await scheduler.start()
        (monitor,) = asyncio.all_tasks() - {asyncio.current_task()}
        await clock.let_pass(TIMEOUT)
        monitor.cancel()
        await settle()
        assert deaf.cancelled == 1
        assert (scheduler.is_running, scheduler.is_dreaming) == (False, True)
        assert scheduler.user_active.is_set()
        deaf.let_go.set()
        await settle()
        assert _ended(scheduler)

    run(story())


def test_a_monitor_that_has_crashed_does_not_count_as_running_and_can_be_started_again(said: Said) -> None:
    async def story() -> None:
        clock = _BrokenClock()
        dreamer = Dreamer(clock)
        scheduler = await _dreaming(clock, dreamer)
        clock.broken = True
        scheduler.notify_tool_call()
        await settle()
        assert _ended(scheduler)
        scheduler.notify_tool_call()
        await settle()
        assert _ended(scheduler)
        (message,) = said.at(logging.ERROR)
        assert message == "Idle dreaming has ended by an error of its own: only start() begins it again."
        clock.broken = False
        await scheduler.start()
        await clock.let_pass(TIMEOUT)
        assert dreamer.dreaming == 1
        await scheduler.stop()

    run(story())


def test_a_monitor_that_crashes_during_a_dream_ends_it(said: Said) -> None:
    async def story() -> None:
        clock = _BrokenClock()
        dreamer = Dreamer(clock, lasts=1000)
        scheduler = await _dreaming(clock, dreamer)
        clock.broken = True
        await scheduler.stop()
        await settle()
        assert _ended(scheduler)
        assert dreamer.dreaming == 0

    run(story())
    assert len(said.at(logging.ERROR)) == 1
