"""What must never break, whatever comes in whatever order."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as some

from iai_daemon.config import Lifecycle
from iai_daemon.lifecycle.decide import Allowed, Asked, Decision, Overdue, Standing, decide
from iai_daemon.lifecycle.states import TRANSITIONS, Event, State
from iai_daemon.presence.classify import Presence, Status, Wrapper
from iai_daemon.units import NEVER
from tests.lifecycle.world import wrapper

NOW = 100_000.0

past = some.floats(NOW - 10_000, NOW)
future = some.floats(NOW, NOW + 10_000)
never = some.just(NEVER)


@dataclass(frozen=True)
class World:
    """Wrappers that do nothing more, a night that falls due at `due_at`, and settings: only time passes here."""

    wrappers: tuple[Wrapper, ...]
    due_at: float
    settings: Lifecycle

    def decide(self, standing: Standing, now: float) -> Decision:
        here = [
            replace(each, status=Status.FRESH if now < each.stale_at else Status.STALE)
            for each in self.wrappers
        ]
        overdue = Overdue(now >= self.due_at, max(0.0, self.due_at - now))
        return decide(standing, Presence(tuple(here)), now, self.settings, overdue)


wrappers = some.lists(
    some.builds(
        wrapper,
        active=some.none() | past,
        settled=past | future,
        stale_at=future | never,
        legacy=some.booleans(),
    ),
    max_size=4,
).map(tuple)
settings = some.builds(
    Lifecycle,
    idle_after=some.floats(0.05, 3000) | never,
    absent_for=some.floats(0, 3000) | never,
    inactive_for=some.floats(0, 9000) | never,
)
standings = some.builds(
    Standing,
    some.sampled_from(State),
    since=past,
    last_active=past,
    absent_since=some.none() | past,
    asked=some.none()
    | some.builds(Asked, some.sampled_from([State.WAKE, State.BEDTIME]), past, future | never),
    rule=some.sampled_from(Event).map(lambda event: event.rule),
)
worlds = some.builds(World, wrappers, future | never, settings)


@given(worlds, standings)
def test_the_state_is_always_one_that_the_table_allows(world: World, standing: Standing) -> None:
    decision = world.decide(standing, NOW)
    assert decision.standing.state in TRANSITIONS[standing.state].values()
    assert decision.changed == (decision.standing.state is not standing.state)
    assert decision.standing.since == (NOW if decision.changed else standing.since)
    assert decision.standing.reason
    assert decision.next_at > NOW
    here = [each for each in world.wrappers if each.stale_at > NOW]
    knocking = any(not each.has_settled(NOW) and each.active_at is None for each in here)
    assert (decision.allowed is Allowed.NONE) == (decision.standing.state is State.WAKE or knocking)


@given(standings, settings, some.lists(some.tuples(some.floats(0, 3000), wrappers), max_size=8))
def test_the_same_sequence_gives_the_same_path_of_legal_states(
    standing: Standing, settings: Lifecycle, looks: list[tuple[float, tuple[Wrapper, ...]]]
) -> None:
    def live() -> list[Decision]:
        here, now, path = standing, NOW, []
        for seconds, seen in looks:
            now += seconds
            path.append(World(seen, NEVER, settings).decide(here, now))
            here = path[-1].standing
        return path

    path = live()
    assert path == live()
    assert {decision.standing.state for decision in path} <= set(State)


@given(worlds, standings, some.floats(0, 1))
def test_a_user_at_work_is_always_wake_unless_he_asked_to_sleep_after_it(
    world: World, standing: Standing, fraction: float
) -> None:
    """Present, and active within idle_after; a wish to sleep that is older than the activity does not hold."""
    active_at = NOW - fraction * min(world.settings.idle_after, 10_000) * 0.999
    world = replace(world, wrappers=(*world.wrappers, wrapper(active=active_at)))
    asked = standing.asked
    asleep = asked and asked.state is State.BEDTIME and asked.until > NOW and asked.at >= _latest(world)
    if not asleep:
        assert world.decide(standing, NOW).standing.state is State.WAKE


def _latest(world: World) -> float:
    """The last activity of a present wrapper, a settling counted as one."""
    here = (each for each in world.wrappers if each.stale_at > NOW)
    deeds = (at for each in here for at in (each.active_at, each.settled_at) if at is not None and at <= NOW)
    return max(deeds, default=-NEVER)


@given(worlds, standings)
def test_nobody_at_work_is_never_wake_unless_it_was(world: World, standing: Standing) -> None:
    """Only somebody at work or a wish wakes; a call or a deed of long ago does not."""
    old = NOW - 2 * 3000.0
    quiet = tuple(
        replace(wrapper(active=old), settled_at=old, stale_at=each.stale_at) for each in world.wrappers
    )
    finite = replace(world.settings, idle_after=min(world.settings.idle_after, 3000.0))
    decision = replace(world, wrappers=quiet, settings=finite).decide(standing, NOW)
    if decision.standing.state is State.WAKE:
        assert standing.state is State.WAKE or (standing.asked and standing.asked.state is State.WAKE)


def _sight(decision: Decision) -> tuple[State, str, Allowed]:
    return decision.standing.state, decision.standing.rule, decision.allowed


@given(worlds, standings, some.floats(0, 1, exclude_max=True))
def test_nothing_changes_before_the_time_that_a_decision_names(
    world: World, standing: Standing, fraction: float
) -> None:
    decision = world.decide(standing, NOW)
    until = min(decision.next_at, NOW + 1e6)
    later = world.decide(
        decision.standing, min(NOW + (until - NOW) * fraction, until - 1e-3) if until > NOW + 1e-3 else NOW
    )
    assert _sight(later) == _sight(decision)
    assert not later.changed


@given(worlds, standings, some.lists(future, max_size=5))
def test_who_looks_only_when_something_falls_due_misses_nothing(
    world: World, standing: Standing, ticks: list[float]
) -> None:
    """Looking more often, as a tick does, gives the same path: no threshold waits for a tick.

    Wrappers too old to report activity aside: of them only the looks themselves tell until when they were here.
    """
    reporting = (each for each in world.wrappers if each.beat and each.beat.reports_activity)
    world = replace(world, wrappers=tuple(reporting))

    def live(ticks: list[float]) -> tuple[list[tuple[State, str, Allowed]], int]:
        decision = world.decide(standing, NOW)
        path, looks, now = [_sight(decision)], 0, NOW
        while (now := min([decision.next_at, *(tick for tick in ticks if tick > now)])) <= NOW + 30_000:
            decision = world.decide(decision.standing, now)
            looks += 1
            if _sight(decision) != path[-1]:
                path.append(_sight(decision))
        return path, looks

    alone, looks = live([])
    assert live(ticks)[0] == alone
    assert looks <= 12 + 4 * len(world.wrappers)
