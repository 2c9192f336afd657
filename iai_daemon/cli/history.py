"""`iai-daemon history`: the transitions; works without a daemon."""

from __future__ import annotations

import click

from iai_daemon.cli.common import emit, home, home_option, json_option
from iai_daemon.lifecycle.history import read


@click.command()
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="Only the newest N.")
@home_option
@json_option
def history(limit: int | None, as_json: bool) -> None:
    """Show the transitions between WAKE, IDLE and BEDTIME with the rule and the figures behind each, oldest first.

    Example: iai-daemon history --limit 20
    """
    transitions = read(home().history, limit)

    def human() -> str:
        lines = [
            f"{each['at']}  {each.get('from') or '·':7} → {each['to']:7}  {each.get('rule')}: {each.get('reason')}"
            for each in transitions
        ]
        return "\n".join(lines) or "no transitions yet"

    emit({"transitions": transitions}, as_json=as_json, human=human)
