"""What is due is done once and at its time, or it is said why not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from iai_daemon.agenda.planning import following
from iai_daemon.agenda.recall import CatchUp, Overlap, Policy, Recall, State, Status
from iai_daemon.agenda.schedule.triggers import Trigger, made_at
from iai_daemon.agenda.waking.wake import Ended
from iai_daemon.units import format_stamp
from tests.agenda.plans import HOUR, HOURLY, MINUTE, NOON, draft
from tests.agenda.world import AGENT, BADLY, World

LIFE = Callable[[World], Coroutine[Any, Any, None]]


def live(world: World, life: LIFE) -> None:
    """Run it, and stop the daemon at the end."""

    async def run() -> None:
        try:
            await life(world)
        finally:
            await world.close()

    asyncio.run(run())


def at(moment: int) -> Trigger:
    return made_at(format_stamp(moment / 1000), "UTC", NOON)


def states(world: World, recall: Recall) -> list[tuple[int, State]]:
    """Its occurrences in whole minutes from noon, and their states."""
    return [((each.scheduled_for - NOON) // MINUTE, each.state) for each in world.history(recall)]


def test_an_hourly_recall_fires_at_each_full_hour_and_is_planned_again(world: World) -> None:
    recall = world.add(draft())

    async def life(world: World) -> None:
        await world.live(2.5 * 3600)

    live(world, life)
    assert states(world, recall) == [
        (0, State.DONE),
        (60, State.DONE),
        (120, State.DONE),
        (180, State.PLANNED),
    ]
    assert [round(wall - NOON / 1000) for _, wall in world.agents.began] == [0, 3600, 7200]
    assert world.store.recall(recall.id).status is Status.PENDING


def test_a_run_that_takes_long_does_not_move_the_plan(world: World) -> None:
    recall = world.add(draft())
    world.agents.seconds = 50 * 60

    async def life(world: World) -> None:
        await world.live(2.9 * 3600)

    live(world, life)
    assert [minute for minute, _ in states(world, recall)] == [0, 60, 120, 180]


def test_a_recall_for_once_is_fired_and_at_its_end(world: World) -> None:
    recall = world.add(draft(trigger=at(NOON + HOUR)))

    async def life(world: World) -> None:
        await world.live(2 * 3600)

    live(world, life)
    assert states(world, recall) == [(60, State.DONE)]
    assert world.store.recall(recall.id).status is Status.FIRED


def test_a_new_recall_that_is_due_earlier_is_acted_on_before_the_next_tick(world: World) -> None:
    async def life(world: World) -> None:
        world.add(draft(trigger=at(NOON + HOUR)))
        await world.live(60)
        world.add(draft("other", at(NOON + 2 * MINUTE)))
        await world.live(120)

    live(world, life)
    assert [round(wall - NOON / 1000) for _, wall in world.agents.began] == [120]


def test_a_busy_session_puts_it_off_by_a_minute_each_time_visibly(world: World) -> None:
    recall = world.add(draft(trigger=at(NOON + MINUTE)))

    async def life(world: World) -> None:
        world.busy["s"] = "its session is at work in claude-code"
        await world.live(5.5 * 60)
        world.busy.clear()
        await world.live(600)

    live(world, life)
    (fired,) = world.history(recall)
    assert (fired.state, fired.deferrals) == (State.DONE, 5)
    told = world.store.deferrals(fired.id)
    assert [(each.at - NOON) // MINUTE for each in told] == [1, 2, 3, 4, 5]
    assert {each.reason for each in told} == {"its session is at work in claude-code"}
    assert [(each.until - each.at) // MINUTE for each in told] == [1] * 5


def test_at_most_three_agents_are_at_work_and_the_fourth_is_next(world: World) -> None:
    recalls = [world.add(draft(f"s{number}", at(NOON + MINUTE))) for number in range(4)]
    world.agents.seconds = 600.0

    async def life(world: World) -> None:
        await world.live(300)
        assert len(world.agents.began) == 3
        await world.live(600)

    live(world, life)
    assert len(world.agents.began) == 4
    assert [round(wall - NOON / 1000) for _, wall in world.agents.began] == [60, 60, 60, 660]
    (last,) = world.history(recalls[3])
    assert last.deferrals == 0


def test_an_agent_can_plan_its_own_next_and_its_session_is_busy_meanwhile(world: World) -> None:
    first = world.add(draft(trigger=at(NOON + MINUTE)))
    world.agents.seconds = 600.0

    async def life(world: World) -> None:
        await world.live(120)
        second = world.add(draft(trigger=at(NOON + 3 * MINUTE)))
        await world.live(1800)
        (late,) = world.history(second)
        assert late.state is State.DONE
        assert world.store.deferrals(late.id)[0].reason == f"its session is busy with recall {first.id}"

    live(world, life)


def test_what_was_claimed_but_not_begun_when_the_daemon_died_is_done_by_the_next(world: World) -> None:
    recall = world.add(draft(trigger=at(NOON + MINUTE)))
    world.clock.advance(61)
    (planned,) = world.history(recall)
    assert world.store.claim(planned.id, "dead", world.now + HOUR, None, world.now)

    async def life(world: World) -> None:
        await world.live(60)

    live(world, life)
    assert len(world.agents.began) == 1
    assert states(world, recall) == [(1, State.DONE)]


def test_what_ran_when_the_daemon_died_is_never_repeated_and_says_that_its_end_is_unknown(
    world: World,
) -> None:
    recall = world.add(draft(policy=Policy(retries=5)))
    world.agents.seconds = 600.0

    async def life(world: World) -> None:
        await world.live(60)
        world.kill()
        world.clock.advance(120)
        world.agents.seconds = 0.0
        await world.live(3600)

    live(world, life)
    assert states(world, recall) == [(0, State.FAILED), (60, State.DONE), (120, State.PLANNED)]
    assert "not known" in (world.history(recall)[0].reason or "")
    assert len(world.agents.began) == 2


def test_what_failed_is_tried_again_with_growing_pauses_and_then_failed(world: World) -> None:
    recall = world.add(draft(trigger=at(NOON + MINUTE), policy=Policy(retries=2, backoff=MINUTE)))
    world.agents.how = lambda _: BADLY

    async def life(world: World) -> None:
        await world.live(3600)

    live(world, life)
    assert [round(wall - NOON / 1000) for _, wall in world.agents.began] == [60, 120, 240]
    (failed,) = world.history(recall)
    assert (failed.state, failed.attempts, failed.reason) == (State.FAILED, 3, "exit status 3")
    assert world.store.recall(recall.id).status is Status.FAILED
    assert [run.exit_status for run in world.store.runs(failed.id)] == [3, 3, 3]


def test_a_recurring_recall_whose_run_fails_goes_on(world: World) -> None:
    recall = world.add(draft())
    world.agents.how = lambda _: BADLY

    async def life(world: World) -> None:
        await world.live(1.5 * 3600)

    live(world, life)
    assert states(world, recall) == [(0, State.FAILED), (60, State.FAILED), (120, State.PLANNED)]
    assert world.store.recall(recall.id).status is Status.PENDING


def test_without_its_confirmation_a_run_is_unconfirmed(world: World) -> None:
    world.settings = replace(world.settings, agents={"a": replace(AGENT, confirm=True)})
    quiet = world.add(draft("quiet", at(NOON + MINUTE)))
    says_so = world.add(draft("says so", at(NOON + 2 * MINUTE)))

    async def life(world: World) -> None:
        await world.live(90)

        def confirm(call: Any) -> Ended:
            token = call.environment["IAI_DAEMON_RECALL_TOKEN"]
            assert world.store.confirm("wrong", world.now) is None
            assert world.store.confirm(token, world.now) is not None
            return Ended(0, "", 1.0, None)

        world.agents.how = confirm
        await world.live(90)

    live(world, life)
    assert states(world, quiet) == [(1, State.UNCONFIRMED)]
    assert world.store.recall(quiet.id).status is Status.FAILED
    assert states(world, says_so) == [(2, State.DONE)]


def test_beyond_its_runs_a_day_an_agent_is_not_started_and_that_is_said(world: World) -> None:
    world.settings = replace(world.settings, agents={"a": replace(AGENT, max_runs_per_day=2)})
    recall = world.add(draft(policy=Policy(catch_up=CatchUp.SKIP)))

    async def life(world: World) -> None:
        await world.live(2.5 * 3600)
        assert len(world.agents.began) == 2
        (told,) = world.agenda.degraded()
        assert told["what"] == "agent a"
        assert told["why"] == "the limit of 2 runs a day for a is reached"
        await world.live(20 * 3600)
        assert len(world.agents.began) == 2
        await world.live(4 * 3600)
        assert len(world.agents.began) == 4

    live(world, life)
    missed = [each for each in world.history(recall) if each.state is State.MISSED]
    assert missed
    assert all("limit of 2 runs" in (each.reason or "") for each in missed)


def test_an_agent_is_ended_when_its_minutes_a_day_are_used_up(world: World) -> None:
    world.settings = replace(
        world.settings, agents={"a": replace(AGENT, max_minutes_per_day=20.0, timeout=900.0)}
    )
    world.add(draft("one", at(NOON + MINUTE)))
    world.add(draft("two", at(NOON + MINUTE)))
    third = world.add(draft("three", at(NOON + MINUTE)))
    world.agents.seconds = 120.0

    async def life(world: World) -> None:
        await world.live(100)
        assert [call.timeout for call, _ in world.agents.began] == [900.0, 300.0]
        assert world.history(third)[0].reason == "the limit of 20 min of running a day for a is reached"
        await world.live(600)

    live(world, life)
    # The two have used four of the minutes, not twenty.
    assert states(world, third) == [(1, State.DONE)]


def test_a_recall_of_a_closed_session_is_cancelled_with_a_warning(world: World) -> None:
    recall = world.add(draft(trigger=at(NOON + MINUTE)))

    async def life(world: World) -> None:
        await world.live(10)
        world.store.close_session("s", world.now)
        await world.live(600)

    live(world, life)
    assert not world.agents.began
    assert world.store.recall(recall.id).status is Status.CANCELLED


def test_a_paused_recall_skips_and_goes_on_with_its_plan_when_it_is_resumed(world: World) -> None:
    recall = world.add(draft())

    async def life(world: World) -> None:
        await world.live(60)
        world.store.pause(recall.id, world.now)
        await world.live(2.5 * 3600)
        world.store.resume(recall.id, following(recall, world.now), world.now)
        await world.live(3600)

    live(world, life)
    assert [state for _, state in states(world, recall)][:4] == [
        State.DONE,
        State.SKIPPED,
        State.SKIPPED,
        State.DONE,
    ]


def test_a_cancelled_recall_runs_to_the_end_of_its_run_and_not_again(world: World) -> None:
    recall = world.add(draft(policy=Policy(retries=3)))
    world.agents.seconds = 600.0
    world.agents.how = lambda _: BADLY

    async def life(world: World) -> None:
        await world.live(60)
        assert world.store.cancel(recall.id, "cancelled", world.now)
        await world.live(2 * 3600)

    live(world, life)
    assert states(world, recall) == [(0, State.FAILED), (60, State.CANCELLED)]
    assert len(world.agents.began) == 1


def test_a_clock_that_is_set_back_fires_nothing_twice(world: World) -> None:
    recall = world.add(draft())

    async def life(world: World) -> None:
        await world.live(90 * 60)
        world.clock.step(-3600)
        await world.live(3600)
        assert len(world.agents.began) == 2
        await world.live(3600)

    live(world, life)
    assert states(world, recall) == [
        (0, State.DONE),
        (60, State.DONE),
        (120, State.DONE),
        (180, State.PLANNED),
    ]


def test_a_clock_that_was_wrong_by_years_does_not_silence_a_recall_for_years(world: World) -> None:
    recall = world.add(draft())

    async def life(world: World) -> None:
        await world.live(60)
        world.clock.step(4 * 365 * 86_400)
        await world.live(2 * 3600)
        world.clock.step(-4 * 365 * 86_400)
        await world.live(3 * 3600)

    live(world, life)
    late = [state for minute, state in states(world, recall) if minute < 600]
    assert late.count(State.DONE) >= 3
    assert late[-1] is State.PLANNED


def test_after_a_suspend_the_newest_is_made_up_for_and_says_for_how_many_it_stands(world: World) -> None:
    recall = world.add(draft())

    async def life(world: World) -> None:
        await world.live(60)
        world.clock.suspend(5 * 3600)
        await world.live(3600)

    live(world, life)
    story = world.history(recall)
    made_up = [each for each in story if each.state is State.DONE][1]
    assert (made_up.scheduled_for - NOON, made_up.swallowed) == (5 * HOUR, 4)
    assert len(world.agents.began) == 3
    first_missed = story[1]
    assert first_missed.state is State.SKIPPED
    assert "nothing ran at its time" in (first_missed.reason or "")


def test_under_skip_a_downtime_is_missed_as_a_whole_and_counted(world: World) -> None:
    recall = world.add(draft(policy=Policy(catch_up=CatchUp.SKIP)))

    async def life(world: World) -> None:
        await world.live(60)
        await world.close()
        world.clock.advance(5.5 * 3600)
        await world.live(3600)

    live(world, life)
    missed = [each for each in world.history(recall) if each.state is State.MISSED]
    assert sum(1 + each.swallowed for each in missed) == 5
    assert len(world.agents.began) == 2


def test_under_all_each_is_made_up_for_one_after_the_other(world: World) -> None:
    recall = world.add(draft(policy=Policy(catch_up=CatchUp.ALL)))
    world.agents.seconds = 60.0

    async def life(world: World) -> None:
        await world.live(600)
        await world.close()
        world.clock.advance(5 * 3600)
        await world.live(3000)

    live(world, life)
    assert [state for _, state in states(world, recall)] == [State.DONE] * 6 + [State.PLANNED]


@pytest.mark.parametrize(("overlap", "runs"), [(Overlap.SKIP, 2), (Overlap.QUEUE, 3), (Overlap.ALLOW, 4)])
def test_a_run_that_is_not_over_when_the_next_is_due(world: World, overlap: Overlap, runs: int) -> None:
    recall = world.add(draft(policy=Policy(overlap=overlap)))
    world.agents.seconds = 90 * 60

    async def life(world: World) -> None:
        await world.live(3.9 * 3600)
        assert len(world.agents.began) == runs

    live(world, life)
    assert world.history(recall)


def test_an_agent_that_the_settings_do_not_know_is_degraded_and_in_the_end_missed(
    worlds: Callable[..., World],
) -> None:
    world = worlds(defer_when_busy=1800.0)
    recall = world.add(draft(trigger=at(NOON + MINUTE), agent="gone"))

    async def life(world: World) -> None:
        await world.live(300)
        (told,) = world.agenda.degraded()
        assert "[agents.gone]" in told["why"]
        await world.live(25 * 3600)

    live(world, life)
    (missed,) = world.history(recall)
    assert missed.state is State.MISSED
    assert "[agents.gone]" in (missed.reason or "")


def test_a_daemon_that_stops_ends_its_agents_and_a_later_one_tries_again_what_may_be(world: World) -> None:
    again = world.add(draft("again", at(NOON + MINUTE), policy=Policy(retries=1)))
    never = world.add(draft("never", at(NOON + MINUTE)))
    world.agents.seconds = 600.0

    async def life(world: World) -> None:
        await world.live(120)
        await world.close()
        world.agents.seconds = 0.0
        await world.live(600)

    live(world, life)
    assert states(world, again) == [(1, State.DONE)]
    assert states(world, never) == [(1, State.FAILED)]
    assert "stopped" in (world.history(never)[0].reason or "")


def test_sessions_that_wrappers_name_are_known(world: World) -> None:
    async def life(world: World) -> None:
        await world.live(10)
        world.named[("abc", "file-1")] = "claude-code"
        await world.live(10)
        world.store.close_session("abc", world.now)
        await world.live(10)
        assert not world.store.sessions()
        world.named[("abc", "file-2")] = "claude-code"
        await world.live(10)

    live(world, life)
    (session,) = world.store.sessions()
    assert (session.id, session.client, session.closed_at) == ("abc", "claude-code", None)


def test_jitter_puts_off_by_the_same_time_whoever_asks(world: World) -> None:
    recall = world.add(draft(policy=Policy(jitter=10 * MINUTE)))

    async def life(world: World) -> None:
        await world.live(4 * 3600 - 1)

    live(world, life)
    assert [minute for minute, _ in states(world, recall)][:4] == [0, 60, 120, 180]
    late = [round(wall - NOON / 1000) % 3600 for _, wall in world.agents.began]
    assert all(seconds <= 600 for seconds in late)
    assert len(set(late)) > 1


def test_ten_thousand_at_once_are_all_accounted_for(world: World) -> None:
    limit = 50
    world.settings = replace(world.settings, agents={"a": replace(AGENT, max_runs_per_day=limit)})
    for number in range(10_000):
        world.add(draft(f"s{number}", HOURLY, policy=Policy(catch_up=CatchUp.SKIP)))

    async def life(world: World) -> None:
        await world.live(1.2 * 3600)

    live(world, life)
    done = [each for each in world.history() if each.state is State.DONE]
    assert len(done) == limit
    left = [each for each in world.history() if each.scheduled_for == NOON and each.state is State.PLANNED]
    assert not left
