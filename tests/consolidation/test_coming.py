"""When nights come by themselves: the daemon's shift on a real store, with time that is handed in and real workers."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog

from iai_daemon.clock import read
from iai_daemon.config import Command, Consolidation, Settings
from iai_daemon.consolidation.hindrances import DAY
from iai_daemon.flock import FileLock
from iai_daemon.lifecycle.decide import Allowed, Overdue, Standing
from iai_daemon.lifecycle.states import State
from iai_daemon.memory.nights import Hindrance
from iai_daemon.memory.stores import Stores
from iai_daemon.memory.tasks import CONSOLIDATE
from iai_daemon.paths import Home
from iai_daemon.shift import Shift
from tests.consolidation.commands import configure
from tests.consolidation.evening import EVERY, a_day, a_night, night, remember
from tests.consolidation.packages import OURS, Site, choose
from tests.fakes import FakeClock

HOUR = 3600.0
MINUTE_MS = 60_000


@dataclass
class Evening:
    """A shift and its clock. Workers see the real time, so this clock begins there; the machine is up for ten days."""

    home: Home
    settings: Settings
    clock: FakeClock = field(default_factory=lambda: FakeClock(wall=read().wall, boot=240 * HOUR))

    def __post_init__(self) -> None:
        self._ended: Callable[[], None] = lambda: None
        self.log: list[str] = []
        logger = structlog.wrap_logger(self, [lambda _logger, _method, entry: str(entry["event"])])
        self.shift = Shift(self.home, self.settings, self.clock, self._changed, logger)

    def _changed(self) -> None:
        self._ended()

    def msg(self, event: str, **_: object) -> None:
        """What structlog calls on the logger that it wraps."""
        self.log.append(event)

    info = warning = error = msg

    @property
    def now(self) -> int:
        """Milliseconds since the epoch."""
        return self.clock.now().milliseconds

    def tick(self, allowed: Allowed = Allowed.ALL) -> bool:
        """Whether a night was started; it has come to its end then."""

        async def turn() -> bool:
            ended = asyncio.Event()
            self._ended = ended.set
            # What the last worker wrote is not in the future.
            now = self.clock.advance(max(0.0, read().wall - self.clock.wall))
            self.shift.look(now)
            self.shift.act(allowed, Standing(State.BEDTIME, 0.0, 0.0, rule="absent"), now)
            runs = bool(self.shift.describe()["running"])
            if runs:
                await ended.wait()
            return runs

        return asyncio.run(turn())

    @property
    def due_in(self) -> float:
        """Seconds until the shift wants to be asked again."""
        return self.shift.next_at - self.clock.awake

    def overdue(self) -> Overdue:
        self.shift.look(self.clock.now())
        return self.shift.overdue(self.clock.now())

    def degraded(self) -> list[str]:
        return [f"{each['what']}: {each['why']}; {each['fix']}" for each in self.shift.degraded()]


Starts = Callable[..., Evening]


@pytest.fixture
def start(home: Home) -> Iterator[Starts]:
    """Makes shifts of this home; what they have open is closed at the end."""
    begun: list[Evening] = []

    def start_one(**settings: Any) -> Evening:
        begun.append(Evening(home, Settings(consolidation=Consolidation(**settings))))
        return begun[-1]

    yield start_one
    for each in begun:
        asyncio.run(each.shift.close())


# --- when one is due


def test_the_first_start_of_a_store_is_due_at_once_but_never_while_nothing_may_run(
    start: Starts, stores: Stores
) -> None:
    evening = start()
    a_day(stores)
    assert not evening.tick(Allowed.NONE)
    assert evening.tick()
    assert [each.outcome for each in stores.nights.nights()] == ["completed"]


def test_the_next_is_due_an_interval_after_the_last_one_began_whoever_ran_it(
    start: Starts, stores: Stores
) -> None:
    """The night in the books is another daemon's: it coalesces with this one's, also after a restart."""
    for evening in (start(), start()):
        if not stores.nights.nights():
            a_night(stores, evening.now - 20 * MINUTE_MS)
        remember(stores, "a note")
        assert not evening.tick()
        assert evening.due_in == pytest.approx(40 * 60, abs=5)
    evening.clock.advance(40 * 60 + 5)
    assert evening.tick()


@pytest.mark.parametrize(("ago", "due"), [(29, 31), (20, 40), (31, 0), (45, 0)])
def test_one_that_was_asked_for_less_than_half_an_interval_ago_stands_in(
    start: Starts, stores: Stores, ago: int, due: int
) -> None:
    evening = start()
    a_night(stores, evening.now - 61 * MINUTE_MS)
    a_night(stores, evening.now - ago * MINUTE_MS, rule="asked")
    remember(stores, "a note")
    assert evening.tick() is (due == 0)
    assert due == 0 or evening.due_in == pytest.approx(due * 60, abs=5)


def test_a_night_that_was_cut_short_does_not_put_the_next_one_off(start: Starts, stores: Stores) -> None:
    evening = start()
    a_night(stores, evening.now - 61 * MINUTE_MS)
    for outcome in ("yielded", "failed", "cancelled"):
        a_night(stores, evening.now - 5 * MINUTE_MS, outcome=outcome)
    remember(stores, "a note")
    assert evening.tick()


def test_a_night_in_the_future_neither_blocks_the_next_one_nor_its_being_overdue(
    start: Starts, stores: Stores
) -> None:
    """The clock was a year ahead, and somebody has set it back."""
    evening = start()
    stores.nights.first_started_at(evening.now - 60 * 60 * MINUTE_MS)
    a_night(stores, evening.now + 365 * DAY)
    remember(stores, "a note")
    assert evening.overdue().now
    assert evening.tick()


def test_a_restart_of_the_machine_makes_no_night_less_overdue(start: Starts, stores: Stores) -> None:
    evening = start()
    stores.nights.first_started_at(evening.now - 55 * 60 * MINUTE_MS)
    evening.clock.boot = 60.0
    remember(stores, "a note")
    assert evening.overdue().now


def test_with_an_interval_of_zero_a_night_comes_whenever_something_has_changed_and_only_then(
    start: Starts, stores: Stores
) -> None:
    evening = start(interval=0.0)
    for _ in range(2):
        remember(stores, "a note")
        assert evening.tick()
        assert not evening.tick()
    assert len(stores.nights.nights()) == 2


def test_a_daemon_at_rest_asks_and_writes_nothing(start: Starts, stores: Stores, home: Home) -> None:
    a_day(stores)
    night(stores, chosen=EVERY)
    evening = start(interval=0.0)
    assert not evening.tick()
    with closing(sqlite3.connect(home.memory)) as other:
        version = "PRAGMA data_version"
        before = other.execute(version).fetchone()
        for _ in range(50):
            evening.clock.advance(30)
            assert not evening.tick()
        assert other.execute(version).fetchone() == before
    assert len(stores.nights.nights()) == 1


def test_a_store_in_which_nothing_is_due_is_never_overdue(start: Starts, stores: Stores) -> None:
    a_day(stores)
    night(stores, chosen=EVERY)
    evening = start()
    evening.tick(Allowed.NONE)
    evening.clock.advance(1000 * HOUR)
    assert evening.overdue() == Overdue(now=False)
    assert evening.degraded() == []


def test_who_finds_the_lock_taken_comes_again_later_and_later_and_the_status_says_so(
    start: Starts, stores: Stores, home: Home
) -> None:
    """Two daemons never run a pass at the same time, and none of them waits: it can be told to stop at any moment."""
    evening = start()
    remember(stores, "a note")
    other = FileLock(home.consolidation_lock)
    assert other.acquire("process 1, night (absent)\n")
    for wait in (30, 60, 120):
        assert evening.tick()
        assert not evening.tick()
        assert wait / 2 < evening.due_in <= wait
        evening.clock.advance(wait)
    assert stores.nights.nights() == []
    assert any("cut short" in each for each in evening.degraded())
    other.release()
    assert evening.tick()
    assert evening.degraded() == []


# --- whether they come at all


def test_the_daemon_makes_the_task_when_it_opens_the_store_and_says_so_once(
    start: Starts, stores: Stores
) -> None:
    start().tick()
    (task,) = stores.tasks.tasks()
    assert (task.name, task.every, task.enabled) == (CONSOLIDATE, "1h", True)
    second = start(interval=7200.0)
    second.tick()
    assert [each.every for each in stores.tasks.tasks()] == ["2h"]
    assert "the task consolidate was made" not in second.log


def test_while_the_task_is_disabled_no_night_comes_by_itself_and_the_status_says_so(
    start: Starts, stores: Stores
) -> None:
    evening = start(interval=0.0)
    evening.tick()
    stores.tasks.update(CONSOLIDATE, evening.now, enabled=False)
    remember(stores, "a note")
    evening.clock.advance(100 * HOUR)
    assert not evening.tick()
    assert evening.overdue() == Overdue()
    assert "the task consolidate is disabled" in str(evening.shift.describe()["why_not"])
    stores.tasks.update(CONSOLIDATE, evening.now, enabled=True)
    assert evening.overdue().now
    assert evening.tick()
    assert evening.shift.describe()["why_not"] is None


def test_a_disabled_task_stays_disabled_over_a_restart(start: Starts, stores: Stores) -> None:
    start().tick()
    stores.tasks.update(CONSOLIDATE, 0, enabled=False)
    again = start(interval=0.0)
    remember(stores, "a note")
    assert not again.tick()


def test_the_setting_goes_before_the_task(start: Starts, stores: Stores) -> None:
    evening = start(enabled=False)
    remember(stores, "a note")
    assert not evening.tick()
    assert "consolidation.enabled is false" in str(evening.shift.describe()["why_not"])


def test_without_its_task_a_night_comes_all_the_same(start: Starts, stores: Stores, home: Home) -> None:
    """Whoever has emptied the table has not said that there shall be no nights."""
    evening = start(interval=0.0)
    evening.tick()
    with closing(sqlite3.connect(home.memory, isolation_level=None)) as other:
        other.execute("DELETE FROM tasks")
    remember(stores, "a note")
    assert evening.tick()


# --- what is told


def test_a_pass_that_has_to_wait_is_named_with_its_cause_and_the_command_that_frees_it(
    start: Starts, stores: Stores
) -> None:
    evening = start()
    stores.nights.hinder("embed", Hindrance(3, 0, evening.now + DAY, None, "ValueError: no luck"))
    stores.nights.hinder("expire", Hindrance(1, 0, None, None, "it broke once"))
    stores.nights.hinder("supersede", Hindrance(0, 4, evening.now + MINUTE_MS, None, "somebody came back"))
    evening.tick(Allowed.NONE)
    quarantined, deferred = evening.degraded()
    assert quarantined.startswith("pass embed: quarantined: ValueError: no luck, until 20")
    assert quarantined.endswith("; `iai-daemon nights retry embed` lets it run before that")
    assert deferred.startswith("pass supersede: deferred: somebody came back, until 20")
    evening.clock.advance(2 * 60)
    assert len(evening.degraded()) == 1
    evening.clock.advance(86_400)
    assert evening.degraded() == []


def test_the_status_counts_what_waits(start: Starts, stores: Stores) -> None:
    evening = start()
    a_day(stores, 30)
    night(stores, review=True)
    evening.tick(Allowed.NONE)
    assert evening.shift.describe()["waiting"] == {"review": 13}


# --- when its worker finds nothing to do


def _starts(evening: Evening, ticks: int, allowed: Allowed = Allowed.ALL) -> int:
    """How many workers start within so many ticks of 30 s."""
    begun = 0
    for _ in range(ticks):
        begun += evening.tick(allowed)
        evening.clock.advance(30.0)
    return begun


def test_a_plug_in_that_was_wrongly_guessed_to_have_work_starts_one_worker_an_interval(
    start: Starts, stores: Stores, home: Home, site: Site
) -> None:
    """To the daemon a plug-in is a name: it has no cursor of its own, and never any work."""
    site.offer("stranger", without_cursor=f"{OURS}WithoutCursor")
    choose(home, "without-cursor")
    evening = start(passes=("without-cursor",), interval=HOUR)
    remember(stores, "a note")
    assert _starts(evening, 118) == 1
    assert _starts(evening, 3) == 1, "an interval has passed"
    remember(stores, "another")
    assert _starts(evening, 5) == 1, "something has changed"
    assert stores.nights.nights() == []
    assert not evening.overdue().now, "a guess is no reason to go to bed while clients are open"
    assert evening.degraded() == []


def test_where_nights_have_no_interval_it_is_asked_again_after_an_hour(
    start: Starts, stores: Stores, home: Home, site: Site
) -> None:
    site.offer("stranger", alone=f"{OURS}Alone")
    choose(home, "alone")
    evening = start(passes=("alone",), interval=0.0)
    remember(stores, "a note")
    assert _starts(evening, 118, Allowed.SHARED) == 1
    assert _starts(evening, 3, Allowed.ALL) == 1, "it needs the store alone: that was another question"
    assert [each.outcome for each in stores.nights.nights()] == ["completed"]


def test_a_worker_that_goes_by_other_settings_is_asked_again_at_longer_and_longer_intervals(
    start: Starts, stores: Stores, home: Home
) -> None:
    """Somebody has changed the file since the daemon read it."""
    choose(home, "embed")
    evening = start(passes=("expire",), interval=0.0)
    remember(stores, "a note", expires_at=evening.clock.wall - 60)
    with closing(sqlite3.connect(home.memory)) as connection, connection:
        connection.execute("INSERT INTO cursors (pass, position) VALUES ('embed:hash-256', 1000)")
    assert _starts(evening, 120) <= 8
    assert stores.nights.nights() == []


def test_a_command_is_due_in_a_store_that_never_changes(start: Starts, stores: Stores, home: Home) -> None:
    table = {"name": "tidy", "argv": ["true"], "every": "10m"}
    configure(home, table)
    evening = start(passes=(), commands=(Command("tidy", ("true",), every=600.0),), interval=0.0)
    assert _starts(evening, 19) == 1
    assert _starts(evening, 3) == 1
    assert [each.outcome for each in stores.nights.nights()] == ["completed"], (
        "ten minutes by this clock alone"
    )
