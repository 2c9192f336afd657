"""What IdleDreamScheduler promises, in time that passes only when a test says so."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import math
from decimal import Decimal
from typing import Any

import pytest

from iai_daemon.dreaming import IdleDreamScheduler
from tests.dreaming.conftest import Said
from tests.dreaming.world import TIMEOUT, Dreamer, HandClock, run, settle, stop


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


def at_rest(scheduler: IdleDreamScheduler) -> bool:
    return scheduler.user_active.is_set() and not scheduler.is_dreaming


# 1. The timeout.


def test_a_dream_begins_when_the_timeout_has_passed_since_the_start_and_not_before(
    scheduler: IdleDreamScheduler, clock: HandClock, dreamer: Dreamer
) -> None:
    async def story() -> None:
        await scheduler.start()
        await clock.let_pass(TIMEOUT - 0.001)
        assert at_rest(scheduler)
        await clock.let_pass(0.001)
        assert scheduler.is_dreaming
        assert dreamer.dreaming == 1
        await scheduler.stop()

    run(story())


def test_the_timeout_counts_from_the_last_tool_call(
    scheduler: IdleDreamScheduler, clock: HandClock, dreamer: Dreamer
) -> None:
    async def story() -> None:
        await scheduler.start()
        for _ in range(5):
            await clock.let_pass(TIMEOUT - 1)
            scheduler.notify_tool_call()
        await clock.let_pass(TIMEOUT - 1)
        assert not dreamer.began
        await clock.let_pass(1)
        assert dreamer.began == [clock.awake]
        await scheduler.stop()

    run(story())


def test_starting_counts_as_activity(
    scheduler: IdleDreamScheduler, clock: HandClock, dreamer: Dreamer
) -> None:
    scheduler.notify_tool_call()
    clock.advance(TIMEOUT * 10)

    async def story() -> None:
        await scheduler.start()
        await clock.let_pass(TIMEOUT - 1)
        assert not dreamer.began
        await clock.let_pass(1)
        assert dreamer.began
        await scheduler.stop()

    run(story())


def test_neither_a_step_of_the_wall_clock_nor_a_sleep_of_the_machine_is_idleness(
    scheduler: IdleDreamScheduler, clock: HandClock, dreamer: Dreamer
) -> None:
    async def story() -> None:
        await scheduler.start()
        clock.step(TIMEOUT * 10)
        clock.suspend(TIMEOUT * 10)
        await clock.let_pass(TIMEOUT - 1)
        assert not dreamer.began
        await scheduler.stop()

    run(story())


def test_without_arguments_it_is_enabled_and_waits_for_a_minute(clock: HandClock, dreamer: Dreamer) -> None:
    async def story() -> None:
        scheduler = IdleDreamScheduler(clock=clock)
        scheduler.set_dream_callback(dreamer)
        await scheduler.start()
        await clock.let_pass(59)
        assert not dreamer.began
        await clock.let_pass(1)
        assert dreamer.began
        await scheduler.stop()

    run(story())


@pytest.mark.parametrize("wrong", [0, -1, 0.0001, math.nan, -math.inf, True, "60", None, Decimal(60)])
def test_a_timeout_that_is_no_span_of_time_is_refused_in_one_sentence(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"^idle_timeout must be seconds, at least 0\.001: not .*\.$"):
        IdleDreamScheduler(wrong)


@pytest.mark.parametrize("wrong", [-1, math.nan, math.inf, "5", None])
def test_a_grace_that_is_no_span_of_time_is_refused_in_one_sentence(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"^grace must be seconds, 0 or more and finite: not .*\.$"):
        IdleDreamScheduler(grace=wrong)


def test_an_infinite_timeout_means_never(clock: HandClock, dreamer: Dreamer) -> None:
    async def story() -> None:
        scheduler = IdleDreamScheduler(math.inf, clock=clock)
        scheduler.set_dream_callback(dreamer)
        await scheduler.start()
        await clock.let_pass(1e9)
        assert not dreamer.began
        await scheduler.stop()

    run(story())


# 2. The master switch.


def test_disabled_nothing_starts_and_the_log_says_so(clock: HandClock, dreamer: Dreamer, said: Said) -> None:
    async def story() -> None:
        scheduler = IdleDreamScheduler(TIMEOUT, enabled=False, clock=clock)
        scheduler.set_dream_callback(dreamer)
        for _ in range(3):
            scheduler.notify_tool_call()
        assert said.at(logging.INFO) == ["Idle dreaming is disabled: nothing starts."]
        await scheduler.start()
        assert len(said.at(logging.INFO)) == 2
        scheduler.notify_tool_call()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await clock.let_pass(TIMEOUT * 3)
        assert not scheduler.is_running
        assert at_rest(scheduler)
        await scheduler.stop()

    run(story())
    assert not dreamer.began


# 3. Tool calls.


def test_a_thousand_calls_cost_no_task_and_no_wakeup_more_than_one(
    scheduler: IdleDreamScheduler, clock: HandClock, dreamer: Dreamer
) -> None:
    async def story() -> None:
        await scheduler.start()
        await settle()
        tasks, waits = asyncio.all_tasks(), clock.waits
        for _ in range(1000):
            scheduler.notify_tool_call()
            clock.advance(0.001)
        await settle()
        assert asyncio.all_tasks() == tasks
        assert clock.waits == waits
        await clock.let_pass(TIMEOUT - 1)  # the monitor has looked once, and waits for the rest
        assert clock.waits == waits + 1
        await clock.let_pass(1)
        assert len(dreamer.began) == 1
        await scheduler.stop()

    run(story())


def test_a_tool_call_is_no_coroutine_and_needs_no_event_loop(scheduler: IdleDreamScheduler) -> None:
    scheduler.notify_tool_call()
    scheduler.notify_tool_call()
    assert not scheduler.is_running
    assert at_rest(scheduler)


# 4. A dream.


def test_while_a_dream_runs_the_signal_is_clear_and_the_work_is_given_the_scheduler(
    scheduler: IdleDreamScheduler, clock: HandClock
) -> None:
    seen: list[tuple[IdleDreamScheduler, bool, bool]] = []

    async def dream(given: IdleDreamScheduler) -> None:
        seen.append((given, given.user_active.is_set(), given.is_dreaming))

    async def story() -> None:
        assert scheduler.user_active.is_set()
        scheduler.set_dream_callback(dream)
        await scheduler.start()
        await clock.let_pass(TIMEOUT)
        assert seen == [(scheduler, False, True)]
        assert at_rest(scheduler)
        await scheduler.stop()

    run(story())


def test_without_a_callback_the_dream_is_skipped_and_a_full_timeout_passes_again(
    clock: HandClock, dreamer: Dreamer, said: Said
) -> None:
    async def story() -> None:
        scheduler = IdleDreamScheduler(TIMEOUT, clock=clock)
        await scheduler.start()
        await clock.let_pass(TIMEOUT)
        assert said.at(logging.DEBUG) == ["A dream is skipped: no callback is set."]
        assert at_rest(scheduler)
        scheduler.set_dream_callback(dreamer)
        await clock.let_pass(TIMEOUT - 1)
        assert not dreamer.began
        await clock.let_pass(1)
        assert dreamer.began
        await scheduler.stop()

    run(story())


def test_another_callback_takes_over_with_the_next_dream(
    scheduler: IdleDreamScheduler, clock: HandClock, dreamer: Dreamer
) -> None:
    async def story() -> None:
        other = Dreamer(clock)
        await scheduler.start()
        await clock.let_pass(TIMEOUT)
        scheduler.set_dream_callback(other)
        assert (dreamer.dreaming, other.dreaming) == (1, 0)
        scheduler.notify_tool_call()
        await clock.let_pass(TIMEOUT)
        assert (dreamer.dreaming, other.dreaming) == (0, 1)
        await scheduler.stop()

    run(story())


def test_what_cannot_be_called_is_refused_as_a_callback(scheduler: IdleDreamScheduler) -> None:
    coroutine: Any = "dream"
    with pytest.raises(TypeError, match="The dream callback must be an async function: not 'dream'"):
        scheduler.set_dream_callback(coroutine)


# 5. A tool call during a dream.


def test_a_tool_call_during_a_dream_sets_the_signal_at_once_and_the_work_stops(
    scheduler: IdleDreamScheduler, clock: HandClock, dreamer: Dreamer
) -> None:
    async def story() -> None:
        dreamer.lasts = 1000
        await scheduler.start()
        await clock.let_pass(TIMEOUT + 10)
        assert scheduler.is_dreaming
        assert not scheduler.user_active.is_set()
        scheduler.notify_tool_call()
        assert scheduler.user_active.is_set()
        assert scheduler.is_dreaming
        await clock.let_pass(1)  # the work looks once a second
        assert dreamer.ended == [clock.awake]
        assert at_rest(scheduler)
        await scheduler.stop()

    run(story())


def test_work_that_does_not_look_runs_to_its_end_and_stays_told(
    scheduler: IdleDreamScheduler, clock: HandClock, dreamer: Dreamer
) -> None:
    async def story() -> None:
        dreamer.lasts, dreamer.heeds = 3 * TIMEOUT, False
        await scheduler.start()
        await clock.let_pass(TIMEOUT + 1)
        scheduler.notify_tool_call()
        await clock.let_pass(3 * TIMEOUT - 2)
        assert scheduler.is_dreaming
        assert scheduler.user_active.is_set()
        await clock.let_pass(1)
        assert at_rest(scheduler)
        assert len(dreamer.began) == 1
        await scheduler.stop()

    run(story())


# 6. Errors.


class _NoException(BaseException):
    """As test frameworks raise."""


@pytest.mark.parametrize("error", [OSError("the disk is full"), _NoException("enough")])
def test_an_error_is_logged_with_its_cause_and_the_next_dream_comes(
    scheduler: IdleDreamScheduler, clock: HandClock, said: Said, error: BaseException
) -> None:
    dreams: list[float] = []

    async def dream(_: IdleDreamScheduler) -> None:
        dreams.append(clock.awake)
        raise error

    async def story() -> None:
        scheduler.set_dream_callback(dream)
        await scheduler.start()
        await clock.let_pass(TIMEOUT)
        assert said.at(logging.ERROR) == [f"The dream failed: {type(error).__name__}: {error}"]
        assert said.records[-1].exc_info
        assert said.records[-1].exc_info[1] is error
        assert at_rest(scheduler)
        assert scheduler.is_running
        await clock.let_pass(TIMEOUT)
        assert len(dreams) == 2
        await scheduler.stop()

    run(story())


def test_a_callback_that_returns_nothing_to_await_is_a_failed_dream(
    scheduler: IdleDreamScheduler, clock: HandClock, said: Said
) -> None:
    plain: Any = lambda _: 42  # noqa: E731 -- what a type checker would refuse

    async def story() -> None:
        scheduler.set_dream_callback(plain)
        await scheduler.start()
        await clock.let_pass(TIMEOUT)
        (message,) = said.at(logging.ERROR)
        assert message.endswith("The dream callback must be an async function: it returned 42.")
        assert at_rest(scheduler)
        assert scheduler.is_running
        await scheduler.stop()

    run(story())


def test_a_plain_function_that_returns_something_to_await_will_do(
    scheduler: IdleDreamScheduler, clock: HandClock, dreamer: Dreamer
) -> None:
    async def story() -> None:
        scheduler.set_dream_callback(lambda given: asyncio.ensure_future(dreamer(given)))
        await scheduler.start()
        await clock.let_pass(TIMEOUT)
        assert scheduler.is_dreaming
        await scheduler.stop()
        assert dreamer.dreaming == 0

    run(story())


def test_work_that_is_cancelled_from_within_does_not_cancel_the_monitor(
    scheduler: IdleDreamScheduler, clock: HandClock, said: Said
) -> None:
    async def dream(_: IdleDreamScheduler) -> None:
        raise asyncio.CancelledError

    async def story() -> None:
        scheduler.set_dream_callback(dream)
        await scheduler.start()
        await clock.let_pass(2 * TIMEOUT)
        assert said.at(logging.WARNING) == ["The dream was cancelled before its end."] * 2
        assert at_rest(scheduler)
        assert scheduler.is_running
        await scheduler.stop()

    run(story())


# 7. After a dream.


@pytest.mark.parametrize("fails", [False, True])
def test_after_a_dream_a_full_timeout_passes_before_the_next(
    scheduler: IdleDreamScheduler, clock: HandClock, dreamer: Dreamer, fails: bool
) -> None:
    async def story() -> None:
        dreamer.lasts, dreamer.fails = 2.5 * TIMEOUT, fails
        await scheduler.start()
        await clock.let_pass(3.5 * TIMEOUT)
        assert dreamer.ended == [clock.awake]
        await clock.let_pass(TIMEOUT - 1)
        assert len(dreamer.began) == 1
        await clock.let_pass(1)
        assert len(dreamer.began) == 2
        await stop(scheduler, clock)

    run(story())


def test_after_a_dream_that_gave_way_a_full_timeout_passes_from_its_end_too(
    scheduler: IdleDreamScheduler, clock: HandClock, dreamer: Dreamer
) -> None:
    async def story() -> None:
        dreamer.lasts, dreamer.heeds = 40, False
        await scheduler.start()
        await clock.let_pass(TIMEOUT + 1)
        scheduler.notify_tool_call()
        await clock.let_pass(39 + TIMEOUT - 1)
        assert len(dreamer.began) == 1
        await clock.let_pass(1)
        assert len(dreamer.began) == 2
        await stop(scheduler, clock)

    run(story())


# 8. Starting.


def test_tool_calls_before_the_start_start_it_once(
    scheduler: IdleDreamScheduler, clock: HandClock, dreamer: Dreamer
) -> None:
    async def story() -> None:
        for _ in range(5):
            scheduler.notify_tool_call()
        assert scheduler.is_running
        await settle()
        assert len(asyncio.all_tasks()) == 2
        await clock.let_pass(TIMEOUT)
        assert len(dreamer.began) == 1
        assert dreamer.most_at_a_time == 1
        await scheduler.stop()

    run(story())


def test_a_second_start_changes_nothing(
    scheduler: IdleDreamScheduler, clock: HandClock, dreamer: Dreamer
) -> None:
    async def story() -> None:
        scheduler.notify_tool_call()
        await scheduler.start()
        await clock.let_pass(TIMEOUT - 1)
        await scheduler.start()
        await settle()
        assert len(asyncio.all_tasks()) == 2
        await clock.let_pass(1)
        assert len(dreamer.began) == 1
        await scheduler.start()
        assert not scheduler.user_active.is_set()
        await scheduler.stop()

    run(story())


def test_after_a_stop_only_start_starts_it_again(
    scheduler: IdleDreamScheduler, clock: HandClock, dreamer: Dreamer
) -> None:
    async def story() -> None:
        await scheduler.start()
        await scheduler.stop()
        scheduler.notify_tool_call()
        await clock.let_pass(3 * TIMEOUT)
        assert not scheduler.is_running
        assert not dreamer.began
        await scheduler.start()
        await clock.let_pass(TIMEOUT - 1)
        assert not dreamer.began
        await clock.let_pass(1)
        assert dreamer.dreaming == 1
        await scheduler.stop()

    run(story())


def test_stopped_before_it_ever_started_a_tool_call_starts_nothing(scheduler: IdleDreamScheduler) -> None:
    async def story() -> None:
        await scheduler.stop()
        scheduler.notify_tool_call()
        assert not scheduler.is_running
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(story())


def test_what_a_tool_call_carries_with_it_does_not_follow_into_the_dreams(clock: HandClock) -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user", default="nobody")
    seen: list[str] = []

    async def dream(_: IdleDreamScheduler) -> None:
        seen.append(user.get())

    async def story() -> None:
        scheduler = IdleDreamScheduler(TIMEOUT, clock=clock)
        scheduler.set_dream_callback(dream)

        async def request() -> None:
            user.set("whoever called first")
            scheduler.notify_tool_call()

        await asyncio.create_task(request())
        await clock.let_pass(TIMEOUT)
        await scheduler.stop()
        user.set("the server")
        await scheduler.start()
        await clock.let_pass(TIMEOUT)
        await scheduler.stop()

    run(story())
    assert seen == ["nobody", "the server"]


# 10. What one can ask.


def test_one_can_ask_at_any_time_whether_it_runs_and_whether_it_dreams(
    scheduler: IdleDreamScheduler, clock: HandClock
) -> None:
    async def story() -> None:
        assert (scheduler.is_running, scheduler.is_dreaming) == (False, False)
        await scheduler.start()
        assert (scheduler.is_running, scheduler.is_dreaming) == (True, False)
        await clock.let_pass(TIMEOUT)
        assert (scheduler.is_running, scheduler.is_dreaming) == (True, True)
        scheduler.notify_tool_call()
        await settle()
        assert (scheduler.is_running, scheduler.is_dreaming) == (True, False)
        await scheduler.stop()
        assert (scheduler.is_running, scheduler.is_dreaming) == (False, False)

    run(story())
