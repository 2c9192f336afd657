"""What every command shares: the home, `--json`, the store, and how a result is printed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import click

from iai_daemon.cli import completing
from iai_daemon.clock import read
from iai_daemon.config import Settings, load
from iai_daemon.control import client
from iai_daemon.foreign import printable
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home, find_home, make_private

SCHEMA = 1

# What the stores count memories and nights with.
Id = click.IntRange(1, 2**63 - 1)

# More characters than a sentence has.
_WHOLE = 1000

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Group(click.Group):
    """One whose help tells what each of its commands does in a whole sentence, however narrow the terminal is."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, each.get_short_help_str(limit=_WHOLE)) for name, each in found if each is not None]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def home_option(command: _Command) -> _Command:
    """`--home DIR`, before the command or after it; the one nearest to the command's end counts."""

    def keep(ctx: click.Context, _parameter: click.Parameter, value: str | None) -> None:
        if value is not None:
            ctx.ensure_object(dict)["home"] = value

    return click.option(
        "--home",
        metavar="DIR",
        expose_value=False,
        callback=keep,
        shell_complete=completing.directories,
        help="The daemon's home; else IAI_DAEMON_HOME, else ~/.iai-daemon.",
    )(command)


def json_option(command: _Command) -> _Command:
    """`--json`: one object on standard output, for programs."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")(
        command
    )


def home() -> Home:
    """The home that this call is for. Raises NoHome."""
    return find_home(click.get_current_context().ensure_object(dict).get("home"))


def settings() -> Settings:
    """The settings of this home. Raises BadConfig."""
    return load(home())


def tell_daemon() -> bool:
    """Let a running daemon look at once at what was changed in the store; whether there is one."""
    return client.tell(home())


@contextlib.contextmanager
def stores() -> Iterator[Stores]:
    """The memory of this home, closed at the end. Raises StoreUnusable, BadConfig, HomeUnusable."""
    here = home()
    load(here)
    make_private(here.root)
    opened = open_stores(here)
    try:
        yield opened
    finally:
        opened.close()


def now_ms() -> int:
    """Milliseconds since the epoch, as the stores take them."""
    return read().milliseconds


def emit(
    result: Mapping[str, object], *, as_json: bool, human: Callable[[], str], styled: bool = False
) -> None:
    """Print `result` as one object with the schema, or what `human` makes of it: without anything in it that would steer a
    terminal, unless that is our own style."""
    if as_json:
        click.echo(json.dumps({"schema": SCHEMA, **result}, ensure_ascii=False))
    else:
        click.echo(human() if styled else printable(human()))
