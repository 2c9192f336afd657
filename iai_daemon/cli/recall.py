"""`iai-daemon recall`: plan when an agent is woken in a session, and see what became of it; works without a daemon."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import click

from iai_daemon.agenda.asking.describe import (
    coming,
    describe_deferral,
    describe_kept,
    describe_occurrence,
    describe_recall,
    describe_run,
    describe_time,
    firings,
)
from iai_daemon.agenda.asking.here import recall_of, this_user, viewer
from iai_daemon.agenda.asking.wishes import MAX_MESSAGE, Manner, Wish, draft_of, trigger_of
from iai_daemon.agenda.recall import Recall
from iai_daemon.agenda.store.recalls import AgendaStore, Filter
from iai_daemon.cli import completing
from iai_daemon.cli.agenda import (
    NOBODY_FIRES,
    agenda,
    say_time,
    say_trigger,
    when_of,
    when_options,
)
from iai_daemon.cli.common import (
    Group,
    Id,
    emit,
    home,
    home_option,
    json_option,
    now_ms,
    settings,
    tell_daemon,
)
from iai_daemon.cli.recall_changes import cancel, pause, reschedule, resume, run, skip
from iai_daemon.cli.recall_import import import_
from iai_daemon.errors import IaiError
from iai_daemon.foreign import one_line, printable

# So many firings are shown before anything is planned, and of what is planned; so many that have been.
_PREVIEW, _NEXT, _LAST = 10, 5, 5


@click.group(cls=Group)
@home_option
def recall() -> None:
    """Wake an agent at a time, in a session, with a message.

    \b
    Example: iai-daemon recall add "Is the build green?" --agent claude --session 1f0c --in 20m
    Example: iai-daemon recall list
    Example: iai-daemon recall cancel 3
    """


@recall.command()
@click.argument("message", metavar="MESSAGE")
@click.option(
    "--agent",
    metavar="NAME",
    shell_complete=completing.agents,
    help="Which of [agents.NAME]; may be left out where there is one.",
)
@click.option(
    "--session",
    metavar="ID",
    default="",
    shell_complete=completing.sessions,
    help="The conversation that it goes on with.",
)
@when_options
@click.option(
    "--catch-up",
    type=click.Choice(["skip", "once", "all"]),
    help="What becomes of what was missed; else `agenda.catch_up`.",
)
@click.option(
    "--catch-up-window",
    metavar="D",
    help="How old what is made up for may be; else `agenda.catch_up_window`.",
)
@click.option(
    "--overlap",
    type=click.Choice(["skip", "queue", "allow"]),
    help="What becomes of it while the one before still runs; else skip.",
)
@click.option(
    "--jitter",
    metavar="D",
    help="Put every firing off by a part of this, always the same one; else by nothing.",
)
@click.option(
    "--retries", metavar="N", type=int, help="Runs after one that failed; else 2, and 0 where it recurs."
)
@click.option(
    "--backoff",
    metavar="D",
    help="How long before the first of these, then twice as long each time; else 1m.",
)
@click.option(
    "--max-defer", metavar="D", help="How long a busy session may put it off; else `agenda.max_defer`."
)
@click.option("--until", metavar="T", help="Nothing fires after this time; written as for --at.")
@click.option("--comment", metavar="TEXT", default="", help="For yourself; the agent does not see it.")
@click.option("--dry-run", is_flag=True, help="Only show the next ten times.")
@home_option
@json_option
def add(message: str, dry_run: bool, as_json: bool, **said: Any) -> None:
    """Plan to wake an agent with MESSAGE ("-": read from standard input).

    A session has one pending recall at a time.

    \b
    Example: iai-daemon recall add "Is the build green?" --agent claude --session 1f0c --in 20m
    Example: iai-daemon recall add "Say what is new." --session 1f0c --cron "0 9 * * mon-fri" --tz Europe/Paris
    Example: iai-daemon recall add "Tidy up." --session 1f0c --every 1d --dry-run
    """
    wish = _wish(_message(message), said)
    if dry_run:
        _preview(wish, as_json=as_json)
        return
    with agenda() as store:
        now = now_ms()
        draft, first = draft_of(wish, settings().agents, home().config, now)
        made = store.add(draft, first, now)
    runs = tell_daemon()
    told = describe_recall(made)
    lines = [f"recall {made.id} wakes {made.agent} in the session {made.session_id}: {told['local']}"]
    if not runs:
        lines.append(NOBODY_FIRES)
    emit({**told, "daemon": runs}, as_json=as_json, human=lambda: "\n".join(lines))


def _message(given: str) -> str:
    """One character more than is allowed shows that it is too long."""
    return sys.stdin.read(MAX_MESSAGE + 2) if given == "-" else given


def _wish(message: str, said: dict[str, Any]) -> Wish:
    when = when_of(said)
    kept = {name: said.pop(name) for name in ("agent", "until", "comment")}
    return Wish(message, said.pop("session"), when, this_user(), manner=Manner(**said), **kept)


def _preview(wish: Wish, *, as_json: bool) -> None:
    """The times are shown also where the rest would be refused, which is said."""
    now, chosen = now_ms(), settings()
    _, trigger = trigger_of(wish.when, now)
    problem = expires = None
    try:
        draft, _ = draft_of(wish, chosen.agents, home().config, now)
        expires = draft.expires_at
    except IaiError as refused:
        problem = str(refused)
        click.echo(f"it would be refused: {problem}", err=True)
    times = [describe_time(each, trigger.zone) for each in firings(trigger, now - 1, _PREVIEW, expires)]
    result = {
        "next": times,
        "trigger": {"kind": trigger.kind, "expression": trigger.expression, "tz": trigger.zone},
    }
    emit(
        {**result, "problem": problem},
        as_json=as_json,
        human=lambda: "\n".join(each["local"] for each in times),
    )


@recall.command("list")
@click.option(
    "--session",
    "session_id",
    metavar="ID",
    shell_complete=completing.sessions,
    help="Only those of this session.",
)
@click.option("--user", metavar="NAME", help="Only those of this user.")
@click.option("--all", "past", is_flag=True, help="Also those of which nothing more is to come.")
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(1, 10_000),
    default=50,
    help="At most so many; 50 unless said.",
)
@click.option(
    "--offset", metavar="N", type=click.IntRange(0, 2**31), default=0, help="Leave out the first so many."
)
@home_option
@json_option
def list_(past: bool, as_json: bool, **wanted: Any) -> None:
    """Print the recalls of which more is to come, what is due last first.

    \b
    Example: iai-daemon recall list --session 1f0c
    """
    with agenda() as store:
        found = store.recalls(viewer(home()), Filter(live=not past, **wanted))
        told = [describe_kept(store, each) for each in found]
    lines = [_line(*each) for each in zip(found, told, strict=True)]
    emit({"recalls": told}, as_json=as_json, human=lambda: "\n".join(lines) or "no recalls")


def _line(each: Recall, told: Mapping[str, Any]) -> str:
    status = "paused" if each.is_live and each.paused_at is not None else each.status.value
    return (
        f"{each.id:>4}  {status:9}  {told['local'] or '-':28}  {each.agent} in {each.session_id}  "
        f"{say_trigger(each.trigger)}: {one_line(each.message)}"
    )


@recall.command()
@click.argument("id_", metavar="ID", type=Id, shell_complete=completing.recalls)
@home_option
@json_option
def show(id_: int, as_json: bool) -> None:
    """Print a recall, when it fires next, and what became of its last five times.

    \b
    Example: iai-daemon recall show 3
    """
    with agenda() as store:
        each = recall_of(store, id_, viewer(home()))
        occurrences = store.history(each.id, 50)
        told = {
            **describe_kept(store, each),
            "next": [describe_time(time, each.trigger.zone) for time in coming(each, occurrences, _NEXT)],
            "occurrences": [
                _with_runs(store, one.id, describe_occurrence(one)) for one in occurrences[-_LAST:]
            ],
        }
    emit(told, as_json=as_json, human=lambda: "\n".join(_tell(each, told)))


def _with_runs(store: AgendaStore, occurrence: int, told: dict[str, Any]) -> dict[str, Any]:
    return {
        **told,
        "deferred": [describe_deferral(each) for each in store.deferrals(occurrence)],
        "runs": [describe_run(each) for each in store.runs(occurrence)],
    }


def _tell(each: Recall, told: Mapping[str, Any]) -> Iterator[str]:
    paused = ", paused" if told["paused"] else ""
    yield f"recall {each.id}: {each.status}{paused}, {say_trigger(each.trigger)}, wakes {each.agent} in {each.session_id}"
    if each.reason:
        yield f"  {each.reason}"
    yield f"  {each.message}"
    yield from _facts(each)
    for time in told["next"]:
        yield f"  next  {time['local']}"
    for one in told["occurrences"]:
        yield f"  {_say(one)}"
        yield from (
            f"    put off until {put_off['until']}: {put_off['reason']}" for put_off in one["deferred"]
        )
        yield from (f"    run {run['id']}: {run['problem']}" for run in one["runs"] if run["problem"])
    runs = [run for one in told["occurrences"] for run in one["runs"]]
    if runs and runs[-1]["output"]:
        yield f"  the end of what run {runs[-1]['id']} wrote:"
        yield from (f"    {line}" for line in printable(runs[-1]["output"]).splitlines())


def _facts(each: Recall) -> Iterator[str]:
    yield f"  made by {each.made_by}, owned by {each.owner}"
    if each.comment:
        yield f"  comment: {each.comment}"
    if each.expires_at is not None:
        yield f"  until {say_time(each.expires_at, each.trigger.zone)}"


@recall.command()
@click.argument("id_", metavar="[ID]", type=Id, required=False, shell_complete=completing.recalls)
@click.option(
    "--limit", metavar="N", type=click.IntRange(1, 10_000), default=50, help="The newest N; 50 unless said."
)
@home_option
@json_option
def history(id_: int | None, limit: int, as_json: bool) -> None:
    """Print what became of each time, of one recall or of all, oldest first.

    \b
    Example: iai-daemon recall history 3 --limit 10
    """
    with agenda() as store:
        if id_ is not None:
            recall_of(store, id_, viewer(home()))
        told = [describe_occurrence(each) for each in store.history(id_, limit)]
    lines = [f"{each['recall']:>4}  {_say(each)}" for each in told]
    emit({"occurrences": told}, as_json=as_json, human=lambda: "\n".join(lines) or "nothing yet")


def _say(each: Mapping[str, Any]) -> str:
    """One time and what became of it."""
    counted = [
        f"{each[name]} {words}"
        for name, words in (("deferrals", "times put off"), ("swallowed", "others before it"))
        if each[name]
    ]
    status = [] if each["exit_status"] in (None, 0) else [f"exit status {each['exit_status']}"]
    reason = [each["reason"]] if each["reason"] else []
    asked = ["asked for"] if each["extra"] else []
    return "; ".join([f"{each['scheduled_for']}  {each['state']}", *asked, *counted, *status, *reason])


for _command in (cancel, skip, pause, resume, reschedule, run, import_):
    recall.add_command(_command)
