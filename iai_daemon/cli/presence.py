"""`iai-daemon presence`: every wrapper and its verdict; works without a daemon."""

from __future__ import annotations

from pathlib import Path

import click

from iai_daemon.cli.common import emit, home, home_option, json_option
from iai_daemon.cli.looking import look
from iai_daemon.clock import Now, read
from iai_daemon.config import load
from iai_daemon.presence.classify import Presence, Wrapper
from iai_daemon.units import format_stamp


@click.command()
@click.option(
    "--wrappers-dir", metavar="DIR", type=click.Path(path_type=Path), help="Look here instead of in the home."
)
@home_option
@json_option
def presence(wrappers_dir: Path | None, as_json: bool) -> None:
    """Say who is here: every wrapper, FRESH, STALE, ORPHAN or INVALID, and why.

    Example: iai-daemon presence --json
    """
    settings = load(home())
    now = read()
    seen = look(home(), settings, now, [wrappers_dir] if wrappers_dir else ())
    idle_after = settings.lifecycle.idle_after
    result = {
        "wrappers": [_plain(wrapper, now, idle_after) for wrapper in seen.wrappers],
        "counts": {status.value: count for status, count in seen.counts.items()},
    }
    for trouble in seen.trouble:
        click.echo(f"{trouble.why}: {trouble.fix}", err=True)
    emit(result, as_json=as_json, human=lambda: _human(seen))


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


def _human(seen: Presence) -> str:
    lines = [
        f"{wrapper.status:7} {(wrapper.beat and wrapper.beat.client_name) or '?':20} "
        f"{Path(wrapper.path).name}: {wrapper.reason}"
        for wrapper in seen.wrappers
    ]
    counts = ", ".join(f"{count} {status}" for status, count in seen.counts.items())
    return "\n".join([*lines, counts])
