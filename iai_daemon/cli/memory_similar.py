"""`iai-daemon memory similar`: what is most like a memory, by the vectors that nights have made."""

from __future__ import annotations

import click

from iai_daemon.cli.common import Id, emit, home_option, json_option, stores
from iai_daemon.memory.record import describe


@click.command()
@click.argument("record", type=Id, metavar="ID")
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    help="At most so many.",
)
@home_option
@json_option
def similar(record: int, limit: int, as_json: bool) -> None:
    """Print what is most like a memory, whatever its words, with how much (1: the same).

    \b
    Example: iai-daemon memory similar 12
    """
    with stores() as opened:
        found = opened.memory.similar(record, limit)
    lines = [f"{each.similarity:5.2f}  {each.record.id:>6}  {each.record.content}" for each in found]
    emit(
        {"results": [{"similarity": round(each.similarity, 4), **describe(each.record)} for each in found]},
        as_json=as_json,
        human=lambda: "\n".join(lines) or f"nothing is like {record}",
    )
