"""The pass `deduplicate`: of records that say the same, the one that says most stays current, and the others are merged into
it. Nothing that anybody wrote goes: the merged ones are kept, with their sources, and named beside the one that stays."""

from __future__ import annotations

from iai_daemon.consolidation.likeness.portions import Compared, Preparation
from iai_daemon.consolidation.likeness.reading import Comparison
from iai_daemon.consolidation.plan import Portion, YieldPoint
from iai_daemon.memory.nights import Batch, NightStore


class Deduplicate:
    """Every record is compared with those written before it that are about the same: scope, kind, subject, attribute.

    `model`: whose vectors help to find what is alike; None: words alone.
    """

    name = "deduplicate"
    shares = True
    cursor = "deduplicate"
    portion_size = 100

    def __init__(self, model: str | None) -> None:
        self._comparison = Comparison(self.cursor, model)

    def waiting(self, store: NightStore, now: int) -> int:  # noqa: ARG002 -- every pass is asked the same
        return store.count_changed_since(store.cursor(self.cursor))

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Portion:  # noqa: ARG002
        return self._comparison.read(store, limit, taken_back=taken_back)

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Batch:  # noqa: ARG002 -- words alone decide
        if isinstance(portion, Preparation):
            portion.step(yield_point)
            return Batch()
        changes = []
        if isinstance(portion, Compared) and portion.records:
            # What is known of words takes 2 MB, and the daemon imports every pass.
            from iai_daemon.consolidation.likeness.joining import joins  # noqa: PLC0415

            changes = list(joins(portion, self.name, yield_point))
        return Batch(changes, cursor=self.cursor, position=portion.position, lifted=portion.lifted)
