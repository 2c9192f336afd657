"""The help of `run`, `status` and `mcp`. They themselves start without click, from `__main__`."""

from __future__ import annotations

import click

from iai_daemon.cli.common import home_option, json_option


@click.command()
@home_option
def run() -> None:
    """Run the daemon in the foreground, until SIGTERM or Ctrl-C.

    There is one daemon for each home: if another one runs, this says so and ends with 0.

    \b
    Example: iai-daemon run --home /tmp/trial
    """


@click.command()
@home_option
@json_option
def status(as_json: bool) -> None:
    """Say on one screen how the daemon stands: the state and why, who is here, the last night, what comes next, and what does
    not work, with what mends it.

    Ends with 1 when none is running. In colours on a terminal, unless NO_COLOR is set; plain and unwrapped elsewhere.

    \b
    Example: iai-daemon status
    Example: iai-daemon status --json
    """


@click.command()
@home_option
def mcp() -> None:
    """Serve the memory to an MCP client on standard input and output.

    Clients start it behind a wrapper, which `iai-daemon clients connect` tells them.

    \b
    Example: iai-wrapper -- iai-daemon mcp
    """
