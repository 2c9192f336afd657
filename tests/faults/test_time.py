"""Neither a step of the wall clock nor a sleep of the machine nor a restart starts or skips anything, or makes the living look dead."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from itertools import combinations, product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as some

from iai_daemon.config import Settings, load
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.paths import Home
from iai_daemon.presence.classify import Status
from tests.fakes import LONG, FakeClock
from tests.faults.evening import HOUR, MINUTE, NO_NIGHTS, Evening, Kind, Spell
from tests.faults.machine import Machine
from tests.faults.seeds import chance

Kinds = tuple[Kind, ...]

MIXES: dict[str, Kinds] = {
    "newer": (Kind.LOCKED, Kind.UNLOCKED, Kind.UNPROVEN, Kind.LOCKED),
    "older": (Kind.OLD, Kind.OLD, Kind.OLD, Kind.OLD),
}
DISTURBANCES: dict[str, Callable[[FakeClock], object]] = {
    "two hours ahead": lambda clock: clock.step(2 * HOUR),
    "two hours back": lambda clock: clock.step(-2 * HOUR),
    "ten seconds ahead": lambda clock: clock.step(10),
    "ten seconds back": lambda clock: clock.step(-10),
    "an hour asleep": lambda clock: clock.suspend(HOUR),
}
ENDS = ("stopped", "killed")

# An evening: somebody works for ten minutes in one client after the other, comes back once, and leaves.
ACTIVE = (2, 4, 6, 8, 10)
BACK = 50.0
END = 58.0
USUAL = {
    "newer": [
        Spell(0.5, "WAKE", "active"),
        Spell(15.0, "IDLE", "idle"),
        Spell(40.0, "BEDTIME", "inactive"),
        Spell(50.0, "WAKE", "active"),
        Spell(52.0, "IDLE", "nobody"),
        Spell(54.0, "BEDTIME", "absent"),
    ],
    "older": [
        Spell(0.5, "WAKE", "settled"),
        Spell(52.0, "IDLE", "nobody"),
        Spell(54.0, "BEDTIME", "absent"),
    ],
}


def cases(names: str, at_first: int, *axes: Sequence[object]) -> pytest.MarkDecorator:
    """Every combination of the axes; `make test` takes a fixed sample of so many."""
    every = list(product(*axes))
    taken = every if LONG else chance(names).sample(every, at_first)
    return pytest.mark.parametrize(names, taken, ids=["-".join(map(str, case)) for case in taken])


def _evening(
    home: Home, kinds: Sequence[Kind], settings: Settings = NO_NIGHTS, machine: Machine | None = None
) -> Evening:
    """Its last client freezes after twenty minutes, two are killed, one leaves."""
    evening = Evening(home, settings, machine)
    clients = evening.open(*kinds)
    for number, minute in enumerate(ACTIVE):
        evening.clock.at(minute * MINUTE, clients[number % 3].act)
    evening.clock.at(20 * MINUTE, clients[3].freeze)
    evening.clock.at(BACK * MINUTE, clients[2].act)
    evening.clock.at(51 * MINUTE, clients[0].kill)
    evening.clock.at(51 * MINUTE, clients[1].kill)
    evening.clock.at(52 * MINUTE, clients[2].leave)
    return evening


def _disturb(evening: Evening, minute: float, name: str) -> None:
    evening.clock.at(minute * MINUTE, lambda: DISTURBANCES[name](evening.clock))


def _assert_usual(evening: Evening, mix: str, *, within: float = 0.0) -> None:
    """The usual evening, to within so many minutes."""
    usual = USUAL[mix]
    assert evening.wrong == []
    assert [(spell.state, spell.rule) for spell in evening.path] == [
        (spell.state, spell.rule) for spell in usual
    ]
    assert [spell.minute for spell in evening.path] == [
        pytest.approx(spell.minute, abs=0.01 + within) for spell in usual
    ]


@pytest.mark.parametrize("mix", MIXES)
def test_an_evening_on_which_nothing_happens(home: Home, mix: str) -> None:
    evening = _evening(home, MIXES[mix])
    evening.live(END)
    _assert_usual(evening, mix)
    assert evening.looks > 300


MOMENTS = {
    "while somebody works": 5.2,
    "as a heartbeat is written": 8.0,
    "just before IDLE": 14.99999,
    "just after a wrapper froze": 20.1,
    "just before BEDTIME": 39.99999,
    "in BEDTIME": 45.1,
    "as somebody comes back": BACK,
    "just after two were killed": 51.001,
    "just before everybody is absent": 53.99999,
    "when all are absent": 55.0,
}


@cases("mix, moment, name", 8, MIXES, MOMENTS, DISTURBANCES)
def test_clocks_that_jump_change_nothing(home: Home, mix: str, moment: str, name: str) -> None:
    evening = _evening(home, MIXES[mix])
    _disturb(evening, MOMENTS[moment], name)
    evening.live(END)
    _assert_usual(evening, mix)


# --- restarts: the daemon is down for a minute

DOWN = {
    "while somebody works": 6.0,
    "after the last deed": 12.0,
    "in IDLE": 23.0,
    "in BEDTIME": 44.0,
    "when all are absent": 55.0,
}
# When the clocks jump, in minutes after the daemon's end.
JUMPS = {"while it is down": 0.5, "before its end": -1.6}


@cases("mix, moment, end", 4, MIXES, DOWN, ENDS)
def test_a_restart_changes_nothing(home: Home, mix: str, moment: str, end: str) -> None:
    evening = _evening(home, MIXES[mix])
    evening.restart(DOWN[moment], killed=end == "killed")
    evening.live(END)
    _assert_usual(evening, mix)


@cases("mix, moment, end, jump, name", 8, MIXES, DOWN, ENDS, JUMPS, DISTURBANCES)
def test_clocks_that_jump_around_a_restart_change_nothing(
    home: Home, mix: str, moment: str, end: str, jump: str, name: str
) -> None:
    evening = _evening(home, MIXES[mix])
    evening.restart(DOWN[moment], killed=end == "killed")
    _disturb(evening, DOWN[moment] + JUMPS[jump], name)
    evening.live(END)
    # A kill takes along when the clock was last seen: a stamp of those minutes may be from before or after a small step.
    _assert_usual(evening, mix, within=10 / MINUTE if end == "killed" and "seconds" in name else 0.0)


def test_a_step_that_an_earlier_daemon_saw_is_known_to_the_one_after_the_next(home: Home) -> None:
    evening = _evening(home, MIXES["older"])
    _disturb(evening, 5.2, "two hours back")
    for minute in (12.0, 23.0, 44.0):
        evening.restart(minute)
    evening.live(END)
    _assert_usual(evening, "older")


# --- several jumps and restarts, anywhere

# Where a minute without a daemon delays nothing.
QUIET = some.sampled_from([3.0, 5.0, 11.0, 13.0, 17.0, 22.5, 30.0, 37.0, 42.0, 47.0, 56.5])
JUMP = some.tuples(
    some.floats(0.6, END - 0.5),
    some.floats(-7200, -30) | some.floats(30, 7200) | some.sampled_from([2 * HOUR, -2 * HOUR, -HOUR]),
    some.booleans(),
)


def _shows_a_time_twice(jumps: list[tuple[float, float, bool]]) -> bool:
    """Whether the wall clock of the evening does, and so a daemon that was not there may read a stamp as the later of two."""
    shown: list[tuple[float, float]] = []
    begin, ahead = 0.0, 0.0
    for minute, seconds, _ in [*sorted(jumps), (END, 0.0, False)]:
        shown.append((begin * MINUTE + ahead, minute * MINUTE + ahead))
        begin, ahead = minute, ahead + seconds
    return any(
        one[0] <= other[1] and other[0] <= one[1]
        for one, other in combinations(shown, 2)
        if one[1] != other[0]
    )


@settings(max_examples=1000 if LONG else 5)
@given(
    mix=some.sampled_from(list(MIXES)),
    jumps=some.lists(JUMP, min_size=1, max_size=3),
    restarts=some.lists(QUIET, max_size=2, unique=True),
)
def test_no_evening_of_jumps_and_restarts_is_unusual(
    tmp_path_factory: pytest.TempPathFactory,
    mix: str,
    jumps: list[tuple[float, float, bool]],
    restarts: list[float],
) -> None:
    assume(not restarts or not _shows_a_time_twice(jumps))
    evening = _evening(Home(tmp_path_factory.mktemp("evening") / "home"), MIXES[mix])
    for minute, seconds, asleep in jumps:
        jump = evening.clock.suspend if asleep and seconds > 0 else evening.clock.step
        evening.clock.at(minute * MINUTE, lambda jump=jump, seconds=seconds: jump(seconds))
    for minute in restarts:
        evening.restart(minute)
    evening.live(END)
    _assert_usual(evening, mix)


# --- exactly ninety seconds


@pytest.mark.parametrize("name", ["nothing", *DISTURBANCES])
@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.name)
def test_exactly_ninety_seconds_are_fresh_and_one_millisecond_more_is_not(
    home: Home, kind: Kind, name: str
) -> None:
    evening = Evening(home)
    (client,) = evening.open(kind)
    seen: list[Status] = []

    def look() -> None:
        assert evening.daemon is not None
        evening.daemon.look_now()
        seen.extend(wrapper.status for wrapper in evening.daemon.presence.wrappers)

    # It refreshes at 30 and 60 s. A sleep late in the ninety seconds is forgiven for longer than they last.
    evening.clock.at(61, client.freeze)
    if name in DISTURBANCES:
        _disturb(evening, 130 / MINUTE, name)
    evening.clock.at(60 + 90, look)
    evening.clock.at(60 + 90.001, look)
    evening.live(2.6)
    assert evening.wrong == []
    assert seen == [Status.FRESH, Status.STALE]


# --- nights: real ones, on a tiny store

# Passes that have something to do when a memory has come, and else nothing.
NIGHTS = '[consolidation]\npasses = ["expire", "supersede", "embed"]\n'
NIGHTS_END = 150.0
# A night is looked for on each tick, and takes a moment.
WITHIN_A_TICK = 0.6
LONG_JUMPS = [name for name in DISTURBANCES if "seconds" not in name]


def _remember(evening: Evening, minute: float) -> None:
    """Somebody leaves something to do: a memory."""

    def remember() -> None:
        with contextlib.closing(open_stores(evening.home)) as stores:
            draft = Draft(f"What was said after {minute} minutes.")
            stores.memory.add(draft, evening.clock.now().milliseconds)

    evening.clock.at(minute * MINUTE, remember)


def _evening_with_nights(
    home: Home, machine: Machine, remember_at: Sequence[float] = (0.25, BACK, 100.0)
) -> Evening:
    """There is something to do at its beginning, when somebody is back, and late."""
    home.config.write_text(NIGHTS)
    evening = _evening(home, MIXES["newer"], settings=load(home), machine=machine)
    for minute in remember_at:
        _remember(evening, minute)
    return evening


def _nights(asleep_at: float = NIGHTS_END) -> list[tuple[str, str, float]]:
    """State, rule and minute (awake) of each: the first when it is IDLE, the next an hour, asleep or not, after it began.

    Nobody is there from the 52nd minute on, and there is nothing to do until the hundredth once the second is over.
    """

    def hour_after(minute: float) -> float:
        return asleep_at if minute < asleep_at < minute + 60 else minute + 60

    second = max(52.0, hour_after(15.0))
    state, rule = ("IDLE", "nobody") if second < 54 else ("BEDTIME", "absent")
    third = max(100.0, hour_after(second))
    return [("IDLE", "idle", 15.0), (state, rule, second), ("BEDTIME", "absent", third)]


def _assert_nights(evening: Evening, expected: list[tuple[str, str, float]]) -> None:
    assert evening.wrong == []
    assert [(start.state, start.rule) for start in evening.starts] == [each[:2] for each in expected]
    for start, (_, _, minute) in zip(evening.starts, expected, strict=True):
        assert -0.01 <= start.minute - minute <= WITHIN_A_TICK
    assert [night.outcome for night in evening.nights()] == ["completed"] * len(expected)


def test_nights_on_an_evening_on_which_nothing_happens(home: Home, machine: Machine) -> None:
    evening = _evening_with_nights(home, machine)
    evening.live(NIGHTS_END)
    usual = [("IDLE", "idle", 15.0), ("BEDTIME", "absent", 75.0), ("BEDTIME", "absent", 135.0)]
    _assert_nights(evening, usual)
    assert _nights() == usual


NIGHT_MOMENTS = {
    "after a nap": 20.1,
    "in BEDTIME": 45.1,
    "just before a night": 74.99999,
    "between two nights": 110.1,
}


@cases("moment, name", 2, NIGHT_MOMENTS, LONG_JUMPS)
def test_clocks_that_jump_start_no_night_and_skip_none(
    home: Home, machine: Machine, moment: str, name: str
) -> None:
    evening = _evening_with_nights(home, machine)
    _disturb(evening, NIGHT_MOMENTS[moment], name)
    evening.live(NIGHTS_END)
    _assert_nights(evening, _nights(NIGHT_MOMENTS[moment] if "asleep" in name else NIGHTS_END))


# In IDLE, before a night, after it.
NIGHT_RESTARTS = (23.0, 60.0, 110.0)


@cases("minute, end, jump, name", 3, NIGHT_RESTARTS, ENDS, JUMPS, LONG_JUMPS)
def test_clocks_that_jump_around_a_restart_start_no_night_and_skip_none(
    home: Home, machine: Machine, minute: float, end: str, jump: str, name: str
) -> None:
    evening = _evening_with_nights(home, machine)
    evening.restart(minute, killed=end == "killed")
    _disturb(evening, minute + JUMPS[jump], name)
    evening.live(NIGHTS_END)
    _assert_nights(evening, _nights(minute + JUMPS[jump] if "asleep" in name else NIGHTS_END))


def test_an_hour_that_the_wall_clock_shows_twice_skips_no_night(home: Home, machine: Machine) -> None:
    """It was set back by two hours: what is to be done a minute after it shows the time of the last night again is done."""
    evening = _evening_with_nights(home, machine, remember_at=(0.25, 136.0))
    _disturb(evening, 20.1, "two hours back")
    evening.live(NIGHTS_END)
    _assert_nights(evening, [("IDLE", "idle", 15.0), ("BEDTIME", "absent", 136.0)])
