"""The tasks that a store keeps, on every engine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from iai_daemon.memory.stores import Stores
from iai_daemon.memory.tasks import Task

NOW = 1_795_262_400_000


def task(name: str = "consolidate", every: str = "1h", *, enabled: bool = True) -> Task:
    return Task(name, "memory.consolidate", "interval", every, enabled, NOW, NOW)


def test_a_task_is_kept_as_it_was_given_also_for_others(open_again: Callable[[], Stores]) -> None:
    assert open_again().tasks.add(task(enabled=False))
    assert open_again().tasks.task("consolidate") == task(enabled=False)


def test_tasks_are_listed_by_name(opened: Stores) -> None:
    for name in ("b", "c", "a"):
        opened.tasks.add(task(name))
    assert [each.name for each in opened.tasks.tasks()] == ["a", "b", "c"]
    assert opened.tasks.task("d") is None


def test_a_second_task_of_the_same_name_changes_nothing(opened: Stores) -> None:
    opened.tasks.add(task())
    assert not opened.tasks.add(task(every="2h", enabled=False))
    assert opened.tasks.tasks() == [task()]


@pytest.mark.parametrize("change", [{"every": "2h"}, {"enabled": False}, {"every": "2h", "enabled": False}])
def test_what_is_changed_says_when_and_leaves_the_rest(opened: Stores, change: dict[str, object]) -> None:
    opened.tasks.add(task())
    opened.tasks.add(task("another"))
    assert opened.tasks.update("consolidate", NOW + 5, **change)  # type: ignore[arg-type]
    found = opened.tasks.task("consolidate")
    assert found is not None
    assert (found.every, found.enabled) == (change.get("every", "1h"), change.get("enabled", True))
    assert (found.created_at, found.updated_at) == (NOW, NOW + 5)
    assert opened.tasks.task("another") == task("another")


def test_a_change_to_what_it_is_already_is_no_write(opened: Stores) -> None:
    opened.tasks.add(task())
    assert not opened.tasks.update("consolidate", NOW + 5, every="1h", enabled=True)
    assert opened.tasks.task("consolidate") == task()
    assert not opened.tasks.update("nobody", NOW + 5, enabled=False)
