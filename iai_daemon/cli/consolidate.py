"""`iai-daemon consolidate`: a night now, by the daemon where one runs, else by this command itself."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click

from iai_daemon.cli.common import emit, home, home_option, json_option, stores
from iai_daemon.cli.nights import summary
from iai_daemon.clock import read
from iai_daemon.config import PASSES, Settings, load
from iai_daemon.consolidation.night import Job, Night
from iai_daemon.control import client
from iai_daemon.errors import DaemonAway, NightRefused
from iai_daemon.paths import Home
from iai_daemon.presence.classify import Presence
from iai_daemon.presence.processes import SystemProcesses
from iai_daemon.presence.scanner import Limits, Scanner

Progress = Callable[[Mapping[str, Any]], None]


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what a night would change, and change nothing.")
@click.option("--force", is_flag=True, help="Even while somebody is at work.")
@click.option("--max-rounds", metavar="N", type=click.IntRange(1, 100), help="How many rounds at most.")
@click.option(
    "--pass",
    "passes",
    multiple=True,
    type=click.Choice(PASSES),
    help="Only this one; may be given several times.",
)
@home_option
@json_option
def consolidate(
    dry_run: bool, force: bool, max_rounds: int | None, passes: tuple[str, ...], as_json: bool
) -> int:
    """Put the memory in order now. Ctrl-C stops it; what is done stays done.

    Refused while somebody is at work, unless --force. While clients are open only those passes run that share the store.

    Example: iai-daemon consolidate --dry-run
    """
    here, settings = home(), load(home())
    here.create()
    if dry_run:
        job = Job(here.root, "night", "asked", asked=True, dry_run=True, passes=passes or None)
        return _print_plan(_run_here(job, settings, lambda _event: None), as_json=as_json)
    with _progress_bar() as progress:
        try:
            params = {"force": force, "max_rounds": max_rounds, "passes": list(passes) or None}
            report = client.ask(here, "consolidate", params, timeout=None, notified=progress)
        except DaemonAway:
            presence = _look(here, settings)
            _refuse_if_active(presence, settings, force=force)
            job = Job(
                here.root,
                "night",
                "asked",
                alone=not presence.present,
                asked=True,
                max_rounds=max_rounds,
                passes=passes or None,
            )
            report = _run_here(job, settings, progress)
    emit(report, as_json=as_json, human=lambda: _human(report))
    return 0 if report["outcome"] in ("completed", "nothing_to_do") else 1


def _look(here: Home, settings: Settings) -> Presence:
    return Scanner(settings.wrappers_dirs(here), Limits.of(settings), SystemProcesses()).scan(read())


def _refuse_if_active(presence: Presence, settings: Settings, *, force: bool) -> None:
    now = read().awake
    active = sum(wrapper.is_active(now, settings.lifecycle.idle_after) for wrapper in presence.present)
    if active and not force:
        raise NightRefused(
            problem=f"Someone is at work ({active} of {len(presence.present)} wrappers active): "
            "wait, or run it all the same with `iai-daemon consolidate --force`."
        )


def _run_here(job: Job, settings: Settings, progress: Progress) -> dict[str, Any]:
    """Without a daemon: start the worker ourselves and wait for it. Ctrl-C makes it yield."""

    with stores():
        pass  # a store that cannot be used is said here, in its own words and with its own exit status

    async def run() -> Mapping[str, Any] | None:
        night = Night(job, settings.consolidation.yield_within)
        loop = asyncio.get_running_loop()
        stop = functools.partial(night.request_yield, "stopped with Ctrl-C", cancelled=True)
        loop.add_signal_handler(signal.SIGINT, stop)
        return await night.run(progress)

    report = asyncio.run(run())
    if report is None:
        raise NightRefused(problem="The night was ended before it could report; what it had done is kept.")
    return dict(report)


@contextlib.contextmanager
def _progress_bar() -> Iterator[Progress]:
    """A bar on standard error where that is a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _event: None
        return
    from rich.console import Console  # noqa: PLC0415 -- slow to import, and only a terminal needs it
    from rich.progress import Progress as Bars  # noqa: PLC0415

    with Bars(console=Console(stderr=True), transient=True) as bars:
        tasks: dict[tuple[object, object], Any] = {}

        def show(event: Mapping[str, Any]) -> None:
            if event.get("event") != "progress":
                return
            key = (event.get("round"), event.get("pass"))
            if key not in tasks:
                tasks[key] = bars.add_task(f"{event.get('pass')}", total=None)
            bars.update(tasks[key], completed=event.get("done"), total=event.get("total"))

        yield show


def _human(report: Mapping[str, Any]) -> str:
    if report["outcome"] == "nothing_to_do":
        return "nothing to do: nothing has changed since the last night"
    return f"night {report['id']}: {report['outcome']}, {summary(report)}"


def _print_plan(plan: Mapping[str, Any], *, as_json: bool) -> int:
    changes = plan["changes"]
    lines = [f"{each['record']:>6}  {each['effect']}: {each['reason']}" for each in changes]
    emit(
        plan,
        as_json=as_json,
        human=lambda: "\n".join(
            [*lines, f"{len(changes)} {'change' if len(changes) == 1 else 'changes'} to make; none was made"]
        ),
    )
    return 0
