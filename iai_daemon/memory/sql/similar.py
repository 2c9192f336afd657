"""What a store finds by vectors: the records that are most like another."""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from iai_daemon.errors import NoVector
from iai_daemon.memory.nights import EMBEDDING
from iai_daemon.memory.record import from_row
from iai_daemon.memory.sql.part import SqlPart
from iai_daemon.memory.store import Similar
from iai_daemon.storage.database import Row

# So many vectors are compared at a time: a few megabytes.
_AT_ONCE = 2000


class SqlSimilar(SqlPart):
    """The part of the store that finds by likeness. It looks at every vector; an engine that has an index of them goes by that."""

    def similar(self, record: int, limit: int) -> list[Similar]:
        self._record(record)
        row = self._first(
            """
            SELECT model, dimension, vector FROM vectors
            WHERE record = :record AND model = (SELECT value FROM pass_notes WHERE pass = 'embed' AND name = :embedding)
            """,
            {"record": record, "embedding": EMBEDDING},
        )
        if row is None:
            raise NoVector(id=record)
        near = self._near(record, row, limit)
        rows = self._rows(near)
        return [
            Similar(from_row(rows[other]), min(1.0, likeness))
            for other, likeness in near.items()
            if other in rows
        ]

    def _near(self, record: int, own: Row, limit: int) -> Mapping[int, float]:
        """The ids of those whose vectors are nearest to `own`, which is of `record`, and how near; the nearest first."""
        # numpy takes 0.15 s to load: who asks nothing else does not pay for it.
        from iai_daemon.memory.vectors import fits, from_blobs, unit  # noqa: PLC0415

        if not fits(own["vector"], own["dimension"]):
            raise NoVector(id=record)
        asked = unit(from_blobs([own["vector"]], own["dimension"]))[0]
        best: list[tuple[float, int]] = []
        for portion in self._vectors_beside(record, own["model"], own["dimension"]):
            usable = [row for row in portion if fits(row["vector"], own["dimension"])]
            likeness = unit(from_blobs([row["vector"] for row in usable], own["dimension"])) @ asked
            nearest = (-likeness).argsort(kind="stable")[:limit].tolist()
            found = ((float(likeness[at]), -usable[at]["record"]) for at in nearest if likeness[at] > 0)
            best = heapq.nlargest(limit, (*best, *found))
        return {-other: likeness for likeness, other in best}

    def _vectors_beside(self, record: int, model: str, dimension: int) -> Iterator[Sequence[Row]]:
        rows = self._database.stream(
            """
            SELECT record, vector FROM vectors JOIN records ON records.id = record
            WHERE model = :model AND dimension = :dimension AND record <> :record
            AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
            AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
            """,
            {"model": model, "dimension": dimension, "record": record},
        )
        with self._database.translated(), contextlib.closing(rows):
            while portion := list(islice(rows, _AT_ONCE)):
                yield portion
