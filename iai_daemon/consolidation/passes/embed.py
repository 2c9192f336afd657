"""The pass `embed`: a vector for every record that has none of the configured model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iai_daemon.config import Embedding
from iai_daemon.consolidation.plan import Portion, YieldPoint
from iai_daemon.errors import NoEmbedder
from iai_daemon.memory.embedding import load_embedder, stored_as
from iai_daemon.memory.nights import EMBEDDING, Batch, NightStore, Vector

if TYPE_CHECKING:
    from iai_daemon.memory.embedders.embedder import Embedder

# The note that says how many numbers the vectors of a model have begins so.
_DIMENSION = "dimension:"


class Embed:
    """Its cursor belongs to the model: with another model it begins anew, and the vectors of the one before stay until each
    record has its new one."""

    name = "embed"
    shares = True
    portion_size = 64

    def __init__(self, embedding: Embedding) -> None:
        """`embedding` names a model, and not "none"."""
        model = stored_as(embedding)
        if model is None:
            raise ValueError("there is no model to embed with")
        self.model = model
        self._setting = embedding
        self._embedder: Embedder | None = None
        self._known = ""

    @property
    def asks_a_server(self) -> bool:
        """Whether what it does costs somebody something, each time."""
        return self._setting.model == "http"

    @property
    def cursor(self) -> str:
        return f"embed:{self.model}"

    def waiting(self, store: NightStore, now: int) -> int:  # noqa: ARG002 -- every pass is asked the same
        return store.count_changed_since(store.cursor(self.cursor))

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Portion:  # noqa: ARG002
        changed = store.changed_since(store.cursor(self.cursor), limit)
        missing = store.without_vector([record.id for record in changed], self.model)
        self._known = store.notes(self.name).get(_DIMENSION + self.model, "")
        return Portion(
            [record for record in changed if record.id in missing],
            examined=len(changed),
            last=len(changed) < limit,
            position=changed[-1].change if changed else None,
        )

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Batch:  # noqa: ARG002 -- words alone decide
        vectors = self._vectors(portion, yield_point) if portion.records else []
        notes = {EMBEDDING: self.model}
        if vectors:
            notes[_DIMENSION + self.model] = str(vectors[0].dimension)
        return Batch(vectors=vectors, cursor=self.cursor, position=portion.position, notes=notes)

    def _vectors(self, portion: Portion, yield_point: YieldPoint) -> list[Vector]:
        # numpy takes 0.15 s and 25 MB to load: only a night that has something to embed pays for it.
        from iai_daemon.memory.vectors import are_numbers, to_blobs  # noqa: PLC0415

        if self._embedder is None:
            self._embedder = load_embedder(self._setting)
        rows = self._embedder.embed([record.content for record in portion.records], yield_point)
        if not are_numbers(rows):
            raise self._refusal("it gives vectors that hold something else than numbers")
        dimension = rows.shape[1]
        if self._known not in ("", str(dimension)):
            raise self._refusal(
                f"it gives vectors of {dimension} numbers, where they had {self._known} before"
            )
        return [
            Vector(record.id, self.model, dimension, blob)
            for record, blob in zip(portion.records, to_blobs(rows, self._setting.precision), strict=True)
        ]

    def _refusal(self, problem: str) -> NoEmbedder:
        return NoEmbedder(
            model=self.model, problem=problem, remedy="The former model, or another name of this one,"
        )
