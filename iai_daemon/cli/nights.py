"""`iai-daemon nights`: what nights did, and how one is taken back; works without a daemon."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import click

from iai_daemon.cli.common import Id, emit, home_option, json_option, now_ms, stores
from iai_daemon.memory.nights import NightRow
from iai_daemon.units import format_stamp


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
        reports = [report_of(night) for night in opened.nights.nights(limit)]
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
        report = report_of(opened.nights.night(night))
        entries = opened.nights.journal(night=night)
    changes = [
        {
            "record": entry.record,
            "pass": entry.pass_name,
            "effect": entry.effect,
            "reason": entry.reason,
            "undone": entry.undone_at is not None,
        }
        for entry in entries
    ]
    lines = [
        f"night {report['id']} ({report['kind']}): {report['outcome'] or 'running'}, {summary(report)}",
        f"from {report['started_at']} to {report['ended_at']}; {report['reason'] or ''}".rstrip("; "),
        *(f"  {each['record']:>6}  {each['effect']}: {each['reason']}" for each in changes),
    ]
    emit({**report, "changes": changes}, as_json=as_json, human=lambda: "\n".join(lines))


@nights.command()
@click.argument("night", type=Id, metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Also put back what has changed since that night.")
@home_option
@json_option
def undo(night: int, yes: bool, force: bool, as_json: bool) -> int:
    """Put back every memory that a night changed, as it was before.

    Refused when some have changed since, unless --force. Without a terminal nothing is asked.

    Example: iai-daemon nights undo 3
    """
    with stores() as opened:
        opened.nights.night(night)
        if not yes and not as_json and sys.stdin.isatty():
            click.confirm(f"Take night {night} back?", abort=True)
        undone = opened.nights.undo(night, now_ms(), force=force)
    refused = bool(undone.changed_since) and not force
    result = {"night": night, "restored": undone.restored, "changed_since": list(undone.changed_since)}
    changed = ", ".join(map(str, undone.changed_since))
    said = (
        f"nothing put back: changed since night {night}: {changed}; --force puts them back all the same"
        if refused
        else f"night {night} taken back: {undone.restored} memories are as they were before it"
    )
    emit(result, as_json=as_json, human=lambda: said)
    return 1 if refused else 0


def report_of(night: NightRow) -> dict[str, object]:
    """The report of a night, and when it was taken back; of one that has none yet what the store knows."""
    known: dict[str, object] = {
        "id": night.id,
        "kind": night.kind,
        "rule": night.rule,
        "started_at": _stamp(night.started_at),
        "ended_at": _stamp(night.ended_at),
        "outcome": night.outcome,
        "reason": night.reason,
    }
    return {**known, **(night.report or {}), "undone_at": _stamp(night.undone_at)}


def _stamp(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else format_stamp(milliseconds / 1000)


def summary(report: Mapping[str, object]) -> str:
    """What a night did, in one line."""
    counted = [
        (report.get("expired_pruned"), "expired"),
        (report.get("superseded_gc"), "superseded"),
        (report.get("nodes_embedded"), "embedded"),
    ]
    return ", ".join(f"{count} {what}" for count, what in counted if count) or "nothing changed"
