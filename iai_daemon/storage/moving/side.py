"""One side of a move: a store that is read in the order of its keys, or filled in portions."""

from __future__ import annotations

import contextlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from iai_daemon.storage.database import Database
from iai_daemon.storage.moving.tables import FACTS, RECORDS, REFERENCES, Table, Values

_MOVING = "migrating"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a move has come, as the store that is being filled knows it: `step` and the key of the last row that is there.

    `source`: where it came from, and `spoiled`: that was written to meanwhile, so that all begins anew.
    """

    source: str
    step: int = 0
    after: tuple[object, ...] | None = None
    spoiled: bool = False


class Side(ABC):
    """Raises StoreBusy and StoreUnusable within `translated`. Of each name that is put into a statement here it is known which it
    may be: those of our own tables."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @property
    def place(self) -> str:
        return self.database.place

    def translated(self) -> contextlib.AbstractContextManager[None]:
        return self.database.translated()

    # To read.

    def moment(self) -> contextlib.AbstractContextManager[None]:
        """What is read within is as of one moment."""
        return self.database.reading()

    def rows(self, table: Table, after: Sequence[object] | None = None) -> Iterator[tuple[Values, Values]]:
        """The key and the values of every row, in the order of the keys, from the one behind `after` on."""
        width = len(table.columns)
        for row in self._stream(table, after):
            values = tuple(row)
            yield values[width:], values[:width]

    def _stream(self, table: Table, after: Sequence[object] | None) -> Iterator[Sequence[object]]:
        key = ", ".join(self._ordered(table, column) for column in table.key)
        asked = [f"({key}) > ({', '.join('?' for _ in after)})"] if after is not None else []
        if table.name == FACTS:
            # What the doctor leaves for a moment, and what tells of this move, are nobody's.
            asked.append(f"name <> '{_MOVING}' AND name NOT LIKE 'doctor:%'")
        where = f"WHERE {' AND '.join(asked)}" if asked else ""
        keys = ", ".join(f"{column} AS key_{place}" for place, column in enumerate(table.key))
        statement = f"SELECT {', '.join(table.columns)}, {keys} FROM {table.name} {where} ORDER BY {key}"  # noqa: S608
        return self.database.stream(statement, tuple(after or ()))

    def references(self, after: Sequence[object] | None = None) -> Iterator[tuple[Values, Values]]:
        """The key of every record in whose place another one came, and which that is."""
        rows = self.database.stream(
            """
            SELECT superseded_by, merged_into, id FROM records
            WHERE id > ? AND (superseded_by IS NOT NULL OR merged_into IS NOT NULL) ORDER BY id
            """,
            tuple(after or (0,)),
        )
        for row in rows:
            yield (row[2],), tuple(row)

    def count(self, table: Table) -> int:
        row = self.database.execute(f"SELECT COUNT(*) FROM {table.name}").fetchone()  # noqa: S608
        return int(row[0])

    @abstractmethod
    def numbers(self) -> dict[str, int]:
        """The last number that was given away in each table that counts by itself."""

    @abstractmethod
    def _ordered(self, table: Table, column: str) -> str:
        """The column as it stands in an order that both engines have."""

    # To fill.

    def occupied(self, tables: Sequence[Table]) -> str | None:
        """The first of these tables that has rows already; None: it is empty."""
        for table in tables:
            if self.database.execute(f"SELECT 1 FROM {table.name} LIMIT 1").fetchone() is not None:  # noqa: S608
                return table.name
        return None

    def clear(self, tables: Sequence[Table]) -> None:
        """Take out what these tables hold; within a transaction."""
        self.database.put_off_references()
        for table in reversed(tables):
            self.database.execute(f"DELETE FROM {table.name} WHERE {self._movable(table)}")  # noqa: S608

    def _movable(self, table: Table) -> str:
        return f"name <> '{_MOVING}'" if table.name == FACTS else "TRUE"

    def put(self, table: Table, rows: Sequence[Values]) -> None:
        """Add these rows as they are, records without what points to others; within a transaction."""
        if table.name == RECORDS:
            left_out = [table.columns.index(column) for column in REFERENCES]
            rows = [tuple(None if at in left_out else value for at, value in enumerate(row)) for row in rows]
        self._insert(table, rows)

    @abstractmethod
    def _insert(self, table: Table, rows: Sequence[Values]) -> None: ...

    def refer(self, rows: Sequence[Values]) -> None:
        """Let records point to those in whose place they came; within a transaction."""
        self.database.executemany("UPDATE records SET superseded_by = ?, merged_into = ? WHERE id = ?", rows)

    @abstractmethod
    def count_on(self, numbers: Mapping[str, int]) -> None:
        """No number is given away again that was given away where the rows came from; within a transaction."""

    # How far it is.

    def progress(self) -> Progress | None:
        """None: nothing is being moved here."""
        row = self.database.execute("SELECT value FROM facts WHERE name = ?", (_MOVING,)).fetchone()
        if row is None:
            return None
        kept = json.loads(row[0])
        after = kept["after"]
        return Progress(
            kept["source"], kept["step"], None if after is None else tuple(after), kept["spoiled"]
        )

    def note(self, progress: Progress) -> None:
        """Keep how far it is; within the transaction that it is about."""
        kept = {
            "source": progress.source,
            "step": progress.step,
            "after": progress.after,
            "spoiled": progress.spoiled,
        }
        self.database.execute(
            """
            INSERT INTO facts (name, value) VALUES (?, ?)
            ON CONFLICT (name) DO UPDATE SET value = excluded.value
            """,
            (_MOVING, json.dumps(kept)),
        )

    def finish(self) -> None:
        """It is a store like any other from here on."""
        with self.database.writing():
            self.database.execute("DELETE FROM facts WHERE name = ?", (_MOVING,))
