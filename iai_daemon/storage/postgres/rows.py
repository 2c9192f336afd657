"""Rows as the stores read them: by name, by place, as a sequence of values. What is PostgreSQL's alone is not among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from psycopg import Cursor

# Columns that only this engine's tables have: whose a row is, and the order in which rows came.
_OWN = {"owned_by", "rowid"}


class PostgresRow:
    """One row."""

    __slots__ = ("_places", "_values")

    def __init__(self, places: dict[str, int], values: tuple[Any, ...]) -> None:
        self._places = places
        self._values = values

    def keys(self) -> Sequence[str]:
        return list(self._places)

    def __getitem__(self, key: str | int) -> Any:
        return self._values[key if isinstance(key, int) else self._places[key]]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def rows(cursor: Cursor[Any]) -> Callable[[Sequence[Any]], PostgresRow]:
    """psycopg's row factory."""
    names = [column.name for column in cursor.description or ()]
    kept = [place for place, name in enumerate(names) if name not in _OWN]
    places = {names[at]: place for place, at in enumerate(kept)}
    if len(kept) == len(names):
        return lambda values: PostgresRow(places, tuple(values))
    pick = itemgetter(*kept) if len(kept) > 1 else lambda values: (values[kept[0]],)
    return lambda values: PostgresRow(places, pick(values))
