"""What of `iai-daemon memory` erases: a memory for good, or the secrets in one. The group is in memory.py."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from iai_daemon.cli.common import Id, emit, home, home_option, json_option, now_ms, stores
from iai_daemon.cli.progress import Work, at_work
from iai_daemon.clock import read
from iai_daemon.consolidation import lock
from iai_daemon.consolidation.journal import first_words
from iai_daemon.consolidation.notes import renew_note
from iai_daemon.errors import UsageError
from iai_daemon.memory.nights import NightStore
from iai_daemon.memory.purge_backups import holds, rewrite
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import backups
from iai_daemon.storage.where import address_of
from iai_daemon.units import format_stamp

_NOT_EMPTIED = (
    "Others were using the memory, or the disk is full, so that deleted words may still be in its file: close your clients, "
    "then `iai-daemon memory purge --yes` without an ID empties it."
)
_NOT_VACUUMED = (
    "The server keeps what was deleted until it has vacuumed the tables, where nobody can ask for it: `VACUUM FULL` by who owns them "
    "does that at once."
)
_OUT_OF_REACH = "Exports, and copies that you made elsewhere, are out of reach."
_A_SERVERS = "Exports, copies, and what the server has logged and backed up, are out of reach."


@click.command()
@click.argument("records", type=Id, metavar="[ID]...", nargs=-1)
@click.option("--backups", "with_backups", is_flag=True, help="Rewrite the backups that hold it, too.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@home_option
@json_option
def purge(records: tuple[int, ...], with_backups: bool, yes: bool, as_json: bool) -> None:
    """Erase memories for good, with all that quotes them: nothing brings them back.

    What they had replaced holds again. Backups that still hold them are named, or rewritten with --backups. Without an ID only
    what was deleted before is wiped from the file.

    \b
    Example: iai-daemon memory purge 12 --backups --yes
    """
    with stores() as opened, _alone("purge", opened.nights):
        marks = opened.purge.marks(records)
        _ask(opened, marks, yes=yes, as_json=as_json)
        erasing = _Erasing(opened, with_backups=with_backups)
        with at_work(erasing.say) as work:
            # What is still in the memory is found in backups again, should this be stopped in between.
            kept, unreadable, rewritten = _look_through_backups(marks, with_backups, work)
            with opened.database.interruptible(work.may_go_on):
                purged = erasing.purge.purge(marks, now_ms())
        again = [opened.memory.get(record) for record in purged.holding_again]
    result = {
        "purged": list(purged.records),
        "gists": list(purged.gists),
        "holding_again": [{"id": each.id, "content": each.content} for each in again],
        "emptied": purged.emptied,
        "backups": {"holding": kept, "unreadable": unreadable, "rewritten": rewritten},
    }
    lines = [f"erased: {', '.join(map(str, purged.records)) or 'nothing'}"]
    if purged.gists:
        lines.append(f"and what nights had made of it: {', '.join(map(str, purged.gists))}")
    lines += [f"{each.id} holds again: {first_words(each.content)}" for each in again]
    lines += [f"backups rewritten without it: {', '.join(rewritten)}"] if rewritten else []
    lines += [f"backups that still hold it (--backups rewrites them): {', '.join(kept)}"] if kept else []
    lines += [f"backups that cannot be read: {', '.join(unreadable)}"] if unreadable else []
    lines += [] if purged.emptied else [_not_emptied()]
    out_of_reach = _OUT_OF_REACH if address_of(home()) is None else _A_SERVERS
    emit(result, as_json=as_json, human=lambda: "\n".join([*lines, out_of_reach]))


def _not_emptied() -> str:
    """Where deleted words may still be, and what takes them away."""
    return _NOT_EMPTIED if address_of(home()) is None else _NOT_VACUUMED


def _ask(opened: Stores, marks: Mapping[int, int], *, yes: bool, as_json: bool) -> None:
    """Raises UsageError where nobody can be asked."""
    if yes:
        return
    if as_json or not sys.stdin.isatty():
        raise UsageError(problem="What is purged never comes back, so that a program has to say --yes.")
    for record in marks:
        click.echo(f"{record:>6}  {first_words(opened.memory.get(record).content)}")
    click.confirm("Erase this for good?", abort=True)


class _Erasing:
    """A store whose words are erased: first in one transaction, then from its file."""

    def __init__(self, opened: Stores, *, with_backups: bool = False) -> None:
        self._make_anew = opened.make_anew
        self._with_backups = with_backups
        self._erased = False
        self.purge = replace(opened, make_anew=self._empty).purge

    def _empty(self) -> bool:
        self._erased = True
        return self._make_anew()

    def say(self) -> str:
        """What was done where it was stopped."""
        if self._erased:
            return (
                "what was to go is gone from the memory, but its words may still be in the file: `iai-daemon memory purge --yes` "
                "without an ID empties that."
            )
        rewritten = ", and each backup is rewritten or what it was" if self._with_backups else ""
        return f"nothing was erased from the memory{rewritten}. The same command goes on."


def _look_through_backups(
    marks: Mapping[int, int], with_backups: bool, work: Work
) -> tuple[list[str], list[str], list[str]]:
    """The names of those that hold these records still, that cannot be read, and that were rewritten."""
    held: dict[bool | None, list[Path]] = {True: [], None: [], False: []}
    found = backups(home().backups)
    for number, each in enumerate(found, start=1):
        held[holds(each.path, marks)].append(each.path)
        work.tell("looking into backups", number, len(found))
    if with_backups:
        for number, path in enumerate(held[True]):
            work.tell("rewriting backups", number, len(held[True]))
            rewrite(path, marks, now_ms(), work.may_go_on)
    names = [path.name for path in held[True]]
    unreadable = [path.name for path in held[None]]
    return ([], unreadable, names) if with_backups else (names, unreadable, [])


@click.command()
@home_option
@json_option
def secrets(as_json: bool) -> None:
    """List the memories in which something looks like a secret: those told before secrets were taken out, or without that.

    \b
    Example: iai-daemon memory secrets
    """
    with at_work(lambda: "nothing was changed.") as work, stores() as opened:
        found = [(record.id, list(kinds)) for record, kinds in opened.purge.secrets(work.tell)]
    lines = [f"{record:>6}  {', '.join(kinds)}" for record, kinds in found]
    if found:
        lines.append(
            "`iai-daemon memory redact ID` takes them out, `iai-daemon memory purge ID` erases the memory."
        )
    emit(
        {"records": [{"id": record, "kinds": kinds} for record, kinds in found]},
        as_json=as_json,
        human=lambda: "\n".join(lines) or "no memory seems to hold a secret",
    )


@click.command()
@click.argument("record", type=Id, metavar="ID")
@home_option
@json_option
def redact(record: int, as_json: bool) -> None:
    """Take what looks like a secret out of a memory, and out of all that quotes it; a marker says what was there.

    \b
    Example: iai-daemon memory redact 12
    """
    with stores() as opened, _alone("redact", opened.nights):
        marks = opened.purge.marks([record])
        erasing = _Erasing(opened)
        with at_work(erasing.say) as work, opened.database.interruptible(work.may_go_on):
            kinds, emptied = erasing.purge.redact(record)
        kept = [each.path.name for each in backups(home().backups) if kinds and holds(each.path, marks)]
    lines = [
        f"taken out of {record}: {', '.join(kinds)}" if kinds else f"nothing in {record} looks like a secret"
    ]
    lines += [f"backups that still hold it: {', '.join(kept)}"] if kept else []
    lines += [] if emptied else [_not_emptied()]
    emit(
        {"id": record, "redacted": list(kinds), "emptied": emptied, "backups": {"holding": kept}},
        as_json=as_json,
        human=lambda: "\n".join(lines),
    )


@contextmanager
def _alone(what: str, nights: NightStore) -> Iterator[None]:
    """No night runs meanwhile, on no host; the morning note quotes nothing of it afterwards. Raises NightBusy."""
    who = f"process {os.getpid()}, {what}, since {format_stamp(read().wall)}"
    with lock.held_everywhere(home().consolidation_lock, who, nights):
        try:
            yield
        finally:
            # Also where it was stopped: what is erased by then is erased.
            renew_note(home(), nights)
