"""`iai-daemon sleep` and `iai-daemon wake`: what the user wants now."""

from __future__ import annotations

import click

from iai_daemon.cli.common import emit, home, home_option, json_option
from iai_daemon.control import client

_for_option = click.option(
    "--for",
    "duration",
    metavar="D",
    help="How long it holds, such as 90s or 2h; else as said above.",
)


@click.command()
@_for_option
@home_option
@json_option
def sleep(duration: str | None, as_json: bool) -> None:
    """Send the daemon to bed now: what anybody did before no longer counts; the next activity ends it.

    Refused while a tool call is in flight.

    \b
    Example: iai-daemon sleep --for 1h
    """
    _ask("sleep", duration, as_json=as_json)


@click.command()
@_for_option
@home_option
@json_option
def wake(duration: str | None, as_json: bool) -> None:
    """Wake the daemon and keep it awake: no night and no nap for so long (else for `idle_after`).

    \b
    Example: iai-daemon wake --for 2h
    """
    _ask("wake", duration, as_json=as_json)


def _ask(method: str, duration: str | None, *, as_json: bool) -> None:
    answer = client.ask(home(), method, {} if duration is None else {"for": duration})
    answer.pop("schema", None)
    emit(answer, as_json=as_json, human=lambda: f"{answer['state']}: {answer['reason']}")
