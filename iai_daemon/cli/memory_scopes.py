"""`iai-daemon memory scopes`, `share` and `unshare`: what is kept apart, and what is opened to the other users of a database."""

from __future__ import annotations

import click

from iai_daemon.cli import completing
from iai_daemon.cli.common import emit, home_option, json_option, settings, stores
from iai_daemon.cli.progress import at_work
from iai_daemon.memory.drafts import from_object
from iai_daemon.memory.sharing import Scope, scopes_of

_scope = click.argument("scope", metavar="SCOPE", shell_complete=completing.scopes)


@click.command("scopes")
@home_option
@json_option
def scopes_(as_json: bool) -> None:
    """Print every scope with how many memories hold there, and with whom it is shared.

    \b
    Example: iai-daemon memory scopes
    """
    with stores() as opened:
        found = scopes_of(opened, settings().memory.engine).scopes()
    emit(
        {"scopes": [each.as_json() for each in found]},
        as_json=as_json,
        human=lambda: "\n".join(map(_line, found)) or "nothing is known yet",
    )


def _line(scope: Scope) -> str:
    said = [f"{scope.memories:>8}  {scope.name}"]
    users = ", ".join(scope.with_users)
    if scope.shared:
        said.append(
            f"shared with {users}, who have {scope.of_others} more"
            if users
            else "shared; nobody else has yet"
        )
    elif users:
        said.append(f"shared by {users}: `iai-daemon memory share` lets you see theirs, and them yours")
    return "  ".join(said)


@click.command("share")
@_scope
@home_option
@json_option
def share(scope: str, as_json: bool) -> None:
    """Open a scope to the other users of the database: those who do the same see what you were told there, and you what they were.
    Each may correct it; only who told something can forget or purge it. Needs a memory in PostgreSQL.

    \b
    Example: iai-daemon memory share /srv/project
    """
    _switch(scope, shared=True, as_json=as_json)


@click.command("unshare")
@_scope
@home_option
@json_option
def unshare(scope: str, as_json: bool) -> None:
    """Keep a scope to yourself again. What you were told there is no longer seen by others, and what was replaced across users
    holds again.

    \b
    Example: iai-daemon memory unshare /srv/project
    """
    _switch(scope, shared=False, as_json=as_json)


def _switch(scope: str, *, shared: bool, as_json: bool) -> None:
    # As it is written with a memory: without the space around it, and not longer.
    name = from_object({"content": "a scope", "scope": scope}, redacts=False).scope
    with stores() as opened:
        kept = scopes_of(opened, settings().memory.engine)
        with at_work(lambda: f"{name} is as it was. The same command begins anew.") as work:
            changed = kept.share(name, work.tell) if shared else kept.unshare(name)
        found = next((each for each in kept.scopes() if each.name == name), Scope(name, 0))
    said = _line(found).strip() if shared else f"{name} is yours alone"
    emit({**found.as_json(), "changed": changed}, as_json=as_json, human=lambda: said)
