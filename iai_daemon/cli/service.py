"""`iai-daemon install`, `uninstall`, `start`, `stop` and `restart`: the daemon as a service, whichever manager there is."""

from __future__ import annotations

import sys
from typing import Any

import click

from iai_daemon.cli.bringing_up import (
    ANSWERS_WITHIN,
    bring_up,
    by_hand,
    refuse_stranger,
    stranger,
    who_runs,
)
from iai_daemon.cli.common import emit, home, home_option, json_option, settings
from iai_daemon.clients.ledger import Ledger
from iai_daemon.errors import NightBusy, Refused, UsageError
from iai_daemon.flock import holder, is_held
from iai_daemon.paths import Home
from iai_daemon.service import installed, manager, remains
from iai_daemon.service.here import manager_here
from iai_daemon.service.manager import Manager, Service

_NOT_LINGERING = (
    "it ends when you log out of your last session; `iai-daemon install --linger` lets it run without one"
)


@click.command()
@click.option("--dry-run", is_flag=True, help="Print the file that would be written, and change nothing.")
@click.option("--linger", is_flag=True, help="Let it run while you are not logged in (systemd).")
@home_option
@json_option
def install(dry_run: bool, linger: bool, as_json: bool) -> None:
    """Make the daemon a service that starts with your login: a systemd user unit, or a launchd agent. Doing it again mends it.

    \b
    Example: iai-daemon install --dry-run
    """
    here = manager_here()
    service = Service.of(home())
    path, text = installed.definition_path(service.home, here.platform), here.render(service)
    if dry_run:
        click.echo(f"would write {path}", err=True)
        emit({"path": str(path), "text": text}, as_json=as_json, human=lambda: text.rstrip("\n"))
        return
    settings()
    here.require()
    _require_import(service)
    service.home.create()
    found = stranger(here, service)
    changed = manager.write(path, text)
    here.take_up(service)
    if found:
        problem = f"The service is installed and not started: {by_hand(found, service.home)}"
        raise Refused(problem=problem)
    status = bring_up(here, service, anew=changed)
    if linger:
        here.linger()
    result = {
        **_about(here, service, status),
        "path": str(path),
        "changed": changed,
        "lingers": here.lingers(),
    }
    emit(result, as_json=as_json, human=lambda: _installed(result))


