"""`iai-daemon recall import`: what a crontab starts today becomes recalls."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from typing import Any

import click

from iai_daemon.agenda.asking.crontab import read
from iai_daemon.agenda.asking.describe import describe_trigger, stamp
from iai_daemon.agenda.asking.here import this_user, viewer
from iai_daemon.agenda.asking.taking_over import Taken, TakingOver
from iai_daemon.agenda.store.recalls import AgendaStore, Filter
from iai_daemon.cli.agenda import (
    NOBODY_FIRES,
    agenda,
    say_time,
    say_trigger,
    zone_here,
)
from iai_daemon.cli.common import Group, emit, home, home_option, json_option, now_ms, settings, tell_daemon
from iai_daemon.cli.progress import at_work
from iai_daemon.errors import SessionTaken, UsageError
from iai_daemon.foreign import one_line

# More lines than anybody has, and more than an agenda is looked through for.
_LARGEST = 1_000_000
_MANY = 100_000
_WORDS = ("added", "already", "refused")


@click.group("import", cls=Group)
@home_option
def import_() -> None:
    """Take over what another scheduler does today.

    \b
    Example: iai-daemon recall import crontab mine.crontab
    """


@import_.command()
@click.argument("file", type=click.File(encoding="utf-8", errors="strict"))
@click.option("--dry-run", is_flag=True, help="Only say what would become of each line.")
@click.option(
    "--session-prefix",
    "prefix",
    metavar="P",
    default="cron",
    help="A line that names no session, and needs none, gets P-LINE; else cron.",
)
@home_option
@json_option
def crontab(file: Any, dry_run: bool, prefix: str, as_json: bool) -> int:
    """Make recalls of the lines of a crontab that start an agent ("-": read from standard input).

    The crontab stays as it is: take those lines out yourself. Once taken over, a line is not taken over again. Ends with 1
    where a line is not taken over, with the reason; the others are.

    \b
    Example: iai-daemon recall import crontab mine.crontab
    Example: crontab -l | iai-daemon recall import crontab - --dry-run
    """
    lines = read(_text(file))
    now, keeps_nothing = now_ms(), dry_run and not home().memory.exists()
    with nullcontext() if keeps_nothing else agenda() as store:
        taking_over = TakingOver(
            agents=settings().agents,
            config=home().config,
            owner=this_user(),
            zone=cache(zone_here),
            prefix=prefix,
            there=store.recalls(viewer(home()), Filter(live=True, limit=_MANY)) if store else (),
        )
        taken = list(taking_over.take(lines, now))
        if store and not dry_run:
            taken = _keep_all(store, taken, now)
    said = [_say(each) for each in taken]
    if any(each.became == "added" for each in taken) and not dry_run and not tell_daemon():
        said.append(NOBODY_FIRES)
    result = {word: [_describe(each) for each in taken if each.became == word] for word in _WORDS}
    emit(
        {**result, "dry_run": dry_run},
        as_json=as_json,
        human=lambda: "\n".join(said) or "no line in it starts anything",
    )
    return 1 if result["refused"] else 0


def _text(file: Any) -> str:
    try:
        text: str = file.read(_LARGEST + 1)
    except UnicodeDecodeError as cause:
        raise UsageError(problem=f"{file.name} is no crontab: it is not UTF-8 text.") from cause
    if len(text) > _LARGEST or "\0" in text:
        raise UsageError(problem=f"{file.name} is no crontab: it is too long, or holds a zero byte.")
    return text


def _keep_all(store: AgendaStore, taken: Sequence[Taken], now: int) -> list[Taken]:
    """Raises Stopped."""
    kept: list[Taken] = []

    def said() -> str:
        return (
            f"of {len(taken):,} lines {len(kept):,} are done with. The same command goes on where it stopped: what is taken over "
            "already stays as it is."
        )

    with at_work(said) as work:
        for each in taken:
            kept.append(_keep(store, each, now))
            work.tell("taking over", len(kept), len(taken))
    return kept


def _keep(store: AgendaStore, each: Taken, now: int) -> Taken:
    if each.draft is None or each.first is None:
        return each
    try:
        return replace(each, recall=store.add(each.draft, each.first, now).id)
    except SessionTaken as refused:
        return replace(each, problem=str(refused))


def _describe(each: Taken) -> dict[str, Any]:
    told: dict[str, Any] = {"line": each.line.number}
    if each.problem is not None:
        return {**told, "reason": each.problem}
    told["recall"] = each.recall
    if each.draft is not None and each.first is not None:
        told |= {
            "agent": each.draft.agent,
            "session_id": each.draft.session_id,
            "additional_context_message": each.draft.message,
            "trigger": describe_trigger(each.draft.trigger),
            "trigger_at": stamp(each.first.next_try_at),
            "dropped": each.line.dropped,
        }
    return told


def _say(each: Taken) -> str:
    place = f"line {each.line.number}"
    if each.problem is not None:
        return f"{place}: not taken over: {each.problem}"
    if each.draft is None or each.first is None:
        return f"{place}: there already, recall {each.recall}"
    made, draft = "a recall" if each.recall is None else f"recall {each.recall}", each.draft
    time = say_time(each.first.next_try_at, draft.trigger.zone)
    dropped = (
        f" ({one_line(each.line.dropped)} is left out: `recall show` has the end of what it writes)"
        if each.line.dropped
        else ""
    )
    return (
        f"{place}: {made} wakes {draft.agent} in the session {draft.session_id}, {say_trigger(draft.trigger)}, first {time}: "
        f"{one_line(draft.message)}{dropped}"
    )
