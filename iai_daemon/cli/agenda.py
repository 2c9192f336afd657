"""What the commands of the agenda share: its store, when something is wanted, how it is said, and the daemon."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click

from iai_daemon.agenda.asking.describe import local
from iai_daemon.agenda.asking.here import machine_zone
from iai_daemon.agenda.asking.wishes import When
from iai_daemon.agenda.schedule.triggers import Trigger
from iai_daemon.agenda.store.opening import OpenedAgenda, open_agenda
from iai_daemon.agenda.store.recalls import AgendaStore
from iai_daemon.cli import completing
from iai_daemon.cli.common import home
from iai_daemon.config import load
from iai_daemon.foreign import one_line
from iai_daemon.paths import make_private
from iai_daemon.units import format_duration

_Command = TypeVar("_Command", bound=Callable[..., Any])

NOBODY_FIRES = "no daemon is running: nothing fires until one does (`iai-daemon run`)"


@contextlib.contextmanager
def agenda() -> Iterator[AgendaStore]:
    """The agenda of this home, closed at the end. Raises StoreUnusable, BadConfig, HomeUnusable."""
    with opened_agenda() as opened:
        yield opened.store


@contextlib.contextmanager
def opened_agenda() -> Iterator[OpenedAgenda]:
    """All that it keeps, closed at the end. Raises StoreUnusable, BadConfig, HomeUnusable."""
    here = home()
    load(here)
    make_private(here.root)
    opened = open_agenda(here)
    try:
        yield opened
    finally:
        opened.close()


def when_options(command: _Command) -> _Command:
    """`--at`, `--in`, `--every`, `--cron`, `--rrule` and `--now`, of which exactly one is given, and `--tz`."""
    for option in reversed(
        [
            click.option(
                "--at", metavar="T", help="Once, such as 2026-11-30T09:00:00Z, 2026-11-30 09:00 or 09:00."
            ),
            click.option("--in", "after", metavar="D", help="Once, after so long, such as 20m or 8h."),
            click.option(
                "--every", metavar="D", help="Again and again, such as 6h; whole days keep the time of day."
            ),
            click.option("--cron", metavar="E", help='By a cron expression: "0 9 * * mon-fri".'),
            click.option(
                "--rrule", metavar="R", help='By an RFC 5545 rule, such as "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9".'
            ),
            click.option("--now", is_flag=True, help="Once, at once."),
            click.option(
                "--tz",
                metavar="ZONE",
                shell_complete=completing.zones,
                help="In which zone, such as Europe/Paris; else this machine's.",
            ),
        ]
    ):
        command = option(command)
    return command


def when_of(said: dict[str, Any]) -> When:
    """What the options of `when_options` say; they are taken out of `said`."""
    zone = said.pop("tz") or zone_here()
    return When(zone, **{name: said.pop(name) for name in ("at", "after", "every", "cron", "rrule", "now")})


def zone_here() -> str:
    """The zone that is meant where nobody names one."""
    zone = machine_zone()
    if zone is None:
        click.echo(
            "the zone of this machine has no name that is known, so UTC is meant: --tz names another",
            err=True,
        )
    return zone or "UTC"


def say_trigger(trigger: Trigger) -> str:
    """When a recall fires, in a few words."""
    if trigger.kind == "every":
        return f"every {format_duration(float(trigger.expression))}"
    if trigger.kind == "at":
        return "once"
    return f"{trigger.kind} {one_line(trigger.expression)} ({trigger.zone})"


def say_time(moment: int | None, zone: str) -> str:
    return "-" if moment is None else local(moment, zone)
