"""IdleDreamScheduler and event loops that end, close or follow one another, and tool calls from other threads."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from iai_daemon.clock import Now, SystemClock
from iai_daemon.dreaming import IdleDreamScheduler
from tests.dreaming.conftest import Said
from tests.dreaming.world import TIMEOUT, Dreamer, HandClock, run, settle


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def dreamer(clock: HandClock) -> Dreamer:
    return Dreamer(clock)


@pytest.fixture
def scheduler(clock: HandClock, dreamer: Dreamer) -> IdleDreamScheduler:
    scheduler = IdleDreamScheduler(TIMEOUT, clock=clock)
    scheduler.set_dream_callback(dreamer)
    return scheduler


def _at_rest(scheduler: IdleDreamScheduler) -> bool:
    return not scheduler.is_running and not scheduler.is_dreaming and scheduler.user_active.is_set()


def test_after_its_event_loop_has_ended_it_neither_runs_nor_dreams(
    scheduler: IdleDreamScheduler, clock: HandClock, dreamer: Dreamer
) -> None:
    async def to_the_dream() -> None:
        await scheduler.start()
        await clock.let_pass(TIMEOUT)
        assert scheduler.is_dreaming

    run(to_the_dream())
    assert _at_rest(scheduler)
    assert dreamer.dreaming == 0


@pytest.mark.parametrize("by_call", [False, True])
def test_in_a_new_event_loop_it_starts_anew(
    scheduler: IdleDreamScheduler, clock: HandClock, dreamer: Dreamer, by_call: bool
) -> None:
    async def one_dream() -> None:
        if by_call:
            scheduler.notify_tool_call()
        else:
            await scheduler.start()
        assert scheduler.is_running
        await clock.let_pass(TIMEOUT)
        waiting = asyncio.create_task(scheduler.user_active.wait())  # binds the event to this loop
        await settle()
        assert not waiting.done()
        scheduler.notify_tool_call()
        await settle()
        assert waiting.done()

    run(one_dream())
    run(one_dream())
    assert len(dreamer.began) == 2
    assert _at_rest(scheduler)


def test_a_loop_that_was_closed_in_the_middle_of_a_dream_makes_no_tool_call_raise(
    scheduler: IdleDreamScheduler, clock: HandClock, dreamer: Dreamer
) -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(scheduler.start())
    loop.run_until_complete(clock.let_pass(TIMEOUT))
    assert scheduler.is_dreaming
    pending = asyncio.all_tasks(loop)
    loop.close()
    assert (scheduler.is_running, scheduler.is_dreaming) == (False, False)
    scheduler.notify_tool_call()
    assert _at_rest(scheduler)
    for task in pending:
        task._log_destroy_pending = False  # type: ignore[attr-defined] -- the test itself leaves them
        task.get_coro().close()  # type: ignore[union-attr]

    clock.advance(1)

    async def again() -> None:
        await scheduler.start()
        await clock.let_pass(TIMEOUT)
        assert dreamer.dreaming == 1
        await scheduler.stop()

    run(again())


def test_it_is_told_when_it_is_stopped_in_a_foreign_loop(
    scheduler: IdleDreamScheduler,
) -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(scheduler.start())
    with pytest.raises(RuntimeError, match=r"^stop\(\) must be called in the event loop"):
        run(scheduler.stop())
    assert scheduler.is_running
    loop.run_until_complete(scheduler.stop())
    loop.close()


def test_a_tool_call_from_another_thread_sets_the_signal_and_moves_the_timeout(
    scheduler: IdleDreamScheduler, clock: HandClock, dreamer: Dreamer
) -> None:
    async def story() -> None:
        await scheduler.start()
        await clock.let_pass(TIMEOUT - 1)
        await asyncio.to_thread(scheduler.notify_tool_call)
        await clock.let_pass(TIMEOUT - 1)
        assert not dreamer.began
        await clock.let_pass(1)
        assert scheduler.is_dreaming
        await asyncio.to_thread(scheduler.notify_tool_call)
        await settle()
        assert scheduler.user_active.is_set()
        assert dreamer.dreaming == 0
        await scheduler.stop()

    run(story())


def test_a_tool_call_from_another_thread_starts_nothing(scheduler: IdleDreamScheduler) -> None:
    async def story() -> None:
        await asyncio.to_thread(scheduler.notify_tool_call)
        assert not scheduler.is_running
        assert asyncio.all_tasks() == {asyncio.current_task()}
        scheduler.notify_tool_call()
        assert scheduler.is_running
        await scheduler.stop()

    run(story())


class _Interrupted(HandClock):
    """Another thread calls a tool in the very moment in which the monitor finds a dream due."""

    def __init__(self) -> None:
        super().__init__()
        self.interrupt: Callable[[], None] | None = None

    def advance(self, seconds: float) -> Now:
        interrupt, self.interrupt = (
            self.interrupt,
            None,
        )  # not here, where it is the test that reads the clock
        moment = super().advance(seconds)
        self.interrupt = interrupt
        return moment

    def now(self) -> Now:
        interrupt, self.interrupt = self.interrupt, None
        if interrupt is not None:
            thread = threading.Thread(target=interrupt)
            thread.start()
            thread.join()
        return super().now()


def test_a_call_of_another_thread_in_the_moment_in_which_a_dream_is_due_is_not_lost() -> None:
    async def story() -> None:
        clock = _Interrupted()
        dreamer = Dreamer(clock)
        scheduler = IdleDreamScheduler(TIMEOUT, clock=clock)
        scheduler.set_dream_callback(dreamer)
        await scheduler.start()
        await settle()
        clock.interrupt = scheduler.notify_tool_call
        await clock.let_pass(TIMEOUT)
        assert clock.interrupt is None
        assert not dreamer.began
        assert scheduler.user_active.is_set()
        await clock.let_pass(TIMEOUT)
        assert dreamer.dreaming == 1
        await scheduler.stop()

    run(story())


class _Closing(asyncio.SelectorEventLoop):
    """A loop that closes in the moment in which another thread wants to say something."""

    closing = False

    def call_soon_threadsafe(self, *arguments: Any, **options: Any) -> asyncio.Handle:
        if self.closing:
            raise RuntimeError("Event loop is closed")
        return super().call_soon_threadsafe(*arguments, **options)


def test_a_call_in_the_moment_in_which_the_loop_closes_does_not_raise(
    scheduler: IdleDreamScheduler, clock: HandClock
) -> None:
    loop = _Closing()
    loop.run_until_complete(scheduler.start())
    loop.run_until_complete(clock.let_pass(TIMEOUT))
    assert scheduler.is_dreaming
    loop.closing = True
    scheduler.notify_tool_call()
    loop.closing = False
    loop.run_until_complete(scheduler.stop())
    loop.close()


def test_many_threads_may_call_while_dreams_begin_and_end() -> None:
    """In real time: each dream ends by the call of a thread, and not one of those calls raises or is lost."""
    dreams = 0
    over = threading.Event()
    raised: list[BaseException] = []

    async def dream(scheduler: IdleDreamScheduler) -> None:
        nonlocal dreams
        await scheduler.user_active.wait()
        dreams += 1
        if dreams == 20:
            over.set()

    def caller(scheduler: IdleDreamScheduler) -> None:
        try:
            for _ in range(4000):
                if over.wait(0.005):
                    return
                scheduler.notify_tool_call()
        except BaseException as error:
            raised.append(error)
            raise

    async def story() -> None:
        scheduler = IdleDreamScheduler(0.002, clock=SystemClock())
        scheduler.set_dream_callback(dream)
        await scheduler.start()
        await asyncio.gather(*(asyncio.to_thread(caller, scheduler) for _ in range(2)))
        await scheduler.stop()
        assert _at_rest(scheduler)

    run(story())
    assert dreams >= 20
    assert not raised


def test_a_dream_that_ends_the_program_ends_it(scheduler: IdleDreamScheduler, clock: HandClock) -> None:
    async def dream(_: IdleDreamScheduler) -> None:
        sys.exit(3)

    async def story() -> None:
        scheduler.set_dream_callback(dream)
        await scheduler.start()
        await clock.let_pass(TIMEOUT)

    with pytest.raises(SystemExit, match="3"):
        run(story())
    assert _at_rest(scheduler)


def test_work_that_is_cancelled_with_its_loop_is_told_in_the_log_and_not_an_error(
    scheduler: IdleDreamScheduler, clock: HandClock, said: Said
) -> None:
    async def story() -> None:
        await scheduler.start()
        await clock.let_pass(TIMEOUT)

    run(story())
    assert said.at(logging.WARNING) == ["The dream was cancelled before its end."]
    assert not said.at(logging.ERROR)


def test_it_works_where_tasks_start_eagerly(
    scheduler: IdleDreamScheduler, clock: HandClock, dreamer: Dreamer
) -> None:
    eager = getattr(asyncio, "eager_task_factory", None)
    if eager is None:
        pytest.skip("this Python starts no task eagerly (3.12 does)")

    async def dream(given: IdleDreamScheduler) -> None:
        assert given.is_dreaming
        await dreamer(given)
        await given.stop()

    async def story() -> None:
        asyncio.get_running_loop().set_task_factory(eager)
        scheduler.set_dream_callback(dream)
        scheduler.notify_tool_call()
        scheduler.notify_tool_call()
        await clock.let_pass(TIMEOUT)
        assert dreamer.dreaming == 1
        scheduler.notify_tool_call()
        await settle()
        assert _at_rest(scheduler)

    run(story())
