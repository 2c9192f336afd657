"""`iai-daemon watch`: the status live, on the whole terminal; with `--json` a line for programs at every change."""

from __future__ import annotations

import os
import sys

import click

from iai_daemon.cli.common import home, home_option, json_option
from iai_daemon.errors import UsageError
from iai_daemon.paths import Home

_ONE_LOOK = "`iai-daemon status` prints it once, `iai-daemon watch --json` a line at every change"


@click.command()
@home_option
@json_option
def watch(as_json: bool) -> int:
    """Show how the daemon stands, live: who is here, the night that runs and how far it is, agents at work, what comes next.

    It follows the daemon also over a restart. `q` ends it, and the terminal is as it was. With --json, for programs: the object
    of `status --json` on a line of its own at every change, until Ctrl-C.

    \b
    Example: iai-daemon watch
    Example: iai-daemon watch --json
    """
    if as_json:
        return _tell(home())
    _check_terminal()
    return _show(home())


def _check_terminal() -> None:
    if not sys.stdout.isatty():
        raise UsageError(problem=f"`watch` draws on a terminal, and standard output is none: {_ONE_LOOK}.")
    if os.environ.get("TERM", "dumb") == "dumb":
        raise UsageError(problem=f"This terminal cannot be drawn on (TERM=dumb): {_ONE_LOOK}.")


def _show(home: Home) -> int:
    from iai_daemon.cli.watching import show  # noqa: PLC0415 -- rich, which only a terminal needs

    return show(home)


def _tell(home: Home) -> int:
    from iai_daemon.cli.watching_for_programs import tell  # noqa: PLC0415 -- only one of both is needed

    try:
        return tell(home)
    except BrokenPipeError:
        # Who reads has had enough. Python would complain when it cannot write what is left.
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)
        return 0
