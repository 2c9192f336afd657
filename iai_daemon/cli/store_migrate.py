"""What of `iai-daemon store` is about the engine: the whole memory moved from one to the other, and a schema brought up. The group
is in store.py."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from iai_daemon.claim import claim
from iai_daemon.cli.common import emit, home, home_option, json_option
from iai_daemon.cli.progress import at_work
from iai_daemon.clock import Stopwatch, read
from iai_daemon.config import load
from iai_daemon.consolidation import lock
from iai_daemon.errors import AlreadyRunning, Refused, UsageError
from iai_daemon.kinds import is_server, without_password
from iai_daemon.paths import Home, make_private
from iai_daemon.progress import Tell
from iai_daemon.storage.moving.move import COMPARED, Moved, move, refuse_occupied
from iai_daemon.storage.moving.sqlite_side import (
    being_filled,
    is_free,
    keep,
    new_file,
    only_read,
    schema_of,
)
from iai_daemon.storage.moving.tables import RECORDS, all_tables
from iai_daemon.storage.sqlite import open_database
from iai_daemon.storage.where import address_of
from iai_daemon.units import format_stamp

if TYPE_CHECKING:
    from iai_daemon.storage.moving.side import Side

_EMBEDDED = "sqlite"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a store is: at an address, which `variable` holds if it was not written out, or else in a file."""

    address: str | None
    path: Path
    variable: str | None = None

    def __str__(self) -> str:
        return str(self.path) if self.address is None else without_password(self.address)


