"""`iai-daemon metrics`: the figures of the daemon and its memory, for Prometheus and its kin; works without a daemon."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from iai_daemon.cli.common import emit, home, home_option, json_option, settings
from iai_daemon.cli.status import nobody
from iai_daemon.config import Memory, Settings
from iai_daemon.control import client
from iai_daemon.errors import EX_NEGATIVE, DaemonAway, DaemonMute, IaiError
from iai_daemon.memory.opening import open_stores
from iai_daemon.metrics.families import families
from iai_daemon.metrics.text import openmetrics, prometheus
from iai_daemon.paths import Home
from iai_daemon.storage.where import address_of

if TYPE_CHECKING:
    from iai_daemon.memory.figures import Figures

# Seconds. Who scrapes has limits of his own.
_DAEMON_ANSWERS_WITHIN = 2.0
_STORE_OPENS_WITHIN, _STORE_ANSWERS_WITHIN = 2.0, 5.0
_FORMATS = {"openmetrics": openmetrics, "prometheus": prometheus}


@click.command()
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(_FORMATS)),
    default="openmetrics",
    show_default=True,
    help="openmetrics is version 1.0.0, prometheus its older text format, as textfile collectors read it.",
)
@home_option
@json_option
def metrics(format_: str, as_json: bool) -> int:
    """Print figures of the daemon, its nights and the memory. Without a daemon iai_daemon_up is 0, and what the memory tells is
    printed all the same.

    Ends with 1 where the memory cannot be asked, or the daemon does not answer: standard error says why, and what remains is
    printed.

    Example: iai-daemon metrics --format prometheus
    """
    here, chosen = home(), settings()
    status, mute = _status(here, chosen)
    figures, away = _figures(here, chosen.memory)
    told = families(status, figures)
    if as_json:
        emit({"families": [each.to_json() for each in told]}, as_json=True, human=str)
    else:
        click.echo(_FORMATS[format_](told), nl=False)
    for error in (mute, away):
        if error is not None:
            click.echo(f"iai-daemon: {error}", err=True)
    return EX_NEGATIVE if mute or away else 0


def _status(here: Home, chosen: Settings) -> tuple[Mapping[str, Any], IaiError | None]:
    """That of the daemon, and why it has none though one runs."""
    away = nobody() | {"store": {"engine": chosen.memory.engine}}
    try:
        return client.status(here, timeout=_DAEMON_ANSWERS_WITHIN), None
    except DaemonAway:
        return away, None
    except DaemonMute as error:
        return away, error


def _figures(here: Home, memory: Memory) -> tuple[Figures | None, IaiError | None]:
    """Those of the memory, and why there are none; one that does not exist yet is not made."""
    try:
        if address_of(here, memory) is None and not here.memory.exists():
            return None, None
        opened = open_stores(
            here, within=_STORE_OPENS_WITHIN, settings=memory, deadline=_STORE_ANSWERS_WITHIN
        )
        with closing(opened):
            return opened.counts.figures(), None
    except IaiError as error:
        return None, error
