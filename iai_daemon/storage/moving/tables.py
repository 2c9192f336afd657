"""What a store holds, as both engines have it: every table that cannot be made from others, in an order in which rows come after
those that they point to."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from iai_daemon.storage.migrate import migrate

# What a row holds, and what its place in the order is.
Values = tuple[object, ...]

FACTS, RECORDS, TASKS = "facts", "records", "tasks"
# A record may be replaced by one that comes later: these are set when all are there.
REFERENCES = ("superseded_by", "merged_into")
# Made from what is moved: the index of words, and where there is pgvector, what finds vectors near to one another.
DERIVED = {"words", "near_vectors"}
# A server's alone: which daemons there are just now, who runs a night, and what several users share.
OF_A_SERVER = {"schema_version", "hosts", "fences", "shared_scopes"}

_ORDER = (
    FACTS,
    RECORDS,
    "nights",
    "vectors",
    "journal",
    "held",
    "taken_back",
    "refused",
    "cursors",
    "pass_notes",
    "hindrances",
    "links",
    "contradictions",
    "uses",
    TASKS,
    "sessions",
    "recalls",
    "occurrences",
    "deferrals",
    "runs",
    "slots",
    "slot_updates",
    "delivered",
)
# What stands in the order in which it came, whatever its key.
_AS_IT_CAME = {"held"}


@dataclass(frozen=True, slots=True)
class Table:
    """One of them. `key`: the columns that give its rows an order, the same on each engine; `texts`: those that are texts."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    texts: frozenset[str]


def all_tables() -> tuple[Table, ...]:
    """As the newest schema has them."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as schema:
        migrate(schema)
        return tuple(_table(schema, name) for name in _ORDER)


def _table(schema: sqlite3.Connection, name: str) -> Table:
    columns = schema.execute("SELECT name, type, pk FROM pragma_table_info(?)", (name,)).fetchall()
    key = [column for _, column in sorted((place, column) for column, _, place in columns if place)]
    if name in _AS_IT_CAME:
        key = ["rowid"]
    return Table(
        name,
        tuple(column for column, _, _ in columns),
        tuple(key),
        frozenset(column for column, kind, _ in columns if column in key and kind == "TEXT"),
    )


@dataclass(frozen=True, slots=True)
class Content:
    """How many rows a table has, and the SHA-256 of them all in their order."""

    rows: int
    sha256: str


def content(rows: Iterable[Sequence[object]]) -> Content:
    """Of rows in the order of their keys; one row is one line of JSON, what is no text in it as hexadecimal digits."""
    number, digest = 0, hashlib.sha256()
    for row in rows:
        line = json.dumps([value.hex() if isinstance(value, bytes) else value for value in row])
        digest.update(line.encode() + b"\n")
        number += 1
    return Content(number, digest.hexdigest())
