"""A whole store as lines of JSON, and back: what `memory export --full` writes and `memory import` restores. Pure.

Each line has a `type`: "record", or "journal" for what nights did, planned and were refused; `what` tells those apart.
Vectors are no part of it: the next night makes them again. Nor is what belongs to a place: when nights began there, what
hinders them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from iai_daemon.errors import BadRecord
from iai_daemon.memory.drafts import stamp
from iai_daemon.memory.record import as_stamp, describe, from_row
from iai_daemon.memory.trust import ORIGINS

RECORD, JOURNAL = "record", "journal"

# One row of a table of the store, by column.
Row = Mapping[str, Any]
Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Restored:
    """How many records, and how many rows of the journal."""

    records: int
    journal: int


class Archive(Protocol):
    """The whole of a store."""

    def count(self, *, full: bool) -> int:
        """How many records there are; `full`: how many lines."""
        ...

    def lines(self) -> Generator[Line]:
        """Everything, as it is at one moment: the records by id, then what nights did."""
        ...

    def restore(self, lines: Iterable[Line]) -> Restored:
        """Make an empty store what these lines say, in one transaction. Raises BadRecord, StoreNotEmpty."""
        ...


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one column is written into a line and read from it; `read` raises BadRecord, which names the column.

    `stored`: as what the store keeps it.
    """

    write: Callable[[Any], object]
    read: Callable[[str, object], object]
    stored: type
    optional: bool = False


def _plain(wanted: type, words: str) -> _Kind:
    def read(name: str, value: object) -> object:
        if not isinstance(value, wanted) or isinstance(value, bool) is not (wanted is bool):
            raise BadRecord(problem=f"{name} must be {words}")
        if isinstance(value, int) and not 0 <= value < 1 << 63:
            raise BadRecord(problem=f"{name} is out of range")
        return value

    return _Kind(lambda value: value, read, wanted)


def _document(wanted: type, words: str) -> _Kind:
    """A column that holds JSON."""

    def read(name: str, value: object) -> object:
        if not isinstance(value, wanted):
            raise BadRecord(problem=f"{name} must be {words}")
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    return _Kind(json.loads, read, str)


def _maybe(kind: _Kind) -> _Kind:
    return _Kind(
        lambda value: None if value is None else kind.write(value),
        lambda name, value: None if value is None else kind.read(name, value),
        kind.stored,
        optional=True,
    )


def _read_stamp(name: str, value: object) -> int:
    seconds = stamp(value, name)
    if seconds is None:
        raise BadRecord(problem=f"{name} must be a time such as 2026-11-21T11:00:00Z")
    return round(seconds * 1000)


