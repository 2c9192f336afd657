"""The default task: made once, a mirror of the setting, a switch; and what `tasks list` tells of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from iai_daemon.consolidation.tasks import describe_task, is_enabled, make_default_task, why_not
from iai_daemon.memory.stores import Stores
from iai_daemon.memory.tasks import CONSOLIDATE, Task
from iai_daemon.paths import Home
from tests.consolidation.evening import NOW, a_night

HOUR = 3600.0
HOUR_MS = 3_600_000


def make(stores: Stores, interval: float = HOUR, now: int = NOW) -> bool:
    def warn(said: str) -> None:
        raise AssertionError(said)

    return make_default_task(stores.tasks, interval, now, warn)


def shown(stores: Stores, now: int = NOW, *, by_setting: bool = True) -> dict[str, object]:
    task = stores.tasks.task(CONSOLIDATE)
    assert task is not None
    return describe_task(task, stores.nights, now, by_setting=by_setting)


def test_the_default_task_is_made_once_and_says_whether_it_was(stores: Stores) -> None:
    assert make(stores) is True
    (task,) = stores.tasks.tasks()
    assert task == Task("consolidate", "memory.consolidate", "interval", "1h", True, NOW, NOW)
    assert make(stores, now=NOW + 1000) is False
    assert stores.tasks.tasks() == [task]


def test_a_second_time_is_no_write(stores: Stores, home: Home) -> None:
    make(stores)
    with closing(sqlite3.connect(home.memory)) as other:
        before = other.execute("PRAGMA data_version").fetchone()
        make(stores, now=NOW + 1000)
        assert other.execute("PRAGMA data_version").fetchone() == before


def test_a_changed_setting_is_mirrored_and_a_disabled_task_stays_disabled(stores: Stores) -> None:
    make(stores)
    stores.tasks.update(CONSOLIDATE, NOW + 1, enabled=False)
    assert make(stores, interval=2 * HOUR, now=NOW + 2) is False
    assert stores.tasks.tasks() == [
        Task("consolidate", "memory.consolidate", "interval", "2h", False, NOW, NOW + 2)
    ]


def test_a_broken_store_gives_a_warning_and_no_exception(stores: Stores, home: Home) -> None:
    with closing(sqlite3.connect(home.memory)) as other:
        other.execute("DROP TABLE tasks")
    said: list[str] = []
    assert make_default_task(stores.tasks, HOUR, NOW, said.append) is False
    assert len(said) == 1
    assert "no such table: tasks" in said[0]


def test_a_closed_store_gives_a_warning_too(stores: Stores) -> None:
    stores.close()
    said: list[str] = []
    assert make_default_task(stores.tasks, HOUR, NOW, said.append) is False
    assert "closed database" in said[0]


def test_nights_come_unless_somebody_has_disabled_the_task(stores: Stores) -> None:
    assert is_enabled(stores.tasks)
    make(stores)
    assert is_enabled(stores.tasks)
    stores.tasks.update(CONSOLIDATE, NOW, enabled=False)
    assert not is_enabled(stores.tasks)


@pytest.mark.parametrize(
    ("by_setting", "by_task", "named"),
    [
        (False, True, ["consolidation.enabled is false"]),
        (True, False, ["tasks enable consolidate"]),
        (False, False, ["consolidation.enabled is false", "tasks enable consolidate"]),
    ],
)
def test_each_switch_that_keeps_nights_away_is_named(
    by_setting: bool, by_task: bool, named: list[str]
) -> None:
    why = why_not(by_setting=by_setting, by_task=by_task)
    assert why is not None
    assert [
        word for word in ("consolidation.enabled is false", "tasks enable consolidate") if word in why
    ] == named


def test_with_both_switches_on_nights_come() -> None:
    assert why_not(by_setting=True, by_task=True) is None


def test_before_its_first_night_a_task_is_due_since_it_was_made(stores: Stores) -> None:
    make(stores)
    told = shown(stores, NOW + 5000)
    assert (told["last_run_at"], told["next_due_at"]) == (None, "2026-11-21T12:00:00.000Z")


def test_the_next_is_due_an_interval_after_the_last_that_completed(stores: Stores) -> None:
    make(stores)
    a_night(stores, NOW)
    a_night(stores, NOW + 60_000, outcome="yielded")
    told = shown(stores, NOW + 120_000)
    assert told["last_run_at"] == "2026-11-21T12:01:00.000Z"
    assert told["next_due_at"] == "2026-11-21T13:00:00.000Z"


def test_one_that_was_asked_for_late_in_the_interval_puts_the_next_one_off(stores: Stores) -> None:
    make(stores)
    a_night(stores, NOW)
    a_night(stores, NOW + 45 * 60_000, rule="asked")
    assert shown(stores, NOW + HOUR_MS)["next_due_at"] == "2026-11-21T13:45:00.000Z"


@pytest.mark.parametrize("by_setting", [True, False])
def test_what_does_not_come_by_itself_is_never_due(stores: Stores, by_setting: bool) -> None:
    make(stores)
    stores.tasks.update(CONSOLIDATE, NOW, enabled=not by_setting)
    told = shown(stores, by_setting=by_setting)
    assert told["next_due_at"] is None
    assert told["why_not"]
