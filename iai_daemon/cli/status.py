"""`iai-daemon status`: how the daemon stands, in a fraction of a second."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import iai_daemon
from iai_daemon.cli import quick
from iai_daemon.cli.colour import Tone, paint, wants_colour
from iai_daemon.cli.layout import Line, in_ascii, lines, shows_unicode
from iai_daemon.cli.standing import rows
from iai_daemon.control import client
from iai_daemon.errors import DaemonAway
from iai_daemon.foreign import printable
from iai_daemon.paths import Home, find_home
from iai_daemon.units import parse_stamp

_NARROWEST, _USUAL = 20, 80
# Of the note of the last night so much is shown where no daemon runs.
_MOST_OF_NOTE = 4096


def status(words: Sequence[str]) -> int:
    """Print the status; 1 when no daemon runs."""
    arguments = quick.parse(words, "status", json=True)
    home = find_home(arguments.home)
    try:
        seen = client.status(home)
    except DaemonAway as away:
        lacking = _service(home)
        if not arguments.json:
            print(f"iai-daemon: {away}", file=sys.stderr)
            for each in lacking:
                print(f"{each['why']}; {each['fix']}", file=sys.stderr)
            _print_note(home)
            return away.exit_status
        seen = nobody() | {"degraded": lacking}
    if arguments.json:
        print(json.dumps(seen))
    else:
        _print_rows(seen)
    return 0 if seen["pid"] else 1


def _print_rows(seen: Mapping[str, Any]) -> None:
    """For a person: in colours on a terminal, and as wide as it is."""
    is_terminal = sys.stdout.isatty()
    coloured = wants_colour(os.environ, is_terminal=is_terminal)
    unicode = shows_unicode(os.environ, sys.stdout.encoding)
    # Who reads it line by line, as grep does, wants no line broken.
    columns = _columns() if is_terminal else sys.maxsize
    width = max(_NARROWEST, columns)
    for line in lines(rows(seen, _told_at(seen)), width, unicode=unicode):
        print(_paint(line) if coloured else f"{line.label}{line.text}".rstrip())


def _columns() -> int:
    """As wide as COLUMNS says, else as the terminal is."""
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said):
        return int(said)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or _USUAL
    except OSError:
        return _USUAL


def _told_at(seen: Mapping[str, Any]) -> float:
    """Seconds since the epoch; an older daemon says only when it looked last."""
    return parse_stamp(seen.get("at") or seen["tick"]["at"])


def _paint(line: Line) -> str:
    return (paint(line.label, Tone.QUIET) + paint(line.text, line.tone)).rstrip()


def _print_note(home: Home) -> None:
    """What the last night left, which tells of it without a daemon and without the store."""
    try:
        with home.last_night.open("rb") as file:
            note = file.read(_MOST_OF_NOTE).decode(errors="replace").strip()
    except OSError:
        return
    if note:
        said = f"The note of the last night:\n{printable(note)}"
        print(said if shows_unicode(os.environ, sys.stdout.encoding) else in_ascii(said))


def _service(home: Home) -> list[dict[str, str]]:
    """Where a service should run the daemon and does not: as an entry of `degraded`."""
    from iai_daemon.service import installed  # noqa: PLC0415 -- only where no daemon runs: else it would cost as much as the call

    found = installed.find(home)
    if found is None:
        return []
    outdated = installed.trouble(home)
    why = outdated.why if outdated else f"its service is installed ({found.path}) and does not run"
    return [{"what": "service", "why": why, "fix": outdated.fix if outdated else "`iai-daemon start`"}]


def nobody() -> dict[str, Any]:
    """The object of `status --json` when no daemon runs."""
    counts = dict.fromkeys(("fresh", "active", "stale", "orphan", "invalid"), 0)
    consolidation: dict[str, object] = dict.fromkeys(
        ("why_not", "elsewhere", "night", "pass", "progress", "last", "last_night")
    )
    return {
        "schema": 1,
        "at": None,
        "pid": None,
        "version": iai_daemon.__version__,
        "state": None,
        "since": None,
        "reason": "no daemon is running",
        "rule": None,
        "presence": counts,
        "here": [],
        "here_more": 0,
        "hosts": [],
        "consolidation": {"running": False, **consolidation, "waiting": {}},
        "agenda": {},
        "next": dict.fromkeys(("recall", "bedtime", "idle", "night")),
        "store": {"engine": None, "memories": None},
        "tick": {"at": None, "failures": 0},
        "degraded": [],
    }
