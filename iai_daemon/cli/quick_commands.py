"""The help of `run`, `status` and `mcp`. They themselves start without click, from `__main__`."""

from __future__ import annotations

import click

from iai_daemon.cli.common import home_option, json_option


@click.command()
@home_option
def run() -> None:
    """Run the daemon in the foreground, until SIGTERM or Ctrl-C.

    There is one daemon for each home: if another one runs, this says so and ends with 0.

    Example: iai-daemon run --home /tmp/trial
    """


@click.command()
@home_option
@json_option
def status(as_json: bool) -> None:
    """Say how the daemon stands; ends with 1 when none is running.

    Example: iai-daemon status --json
    """


@click.command()
@home_option
def mcp() -> None:
    """Serve the memory to an MCP client on standard input and output.

    Clients start it behind a wrapper: iai-wrapper -- iai-daemon mcp
    """
