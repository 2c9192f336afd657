"""The default task `consolidate`, which lets nights come by themselves, and what is said where it does not.

The daemon makes it when it opens a store; `iai-daemon tasks` shows it. Anybody may make it from Python.
"""

from __future__ import annotations

from collections.abc import Callable

from iai_daemon.consolidation.when import due_at
from iai_daemon.memory.nights import NightRow, NightStore
from iai_daemon.memory.tasks import CONSOLIDATE, Task, TaskStore
from iai_daemon.units import format_duration, parse_duration, stamp_of

ACTION = "memory.consolidate"
TRIGGER = "interval"


def make_default_task(tasks: TaskStore, interval: float, now: int, warn: Callable[[str], None]) -> bool:
    """Make the task `consolidate` if there is none of that name; whether it was made.

    One that is there mirrors the setting from now on: `interval` in seconds. `now` in milliseconds since the epoch.
    Nothing is raised: what a broken store says is told to `warn`.
    """
    every = format_duration(interval)
    try:
        if tasks.add(Task(CONSOLIDATE, ACTION, TRIGGER, every, True, now, now)):
            return True
        tasks.update(CONSOLIDATE, now, every=every)
    except Exception as cause:  # noqa: BLE001 -- whatever a broken store raises, nights do not depend on this row
        warn(f"the task {CONSOLIDATE} could not be kept: {cause}")
    return False


def is_enabled(tasks: TaskStore) -> bool:
    """Whether nights may come by themselves; where the task is missing nobody has said that they may not."""
    task = tasks.task(CONSOLIDATE)
    return task is None or task.enabled


def why_not(*, by_setting: bool, by_task: bool) -> str | None:
    """Why no night comes by itself, in words; None: nights come. The two switches: the setting, and the task."""
    reasons = []
    if not by_setting:
        reasons.append("consolidation.enabled is false in the settings")
    if not by_task:
        reasons.append(f"the task {CONSOLIDATE} is disabled (`iai-daemon tasks enable {CONSOLIDATE}`)")
    return None if not reasons else f"no night comes by itself: {' and '.join(reasons)}"


def describe_task(task: Task, nights: NightStore, now: int, *, by_setting: bool) -> dict[str, object]:
    """A task as `--json` shows it; without `next_due_at` it does not come by itself. `now` in milliseconds."""
    newest = nights.nights(1)
    why = why_not(by_setting=by_setting, by_task=task.enabled)
    return {
        "name": task.name,
        "action": task.action,
        "trigger": task.trigger,
        "every": task.every,
        "enabled": task.enabled,
        "last_run_at": _stamp(newest[-1].started_at if newest else None),
        "next_due_at": _stamp(None if why else round(1000 * _due(task, nights, now / 1000))),
        "created_at": _stamp(task.created_at),
        "updated_at": _stamp(task.updated_at),
        "why_not": why,
    }


def _due(task: Task, nights: NightStore, now: float) -> float:
    """When the next night is or was due, in seconds since the epoch. Before the first one: since there is the task."""

    def began(night: NightRow | None) -> float | None:
        return None if night is None else night.started_at / 1000

    return due_at(
        now,
        parse_duration(task.every),
        began(nights.last_completed(asked=False)),
        task.created_at / 1000,
        began(nights.last_completed(asked=True)),
    )


def _stamp(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else stamp_of(milliseconds)
