"""The pass `embed`: a vector for every record that has none of the configured model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iai_daemon.consolidation.plan import Portion, YieldPoint
from iai_daemon.memory.nights import Batch, NightStore, Vector

if TYPE_CHECKING:
    from iai_daemon.memory.embedding import Embedder

# What the setting `embedding.model` is kept as beside each vector: another algorithm or dimension gets another name.
STORED_AS = {"hash": "hash-256"}


class Embed:
    """Its cursor belongs to the model: with another model it begins anew, and the old vectors stay usable."""

    name = "embed"
    shares = True
    portion_size = 64

    def __init__(self, setting: str) -> None:
        self.model = STORED_AS[setting]
        self._setting = setting
        self._embedder: Embedder | None = None

    @property
    def cursor(self) -> str:
        return f"embed:{self.model}"

    def waiting(self, store: NightStore, now: int) -> int:  # noqa: ARG002 -- every pass is asked the same
        return store.count_changed_since(store.cursor(self.cursor))

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Portion:  # noqa: ARG002
        changed = store.changed_since(store.cursor(self.cursor), limit)
        missing = store.without_vector([record.id for record in changed], self.model)
        return Portion(
            [record for record in changed if record.id in missing],
            examined=len(changed),
            last=len(changed) < limit,
            position=changed[-1].change if changed else None,
        )

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Batch:  # noqa: ARG002 -- words alone decide
        vectors = self._vectors(portion) if portion.records else []
        return Batch(vectors=vectors, cursor=self.cursor, position=portion.position)

    def _vectors(self, portion: Portion) -> list[Vector]:
        if self._embedder is None:
            # numpy takes 0.15 s and 25 MB to load: only a night that has something to embed pays for it.
            from iai_daemon.memory.embedding import load_embedder  # noqa: PLC0415

            self._embedder = load_embedder(self._setting)
        rows = self._embedder.embed([record.content for record in portion.records])
        return [
            Vector(record.id, self.model, self._embedder.dimension, row.astype("<f4").tobytes())
            for record, row in zip(portion.records, rows, strict=True)
        ]
