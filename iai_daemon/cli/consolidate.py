"""`iai-daemon consolidate`: a night now, by the daemon where one runs, else by this command itself."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import click

from iai_daemon.cli import completing
from iai_daemon.cli.common import emit, home, home_option, json_option, stores
from iai_daemon.cli.diff import tell_changes
from iai_daemon.cli.looking import look
from iai_daemon.cli.nights import summary
from iai_daemon.cli.progress import at_work, bars_shown, stopped
from iai_daemon.clock import read
from iai_daemon.config import COMMAND, Settings, load
from iai_daemon.consolidation.journal import content_of, first_words
from iai_daemon.consolidation.night import Job, Night
from iai_daemon.consolidation.report import NOT_REHEARSED
from iai_daemon.control import client
from iai_daemon.errors import EX_ENDED, EX_STOPPED, DaemonAway, NightFailed, NightRefused, UsageError
from iai_daemon.paths import Home
from iai_daemon.presence.classify import Presence
from iai_daemon.tables import nearest

Progress = Callable[[Mapping[str, Any]], None]
# What a night is told that is stopped from here, and the exit status then.
_STOPPED_BY = {signal.SIGINT: "stopped with Ctrl-C", signal.SIGTERM: "stopped with SIGTERM"}
_STATUS = {_STOPPED_BY[signal.SIGINT]: EX_STOPPED, _STOPPED_BY[signal.SIGTERM]: EX_ENDED}


force_option = click.option("--force", is_flag=True, help="Even while somebody is at work.")


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what a night would change, and change nothing.")
@force_option
@click.option(
    "--max-rounds",
    metavar="N",
    type=click.IntRange(1, 100),
    help="How many rounds at most; else `consolidation.max_rounds`.",
)
@click.option(
    "--pass",
    "passes",
    multiple=True,
    metavar="NAME",
    shell_complete=completing.passes,
    help="Only this one, such as embed or command:tidy; may be given several times.",
)
@home_option
@json_option
def consolidate(
    dry_run: bool, force: bool, max_rounds: int | None, passes: tuple[str, ...], as_json: bool
) -> int:
    """Put the memory in order now. Ctrl-C stops it; what is done stays done.

    Refused while somebody is at work, unless --force. While clients are open only those passes run that share the store.

    \b
    Example: iai-daemon consolidate --dry-run
    Example: iai-daemon consolidate --pass embed --pass deduplicate
    """
    _require_known(passes)
    if dry_run:
        home().create()
        return _print_plan(_rehearse(passes), as_json=as_json)
    report = consolidate_now(force=force, max_rounds=max_rounds, passes=passes or None)
    return print_report(report, as_json=as_json, named=passes)


def _require_known(passes: Sequence[str]) -> None:
    known = load(home()).consolidation.pass_names
    for name in passes:
        if name not in known:
            raise UsageError(problem=f"There is no pass {name}{nearest(name, known)}.")


def consolidate_now(
    *, force: bool, max_rounds: int | None = None, passes: Sequence[str] | None = None
) -> Mapping[str, Any]:
    """A night by a person's wish, by the daemon where one runs, else by this process; its report.

    Raises NightRefused while somebody is at work, unless `force`.
    """
    here, settings = home(), load(home())
    here.create()
    params = {"force": force, "max_rounds": max_rounds, "passes": passes and list(passes)}
    try:
        return _ask_daemon(here, params)
    except DaemonAway:
        presence = look(here, settings, read())
    _refuse_if_active(presence, settings, force=force)
    job = Job(
        here.root,
        "night",
        "asked",
        alone=not presence.present,
        asked=True,
        max_rounds=max_rounds,
        passes=passes,
    )
    return _run_here(job, settings)


def _ask_daemon(here: Home, params: Mapping[str, object]) -> Mapping[str, Any]:
    """Who hangs up ends the night that he has asked for. Raises DaemonAway, Refused, Stopped."""

    def said() -> str:
        return (
            "the daemon ends the night within moments, and what it has done is kept: `iai-daemon nights list` shows it. The same "
            "command does the rest."
        )

    with at_work(said) as work, work.waiting():

        def show(event: Mapping[str, Any]) -> None:
            if event.get("event") == "progress":
                work.tell(*_place(event))

        return client.ask(here, "consolidate", params, timeout=None, notified=show)


def print_report(report: Mapping[str, Any], *, as_json: bool, named: Sequence[str] = ()) -> int:
    """Say what came of a night, or of the passes of it that were named; the exit status."""
    emit(report, as_json=as_json, human=lambda: _human(report, named))
    return 0 if report["outcome"] in ("completed", "nothing_to_do") else _STATUS.get(report["reason"], 1)


def _rehearse(passes: Sequence[str]) -> Mapping[str, Any]:
    job = Job(home().root, "night", "asked", asked=True, dry_run=True, passes=passes or None)
    return _run_here(job, load(home()))


def _refuse_if_active(presence: Presence, settings: Settings, *, force: bool) -> None:
    now = read().awake
    active = sum(wrapper.is_active(now, settings.lifecycle.idle_after) for wrapper in presence.present)
    if active and not force:
        raise NightRefused(
            problem=f"Someone is at work ({active} of {len(presence.present)} wrappers active): "
            "wait, or run it all the same with `iai-daemon consolidate --force`."
        )


def _run_here(job: Job, settings: Settings) -> dict[str, Any]:
    """Without a daemon: start the worker ourselves and wait for it. Ctrl-C makes it yield. Raises NightRefused, Stopped."""

    with stores():
        pass  # a store that cannot be used is said here, in its own words and with its own exit status

    night = Night(job, settings.consolidation.yield_within)

    asked: list[int] = []

    def stop(number: signal.Signals) -> None:
        asked.append(number)
        night.request_yield(_STOPPED_BY[number], cancelled=True)

    async def run() -> Mapping[str, Any] | None:
        for number in _STOPPED_BY:
            asyncio.get_running_loop().add_signal_handler(number, stop, number)
        with _progress_bar() as progress:
            return await night.run(progress)

    try:
        report = asyncio.run(run())
    except NightFailed:
        if not asked:
            raise
        report = None
    if asked and job.dry_run:
        raise stopped(asked[0], "nothing was changed.")
    if asked and report is None:
        raise stopped(
            asked[0],
            "the night was ended before it could report. What it has done is kept; the same command does the rest.",
        )
    if report is None:
        why = f" ({night.death.say()})" if night.death else ""
        problem = f"The night was ended before it could report{why}; what it had done is kept."
        raise NightRefused(problem=problem)
    return dict(report)


@contextlib.contextmanager
def _progress_bar() -> Iterator[Progress]:
    """What hears of a night's events, and draws how far each pass is."""
    with bars_shown() as (draw, _):

        def show(event: Mapping[str, Any]) -> None:
            if event.get("event") == "progress":
                draw(*_place(event))

        yield show


