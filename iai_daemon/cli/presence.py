"""`iai-daemon presence`: every wrapper and its verdict; works without a daemon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from iai_daemon.cli import completing
from iai_daemon.cli.common import emit, home, home_option, json_option
from iai_daemon.cli.looking import look
from iai_daemon.clock import Now, read
from iai_daemon.config import load
from iai_daemon.control import client
from iai_daemon.errors import DaemonAway, DaemonMute, Refused
from iai_daemon.presence.classify import Presence, Wrapper
from iai_daemon.units import format_stamp, say_duration


@click.command()
@click.option(
    "--wrappers-dir",
    metavar="DIR",
    type=click.Path(path_type=Path),
    shell_complete=completing.directories,
    help="Look here; else in `presence.wrappers_dirs`, which is wrappers in the home.",
)
@home_option
@json_option
def presence(wrappers_dir: Path | None, as_json: bool) -> None:
    """Say who is here: every wrapper, FRESH, STALE, ORPHAN or INVALID, and why.

    Where the memory is shared by several hosts the daemon tells who is present on the others.

    \b
    Example: iai-daemon presence --json
    """
    settings = load(home())
    now = read()
    seen = look(home(), settings, now, [wrappers_dir] if wrappers_dir else ())
    idle_after = settings.lifecycle.idle_after
    shared = settings.memory.engine != "sqlite"
    elsewhere = _elsewhere() if shared else []
    result: dict[str, object] = {
        "wrappers": [_plain(wrapper, now, idle_after) for wrapper in seen.wrappers],
        "counts": {status.value: count for status, count in seen.counts.items()},
    }
    if shared:
        result["elsewhere"] = elsewhere
    for trouble in seen.trouble:
        click.echo(f"{trouble.why}: {trouble.fix}", err=True)
    emit(result, as_json=as_json, human=lambda: _human(seen, elsewhere))


def _elsewhere() -> Sequence[Mapping[str, Any]]:
    """Who is present on other hosts; nobody where no daemon can tell."""
    try:
        return list(client.ask(home(), "elsewhere").get("wrappers", ()))
    except (DaemonAway, DaemonMute, Refused):
        return []


def _plain(wrapper: Wrapper, now: Now, idle_after: float) -> dict[str, object]:
    beat = wrapper.beat
    return {
        "path": wrapper.path,
        "pid": beat and beat.pid,
        "uuid": beat and beat.uuid,
        "status": wrapper.status.value,
        "reason": wrapper.reason,
        "last_refresh": beat and format_stamp(beat.last_refresh),
        "last_activity": format_stamp(beat.last_activity)
        if beat and beat.last_activity is not None
        else None,
        "active": wrapper.is_active(now.awake, idle_after),
        "headless": wrapper.headless,
        "client": beat and beat.client_name,
        "session_id": beat and beat.session_id,
    }


def _human(seen: Presence, elsewhere: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        f"{wrapper.status:7} {(wrapper.beat and wrapper.beat.client_name) or '?':20} "
        f"{Path(wrapper.path).name}: {wrapper.reason}"
        for wrapper in seen.wrappers
    ]
    counts = ", ".join(f"{count} {status}" for status, count in seen.counts.items())
    others = [
        f"{'FRESH':7} {each['client'] or '?':20} on {each['host']}, {_doing(each)}" for each in elsewhere
    ]
    if others:
        counts = f"{counts}; {len(others)} on other hosts"
    return "\n".join([*lines, *others, counts])


def _doing(wrapper: Mapping[str, Any]) -> str:
    if wrapper["in_flight"]:
        return "a call is in flight"
    if wrapper["active_ago"] is None:
        return "nothing done yet"
    return f"active {say_duration(wrapper['active_ago'])} ago"