def _read_number(name: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < math.inf:
        raise BadRecord(problem=f"{name} must be a number")
    return float(value)


def _read_truth(name: str, value: object) -> int:
    if not isinstance(value, bool):
        raise BadRecord(problem=f"{name} must be true or false")
    return int(value)


def _read_origin(name: str, value: object) -> str:
    if value not in ORIGINS:
        raise BadRecord(problem=f"{name} must be one of {', '.join(ORIGINS)}")
    return str(value)


_TEXT = _plain(str, "a text")
_ORIGIN = _Kind(lambda value: value, _read_origin, str)
_WHOLE = _plain(int, "a whole number")
_STAMP = _Kind(as_stamp, _read_stamp, int)
_OBJECT = _document(dict, "an object")
_NUMBER = _Kind(float, _read_number, float)
_TRUTH = _Kind(bool, _read_truth, int)

_RECORD = {
    "id": _WHOLE,
    "external_id": _maybe(_TEXT),
    "content": _TEXT,
    "kind": _maybe(_TEXT),
    "subject": _maybe(_TEXT),
    "attribute": _maybe(_TEXT),
    "scope": _TEXT,
    "tags": _document(list, "a list"),
    "source": _maybe(_TEXT),
    "session": _maybe(_TEXT),
    "created_at": _STAMP,
    "expires_at": _maybe(_STAMP),
    "valid_from": _STAMP,
    "valid_to": _maybe(_STAMP),
    "superseded_by": _maybe(_WHOLE),
    "merged_into": _maybe(_WHOLE),
    "expired_at": _maybe(_STAMP),
    "archived_at": _maybe(_STAMP),
    "forgotten_at": _maybe(_STAMP),
    "revision": _WHOLE,
    "change": _WHOLE,
    "made_by": _maybe(_TEXT),
    "client": _maybe(_TEXT),
    "origin": _maybe(_ORIGIN),
}
# Exports, and images in journals, of older versions do not have these.
_NEW: Mapping[str, None] = {"made_by": None, "client": None, "origin": None}
_NEW_OF_CONTRADICTIONS = {"outranked": False}

# By `what`, in the order in which they are written: a row stands after those that it names.
JOURNAL_ROWS: Mapping[str, Mapping[str, _Kind]] = {
    "night": {
        "id": _WHOLE,
        "kind": _TEXT,
        "rule": _TEXT,
        "started_at": _STAMP,
        "ended_at": _maybe(_STAMP),
        "outcome": _maybe(_TEXT),
        "reason": _maybe(_TEXT),
        "report": _maybe(_OBJECT),
        "undone_at": _maybe(_STAMP),
    },
    "change": {
        "id": _WHOLE,
        "night": _WHOLE,
        "round": _WHOLE,
        "pass": _TEXT,
        "change_id": _TEXT,
        "effect": _TEXT,
        "record": _WHOLE,
        "reason": _TEXT,
        "before": _maybe(_OBJECT),
        "after": _OBJECT,
        "at": _STAMP,
        "undone_at": _maybe(_STAMP),
        "inferred": _TRUTH,
    },
    "waiting": {
        "change_id": _TEXT,
        "night": _WHOLE,
        "round": _WHOLE,
        "pass": _TEXT,
        "why": _TEXT,
        "effect": _TEXT,
        "record": _maybe(_WHOLE),
        "revision": _maybe(_WHOLE),
        "reason": _TEXT,
        "plan": _OBJECT,
        "at": _STAMP,
    },
    "taken_back": {"pass": _TEXT, "record": _WHOLE, "revision": _WHOLE},
    "refused": {"change_id": _TEXT},
    "cursor": {"pass": _TEXT, "position": _WHOLE},
    "note": {"pass": _TEXT, "name": _TEXT, "value": _TEXT},
    "link": {
        "one": _WHOLE,
        "other": _WHOLE,
        "kind": _TEXT,
        "weight": _NUMBER,
        "reason": _TEXT,
        "change_id": _TEXT,
        "night": _WHOLE,
        "round": _WHOLE,
        "pass": _TEXT,
        "at": _STAMP,
        "undone_at": _maybe(_STAMP),
    },
    "contradiction": {
        "older": _WHOLE,
        "newer": _WHOLE,
        "rule": _TEXT,
        "words": _TEXT,
        "certain": _TRUTH,
        "outranked": _TRUTH,
        "at": _STAMP,
    },
    "use": {"record": _WHOLE, "times": _WHOLE, "last_at": _STAMP},
    "task": {
        "name": _TEXT,
        "action": _TEXT,
        "trigger": _TEXT,
        "every": _TEXT,
        "enabled": _TRUTH,
        "created_at": _STAMP,
        "updated_at": _STAMP,
    },
}


def is_full(values: object) -> bool:
    """Whether a line is one of a full export: a memory that somebody wrote down has no revision."""
    return isinstance(values, Mapping) and (
        (values.get("type") == RECORD and "revision" in values)
        or (values.get("type") == JOURNAL and values.get("what") in JOURNAL_ROWS)
    )


def line_of_record(row: Row, merged_ids: tuple[str, ...]) -> Line:
    """As the plain export has it, with what the store counts by."""
    described = describe(from_row(row), merged_ids)
    return {"type": RECORD, **described, "revision": row["revision"], "change": row["change"]}


def line_of_journal(what: str, row: Row) -> Line:
    columns = JOURNAL_ROWS[what]
    return {
        "type": JOURNAL,
        "what": what,
        **{name: kind.write(row[name]) for name, kind in columns.items()},
    }


def to_row(values: object) -> tuple[str, Row]:
    """What a line is about ("record", or the `what` of a journal line), and its row. Raises BadRecord."""
    if not is_full(values) or not isinstance(values, Mapping):
        raise BadRecord(problem="it is no line of a full export")
    about = RECORD if values["type"] == RECORD else str(values["what"])
    columns = _RECORD if about == RECORD else JOURNAL_ROWS[about]
    values = {**_NEW, **_NEW_OF_CONTRADICTIONS, **values}
    missing = [name for name in columns if name not in values]
    if missing:
        raise BadRecord(problem=f"{missing[0]} is missing")
    row = {name: kind.read(name, values[name]) for name, kind in columns.items()}
    for name in ("before", "after"):
        if about == "change" and values[name] is not None:
            _require_image(name, values[name])
    return about, row


def _require_image(name: str, image: Mapping[str, object]) -> None:
    """A whole row of a record as the store keeps it: an undo puts it back as it stands here."""
    if {**_NEW, **image}.keys() != _RECORD.keys():
        raise BadRecord(problem=f"{name} must have the fields of a record")
    for column, kind in _RECORD.items():
        value = image.get(column)
        fits = kind.optional if value is None else type(value) is kind.stored
        if not fits or (isinstance(value, int) and not 0 <= value < 1 << 63):
            raise BadRecord(problem=f"{name}.{column} is not what a record holds")