def _place(event: Mapping[str, Any]) -> tuple[str, int, int | None]:
    """Which pass it is at, of which round, and how far that is."""
    again = f" ({event['round']})" if event["round"] > 1 else ""
    return f"{event['pass']}{again}", event["done"], event["total"]


def _human(report: Mapping[str, Any], named: Sequence[str]) -> str:
    if report["outcome"] == "nothing_to_do" and named:
        return f"nothing to do for {', '.join(named)}; a pass that needs the store alone waits until no client is open"
    if report["outcome"] == "nothing_to_do":
        return "nothing to do: nothing has changed since the last night"
    said = f"night {report['id']}: {report['outcome']}, {summary(report)}"
    if report["reason"]:
        said += f": {report['reason']}"
    for each in report["passes"]:
        if each["name"].startswith(COMMAND) and each["said"]:
            said += f"\n{each['name']}: {each['said']}"
    if report["held_back"]:
        said += f"\n{report['held_back']} held back: `iai-daemon nights show {report['id']}` says why"
    if report["proposed"]:
        said += (
            f"\n{report['proposed']} proposed: `iai-daemon nights show {report['id']} --diff` shows them, "
        )
        said += f"`iai-daemon nights accept {report['id']}` carries them out"
    return said


def _print_plan(plan: Mapping[str, Any], *, as_json: bool) -> int:
    emit(plan, as_json=as_json, human=lambda: "\n".join(_plan_lines(plan)), styled=True)
    return 0


def _plan_lines(plan: Mapping[str, Any]) -> Iterator[str]:
    """As `nights show --diff` would print it afterwards, and that none of it is done."""
    added = {each["record"]: first_words(each["content"]) for each in plan["changes"] if each["added"]}
    with stores() as opened:

        def words(record: int) -> str | None:
            return added.get(record) or content_of(opened.memory, record)

        yield from tell_changes(plan["changes"], words)
        yield from tell_changes(plan["held"], words)
    made, held = len(plan["changes"]), len(plan["held"])
    waiting = f", {held} to wait" if held else ""
    for each in plan["passes"]:
        if each["status"] == NOT_REHEARSED:
            yield f"{each['name']}: {NOT_REHEARSED}"
    yield f"{made} {'change' if made == 1 else 'changes'} to make{waiting}; none was made"
