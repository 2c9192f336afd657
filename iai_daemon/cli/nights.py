"""`iai-daemon nights`: what nights did, what they proposed, and how that is taken back or accepted; works without a daemon."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from iai_daemon.cli import completing
from iai_daemon.cli.common import (
    Group,
    Id,
    emit,
    home,
    home_option,
    json_option,
    now_ms,
    settings,
    stores,
    tell_daemon,
)
from iai_daemon.cli.diff import tell_changes
from iai_daemon.cli.progress import at_work
from iai_daemon.consolidation.effects import counted
from iai_daemon.consolidation.journal import (
    accept_night,
    content_of,
    describe_entry,
    describe_held,
    describe_link,
    record_of,
    say_accepted,
    say_entry,
    say_link,
    say_undone,
    undo_night,
)
from iai_daemon.consolidation.report import of_row
from iai_daemon.errors import NoSuchPass
from iai_daemon.foreign import printable
from iai_daemon.memory.nights import HeldRow, JournalEntry, Why
from iai_daemon.memory.stores import Stores
from iai_daemon.tables import nearest

# So many changes are listed where nobody has asked for all of them.
_LISTED = 20
_WAIT = {
    Why.REVIEW: "for you",
    Why.BUDGET: "for the next night, beyond what one may lose",
    Why.RECALL: "because search would lose by it",
}


@click.group(cls=Group)
@home_option
def nights() -> None:
    """List nights, show one, take one back, accept what one proposed.

    \b
    Example: iai-daemon nights list
    Example: iai-daemon nights show 3 --diff
    Example: iai-daemon nights undo 3
    """


@nights.command("list")
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="Only the newest N; else all.")
@home_option
@json_option
def list_(limit: int | None, as_json: bool) -> None:
    """Print the report of every night, oldest first, and how much of what it planned still waits.

    \b
    Example: iai-daemon nights list --limit 10
    """
    with stores() as opened:
        reports: list[dict[str, Any]] = [
            {**of_row(night), "waiting": _waiting(opened, night.id)} for night in opened.nights.nights(limit)
        ]
    lines = [_line(each) for each in reports]
    emit({"nights": reports}, as_json=as_json, human=lambda: "\n".join(lines) or "no nights yet")


def _line(report: Mapping[str, Any]) -> str:
    taken_back = ["taken back"] if report["undone_at"] else []
    said = "; ".join([summary(report), *_say_waiting(report["waiting"]), *taken_back])
    return f"{report['id']:>4}  {report['started_at']}  {report['kind']:5}  {report['outcome'] or 'running':13} {said}"


@nights.command()
@click.argument("night", type=Id, metavar="ID", shell_complete=completing.nights)
@click.option("--diff", is_flag=True, help="Every change in full: each memory before and after.")
@home_option
@json_option
def show(night: int, diff: bool, as_json: bool) -> None:
    """Print one night's report, what it changed, each with its reason, and what waits.

    \b
    Example: iai-daemon nights show 3 --diff
    """
    with stores() as opened:
        report = {**of_row(opened.nights.night(night)), "waiting": _waiting(opened, night)}
        entries = opened.nights.journal(night=night)
        changes = [describe_entry(entry) for entry in entries]
        held = [_describe_held(opened, row) for row in opened.nights.held(night=night)]
        links = [describe_link(row) for row in opened.nights.links_of_night(night)]
        told = _all_of(opened, changes, held) if diff else [printable(line) for line in _few_of(entries)]
    rest = [*([say_link(link) for link in links] if diff else _count_links(links)), *_foot(report)]
    lines = [*map(printable, _head(report)), *told, *map(printable, rest)]
    emit(
        {**report, "changes": changes, "links": links, "held": held},
        as_json=as_json,
        human=lambda: "\n".join(lines),
        styled=True,
    )


def _all_of(opened: Stores, *told: Sequence[Mapping[str, Any]]) -> list[str]:
    def words(record: int) -> str | None:
        return content_of(opened.memory, record)

    return [line for changes in told for line in tell_changes(changes, words)]


def _few_of(entries: Sequence[JournalEntry]) -> list[str]:
    lines = [f"  {say_entry(entry)}" for entry in entries[:_LISTED]]
    more = len(entries) - len(lines)
    return [*lines, f"  … and {more} more, --diff shows all"] if more else lines


def _count_links(links: Sequence[object]) -> list[str]:
    return [f"  {len(links)} links between memories, --diff shows them"] if links else []


def _describe_held(opened: Stores, row: HeldRow) -> dict[str, object]:
    return describe_held(row, record_of(opened.memory, row))


def _head(report: Mapping[str, Any]) -> Iterator[str]:
    yield f"night {report['id']} ({report['kind']}, {report['rule']}): {report['outcome'] or 'running'}, {summary(report)}"
    yield f"from {report['started_at']} to {report['ended_at'] or 'now'}"
    if report["reason"]:
        yield str(report["reason"])
    if report["undone_at"]:
        yield f"taken back at {report['undone_at']}"
    for name in dict.fromkeys(each["name"] for each in report["passes"]):
        yield f"  {name:14} {_say_pass([each for each in report['passes'] if each['name'] == name])}"


def _say_pass(rounds: Sequence[Mapping[str, Any]]) -> str:
    """One pass in all rounds: what it did, or what kept it from that."""
    examined, changed = (sum(each[name] for each in rounds) for name in ("examined", "changed"))
    seconds = sum(each["seconds"] for each in rounds)
    notable = dict.fromkeys(each["status"] for each in rounds if each["status"] not in ("done", "skipped"))
    status = ", ".join(notable) or rounds[0]["status"]
    said = "; ".join(each["said"] for each in rounds if each.get("said"))
    told = f"{status}, {examined} examined, {changed} changed, {seconds:.2f} s"
    return f"{told}: {said}" if said else told


def _foot(report: Mapping[str, Any]) -> Iterator[str]:
    yield from _say_waiting(report["waiting"])
    if report["waiting"].get("review"):
        yield f"`iai-daemon nights accept {report['id']}` carries out what waits for you, `nights undo` refuses it"


def _waiting(opened: Stores, night: int) -> dict[str, int]:
    """How much of what this night planned waits, by why."""
    found = dict.fromkeys((why.value for why in Why), 0)
    for (_, why), number in opened.nights.count_held(night).items():
        found[why.value] += number
    return found


def _say_waiting(waiting: Mapping[str, int]) -> list[str]:
    return [f"{waiting[why.value]} wait {words}" for why, words in _WAIT.items() if waiting.get(why.value)]


@nights.command()
@click.argument("night", type=Id, metavar="ID", shell_complete=completing.nights)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Also put back what has changed since that night.")
@home_option
@json_option
def undo(night: int, yes: bool, force: bool, as_json: bool) -> None:
    """Put back every memory that a night changed, as it was before; what it proposed waits no longer.

    Refused when some have changed since, unless --force. Without a terminal nothing is asked.

    \b
    Example: iai-daemon nights undo 3
    """
    with stores() as opened:
        opened.nights.night(night)
        if not yes and not as_json and sys.stdin.isatty():
            click.confirm(f"Take night {night} back?", abort=True)
        refused = sum(_waiting(opened, night).values())
        with at_work(
            lambda: f"nothing of night {night} was taken back. The same command begins anew."
        ) as work:
            undone = undo_night(opened.nights, home(), night, now_ms(), force=force, tell=work.tell)
    tell_daemon()
    result = {
        "night": night,
        "restored": undone.restored,
        "changed_since": list(undone.changed_since),
        "gone": list(undone.gone),
        "refused": refused,
    }
    emit(result, as_json=as_json, human=lambda: say_undone(night, undone, refused))


@nights.command()
@click.argument("night", type=Id, metavar="ID", shell_complete=completing.nights)
@home_option
@json_option
def accept(night: int, as_json: bool) -> int:
    """Carry out what a night only proposed, because `consolidation.review` is set. `nights undo` takes it back.

    What has changed since is left as it is and named; ends with 1 when nothing waits.

    \b
    Example: iai-daemon nights accept 3
    """
    with stores() as opened:
        with at_work(
            lambda: f"the rest of what night {night} proposed still waits. The same command goes on there."
        ) as work:
            accepted = accept_night(opened.nights, home(), night, now_ms(), work.tell)
        report = of_row(opened.nights.night(night))
        left_out = [_describe_held(opened, row) for row in accepted.left_out]
    result = {"night": night, "applied": accepted.applied, "left_out": left_out, "report": report}
    emit(result, as_json=as_json, human=lambda: say_accepted(night, accepted))
    return 0 if accepted.applied else 1


@nights.command()
@click.argument("name", metavar="PASS", shell_complete=completing.passes)
@home_option
@json_option
def retry(name: str, as_json: bool) -> None:
    """Let a pass run again that failed three times, was put off again and again, or had too little memory.

    \b
    Example: iai-daemon nights retry embed
    """
    there_are = settings().consolidation.pass_names
    with stores() as opened:
        hindrances = opened.nights.hindrances()
        known = list(dict.fromkeys([*there_are, *hindrances]))
        if name not in known:
            raise NoSuchPass(name=name, nearest=nearest(name, known))
        hindrance = hindrances.get(name)
        if hindrance is not None:
            opened.nights.hinder(name, None)
    tell_daemon()
    result = {"pass": name, "cleared": hindrance is not None, "reason": hindrance and hindrance.reason}
    said = f"nothing kept the pass {name} from running"
    if hindrance is not None:
        said = f"the pass {name} may run again; what stood in its way: {hindrance.reason}"
    emit(result, as_json=as_json, human=lambda: said)


def summary(report: Mapping[str, object]) -> str:
    """What a night did, in one line."""
    return ", ".join(counted(report)) or "nothing changed"
