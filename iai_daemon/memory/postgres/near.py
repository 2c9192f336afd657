"""Vectors as the extension pgvector keeps them, beside the store's own: its index finds the nearest without looking at all.

Without the extension, and as long as not all of a model's vectors are there, every vector is looked at.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet

from psycopg.errors import QueryCanceled

from iai_daemon.memory.nights import EMBEDDING, Vector
from iai_daemon.memory.sql.held import Place
from iai_daemon.memory.sql.nights import SqlNights
from iai_daemon.memory.sql.part import SqlPart
from iai_daemon.memory.sql.store import SqlStore
from iai_daemon.storage.database import Interrupted, Row
from iai_daemon.storage.postgres.database import PostgresDatabase

# Of fewer vectors all are looked at as fast.
_WORTH_AN_INDEX = 10_000
_AT_ONCE = 500
# An index of a million vectors takes the server that long, in seconds.
_INDEXING = 3600.0
_ASK_EVERY = 0.1
# What the extension holds.
_MOST_NUMBERS = 16_000


class PostgresNear(SqlPart):
    """What both sides of a memory know of these vectors."""

    _database: PostgresDatabase
    _there: bool | None = None

    def _has_near(self) -> bool:
        if self._there is None:
            row = self._first("SELECT to_regclass('iai.near_vectors') IS NOT NULL AS there", {})
            self._there = row is not None and bool(row["there"])
        return self._there

    def _without_near(self, model: str, limit: int) -> Sequence[Row]:
        """The vectors of a model that are not there as the extension keeps them."""
        return self._all(
            """
            SELECT record, model, dimension, vector FROM vectors
            WHERE model = :model AND NOT EXISTS (
                SELECT 1 FROM near_vectors WHERE near_vectors.record = vectors.record AND near_vectors.model = vectors.model
            )
            ORDER BY record LIMIT :limit
            """,
            {"model": model, "limit": limit},
        )


class PostgresStore(PostgresNear, SqlStore):
    """A MemoryStore."""

    def _near(self, record: int, own: Row, limit: int) -> Mapping[int, float]:
        if not self._has_near() or self._without_near(own["model"], 1):
            return super()._near(record, own, limit)
        rows = self._all(
            "SELECT record, similarity FROM nearest(:record, :model, :limit)",
            {"record": record, "model": own["model"], "limit": limit},
        )
        return {row["record"]: row["similarity"] for row in rows if row["similarity"] > 0}


class NearUpkeep(PostgresNear):
    """The part of a NightStore that keeps them."""

    def _note_near(self, vectors: Sequence[Vector]) -> None:
        self._database.executemany(
            "SELECT note_near(:record, :model, :numbers)",
            [
                {"record": each.record, "model": each.model, "numbers": numbers}
                for each, numbers in zip(vectors, _as_text(vectors), strict=True)
                if numbers
            ],
        )

    def _index_vectors(self, may_go_on: Callable[[], bool]) -> Iterator[str]:
        """Bring in what came another way, and make the index of the model that is set. Raises Interrupted."""
        row = self._first(
            """
            SELECT vectors.model, MAX(dimension) AS dimension, COUNT(*) AS number
            FROM pass_notes JOIN vectors ON vectors.model = pass_notes.value
            WHERE pass = 'embed' AND name = :embedding GROUP BY vectors.model
            """,
            {"embedding": EMBEDDING},
        )
        if row is None or not self._has_near():
            return
        tried: list[Vector] = []
        # What the extension does not take stays missing.
        while (missing := [Vector(*each) for each in self._without_near(row["model"], _AT_ONCE)]) != tried:
            if not may_go_on():
                raise Interrupted
            with self._writing():
                self._note_near(missing)
            tried = missing
        if row["number"] >= _WORTH_AN_INDEX:
            self._make_index(row["model"], row["dimension"], may_go_on)
            yield "index of vectors looked after"

    def _make_index(self, model: str, dimension: int, may_go_on: Callable[[], bool]) -> None:
        """On a connection of its own, since it takes as long as it takes; nobody waits for it but who stores vectors."""
        with (
            self._database.translated(),
            contextlib.closing(self._database.server.connect(_INDEXING)) as connection,
            ThreadPoolExecutor(1) as beside,
        ):
            made = beside.submit(connection.execute, "SELECT index_near(%s, %s)", (model, dimension))
            while not made.done():
                with contextlib.suppress(NotYet):
                    made.exception(_ASK_EVERY)
                if not made.done() and not may_go_on():
                    connection.cancel_safe()
                    with contextlib.suppress(QueryCanceled):
                        made.result()
                    raise Interrupted
            made.result()


class PostgresVectors(NearUpkeep, SqlNights):
    """A NightStore, but for what keeps the tables well."""

    def _store(self, vectors: Sequence[Vector], place: Place) -> int:
        stored = super()._store(vectors, place)
        if vectors and self._has_near():
            self._note_near(vectors)
        return stored


def _as_text(vectors: Sequence[Vector]) -> list[str]:
    """As the extension reads them; empty what it does not take: no numbers at all, or more than it holds."""
    # numpy takes 0.15 s to load: a night that has no vectors does not pay for it.
    from iai_daemon.memory.vectors import are_numbers, fits, from_blobs  # noqa: PLC0415

    texts = []
    for each in vectors:
        usable = fits(each.data, each.dimension) and each.dimension <= _MOST_NUMBERS
        row = from_blobs([each.data], each.dimension) if usable else None
        numbers = [] if row is None or not are_numbers(row) else row[0].tolist()
        texts.append(f"[{','.join(format(number, '.9g') for number in numbers)}]" if numbers else "")
    return texts
