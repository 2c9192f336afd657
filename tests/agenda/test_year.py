"""A year in zones whose clocks do odd things, with daemons that are stopped, killed and put to sleep at random moments: every
occurrence is accounted for, none has run twice, none is silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest

from iai_daemon.agenda.recall import CatchUp, Occurrence, Overlap, Policy, Recall, State
from iai_daemon.agenda.schedule.triggers import Trigger, made_cron, made_every, made_rrule, next_after
from tests.agenda.plans import HOUR, MINUTE, draft
from tests.agenda.world import World
from tests.fakes import LONG
from tests.faults.seeds import luck

PLACES = [
    ("America/New_York", 2026),
    ("Australia/Lord_Howe", 2026),
    ("America/Sao_Paulo", 2018),
    ("Pacific/Apia", 2011),
]
DAYS = 366
# Half an hour of summer time, and a day that never was; the two that are like most others with LONG.
SHOWN = PLACES if LONG else [PLACES[1], PLACES[3]]
# What is put off is asked about this often; a minute, as it is by default, makes a long test of it.
ASK_AGAIN = 60.0 if LONG else 1800.0
OVER = {State.DONE, State.FAILED, State.MISSED, State.SKIPPED, State.UNCONFIRMED}


def plans(zone: str, now: int) -> Iterator[tuple[Trigger, Policy]]:
    """What people plan: nightly, at midnight, on workdays, every so often; made up for in each of the three ways."""
    yield made_cron("30 2 * * *", zone, now), Policy(catch_up=CatchUp.ALL)
    yield made_cron("0 0 * * *", zone, now), Policy()
    yield made_cron("15 1 * * 1-5", zone, now), Policy(catch_up=CatchUp.SKIP)
    yield made_every("24h", zone, now), Policy(overlap=Overlap.QUEUE)
    yield made_every("7h", zone, now), Policy(jitter=20 * MINUTE)
    yield (
        made_rrule("FREQ=WEEKLY;BYDAY=MO,FR;BYHOUR=9;BYMINUTE=0;BYSECOND=0", zone, now),
        Policy(catch_up_window=6 * HOUR),
    )


async def live_through(world: World, until: float, luck: Random) -> None:
    """Days of work and rest, with ends of every sort between them."""
    while world.clock.wall < until:
        world.busy = {"0": "its session is at work"} if luck.random() < 0.2 else {}
        world.agents.seconds = luck.choice([0.0, 5.0, 600.0, 5 * 3600.0])
        await world.live(luck.uniform(0.0, 6 * 86_400.0))
        away = luck.choice([1.0, 600.0, 3 * 3600.0, 2 * 86_400.0])
        match luck.randrange(4):
            case 0:
                await world.close()
                world.clock.advance(away)
            case 1:
                world.kill()
                world.clock.advance(away)
            case 2:
                world.clock.suspend(away)
            case 3:
                world.clock.step(luck.choice([-3600.0, 90.0]))
    world.busy = {}
    world.agents.seconds = 0.0
    await world.live(3 * 86_400.0)
    await world.close()


def silent(recall: Recall, story: list[Occurrence], planned: list[int]) -> list[int]:
    """The planned firings of which nothing tells: no row of their own, and none that counts them."""
    rows = {each.scheduled_for: each for each in story}
    ordered = sorted(rows)
    lost = []
    for before, after in pairwise(ordered):
        between = [each for each in planned if before < each < after]
        told = rows[before].swallowed, rows[after].swallowed - rows[before].swallowed - 1
        if between and len(between) not in told:
            lost += between
    return lost + [each for each in planned if each < ordered[0] or each > ordered[-1]]


@pytest.mark.parametrize(("zone", "year"), SHOWN)
def test_a_year_with_all_that_can_happen_loses_and_doubles_nothing(
    worlds: Callable[..., World], zone: str, year: int
) -> None:
    begin = datetime(year, 1, 1, 12, tzinfo=ZoneInfo(zone)).timestamp()
    world = worlds(wall=begin, tick=6 * 3600.0, defer_when_busy=ASK_AGAIN)
    recalls = [
        world.add(draft(str(number), trigger, policy=policy))
        for number, (trigger, policy) in enumerate(plans(zone, world.now))
    ]
    asyncio.run(live_through(world, begin + DAYS * 86_400, luck(f"the year {year}")))
    for recall in recalls:
        story = world.history(recall)
        past = [each for each in story if each.state is not State.PLANNED]
        assert {each.state for each in past} <= OVER
        assert all(each.reason for each in past if each.state is not State.DONE)
        assert all(len(world.store.runs(each.id)) <= 1 for each in past)
        assert sum(each.state is State.PLANNED for each in story) == 1
        planned, moment = [], int(begin * 1000)
        while (moment := next_after(recall.trigger, moment) or world.now) < world.now:
            planned.append(moment)
        assert not silent(recall, story, planned)
    assert len(world.agents.began) > 300
