"""`iai-daemon report`: the page of what happened; works without a daemon."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import webbrowser
from collections.abc import Iterator
from html import escape
from pathlib import Path

import click

from iai_daemon import atomic
from iai_daemon.aside import Aside
from iai_daemon.cli.common import emit, home, home_option, json_option, now_ms, settings
from iai_daemon.errors import FileUnusable, UsageError
from iai_daemon.paths import make_private

# What says that there is a screen, or which browser is wanted.
_SCREENS = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")


@click.command()
@click.option(
    "--days", metavar="N", type=click.IntRange(1, 366), default=30, help="Look back so far; 30 unless said."
)
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(readable=False),
    help="Where the page goes; else report.html in the home.",
)
@click.option("--open", "opens", is_flag=True, help="Show it in the browser.")
@click.option(
    "--serve", "serves", is_flag=True, help="Serve it on this machine: it renews itself, and can undo nights."
)
@click.option(
    "--port", metavar="N", type=click.IntRange(0, 65_535), help="Where it is served; else at a free port."
)
@home_option
@json_option
def report(days: int, out: str | None, opens: bool, serves: bool, port: int | None, as_json: bool) -> None:
    """Make one page of what happened while you were away: nights and what they changed, the agenda, who was here.

    \b
    Example: iai-daemon report --open
    Example: iai-daemon report --days 7 --out report.html
    Example: iai-daemon report --serve --open
    """
    if serves:
        if out is not None or as_json:
            raise UsageError(problem="--serve makes no file: leave --out and --json out.")
        _serve(days, port or 0, opens=opens)
        return
    if port is not None:
        raise UsageError(problem="--port goes with --serve.")
    from iai_daemon.report.gather import look  # noqa: PLC0415 -- help does not pay for it
    from iai_daemon.report.page import render  # noqa: PLC0415 -- as above

    here = home()
    make_private(here.root)
    told = look(here, settings(), now_ms(), days=days)
    if as_json and out is None:
        emit(told, as_json=True, human=str)
        return
    path = here.report if out is None else Path(out).expanduser()
    try:
        atomic.write(path, render(told).encode())
    except OSError as cause:
        raise FileUnusable(path=path, cause=cause.strerror or cause) from cause
    if opens and not _opened(path):
        click.echo("no browser could be started here: open the file by hand", err=True)
    emit({"path": str(path)}, as_json=as_json, human=lambda: str(path))


def _serve(days: int, port: int, *, opens: bool) -> None:
    """Until Ctrl-C or SIGTERM."""
    from iai_daemon.report.serving.server import serve  # noqa: PLC0415 -- who makes a file does not pay for a server

    here = home()
    make_private(here.root)
    with contextlib.ExitStack() as left:

        def announce(address: str) -> None:
            click.echo(address)
            sys.stdout.flush()
            click.echo(
                "whoever opens this address on this machine sees the memory and can undo nights; Ctrl-C ends it",
                err=True,
            )
            if opens:
                door = left.enter_context(_door_to(address))
                Aside(lambda: _show(door), "the browser")

        serve(here, settings(), announce, days=days, port=port)


def _show(path: Path) -> None:
    if not _opened(path):
        click.echo("no browser could be started here: open the address by hand", err=True)


@contextlib.contextmanager
def _door_to(address: str) -> Iterator[Path]:
    """A file of ours alone that leads a browser to the address: others may read what a browser is started with."""
    descriptor, name = tempfile.mkstemp(prefix="iai-daemon-", suffix=".html")
    path = Path(name)
    try:
        os.close(descriptor)
        refresh = f'<meta http-equiv="refresh" content="0;url={escape(address)}">'
        path.write_text(f'<!doctype html><html lang="en"><title>iai-daemon</title>{refresh}</html>\n')
        yield path
    finally:
        path.unlink(missing_ok=True)


def _opened(path: Path) -> bool:
    """Whether there is a browser that could be started: on a screen, or one that somebody has named."""
    screen = sys.platform == "darwin" or any(os.environ.get(each) for each in _SCREENS)
    return screen and webbrowser.open(path.resolve().as_uri())
