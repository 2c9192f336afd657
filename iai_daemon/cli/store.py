"""`iai-daemon store`: backups of the memory as a whole, and how one takes its place; works beside a daemon and without."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from iai_daemon.cli import completing
from iai_daemon.cli.common import Group, emit, home, home_option, json_option, stores
from iai_daemon.cli.progress import at_work
from iai_daemon.cli.store_migrate import migrate, upgrade
from iai_daemon.clock import read
from iai_daemon.consolidation import lock
from iai_daemon.consolidation.backup import back_up_now, drop_old
from iai_daemon.consolidation.notes import renew_note
from iai_daemon.errors import BackedUpThere, BadConfig, NoBackup, NoSuchBackup
from iai_daemon.kinds import without_password
from iai_daemon.paths import Home, backups
from iai_daemon.storage.restore import Replaced, look_at, restore
from iai_daemon.storage.where import address_of
from iai_daemon.units import format_stamp

_NOT_RESTORED = "nothing was restored, and the memory is what it was. The same command begins anew."
_MADE = {"": "by a night", "asked": "when asked for", "before-restore": "before a restore"}


@click.group(cls=Group)
@home_option
def store() -> None:
    """List, make and restore backups of the whole memory, move it to another engine.

    \b
    Example: iai-daemon store backups
    Example: iai-daemon store migrate --to postgresql://me@server/memory --dry-run
    """


for _command in (migrate, upgrade):
    store.add_command(_command)


@store.command("backups")
@home_option
@json_option
def list_(as_json: bool) -> None:
    """Print every backup, oldest first: when and why it was made, and how many memories were current then.

    \b
    Example: iai-daemon store backups
    """
    found, lines = [], []
    for each in backups(home().backups):
        seen = look_at(each.path)
        made = _MADE.get(each.purpose, each.purpose)
        at = format_stamp(each.made_at)
        found.append(
            {
                "name": each.path.name,
                "path": str(each.path),
                "made_at": at,
                "made": made,
                "bytes": each.path.stat().st_size,
                "memories": seen.memories,
                "problem": seen.problem,
            }
        )
        holds = f"of no use: {seen.problem}" if seen.problem else _memories(seen.memories)
        lines.append(f"{each.path.name:42} {at}  {made:16} {holds}")
    # Those of before the memory was moved to a server are worth a look, too, and so they are where the settings are broken.
    try:
        _refuse_on_a_server(home())
    except (BackedUpThere, BadConfig) as why:
        lines.append(str(why))
    emit({"backups": found}, as_json=as_json, human=lambda: "\n".join(lines) or "no backups yet")


@store.command()
@home_option
@json_option
def backup(as_json: bool) -> None:
    """Make a backup now. Nights make one a day; the last seven of either sort are kept.

    \b
    Example: iai-daemon store backup
    """
    _refuse_on_a_server(home())
    with (
        at_work(
            lambda: "no backup was made, and nothing is left of it. The same command begins anew."
        ) as work,
        stores() as opened,
    ):
        try:
            made = back_up_now(opened.nights, home(), read().wall, work.may_go_on, work.tell_bytes)
        except NoBackup:
            work.check()
            raise
        memories = opened.memory.memories()
    emit(
        {"name": made.name, "path": str(made), "bytes": made.stat().st_size, "memories": memories},
        as_json=as_json,
        human=lambda: (
            f"{made.name}: {_memories(memories)}; `iai-daemon store restore {made.name}` restores it"
        ),
    )


@store.command("restore")
@click.argument("backup", metavar="BACKUP", shell_complete=completing.backups)
@click.option("--yes", is_flag=True, help="Do not ask.")
@home_option
@json_option
def restore_(backup: str, yes: bool, as_json: bool) -> None:
    """Make the memory what it was in BACKUP, a name of `store backups` or the path of a copy.

    What is there now is kept under another name first, so that this can be taken back in the same way. Daemon and clients
    may go on meanwhile. Without a terminal nothing is asked.

    \b
    Example: iai-daemon store restore memory-20261121T120000Z.db
    """
    here = home()
    _refuse_on_a_server(here)
    chosen = _find(here, backup)
    here.create()
    if not yes and not as_json and sys.stdin.isatty():
        holds = _memories(look_at(chosen).memories)
        click.confirm(f"Put {chosen.name} ({holds}) in the place of the memory as it is now?", abort=True)
    now = read().wall
    who = f"process {os.getpid()}, restore of {chosen.name}, since {format_stamp(now)}"
    with at_work(lambda: _NOT_RESTORED) as work, lock.held(here.consolidation_lock, who):
        replaced = restore(here, chosen, now, work.may_go_on, work.tell_bytes)
        if replaced.kept is not None and not replaced.damaged:
            drop_old(replaced.kept, now)
    with stores() as opened:
        renew_note(here, opened.nights)
    result = {
        "backup": str(chosen),
        "memories": replaced.memories,
        "before": replaced.before,
        "kept": replaced.kept and str(replaced.kept),
        "damaged": replaced.damaged,
        "missed": replaced.missed,
    }
    emit(result, as_json=as_json, human=lambda: _say(here, chosen, replaced))


def _refuse_on_a_server(here: Home) -> None:
    """Raises BackedUpThere, BadConfig."""
    address = address_of(here)
    if address is not None:
        raise BackedUpThere(place=without_password(address))


def _find(here: Home, named: str) -> Path:
    """A name of the list comes before a path. Raises NoSuchBackup."""
    for path in (here.backups / named, Path(named).absolute()):
        if path.is_file():
            return path
    raise NoSuchBackup(name=named)


def _say(here: Home, chosen: Path, replaced: Replaced) -> str:
    said = f"The memory is what it was in {chosen.name}: {_memories(replaced.memories)}."
    if replaced.missed:
        said += f" The agenda could not be kept: {replaced.missed} recalls may have run since or not, and count as missed."
    if replaced.kept is None:
        return f"{said} There was none before."
    if replaced.damaged:
        return f"{said} What was there is damaged and kept as {replaced.kept}."
    name = replaced.kept.name if replaced.kept.parent == here.backups else str(replaced.kept)
    return (
        f"{said} What was there ({_memories(replaced.before)}) is kept: "
        f"`iai-daemon store restore {name}` brings it back."
    )


def _memories(number: int | None) -> str:
    if number is None:
        return "unreadable"
    return "1 memory" if number == 1 else f"{number} memories"