@click.command()
@click.option("--purge", is_flag=True, help="Delete the memory as well, with its backups and settings.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@home_option
@json_option
def uninstall(purge: bool, yes: bool, as_json: bool) -> None:
    """Take the service away, with all that the daemon kept for itself; the memory, its backups and the settings stay.

    \b
    Example: iai-daemon uninstall
    """
    here, service = manager_here(), Service.of(home())
    connected = _connected(service.home)
    if purge and connected:
        first = f"`iai-daemon clients disconnect {connected[0]}` puts back what it had"
        raise Refused(problem=f"{' and '.join(connected)} would start a memory that is gone: {first}.")
    if purge:
        _ask(service.home, yes=yes, as_json=as_json)
    path = installed.definition_path(service.home, here.platform)
    there = path.exists()
    here.forget(service)
    running = who_runs(service.home)
    if running and purge:
        raise Refused(problem=f"The memory is not deleted: {by_hand(running, service.home)}")
    if purge and is_held(service.home.consolidation_lock):
        raise NightBusy(holder=holder(service.home.consolidation_lock) or "unknown")
    gone = [str(path)] if there else []
    if not running:
        delete = remains.delete_all if purge else remains.delete_daemons
        gone += map(str, delete(service.home))
    left = [str(each) for each in remains.what_is_left(service.home)]
    lines = [f"deleted {each}" for each in gone] or ["there was no service"]
    lines += [f"left    {each}" for each in left]
    lines += [f"a daemon that was started by hand goes on (pid {running})"] if running else []
    lines += [f"still connected with the memory: {', '.join(connected)}"] if connected else []
    result = {"service": service.name, "deleted": gone, "left": left, "pid": _number(running)}
    emit(result, as_json=as_json, human=lambda: "\n".join(lines))


@click.command()
@home_option
@json_option
def start(as_json: bool) -> None:
    """Start the service, and wait until its daemon answers.

    \b
    Example: iai-daemon start
    """
    _bring_up(anew=False, as_json=as_json)


@click.command()
@home_option
@json_option
def restart(as_json: bool) -> None:
    """Stop the service and start it, as after an update, and wait until its new daemon answers.

    \b
    Example: iai-daemon restart
    """
    _bring_up(anew=True, as_json=as_json)


@click.command()
@home_option
@json_option
def stop(as_json: bool) -> None:
    """Stop the service until the next login, or until it is started; a running night comes to its next stopping point first.

    \b
    Example: iai-daemon stop
    """
    here, service = _required(startable=False)
    before = here.look(service).pid
    here.stop(service)
    if not manager.wait_until_gone(here, service, ANSWERS_WITHIN):
        remedy = f"`kill -9 {here.look(service).pid}` ends it"
        raise Refused(problem=f"The service was stopped, and its process is still there: {remedy}.")
    other = who_runs(service.home)
    lines = [f"stopped (pid {before})" if before else "it was not running"]
    lines += [f"a daemon that was started by hand goes on (pid {other})"] if other else []
    result = {"service": service.name, "manager": here.name, "stopped": before, "pid": _number(other)}
    emit(result, as_json=as_json, human=lambda: "\n".join(lines))


def _bring_up(*, anew: bool, as_json: bool) -> None:
    here, service = _required()
    refuse_stranger(here, service)
    status = bring_up(here, service, anew=anew)
    emit(_about(here, service, status), as_json=as_json, human=lambda: _running(status))


def _required(*, startable: bool = True) -> tuple[Manager, Service]:
    """The manager that answers and the service that is installed. Raises NotInstalled, NoManager, BadConfig, Refused."""
    here, service = manager_here(), Service.of(home())
    manager.require_installed(service, here.platform)
    here.require()
    if startable:
        settings()
        if outdated := installed.trouble(service.home, here.platform):
            raise Refused(problem=f"{outdated.why}: {outdated.fix} mends it.")
    return here, service


def _connected(where: Home) -> list[str]:
    """The clients that start this home's memory; one whose note of it cannot be read names nobody."""
    try:
        return Ledger(where.clients).clients
    except Refused:
        return []


def _require_import(service: Service) -> None:
    """Raises Refused where the service would not find this package."""
    if not manager.finds_us(service.interpreter):
        problem = f"{service.interpreter} does not find iai-daemon by itself: install it there, as with pip."
        raise Refused(problem=problem)


def _ask(where: Home, *, yes: bool, as_json: bool) -> None:
    """Raises UsageError where nobody can be asked."""
    if yes:
        return
    if as_json or not sys.stdin.isatty():
        raise UsageError(problem="What is purged never comes back, so that a program has to say --yes.")
    question = f"Delete the memory in {where.root} for good, with its backups, settings and logs?"
    click.confirm(question, abort=True)


def _number(pid: str | None) -> int | None:
    return int(pid) if pid and pid.isdecimal() else None


def _about(here: Manager, service: Service, status: dict[str, Any]) -> dict[str, object]:
    return {
        "service": service.name,
        "manager": here.name,
        "home": str(service.home.root),
        "pid": status["pid"],
        "version": status["version"],
    }


def _running(status: dict[str, Any]) -> str:
    return (
        f"running (pid {status['pid']}, version {status['version']}): {status['state']}, {status['reason']}"
    )


def _installed(result: dict[str, object]) -> str:
    done = "written" if result["changed"] else "as it was"
    lines = [f"{result['path']}: {done}", f"running (pid {result['pid']}, version {result['version']})"]
    return "\n".join([*lines, *([_NOT_LINGERING] if result["lingers"] is False else [])])
