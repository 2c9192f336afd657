"""`iai-daemon demo`: one evening in about two minutes, in a home of its own."""

from __future__ import annotations

import click

from iai_daemon.cli.common import json_option


@click.command()
@click.option("--keep", is_flag=True, help="Leave the evening's home in place and say where it is.")
@json_option
def demo(keep: bool, as_json: bool) -> int:
    """Show one evening in about two minutes, with real processes, in a home of its own; yours is not touched.

    Clients store notes and leave; the daemon goes from WAKE over IDLE to BEDTIME and begins a night; somebody comes back
    in the middle; the night goes on when he has left; the morning tells what was done, takes it back, and does it again.

    \b
    Example: iai-daemon demo
    """
    from iai_daemon.demo.evening import run  # noqa: PLC0415 -- the MCP SDK takes a second, and help needs none of it

    return run(as_json=as_json, keep=keep)
