"""Puts the memory of another server in order: the file of the npm package `@modelcontextprotocol/server-memory`.

    python examples/server_memory_pass.py FILE           joins duplicate entities, drops duplicate and dangling relations
    python examples/server_memory_pass.py FILE --undo    puts back what the last time changed

It is meant for the nights of iai-daemon, as one of its `[[consolidation.commands]]`, when no client is open. What it changes
it keeps beside the file first. Standard library alone; exit status: 0 done, 100 nothing to do, 75 asked to stop before it
had changed anything, 1 it could not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DONE, HALF_WAY, NOTHING_TO_DO = 0, 75, 100
# The server writes the whole file anew at each change: so often is read again what it has just written.
TRIES = 5
# So many copies of earlier states are kept beside the file.
KEPT = 10


class Stopped(Exception):
    """Somebody is back."""


class Refused(Exception):
    """It cannot be done, and the sentence says why."""


@dataclass(slots=True)
class Line:
    """One line of the file: as it stands there, and what it says if it is an entity or a relation."""

    raw: bytes
    says: dict[str, Any] | None = None
    changed: bool = False

    def is_a(self, kind: str) -> bool:
        return self.says is not None and self.says["type"] == kind

    def to_bytes(self) -> bytes:
        """A line that was not changed stays as it is, byte for byte."""
        if not self.changed:
            return self.raw
        try:
            return json.dumps(self.says, ensure_ascii=False, separators=(",", ":")).encode()
        except UnicodeEncodeError:  # half of a surrogate pair, which JSON can hold and UTF-8 cannot
            return json.dumps(self.says, separators=(",", ":")).encode()


@dataclass(slots=True)
class Tidied:
    """What came of it, and how much that was."""

    data: bytes
    examined: int
    counted: Counter[str] = field(default_factory=Counter)

    def say(self) -> str:
        return ", ".join(f"{what}: {number}" for what, number in self.counted.items())


def tidy(data: bytes) -> Tidied:
    """The file as it should be; the same for what is in order already. What is not understood is left where it is."""
    lines = [_read(raw) for raw in data.split(b"\n")]
    examined = sum(bool(line.raw.strip()) for line in lines)
    counted: Counter[str] = Counter()
    names = _join_entities(lines, counted)
    # An entity may stand in a line that is not understood: nothing is known to be dangling then.
    whole = all(line.says is not None or not line.raw.strip() for line in lines)
    kept = list(_kept(lines, names, counted, whole=whole))
    return Tidied(b"\n".join(line.to_bytes() for line in kept), examined, counted)


def _read(raw: bytes) -> Line:
    """Anything but an entity or a relation with all that belongs to one is not understood."""
    try:
        says = json.loads(raw)
    except (ValueError, RecursionError):
        return Line(raw)
    if not isinstance(says, dict):
        return Line(raw)
    texts = {"entity": ("name", "entityType"), "relation": ("from", "to", "relationType")}.get(
        str(says.get("type"))
    )
    if texts is None or not all(isinstance(says.get(name), str) for name in texts):
        return Line(raw)
    if says["type"] == "entity" and not (
        isinstance(says.get("observations"), list)
        and all(isinstance(each, str) for each in says["observations"])
    ):
        return Line(raw)
    return Line(raw, says)


def _plain(text: str) -> str:
    """Without what is only another way of writing it: case, space, how its characters are composed."""
    return " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold()).split())


def _join_entities(lines: list[Line], counted: Counter[str]) -> dict[str, str]:
    """Entities of one name and type become the first of them. How relations are to name them now, by the name so far."""
    entities = [line for line in lines if line.is_a("entity")]
    keys = [_key(line) for line in entities]
    kinds: dict[str, set[tuple[str, str]]] = {}
    for line, key in zip(entities, keys, strict=True):
        kinds.setdefault(_says(line)["name"], set()).add(key)
    first: dict[tuple[str, str], Line] = {}
    names: dict[str, str] = {}
    gone = set()
    for line, key in zip(entities, keys, strict=True):
        name = _says(line)["name"]
        if len(kinds[name]) > 1:
            # Another kind of thing has this very name, and a relation does not tell which of the two it means.
            names[name] = name
        elif key not in first:
            first[key], names[name] = line, name
        else:
            _add(first[key], line)
            names[name] = _says(first[key])["name"]
            gone.add(id(line))
            counted["entities joined"] += 1
    lines[:] = [line for line in lines if id(line) not in gone]
    return names


def _says(line: Line) -> dict[str, Any]:
    assert line.says is not None  # noqa: S101 -- asked of entities and relations only
    return line.says


def _key(line: Line) -> tuple[str, str]:
    return _plain(_says(line)["name"]), _plain(_says(line)["entityType"])


def _add(into: Line, other: Line) -> None:
    """Everything that was observed of either, in its order, each once."""
    observed = [*_says(into)["observations"], *_says(other)["observations"]]
    into.says = {**_says(other), **_says(into), "observations": list(dict.fromkeys(observed))}
    into.changed = True


def _kept(
    lines: Sequence[Line], names: dict[str, str], counted: Counter[str], *, whole: bool
) -> Iterator[Line]:
    """The lines that stay, relations with the names that hold now."""
    spellings: dict[str, set[str]] = {}
    for name in names.values():
        spellings.setdefault(_plain(name), set()).add(name)

    def now(name: str) -> str | None:
        if name in names:
            return names[name]
        alike = spellings.get(_plain(name), set())
        return next(iter(alike)) if len(alike) == 1 else None

    seen: set[tuple[str, str, str]] = set()
    for line in lines:
        if line.is_a("relation"):
            why = _rename(line, now, whole=whole)
            key = (_says(line)["from"], _says(line)["to"], _says(line)["relationType"])
            if why is None and key in seen:
                why = "duplicate relations dropped"
            if why is not None:
                counted[why] += 1
                continue
            seen.add(key)
        yield line


def _rename(line: Line, now: Any, *, whole: bool) -> str | None:
    """Give a relation the names that hold now; why it has to go, if it has to."""
    says = _says(line)
    ends = {end: now(says[end]) for end in ("from", "to")}
    if None in ends.values():
        return "dangling relations dropped" if whole else None
    if ends["from"] == ends["to"] and says["from"] != says["to"]:
        return "relations of an entity to itself dropped"
    if any(says[end] != name for end, name in ends.items()):
        line.says, line.changed = {**says, **ends}, True
    return None


def _identity(path: Path) -> tuple[int, ...]:
    """Another one as soon as anybody writes the file or puts one in its place."""
    seen = path.stat()
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns


def _undo_file(path: Path, data: bytes) -> Path:
    """Where the state is kept that became this one: an undo finds it only as long as the file is what we made of it."""
    return path.with_name(f"{path.name}.{hashlib.sha256(data).hexdigest()[:16]}.undo")


def _replace(path: Path, data: bytes, before: tuple[int, ...], keep: bytes | None) -> bool:
    """Write `data` in the place of what was read, in one step; False when it is not that any more. `keep` for an undo."""
    temporary = _written_beside(path, data)
    try:
        # From here to the end no signal interrupts: the file is as it was, or wholly new and can be put back.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if keep is not None:
            _written_beside(path, keep).replace(_undo_file(path, data))
        if _identity(path) != before:
            if keep is not None:
                _undo_file(path, data).unlink()
            signal.signal(signal.SIGTERM, _stop)
            return False
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _written_beside(path: Path, data: bytes) -> Path:
    descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        shutil.copymode(path, name)
    except BaseException:
        Path(name).unlink()
        raise
    return Path(name)


def _forget_old(path: Path) -> None:
    copies = sorted(path.parent.glob(f"{path.name}.*.undo"), key=lambda each: each.stat().st_mtime_ns)
    for each in copies[:-KEPT]:
        each.unlink()


def consolidate(path: Path) -> int:
    """Put the file in order; the exit status."""
    for _ in range(TRIES):
        before = _identity(path)
        data = path.read_bytes()
        tidied = tidy(data)
        if tidied.data == data:
            _tell(tidied.examined, 0, "nothing to do")
            return NOTHING_TO_DO
        if _replace(path, tidied.data, before, keep=data):
            _forget_old(path)
            _tell(tidied.examined, sum(tidied.counted.values()), tidied.say())
            return DONE
    _tell(0, 0, "the server keeps writing")
    return HALF_WAY


def undo(path: Path) -> int:
    """Put back what the last consolidation changed. Raises Refused when the file has changed since."""
    before = _identity(path)
    data = path.read_bytes()
    kept = _undo_file(path, data)
    if not kept.exists():
        raise Refused(f"{path} is not as the last consolidation left it, so nothing is put back")
    if not _replace(path, kept.read_bytes(), before, keep=None):
        raise Refused(f"{path} is being written: try again")
    kept.unlink()
    _tell(data.count(b"\n") + 1, 1, "put back as it was")
    return DONE


def _tell(examined: int, changed: int, said: str) -> None:
    """The last line of standard output is what the report of the night tells of this command."""
    sys.stdout.write(json.dumps({"examined": examined, "changed": changed, "said": said}) + "\n")


def _stop(*_: object) -> None:
    raise Stopped


def main() -> int:
    parser = argparse.ArgumentParser(description="Put the file of server-memory in order.")
    parser.add_argument("file", type=Path, help="what the server's MEMORY_FILE_PATH names")
    parser.add_argument("--undo", action="store_true", help="put back what the last time changed")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, _stop)
    try:
        path = chosen.file.expanduser().resolve()
        return undo(path) if chosen.undo else consolidate(path)
    except Stopped:
        return HALF_WAY
    except FileNotFoundError:
        _tell(0, 0, f"there is no {chosen.file} yet")
        return NOTHING_TO_DO
    except (Refused, OSError) as cause:
        sys.stderr.write(f"server_memory_pass: {cause}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
