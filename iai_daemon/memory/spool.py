"""Notes that wait in the home, because the memory's server could not be used when they were told; delivering.py hands them in.

A file for each, numbered as they were told, and its name is the note's own: by that a note is delivered once, whoever tries how
often. Memory servers and commands write here side by side.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from iai_daemon import atomic
from iai_daemon.clock import Stopwatch
from iai_daemon.errors import FileUnusable, HomeUnusable, IaiError, NotKept
from iai_daemon.flock import FileLock
from iai_daemon.memory.record import LAST_STAMP, Draft, Record
from iai_daemon.paths import Home, make_private

MOST_NOTES = 10_000
MOST_BYTES = 50 * 1024 * 1024
_FORMAT = 1
# Who numbers a note is done in milliseconds, unless the disk is slow.
_TURN_WITHIN = 5.0
_NAME = re.compile(r"(?P<number>\d{10})-(?P<note>[0-9a-f]{32})\.json", re.ASCII)
_TAKEN, _DELIVERING, _ASIDE = ".lock", ".delivering", "set-aside"
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
# What a draft alone has, and what becomes of a record later.
_NOT_KEPT = {"redacted"}
_NOT_YET = ("valid_to", "superseded_by", "merged_into", "expired_at", "archived_at", "forgotten_at")
_TIMES = {"created_at", "expires_at"}
_LISTS = {"tags", "redacted"}


@dataclass(frozen=True, slots=True)
class Note:
    """What is to be remembered: `name` is its own, wherever it is kept, and its draft says when it was told."""

    name: str
    draft: Draft


@dataclass(frozen=True, slots=True)
class Waiting:
    """A note in the spool, and the file that it is in."""

    note: Note
    path: Path


def new_note(draft: Draft, now: int) -> Note:
    """A note with a name that no other one has, told at `now` (milliseconds since the epoch)."""
    return Note(os.urandom(16).hex(), replace(draft, created_at=now / 1000))


def as_told(draft: Draft) -> Record:
    """What waits, as the record that it is to become; it has no number yet."""
    told = round(1000 * (draft.created_at or 0.0))
    expires = None if draft.expires_at is None else round(1000 * draft.expires_at)
    given = {name: value for name, value in asdict(draft).items() if name not in _NOT_KEPT}
    return Record(
        **{
            **given,
            **dict.fromkeys(_NOT_YET),
            "id": 0,
            "created_at": told,
            "valid_from": told,
            "expires_at": expires,
            "revision": 0,
            "change": 0,
        }
    )


def is_empty(home: Home) -> bool:
    """Whether no note waits. Costs next to nothing where none ever has."""
    try:
        with os.scandir(home.spool) as there:
            return not any(_NAME.fullmatch(each.name) for each in there)
    except OSError:
        return True


def count(home: Home) -> int:
    """How many notes wait."""
    try:
        return sum(1 for each in os.listdir(home.spool) if _NAME.fullmatch(each))  # noqa: PTH208 -- names alone are asked for
    except OSError:
        return 0


class _Full(Exception):
    """No note can be kept; says why."""


class Spool:
    """The notes that wait in one home."""

    def __init__(self, home: Home, most_notes: int = MOST_NOTES, most_bytes: int = MOST_BYTES) -> None:
        self._folder = home.spool
        self._most_notes = most_notes
        self._most_bytes = most_bytes

    def keep(self, note: Note, away: IaiError) -> None:
        """Keep it until it is delivered, whatever ends this process; `away`: why it is not delivered now. Raises NotKept."""
        data = json.dumps({"format": _FORMAT, "draft": asdict(note.draft)}, ensure_ascii=False).encode()
        try:
            make_private(self._folder)
            with self._turn():
                number = self._room_for(len(data))
                atomic.write(self._folder / f"{number:010}-{note.name}.json", data)
                _settle(self._folder)
        except (HomeUnusable, FileUnusable, _Full) as error:
            raise NotKept(away=away, problem=error) from error
        except OSError as error:
            raise NotKept(away=away, problem=f"{self._folder}: {error.strerror or error}") from error

    def waiting(self) -> Iterator[Waiting]:
        """Those that wait, in the order in which they were told. What is no note is set aside: it is not lost, and in nobody's way."""
        for path in self._files():
            try:
                yield Waiting(_read(path), path)
            except FileNotFoundError:
                continue
            except (PermissionError, ValueError):
                self.set_aside(path)
            except OSError:
                # What cannot be read now may be a note all the same, and what comes after it has to wait for it.
                return

    def done(self, waiting: Waiting) -> None:
        """It has been delivered. Where its file comes back after a power cut, it is delivered again, and changes nothing."""
        with contextlib.suppress(OSError):
            waiting.path.unlink()

    def set_aside(self, path: Path) -> None:
        """Keep for people what cannot be delivered."""
        aside = self._folder / _ASIDE
        with contextlib.suppress(OSError, HomeUnusable):
            make_private(aside)
            other = f".{os.urandom(4).hex()}" if (aside / path.name).exists() else ""
            path.rename(aside / f"{path.name}{other}")

    @contextlib.contextmanager
    def delivering(self) -> Iterator[bool]:
        """Whether it is our turn to deliver: one process at a time does, so that notes come in order."""
        lock = FileLock(self._folder / _DELIVERING)
        try:
            ours = lock.acquire(str(os.getpid()))
        except FileUnusable:
            ours = False
        try:
            if ours:
                self._set_aside_what_is_no_note()
            yield ours
        finally:
            lock.release()

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """One writer at a time, so that every note has a number of its own."""
        lock, watch = FileLock(self._folder / _TAKEN), Stopwatch()
        while not lock.acquire(str(os.getpid())):
            if watch.seconds() > _TURN_WITHIN:
                raise _Full(f"{self._folder} is locked by another process")
        try:
            yield
        finally:
            lock.release()

    def _room_for(self, size: int) -> int:
        """The number of the next note. Raises _Full."""
        there = self._files()
        if len(there) >= self._most_notes:
            raise _Full(f"{self._folder} holds {len(there)} notes that wait, and takes no more")
        held = 0
        for each in there:
            with contextlib.suppress(FileNotFoundError):
                held += each.stat().st_size
        if held + size > self._most_bytes:
            raise _Full(f"{self._folder} holds {held} bytes of notes that wait, and takes no more")
        return 1 + max((int(each.name[:10]) for each in there), default=0)

    def _files(self) -> list[Path]:
        """Those that bear the name of a note, in order."""
        try:
            names = sorted(each for each in os.listdir(self._folder) if _NAME.fullmatch(each))  # noqa: PTH208 -- as above
        except OSError:
            return []
        return [self._folder / name for name in names]

    def _set_aside_what_is_no_note(self) -> None:
        """What others put here, and what somebody was killed over: nobody was told that it is kept."""
        with contextlib.suppress(OSError, FileUnusable, _Full), self._turn():
            for each in self._folder.iterdir():
                if each.name not in (_TAKEN, _DELIVERING, _ASIDE) and not _NAME.fullmatch(each.name):
                    self.set_aside(each)


