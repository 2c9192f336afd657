"""`iai-daemon logs`: the daemon's log for a person, over its rotations; works without a daemon."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NoReturn

import click

from iai_daemon.cli.common import emit, home, home_option, json_option
from iai_daemon.clock import pause

# Nothing is told of a line that was appended, on every system and disk; so long a person does not mind to wait.
_BETWEEN = 0.3
_CHUNK = 64 * 1024
_LONGEST_VALUE = 2000
_OF_SEVERAL_LINES = ("exception", "traceback")


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option(
    "-n",
    "--lines",
    "count",
    metavar="N",
    type=click.IntRange(min=0),
    default=50,
    help="The newest N; 50 unless said.",
)
@home_option
@json_option
def logs(follow: bool, count: int, as_json: bool) -> None:
    """Show what the daemon has logged: when, what, and the figures; oldest first. Times are UTC.

    With --follow and --json each entry is an object on a line of its own.

    \b
    Example: iai-daemon logs -f
    """
    path = home().log
    with contextlib.closing(Tail(path)) as tail:
        newest = tail.newest(count)
        if follow:
            _follow(tail, newest, as_json=as_json)
    entries = [parsed(line) for line in newest]
    human = "\n".join(map(readable, entries)) or f"nothing is logged yet in {path}"
    emit({"entries": entries}, as_json=as_json, human=lambda: human)


def _follow(tail: Tail, newest: Sequence[bytes], *, as_json: bool) -> NoReturn:
    for line in newest:
        _print(line, as_json=as_json)
    while True:
        for line in tail.more():
            _print(line, as_json=as_json)
        pause(_BETWEEN)


def _print(line: bytes, *, as_json: bool) -> None:
    entry = parsed(line)
    click.echo(json.dumps(entry, ensure_ascii=False) if as_json else readable(entry))


class Tail:
    """The end of a log that is rotated while it is read: what `newest` gave, `more` goes on from, and nothing is left out."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._rest = b""

    def newest(self, count: int) -> list[bytes]:
        """The last so many whole lines, of the rotated files, too, oldest first."""
        self._file = _open(self._path)
        lines = list(self._read()) if self._file else []
        number = 1
        while len(lines) < count and (older := _open(self._rotated(number))):
            with older:
                lines = [*older.read().splitlines(), *lines]
            number += 1
        return lines[len(lines) - count :] if count < len(lines) else lines

    def more(self) -> Iterator[bytes]:
        """The whole lines that came since; the files are followed through as many rotations as there were."""
        yield from self._read()
        if self._file is None or not _is_same(self._file, self._path):
            # A last line may have come between: this file gets no more after it.
            yield from self._read()
            for path in self._newer():
                self.close()
                self._file = _open(path)
                yield from self._read()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file, self._rest = None, b""

    def _read(self) -> Iterator[bytes]:
        if self._file is None:
            return
        if os.fstat(self._file.fileno()).st_size < self._file.tell():
            self._file.seek(0)
            self._rest = b""
        while chunk := self._file.read(_CHUNK):
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            yield from lines

    def _newer(self) -> list[Path]:
        """The files that came after the one that is open, oldest first. Of one that is no longer there all have."""
        found = [self._path]
        if self._file is None:
            return found
        number = 1
        while (path := self._rotated(number)).exists():
            if _is_same(self._file, path):
                return found[::-1]
            found.append(path)
            number += 1
        # It was deleted: what stands there besides may have been shown.
        return [self._path]

    def _rotated(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _open(path: Path) -> BinaryIO | None:
    try:
        return path.open("rb")
    except OSError:
        return None


def _is_same(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def parsed(line: bytes) -> dict[str, object]:
    """One line of the log; what is no entry comes as the event that it says."""
    text = line.decode(errors="replace")
    try:
        entry = json.loads(text)
    except ValueError:
        entry = None
    return entry if isinstance(entry, dict) else {"event": text}


def readable(entry: Mapping[str, object]) -> str:
    """`2026-11-21 12:00:00  event  key=value …`, a level that matters before the event, a traceback below it."""
    rest = dict(entry)
    stamp, level = str(rest.pop("timestamp", "")), str(rest.pop("level", "info"))
    said = str(rest.pop("event", ""))
    below = [str(rest.pop(key)).splitlines() for key in _OF_SEVERAL_LINES if key in rest]
    when = stamp[:19].replace("T", " ")
    loud = "" if level in ("info", "debug") else f"{level}: "
    fields = [f"{key}={_value(value)}" for key, value in rest.items()]
    lines = ["  ".join(each for each in (when, f"{loud}{said}", " ".join(fields)) if each)]
    lines += [f"    {line}" for each in below for line in each]
    return "\n".join(map(_harmless, lines))


def _value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and (not text or any(each.isspace() or each in '"=' for each in text)):
        text = json.dumps(text, ensure_ascii=False)
    return text[:_LONGEST_VALUE]


def _harmless(line: str) -> str:
    """What a terminal would take for a command becomes visible."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in line)
