"""What was written into clients' configurations, so that it can be taken out again: `clients.json` in the home."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from iai_daemon import atomic
from iai_daemon.errors import Refused

_SCHEMA = 1
_MAX_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a file.

    `kind`: `added` a server at `path`, around which `emptied` tables were made; `wrapped` one there, whose members had been
    `written` so (None: there was none); `instructions` in a text.
    """

    kind: str
    path: tuple[str, ...] = ()
    emptied: int = 0
    written: Mapping[str, str | None] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of one client: `existed` before, what it is (`digest`) since the last of our `edits`."""

    client: str
    path: Path
    syntax: str | None
    existed: bool
    digest: str
    edits: tuple[Edit, ...]


class Ledger:
    """Read when it is made, written by every change."""

    def __init__(self, path: Path) -> None:
        """Raises Refused when it cannot be read."""
        self._path = path
        self._entries = list(_read(path))

    @property
    def clients(self) -> list[str]:
        """Who is connected, by name."""
        return sorted({each.client for each in self._entries})

    def of(self, client: str) -> list[Entry]:
        return [each for each in self._entries if each.client == client]

    def note(self, entry: Entry) -> None:
        """One more edit of its file, or the first. Raises Refused."""
        before = next((each for each in self._entries if each.path == entry.path), None)
        if before is None:
            self._entries.append(entry)
        else:
            # What was there before the first of them is what is put back in the end.
            known = {(each.kind, each.path) for each in before.edits}
            edits = (*before.edits, *(each for each in entry.edits if (each.kind, each.path) not in known))
            at = self._entries.index(before)
            self._entries[at] = replace(before, digest=entry.digest, edits=edits)
        self._write()

    def strike(self, entry: Entry) -> None:
        """It has been taken back. Raises Refused."""
        self._entries.remove(entry)
        self._write()

    def _write(self) -> None:
        content = {"schema": _SCHEMA, "files": [_plain(each) for each in self._entries]}
        try:
            if self._entries:
                atomic.write(self._path, json.dumps(content, indent=1).encode())
            else:
                self._path.unlink(missing_ok=True)
        except OSError as error:
            raise Refused(problem=f"{self._path} cannot be written ({error.strerror}).") from error


def _read(path: Path) -> Sequence[Entry]:
    try:
        with path.open("rb") as file:
            content = json.loads(file.read(_MAX_BYTES))
        return [_entry(each) for each in content["files"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = (
            f"{path} cannot be read ({type(error).__name__}), and it says what clients' configurations were before: "
            "mend it, or move it away and change them by hand."
        )
        raise Refused(problem=problem) from error


def _entry(plain: Mapping[str, Any]) -> Entry:
    edits = tuple(
        Edit(each["kind"], tuple(each["path"]), each["emptied"], each["written"]) for each in plain["edits"]
    )
    return Entry(
        plain["client"], Path(plain["path"]), plain["syntax"], plain["existed"], plain["digest"], edits
    )


def _plain(entry: Entry) -> dict[str, object]:
    return {
        "client": entry.client,
        "path": str(entry.path),
        "syntax": entry.syntax,
        "existed": entry.existed,
        "digest": entry.digest,
        "edits": [
            {"kind": each.kind, "path": each.path, "emptied": each.emptied, "written": each.written}
            for each in entry.edits
        ],
    }
