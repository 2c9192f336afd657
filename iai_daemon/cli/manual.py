"""The manual page, made of what the commands say of themselves: `python -m iai_daemon.cli.manual` prints it, `make manual` writes
docs/iai-daemon.1.

One page for all: click-man, which others use, makes one for each command and each command below it, some eighty files, and knows
nothing of files, variables and exit statuses.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import click

import iai_daemon
from iai_daemon.cli.group import SECTIONS, iai
from iai_daemon.paths import Home

PROGRAM = "iai-daemon"
_SPECIAL = {
    "\\": r"\e",
    "-": r"\-",
    "'": r"\(aq",
    "`": r"\(ga",
    '"': r"\(dq",
    "^": r"\(ha",
    "~": r"\(ti",
}
# Every command, or nearly, has them: they are told once.
EVERYWHERE = {"--home", "--json", "--help"}
EXAMPLE = "Example: "

_DESCRIPTION = (
    (
        "Coding agents talk to a memory through MCP. A memory that is only ever appended to rots: facts go out of date, notes repeat, "
        "search gets worse. iai-daemon is its night shift. Each MCP client starts a small wrapper, which says that it is alive and when "
        "its user last did something; so the daemon knows who is there. When nobody is, it puts the memory in order, and it gives way "
        "the moment somebody returns. Nothing is deleted in a night, every change has its reason, and each night can be taken back."
    ),
    "Besides it keeps an agenda: it wakes agents at the times that you, they, or a calendar say.",
    "Nearly every command works without a daemon, on what it has left in its home.",
)
OPTIONS = (
    (
        "--home DIR",
        "The daemon's home; else IAI_DAEMON_HOME, else ~/.iai-daemon. Before the command or after it.",
    ),
    (
        "--json",
        (
            "Print one JSON object on standard output, for programs. Its times are RFC 3339 in UTC; fields may be added, none goes "
            "away. Groups of commands do not have it, the commands in them do."
        ),
    ),
    ("-h, --help", "Say what a command does, and how it is called."),
    ("--version", "Print the version. Without a command only."),
)
STATUSES = (
    ("0", "It worked, or the answer is yes."),
    ("1", "It did not, or the answer is no: no daemon runs, a check fails, nothing was there to do."),
    ("2", "The command line is wrong."),
    (
        "78",
        "The settings, the home or the memory cannot be used as they are; the sentence says which and what mends it.",
    ),
    ("130", "It was stopped with Ctrl-C; what was done by then is kept, where the command says so."),
    ("143", "The same, with SIGTERM."),
)
VARIABLES = (
    ("IAI_DAEMON_HOME", "The home, where --home does not name one."),
    ("NO_COLOR", "Where it is set, nothing is coloured."),
    ("SHELL", "For which shell `iai-daemon completion` prints where none is named."),
    (
        "XDG_DATA_HOME, XDG_CONFIG_HOME",
        "Where `iai-daemon completion --install` writes. Nothing else asks for them.",
    ),
    (
        "Those that the settings name",
        "`memory.store_env` holds the memory's address, `embedding.api_key_env` and `calendar.api_key_env` hold keys.",
    ),
)
# What every file of a home is for; a test sees that none is missing.
FILES = {
    "config": "The settings; a missing file means the defaults. `iai-daemon config init` writes one with all of them.",
    "memory": "The memory, the nights and the agenda (SQLite), where the settings name no server.",
    "wrappers": "The wrappers' heartbeats: who is here.",
    "trajectories": "How agents' tool calls went, where wrappers record that.",
    "state": "WAKE, IDLE or BEDTIME, and since when.",
    "attendance": "Who was here, and when.",
    "history": "Every change from one of them to another, with its reason.",
    "daemon_lock": "Held by the daemon: there is one for each home.",
    "consolidation_lock": "Held by the process that runs a night.",
    "host": "By which name other hosts know this one, where they share the memory.",
    "socket": "Where the daemon answers these commands.",
    "backups": "Copies of the memory, made before a night changes it.",
    "last_night": "What the last night did, for the morning.",
    "report": "The page that `iai-daemon report` has made.",
    "killed_night": "Which night was killed in the middle, until the next has seen to it.",
    "log": "The daemon's log; `iai-daemon logs` shows it to a person.",
    "crash": "What Python said when the daemon crashed.",
    "clients": "What was changed in the clients' configuration, and how to put it back.",
    "spool": "What was remembered while the memory's server was away.",
    "starts": "When launchd has started the daemon, so that it does not do so for ever.",
}
EXAMPLES = (
    (
        "Begin: see an evening, start the service, connect a client, and let the doctor look at it.",
        (
            "iai-daemon demo",
            "iai-daemon install",
            "iai-daemon clients connect claude-code",
            "iai-daemon doctor",
        ),
    ),
    (
        "See what the nights did, look at one, and take it back.",
        ("iai-daemon nights list --limit 5", "iai-daemon nights show 3 --diff", "iai-daemon nights undo 3"),
    ),
    (
        "Wake an agent each working day at nine.",
        (
            'iai-daemon recall add "Is the build green?" --agent claude --session 1f0c --cron "0 9 * * mon-fri"',
        ),
    ),
    (
        "Ask from a script whether somebody is here.",
        ("iai-daemon presence --json | jq '.counts.FRESH'",),
    ),
)


def page() -> str:
    """The whole page in the language of man, ASCII only: what is beyond has a name in it, so that no reader has to guess."""
    context = click.Context(iai, info_name=PROGRAM)
    lines = [
        r".\" Made by `make manual` from what the commands say of themselves: change it there.",
        f'.TH "{PROGRAM.upper()}" "1" "" "{PROGRAM} {iai_daemon.__version__}" "User Commands"',
        *_section("NAME", [escaped(f"{PROGRAM} - the night shift for coding agents' memory")]),
        *_section(
            "SYNOPSIS",
            [rf"\fB{escaped(PROGRAM)}\fP [\fB{escaped('--home')}\fP \fIDIR\fP] \fICOMMAND\fP \&.\|.\|."],
        ),
        *_section("DESCRIPTION", _paragraphs(_DESCRIPTION)),
        *_section("OPTIONS", _listed(OPTIONS)),
        *_section("COMMANDS", _overview()),
        *(line for name in iai.list_commands(context) for line in _command(context, name)),
        *_section("EXIT STATUS", _listed(STATUSES)),
        *_section("ENVIRONMENT", _listed(VARIABLES)),
        *_section("FILES", _listed(_files())),
        *_section(
            "EXAMPLES",
            (line for said, calls in EXAMPLES for line in [".PP", prose(said), *_verbatim(calls)]),
        ),
        *_section("SEE ALSO", _see_also()),
    ]
    # The first paragraph needs no request: its heading begins it.
    heads = (".SH ", ".SS ")
    kept = [
        line for before, line in pairwise(["", *lines]) if not (line == ".PP" and before.startswith(heads))
    ]
    return "\n".join(kept) + "\n"


def escaped(text: str) -> str:
    """So that each character is shown as it is, a dash as one that can be copied, and a dot at the beginning is no request."""
    shown = "".join(_SPECIAL.get(each, each if each.isascii() else rf"\[u{ord(each):04X}]") for each in text)
    return rf"\&{shown}" if shown.startswith(".") else shown


def prose(text: str) -> str:
    """One paragraph on one line; what stands between backquotes is to be typed, and bold."""
    pieces = " ".join(text.split()).split("`")
    if len(pieces) % 2 == 0:
        return escaped("`".join(pieces))
    return "".join(
        rf"\fB{escaped(each)}\fP" if place % 2 else escaped(each) for place, each in enumerate(pieces)
    )


def _section(title: str, body: Iterable[str]) -> list[str]:
    return [f".SH {title}", *body]


def _paragraphs(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from (".PP", prose(text))


def _listed(entries: Iterable[tuple[str, str]]) -> Iterator[str]:
    for term, said in entries:
        yield from (".TP", rf"\fB{escaped(term)}\fP", prose(said))


def _verbatim(lines: Iterable[str]) -> Iterator[str]:
    yield from (".PP", ".RS 4", ".nf", *map(escaped, lines), ".fi", ".RE")


def _overview() -> Iterator[str]:
    for title, commands in SECTIONS.items():
        yield from (".TP", rf"\fB{escaped(title)}\fP", escaped(", ".join(commands)))


def _files() -> Iterator[tuple[str, str]]:
    home = Home(Path("~/.iai-daemon"))
    return ((str(getattr(home, name)), said) for name, said in FILES.items())


def _see_also() -> list[str]:
    return [
        ".PP",
        r"\fBsystemctl\fP(1), \fBlaunchctl\fP(1), \fBjournalctl\fP(1)",
        *_paragraphs(
            [
                "`iai-wrapper --help` tells of the wrapper; `iai-daemon COMMAND --help` says what stands here, of one command."
            ]
        ),
    ]


def _command(parent: click.Context, name: str) -> Iterator[str]:
    """One command, and those that are in it."""
    group = parent.command
    command = group.get_command(parent, name) if isinstance(group, click.Group) else None
    if command is None or command.hidden:
        return
    context = click.Context(command, info_name=name, parent=parent)
    yield f'.SS "{escaped(_usage(command, context))}"'
    yield from _help(command.help or "")
    yield from _listed(_options(command, context))
    yield from _examples(command.help or "")
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            yield from _command(context, each)


def _usage(command: click.Command, context: click.Context) -> str:
    pieces = [each for each in command.collect_usage_pieces(context) if each != "[OPTIONS]"]
    return " ".join([context.command_path, *(["[OPTIONS]"] if own_options(command) else []), *pieces])


def _options(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    for each in own_options(command):
        if record := each.get_help_record(context):
            yield record


def own_options(command: click.Command) -> list[click.Option]:
    """Those that not every command has."""
    return [
        each for each in command.params if isinstance(each, click.Option) and not EVERYWHERE & set(each.opts)
    ]


def _help(text: str) -> Iterator[str]:
    """What a command says of itself, but for its examples: a paragraph after a backspace stays as it is laid out."""
    for paragraph in split(text):
        lines = paragraph.splitlines()
        if lines[0].strip() != "\b":
            yield from (".PP", prose(paragraph))
        elif not lines[1].startswith(EXAMPLE):
            yield from _verbatim(lines[1:])


def _examples(text: str) -> Iterator[str]:
    if found := examples(text):
        yield from _verbatim(found)


def examples(text: str) -> list[str]:
    """The command lines that a help text gives."""
    return re.findall(rf"^{EXAMPLE}(.+)$", inspect.cleandoc(text), re.MULTILINE)


def split(text: str) -> list[str]:
    """The paragraphs of a help text."""
    return [each for each in re.split(r"\n[ \t]*\n", inspect.cleandoc(text)) if each.strip()]


if __name__ == "__main__":
    click.echo(page(), nl=False)