@click.command()
@click.option(
    "--to",
    "to",
    metavar="ADDRESS|sqlite[:PATH]",
    help="Where everything is moved to: an address of PostgreSQL's, or sqlite for the home's own file.",
)
@click.option(
    "--env", "variable", metavar="NAME", help="The variable that holds that address, where it has a password."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be moved, and whether it could be.")
@home_option
@json_option
def migrate(to: str | None, variable: str | None, dry_run: bool, as_json: bool) -> None:
    """Move the whole memory, with its nights and the agenda, to PostgreSQL or back to a file.

    Everything keeps its number. The old store stays as it is, and the settings too: the last line says what to set. Killed
    anywhere and called again it goes on. The daemon is stopped meanwhile; both sides are compared at the end.

    \b
    Example: iai-daemon store migrate --to postgresql://me@server/memory
    Example: iai-daemon store migrate --env MEMORY_ADDRESS --dry-run
    Example: iai-daemon store migrate --to sqlite
    """
    here = home()
    load(here)
    source, target = _source(here), _target(here, to, variable)
    _refuse_same(source, target)
    _require_driver(source, target)
    if dry_run:
        _say_what_would_be(source, target, as_json=as_json)
        return
    watch = Stopwatch()
    make_private(here.root)
    with _alone(here):
        moved = _move_and_say(source, target)
    tables = {name: asdict(content) for name, content in moved.tables.items()}
    settings = _settings(here, target)
    result = {
        "from": str(source),
        "to": str(target),
        "tables": tables,
        "resumed": moved.resumed,
        "seconds": round(watch.seconds(), 1),
        "settings": settings,
    }
    emit(result, as_json=as_json, human=lambda: _say(source, target, moved, settings, watch.seconds()))


@click.command()
@click.option(
    "--env",
    "variable",
    metavar="NAME",
    help="The variable that holds the address of a role that may do it; else the address of the settings.",
)
@click.option("--address", help="That address itself, where it holds no password.")
@home_option
@json_option
def upgrade(variable: str | None, address: str | None, as_json: bool) -> None:
    """Bring the store's schema to the newest; on a server with the address of the role that owns it.

    Whoever opens a store does this by himself where he may.

    \b
    Example: iai-daemon store upgrade --env OWNER_OF_THE_MEMORY
    """
    here = home()
    load(here)
    if variable is not None and address is not None:
        raise UsageError(problem="Say where: either --address ADDRESS, or --env NAME.")
    if address is not None and not is_server(address):
        raise UsageError(problem=f"{address!r} is no address such as postgresql://user@host/database.")
    place = _source(here) if variable is None and address is None else _target(here, address, variable)
    _require_driver(place)
    before, after = _upgrade(place)
    emit(
        {"store": str(place), "before": before, "after": after},
        as_json=as_json,
        human=lambda: (
            f"{place} has schema {after} already"
            if before == after
            else f"{place} was brought from schema {before} to {after}"
        ),
    )


# From where, and where to.


def _source(here: Home) -> _Place:
    return _Place(address_of(here), here.memory)


def _target(here: Home, to: str | None, variable: str | None) -> _Place:
    """Raises UsageError."""
    if (to is None) == (variable is None):
        raise UsageError(problem="Say where to: either --to ADDRESS (or --to sqlite), or --env NAME.")
    if variable is not None:
        return _in_variable(here, variable)
    given = to or ""
    if is_server(given):
        if given != without_password(given):
            problem = "An address with a password stands in a variable, since everybody here sees a command's words: --env NAME."
            raise UsageError(problem=problem)
        return _Place(given, here.memory)
    engine, _, path = given.partition(":")
    if engine != _EMBEDDED or given == f"{_EMBEDDED}:":
        raise UsageError(
            problem=f"{given!r} is neither an address such as postgresql://user@host/database nor sqlite[:PATH]."
        )
    return _Place(None, Path(path).expanduser().absolute() if path else here.memory)


def _in_variable(here: Home, name: str) -> _Place:
    """Raises UsageError."""
    address = os.environ.get(name, "")
    if not is_server(address):
        problem = "is not set" if not address else "holds no address such as postgresql://user@host/database"
        raise UsageError(problem=f"The variable {name} {problem}.")
    return _Place(address, here.memory, name)


def _refuse_same(source: _Place, target: _Place) -> None:
    """Raises UsageError."""
    if source.address == target.address and (source.address is not None or source.path == target.path):
        raise UsageError(problem=f"The memory is at {source} already: give another place with --to.")


@contextlib.contextmanager
def _alone(here: Home) -> Iterator[None]:
    """No daemon and no night of this home works meanwhile. Raises Refused, NightBusy."""
    who = f"process {os.getpid()}, store migrate, since {format_stamp(read().wall)}"
    try:
        claimed = claim(here)
    except AlreadyRunning as running:
        problem = (
            f"A daemon is running in this home (pid {running.data['pid']}): stop it with `iai-daemon stop`, or where you have "
            "started it, and move the memory then."
        )
        raise Refused(problem=problem) from running
    with claimed, lock.held(here.consolidation_lock, who):
        yield


# The move.


def _require_driver(*places: _Place) -> None:
    """Raises DriverMissing, before anything has been begun."""
    if any(place.address for place in places):
        importlib.import_module("iai_daemon.storage.postgres")


def _opened(source: _Place) -> contextlib.AbstractContextManager[Side]:
    if source.address is None:
        return only_read(source.path)
    from iai_daemon.storage.moving.postgres_side import at_address  # noqa: PLC0415 -- who has no server does not pay for its driver

    return at_address(source.address)


def _move_and_say(source: _Place, target: _Place) -> Moved:
    """The same with a bar, and a sentence where it is stopped."""
    far = "nothing more"

    def said() -> str:
        return f"{far} was moved to {target}, and {source} stays as it is. The same command goes on where it stopped."

    with at_work(said) as work:

        def tell(what: str, done: int, total: int | None) -> None:
            nonlocal far
            far = "everything" if what.endswith(COMPARED) else f"everything up to {done:,} rows of {what}"
            work.tell(what, done, total)

        return _move(source, target, tell)


def _move(source: _Place, target: _Place, show: Tell) -> Moved:
    """Raises NotMoved, StoreUnusable, StoreBusy."""
    if target.address is not None:
        from iai_daemon.storage.moving.postgres_side import to_fill  # noqa: PLC0415 -- likewise

        with _opened(source) as old, to_fill(target.address) as new:
            moved = move(old, new, show)
            new.analyze(all_tables())
            new.finish()
        return moved
    is_free(target.path)
    with _opened(source) as old, new_file(target.path) as new:
        moved = move(old, new, show)
        new.finish()
    keep(target.path)
    return moved


def _say_what_would_be(source: _Place, target: _Place, *, as_json: bool) -> None:
    """Raises NotMoved, StoreUnusable."""
    tables = all_tables()
    if target.address is None:
        is_free(target.path)
        goes_on = being_filled(target.path).exists()
    else:
        goes_on = _look_at(target.address)
    with _opened(source) as old, old.moment():
        rows = {table.name: old.count(table) for table in tables}
    said = f"{sum(rows.values()):,} rows, {rows[RECORDS]:,} of them memories, would be moved from {source} to {target}"
    emit(
        {"from": str(source), "to": str(target), "rows": rows, "goes_on": goes_on},
        as_json=as_json,
        human=lambda: f"{said}{', where an earlier move goes on' if goes_on else ''}; nothing was changed",
    )


def _look_at(address: str) -> bool:
    """Whether a move goes on there; nothing is changed. Raises NotMoved where it is not empty, StoreUnusable."""
    from iai_daemon.storage.moving.postgres_side import only_look  # noqa: PLC0415 -- who has no server does not pay for its driver

    with only_look(address) as side:
        if side is None:
            return False
        if side.progress() is not None:
            return True
        refuse_occupied(side, all_tables())
    return False


def _upgrade(place: _Place) -> tuple[int, int]:
    """Which schema it had, and which it has. Raises StoreUnusable, StoreBusy."""
    if place.address is not None:
        from iai_daemon.storage.postgres.schema import upgraded  # noqa: PLC0415 -- who has no server does not pay for its driver

        return upgraded(place.address)
    before = schema_of(place.path)
    open_database(place.path).close()
    return before, schema_of(place.path)


# What is said.


def _settings(here: Home, target: _Place) -> list[str]:
    """The commands after which this home uses the new store."""
    if target.variable is not None:
        return [f"iai-daemon config set memory.store_env {target.variable}"]
    # What the variable holds comes first.
    forget = ['iai-daemon config set memory.store_env ""'] if load(here).memory.store_env else []
    if target.address is not None:
        return [*forget, f"iai-daemon config set memory.store {target.address}"]
    move_it = [] if target.path == here.memory else [f"mv {target.path} {here.memory}"]
    return [*forget, *move_it, "iai-daemon config set memory.store sqlite"]


def _say(source: _Place, target: _Place, moved: Moved, settings: Sequence[str], seconds: float) -> str:
    rows = sum(content.rows for content in moved.tables.values())
    resumed = ", gone on with" if moved.resumed else ""
    commands = " and ".join(f"`{each}`" for each in settings)
    return (
        f"{rows:,} rows, {moved.tables[RECORDS].rows:,} of them memories, are in {target} now, the same as in {source} "
        f"({seconds:.0f} s{resumed}).\n{commands} lets this home use them; until then it goes on with {source}, which stays as it is."
    )
