"""`iai-daemon tasks`: what comes by itself, and whether; works without a daemon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from iai_daemon.cli import completing
from iai_daemon.cli.common import Group, emit, home_option, json_option, now_ms, settings, stores, tell_daemon
from iai_daemon.cli.consolidate import consolidate_now, force_option, print_report
from iai_daemon.consolidation.tasks import describe_task, make_default_task
from iai_daemon.errors import NoSuchTask
from iai_daemon.memory.stores import Stores
from iai_daemon.memory.tasks import CONSOLIDATE, Task
from iai_daemon.tables import nearest
from iai_daemon.units import format_duration

_name = click.argument("name", metavar="NAME", shell_complete=completing.tasks)


@click.group(cls=Group)
@home_option
def tasks() -> None:
    """Show what comes by itself, switch it off and on, run it now.

    \b
    Example: iai-daemon tasks list
    Example: iai-daemon tasks disable consolidate
    """


@tasks.command("list")
@home_option
@json_option
def list_(as_json: bool) -> None:
    """Print every task with its last run and when it is due next.

    Two switches keep nights from coming by themselves. `tasks disable consolidate` is kept in the memory and noticed at
    once; `consolidation.enabled = false` is kept in the settings, read when the daemon starts, and goes before the task.
    With either of them `iai-daemon consolidate` works all the same.

    \b
    Example: iai-daemon tasks list
    """
    chosen = settings().consolidation
    with stores() as opened:
        _make_default(opened)
        now = now_ms()
        told = [
            describe_task(task, opened.nights, now, by_setting=chosen.enabled)
            for task in opened.tasks.tasks()
        ]
    lines = [line for each in told for line in _lines(each, format_duration(chosen.interval))]
    result = {"tasks": told, "consolidation_enabled": chosen.enabled}
    emit(result, as_json=as_json, human=lambda: "\n".join(lines))


def _lines(task: Mapping[str, Any], interval: str) -> Iterator[str]:
    switch = "enabled" if task["enabled"] else "disabled"
    yield f"{task['name']}  {task['action']}, every {task['every']}, {switch}"
    yield f"  last run  {task['last_run_at'] or 'never'}"
    yield f"  next due  {task['next_due_at'] or 'never'}"
    if task["why_not"]:
        yield f"  {task['why_not']}; `iai-daemon consolidate` works all the same"
    if task["trigger"] == "interval" and task["every"] != interval:
        yield f"  consolidation.interval is {interval} by now: the daemon takes it over when it starts again"


@tasks.command()
@_name
@home_option
@json_option
def enable(name: str, as_json: bool) -> None:
    """Let a task come by itself again.

    \b
    Example: iai-daemon tasks enable consolidate
    """
    _switch(name, enabled=True, as_json=as_json)


@tasks.command()
@_name
@home_option
@json_option
def disable(name: str, as_json: bool) -> None:
    """Let a task no longer come by itself; `tasks run` and `consolidate` work all the same.

    \b
    Example: iai-daemon tasks disable consolidate
    """
    _switch(name, enabled=False, as_json=as_json)


def _switch(name: str, *, enabled: bool, as_json: bool) -> None:
    with stores() as opened:
        _find(opened, name)
        changed = opened.tasks.update(name, now_ms(), enabled=enabled)
        now = now_ms()
        task = _find(opened, name)
        told = describe_task(task, opened.nights, now, by_setting=settings().consolidation.enabled)
    tell_daemon()
    said = f"the task {name} is {'enabled' if enabled else 'disabled'}{'' if changed else ' already'}"
    if enabled and told["why_not"]:
        said += f", but {told['why_not']}"
    emit({**told, "changed": changed}, as_json=as_json, human=lambda: said)


@tasks.command()
@_name
@force_option
@home_option
@json_option
def run(name: str, force: bool, as_json: bool) -> int:
    """Run a task now, also a disabled one: `consolidate` is what `iai-daemon consolidate` does, with its report.

    \b
    Example: iai-daemon tasks run consolidate
    """
    with stores() as opened:
        _find(opened, name)
    return print_report(consolidate_now(force=force), as_json=as_json)


def _find(opened: Stores, name: str) -> Task:
    """The task of this name. Raises NoSuchTask."""
    _make_default(opened)
    task = opened.tasks.task(name)
    if task is None:
        raise NoSuchTask(name=name, nearest=nearest(name, [each.name for each in opened.tasks.tasks()]))
    return task


def _make_default(opened: Stores) -> None:
    """In a home that no daemon has seen yet there is none; one that is there keeps what the daemon runs by."""
    if opened.tasks.task(CONSOLIDATE) is None:
        make_default_task(opened.tasks, settings().consolidation.interval, now_ms(), _warn)


def _warn(said: str) -> None:
    click.echo(said, err=True)
