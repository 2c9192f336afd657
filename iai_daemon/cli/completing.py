"""What a shell offers for the values of arguments and options: names from the store and the settings, found quickly or not at all.

Every command names one of these functions where it takes such a value. Nobody has asked for anything yet while he types, so what
goes wrong is not said, and nothing is made or changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from json import dumps
from typing import TYPE_CHECKING

from iai_daemon.config import SECTIONS, keys, load, plain
from iai_daemon.errors import IaiError
from iai_daemon.foreign import one_line
from iai_daemon.paths import Home, find_home
from iai_daemon.paths import backups as kept_backups
from iai_daemon.storage import names
from iai_daemon.storage.database import Interrupted
from iai_daemon.tables import kinds
from iai_daemon.units import format_stamp, stamp_of

if TYPE_CHECKING:
    from click import Context, Parameter
    from click.shell_completion import CompletionItem

# Seconds that a store may take. A shell stands still meanwhile.
WITHIN = 0.3
# Longer names are none that anybody types.
_LONGEST = 200

# A value, and what is said of it.
Offer = tuple[str, str]
Completer = Callable[["Context", "Parameter", str], "list[CompletionItem[str]]"]


def _offering(look: Callable[[Home, Context], Iterable[Offer]]) -> Completer:
    """Offers what `look` finds and begins with what is typed."""

    def complete(context: Context, _parameter: Parameter, incomplete: str) -> list[CompletionItem[str]]:
        from click.shell_completion import CompletionItem  # noqa: PLC0415 -- only a shell needs it

        try:
            home = find_home((context.find_object(dict) or {}).get("home"))
            found = [each for each in look(home, context) if each[0].startswith(incomplete)]
        except (IaiError, OSError, ValueError, Interrupted):
            return []
        return [
            CompletionItem(value, help=one_line(said) or None)
            for value, said in found
            if _can_be_typed(value)
        ]

    return complete


def _can_be_typed(value: str) -> bool:
    """What others named so that it would steer a terminal, or be taken for an option, is not offered."""
    return 0 < len(value) <= _LONGEST and value.isprintable() and not value.startswith("-")


def directories(_context: Context, _parameter: Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Offers directories."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 -- only a shell needs it

    return [CompletionItem(incomplete, type="dir")]


@_offering
def nights(home: Home, _context: Context) -> Iterator[Offer]:
    """The newest first."""
    for row in names.ask(home, names.NIGHTS, WITHIN):
        began = stamp_of(row["started_at"])[:16].replace("T", " ")
        undone = ", taken back" if row["undone_at"] else ""
        yield str(row["id"]), f"{row['kind']} of {began} UTC, {row['outcome'] or 'running'}{undone}"


@_offering
def recalls(home: Home, _context: Context) -> Iterator[Offer]:
    """The newest first."""
    for row in names.ask(home, names.RECALLS, WITHIN):
        yield str(row["id"]), f"{row['agent']} in {row['session_id']}: {row['message']}"


@_offering
def sessions(home: Home, _context: Context) -> Iterator[Offer]:
    """Those that are not closed, the newest first."""
    for row in names.ask(home, names.SESSIONS, WITHIN):
        yield row["id"], row["client"] or ""


@_offering
def slots(home: Home, _context: Context) -> Iterator[Offer]:
    """Those that are not over."""
    for row in names.ask(home, names.SLOTS, WITHIN):
        yield row["id"], f"{row['state']}: {row['title']}"


@_offering
def scopes(home: Home, _context: Context) -> Iterator[Offer]:
    """Those with the most memories first."""
    for row in names.ask(home, names.SCOPES, WITHIN):
        yield row["scope"], f"{row['memories']} memories"


@_offering
def tasks(home: Home, _context: Context) -> Iterator[Offer]:
    """By their names."""
    for row in names.ask(home, names.TASKS, WITHIN):
        yield row["name"], "enabled" if row["enabled"] else "disabled"


@_offering
def passes(home: Home, _context: Context) -> Iterator[Offer]:
    """Every pass that there is to these settings."""
    yield from ((name, "") for name in load(home).consolidation.pass_names)


@_offering
def agents(home: Home, _context: Context) -> Iterator[Offer]:
    """Those of the settings."""
    yield from ((each.name, " ".join(each.command)) for each in load(home).agents.values())


@_offering
def servers(_home: Home, context: Context) -> Iterator[Offer]:
    """Those of the client that stands before; of all clients where click has not read that far, as after an option without its
    value."""
    from iai_daemon.clients import reading, registry  # noqa: PLC0415 -- each asks only what it offers

    place = registry.Place.here()
    meant = context.params.get("client")
    offers: dict[str, str] = {}
    for client in registry.CLIENTS:
        if meant in (None, client.name):
            found = [each for each in reading.servers(client, place) if isinstance(each, reading.Server)]
            offers |= {each.name: " ".join(each.command) for each in found}
    yield from offers.items()


def backups(context: Context, parameter: Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The names of the list, the newest first, and any file."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 -- only a shell needs it

    return [*_kept(context, parameter, incomplete), CompletionItem(incomplete, type="file")]


@_offering
def _kept(home: Home, _context: Context) -> Iterator[Offer]:

    for each in reversed(kept_backups(home.backups)):
        yield each.path.name, f"{format_stamp(each.made_at)[:16].replace('T', ' ')} UTC"


@_offering
def settings(home: Home, _context: Context) -> Iterator[Offer]:
    """Every setting that has one value, with the one that holds."""
    written = plain(load(home))
    for key in keys():
        section, _, name = key.partition(".")
        yield key, _as_typed(written[section][name])


@_offering
def values(home: Home, context: Context) -> Iterator[Offer]:
    """What the setting that stands before can be, or else what it is."""
    section, _, name = str(context.params.get("key")).partition(".")
    if section not in SECTIONS or name not in kinds(SECTIONS[section]):
        return
    holds = _as_typed(plain(load(home))[section].get(name))
    choices = kinds(SECTIONS[section])[name].choices
    yield from ((each, "holds now" if each == holds else "") for each in choices or (holds,))


def _as_typed(value: object) -> str:
    """As `config set` takes it."""
    return value if isinstance(value, str) else dumps(value, ensure_ascii=False)


@_offering
def zones(_home: Home, _context: Context) -> Iterator[Offer]:
    """The names of time zones."""
    from zoneinfo import available_timezones  # noqa: PLC0415 -- it reads a directory of them

    yield from ((each, "") for each in sorted(available_timezones()))