def _settle(folder: Path) -> None:
    """The new name survives a power cut, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> Note:
    """Raises ValueError for what is no note, OSError."""
    if not path.is_file() or path.is_symlink():
        raise ValueError("it is no file")
    told = json.loads(path.read_bytes())
    name = _NAME.fullmatch(path.name)
    if name is None or not isinstance(told, dict) or told.get("format") != _FORMAT:
        raise ValueError("it is no note")
    return Note(name["note"], _draft(told.get("draft")))


def _draft(values: object) -> Draft:
    """The draft as it was written. Lengths are not asked again: a secret that was taken out may have left a longer text."""
    if not isinstance(values, Mapping):
        raise ValueError("it is no draft")
    known = {each.name for each in fields(Draft)}
    if not known.issuperset(values) or not isinstance(values.get("content"), str) or not values.get("scope"):
        raise ValueError("it is no draft")
    read: dict[str, Any] = {name: _value(name, value) for name, value in values.items()}
    return Draft(**read)


def _value(name: str, value: object) -> object:
    if name in _LISTS:
        if isinstance(value, list) and all(
            isinstance(each, str) and not _NO_TEXT.search(each) for each in value
        ):
            return tuple(value)
    elif value is None:
        return None
    elif name in _TIMES:
        if isinstance(value, int | float) and math.isfinite(value) and 0 <= value <= LAST_STAMP:
            return float(value)
    elif isinstance(value, str) and not _NO_TEXT.search(value):
        return value
    raise ValueError(f"{name} cannot be {value!r:.40}")
