"""`iai-daemon nights`: what nights did, and how one is taken back; works without a daemon."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import click

from iai_daemon.cli.common import Id, emit, home, home_option, json_option, now_ms, stores
from iai_daemon.consolidation.journal import describe_entry, say_entry, say_undone, undo_night
from iai_daemon.consolidation.report import of_row


@click.group()
@home_option
def nights() -> None:
    """List nights, show one, take one back."""


@nights.command("list")
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="Only the newest N.")
@home_option
@json_option
def list_(limit: int | None, as_json: bool) -> None:
    """Print the report of every night, oldest first.

    Example: iai-daemon nights list --limit 10
    """
    with stores() as opened:
        reports = [of_row(night) for night in opened.nights.nights(limit)]
    lines = [
        f"{each['id']:>4}  {each['started_at']}  {each['kind']:5}  {each['outcome'] or 'running':13} {summary(each)}"
        for each in reports
    ]
    emit({"nights": reports}, as_json=as_json, human=lambda: "\n".join(lines) or "no nights yet")


@nights.command()
@click.argument("night", type=Id, metavar="ID")
@home_option
@json_option
def show(night: int, as_json: bool) -> None:
    """Print one night's report and what it changed, each with its reason.

    Example: iai-daemon nights show 3
    """
    with stores() as opened:
        report = of_row(opened.nights.night(night))
        entries = opened.nights.journal(night=night)
    lines = [
        f"night {report['id']} ({report['kind']}): {report['outcome'] or 'running'}, {summary(report)}",
        f"from {report['started_at']} to {report['ended_at']}",
        *([str(report["reason"])] if report["reason"] else []),
        *(f"  {say_entry(entry)}" for entry in entries),
    ]
    changes = [describe_entry(entry) for entry in entries]
    emit({**report, "changes": changes}, as_json=as_json, human=lambda: "\n".join(lines))


@nights.command()
@click.argument("night", type=Id, metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Also put back what has changed since that night.")
@home_option
@json_option
def undo(night: int, yes: bool, force: bool, as_json: bool) -> None:
    """Put back every memory that a night changed, as it was before.

    Refused when some have changed since, unless --force. Without a terminal nothing is asked.

    Example: iai-daemon nights undo 3
    """
    with stores() as opened:
        opened.nights.night(night)
        if not yes and not as_json and sys.stdin.isatty():
            click.confirm(f"Take night {night} back?", abort=True)
        undone = undo_night(opened.nights, home().consolidation_lock, night, now_ms(), force=force)
    result = {"night": night, "restored": undone.restored, "changed_since": list(undone.changed_since)}
    emit(result, as_json=as_json, human=lambda: say_undone(night, undone))


def summary(report: Mapping[str, object]) -> str:
    """What a night did, in one line."""
    counted = [
        (report.get("expired_pruned"), "expired"),
        (report.get("superseded_gc"), "superseded"),
        (report.get("nodes_embedded"), "embedded"),
    ]
    return ", ".join(f"{count} {what}" for count, what in counted if count) or "nothing changed"
