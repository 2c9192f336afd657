"""`iai-daemon clients`: which MCP clients are here, and connecting them with the memory and the wrapper; works without a daemon."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from iai_daemon.cli import completing
from iai_daemon.cli.common import Group, emit, home, home_option, json_option
from iai_daemon.clients import connecting, own_command
from iai_daemon.clients.connecting import Plan
from iai_daemon.clients.entries import Commands
from iai_daemon.clients.file import File
from iai_daemon.clients.ledger import Ledger
from iai_daemon.clients.missing import missing
from iai_daemon.clients.reading import Refused as NotRead
from iai_daemon.clients.reading import Server, servers
from iai_daemon.clients.registry import CLIENTS, Client, Place
from iai_daemon.clients.through import understand
from iai_daemon.clients.wrapper import wrapper_script
from iai_daemon.errors import NoHome, Refused
from iai_daemon.paths import make_private

_client = click.argument("client", metavar="CLIENT", type=click.Choice([each.name for each in CLIENTS]))
_project = click.option(
    "--project",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    help="Only for this project, in its own files; else for all of yours.",
)
_dry_run = click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")


@click.group(cls=Group)
@home_option
def clients() -> None:
    """Connect Claude Code, Claude Desktop, Codex, Cursor, VS Code, OpenCode and Gemini CLI with the memory and the wrapper.

    \b
    Example: iai-daemon clients connect claude-code
    """


@clients.command("list")
@home_option
@json_option
def list_(as_json: bool) -> None:
    """Print every client that is here, its servers, which of them go through a wrapper, and which cannot start.

    \b
    Example: iai-daemon clients list
    """
    place, ledger = _place(), Ledger(home().clients)
    found = [_describe(each, place, ledger) for each in CLIENTS if _is_here(each, place)]
    lines = [line for each in found for line in _tell(each)]
    none = "no client that is known was found"
    emit({"clients": found}, as_json=as_json, human=lambda: "\n".join(lines) or none)


@clients.command()
@_client
@click.option(
    "--wrap",
    metavar="SERVER",
    shell_complete=completing.servers,
    help="Put the wrapper in front of a server that is there already.",
)
@click.option("--instructions", is_flag=True, help="Also tell its agents to search and remember.")
@_project
@_dry_run
@home_option
@json_option
def connect(
    client: str, wrap: str | None, instructions: bool, project: Path | None, dry_run: bool, as_json: bool
) -> None:
    """Give a client the built-in memory, through the wrapper, or put the wrapper in front of one of its servers.

    What was there is kept; `disconnect` puts it back byte for byte.

    \b
    Example: iai-daemon clients connect cursor --dry-run
    Example: iai-daemon clients connect claude-code --instructions
    Example: iai-daemon clients connect codex --wrap github
    """
    chosen, place, commands = _of(client), _place(), _commands()
    if project is None and not _is_here(chosen, place):
        folder = chosen.where(place).signs[0]
        problem = f"{chosen.title} was not found here (there is no {folder}): start it once, then connect it."
        raise Refused(problem=problem)
    plans = [
        connecting.wrap(chosen, place, project, wrap, commands)
        if wrap
        else connecting.memory(chosen, place, project, commands)
    ]
    if instructions:
        plans.append(connecting.instruct(chosen, place, project))
    done = [_carry_out(plan, dry_run=dry_run) for plan in plans]
    result = {"client": client, "changes": done}
    emit(result, as_json=as_json, human=lambda: "\n".join(_said(done, chosen, dry_run=dry_run)))


@clients.command()
@_client
@_dry_run
@home_option
@json_option
def disconnect(client: str, dry_run: bool, as_json: bool) -> None:
    """Take out of a client's configuration what `connect` has written, and put back what was there.

    \b
    Example: iai-daemon clients disconnect claude-code
    """
    chosen, ledger = _of(client), Ledger(home().clients)
    done: list[dict[str, object]] = []
    for each in list(connecting.ours(chosen, ledger)):
        file, text = connecting.take_back(each, None if dry_run else ledger)
        done.append(_change(file, text))
    result = {"client": client, "changes": done}
    nothing = f"nothing of ours is in the configuration of {chosen.title}"
    emit(
        result,
        as_json=as_json,
        human=lambda: "\n".join(_said(done, chosen, dry_run=dry_run)) if done else nothing,
    )


def _place() -> Place:
    try:
        return Place.here()
    except RuntimeError as cause:
        raise NoHome from cause


def _is_here(client: Client, place: Place) -> bool:
    """By its files, or by its program."""
    return client.is_installed(place) or own_command.is_found(client.name)


def _of(name: str) -> Client:
    return next(each for each in CLIENTS if each.name == name)


def _commands() -> Commands:
    """Raises Refused where this installation has no wrapper."""
    script = wrapper_script()
    if script is None:
        raise Refused(problem="The wrapper is missing from this installation: install iai-daemon anew.")
    # Not followed: the interpreter of a virtual environment is a link that knows where it stands.
    python = os.path.abspath(sys.executable)  # noqa: PTH100 -- as said
    return Commands(python, str(script), str(home().root))


def _carry_out(plan: Plan, *, dry_run: bool) -> dict[str, object]:
    """Do what is planned, or only tell it."""
    problem = None
    if plan.changes and not dry_run:
        make_private(home().root)
        problem = connecting.carry_out(plan, Ledger(home().clients))
    return _change(plan.file, plan.text, through=None if problem else plan.own, problem=problem)


def _change(
    file: File, text: str | None, *, through: Sequence[str] | None = None, problem: str | None = None
) -> dict[str, object]:
    """What becomes of a file that gets this text; None: it goes."""
    before = None if file.data is None else file.text
    return {
        "path": str(file.path),
        "changed": before != text,
        "deleted": before is not None and text is None,
        "diff": file.diff(text or ""),
        "through": list(through) if through else None,
        "problem": problem,
    }


def _said(done: list[dict[str, Any]], client: Client, *, dry_run: bool) -> Iterator[str]:
    for each in done:
        if not each["changed"]:
            yield f"{each['path']}: as it was"
        elif dry_run:
            yield (
                f"would run {' '.join(each['through'])}, which changes" if each["through"] else "would change"
            )
            yield each["diff"].rstrip("\n")
        else:
            yield f"{each['path']}: {'deleted' if each['deleted'] else 'written'}"
        if each["problem"]:
            yield f"{client.title} itself could not write it ({each['problem']}), so its file was changed"
    if not dry_run and any(each["changed"] for each in done):
        yield f"start {client.title} anew, so that it reads it"


def _describe(client: Client, place: Place, ledger: Ledger) -> dict[str, object]:
    found = servers(client, place)
    return {
        "name": client.name,
        "title": client.title,
        "files": [str(each) for each in client.files(place)],
        "connected": bool(ledger.of(client.name)),
        "servers": [_server(each) for each in found if isinstance(each, Server)],
        "unreadable": [
            {"path": str(each.path), "why": each.why} for each in found if isinstance(each, NotRead)
        ],
    }


def _server(server: Server) -> dict[str, object]:
    through = understand(server.command)
    return {
        "name": server.name,
        "project": server.project,
        "enabled": server.enabled,
        "remote": server.remote,
        "wrapped": through.wrapper,
        "memory": through.memory,
        "home": through.home or server.home,
        "broken": [*([server.odd] if server.odd else []), *missing(through)],
    }


def _tell(client: dict[str, Any]) -> Iterator[str]:
    yield f"{client['name']}  {client['title']}, {', '.join(client['files']) or 'no configuration yet'}"
    for each in client["unreadable"]:
        yield f"  {each['path']} cannot be read: {each['why']}"
    for each in client["servers"]:
        how = (
            "through the wrapper" if each["wrapped"] else "in the network" if each["remote"] else "no wrapper"
        )
        what = ", the built-in memory" if each["memory"] else ""
        where = f", only in {each['project']}" if each["project"] else ""
        off = "" if each["enabled"] else ", switched off"
        yield f"  {each['name']}: {how}{what}{where}{off}"
        yield from (f"    {why}" for why in each["broken"])
