"""`iai-daemon sessions`: the conversations that are known, and their end; works without a daemon."""

from __future__ import annotations

import click

from iai_daemon.agenda.asking.describe import describe_session
from iai_daemon.cli import completing
from iai_daemon.cli.agenda import agenda
from iai_daemon.cli.common import Group, emit, home, home_option, json_option, now_ms, settings, tell_daemon
from iai_daemon.cli.looking import look
from iai_daemon.clock import read


@click.group(cls=Group)
@home_option
def sessions() -> None:
    """List the conversations that are known, close one.

    \b
    Example: iai-daemon sessions list
    """


@sessions.command("list")
@click.option("--all", "closed", is_flag=True, help="Also those that are closed.")
@home_option
@json_option
def list_(closed: bool, as_json: bool) -> None:
    """Print the sessions, oldest first: who opened them, what is pending in them, and whether somebody is at work there now.

    \b
    Example: iai-daemon sessions list
    """
    with agenda() as store:
        known = store.sessions(closed=closed)
    active = _active()
    told = [describe_session(each, active=each.id in active) for each in known]
    lines = [
        "  ".join(
            [
                each["id"],
                each["client"] or "-",
                f"since {each['registered_at']}",
                *([f"closed {each['closed_at']}"] if each["closed_at"] else []),
                *([f"recall {each['pending']} is pending"] if each["pending"] else []),
                *(["active"] if each["active"] else []),
            ]
        )
        for each in told
    ]
    emit({"sessions": told}, as_json=as_json, human=lambda: "\n".join(lines) or "no sessions")


def _active() -> set[str]:
    """The sessions in which somebody is at work now, an agent that was woken as well."""
    now, chosen = read(), settings()
    return {
        each.beat.session_id
        for each in look(home(), chosen, now).wrappers
        if each.beat and each.beat.session_id and each.is_active(now.awake, chosen.lifecycle.idle_after)
    }


@sessions.command()
@click.argument("id_", metavar="ID", shell_complete=completing.sessions)
@home_option
@json_option
def close(id_: str, as_json: bool) -> None:
    """Close a session: what is still to come in it is cancelled, a run that is under way goes on.

    \b
    Example: iai-daemon sessions close 1f0c
    """
    with agenda() as store:
        cancelled = list(store.close_session(id_, now_ms()))
    tell_daemon()
    lines = [f"the session {id_} is closed", *(f"recall {each} is cancelled" for each in cancelled)]
    emit({"session": id_, "cancelled": cancelled}, as_json=as_json, human=lambda: "\n".join(lines))
