"""The pass `maintain`: when nobody uses the store, and something has changed, it is looked after itself, once a day."""

from __future__ import annotations

from iai_daemon.consolidation.plan import Portion, YieldPoint
from iai_daemon.memory.nights import MAINTAINED_FOR, Batch, NightStore


class Maintain:
    """Its work is the store's own (`NightStore.maintain`): no record changes, and what it does depends on the file alone.

    So it reads no records and plans one batch, whose `upkeep` has the runner call the store before the cursor moves.
    """

    name = "maintain"
    shares = False
    cursor = "maintain"
    portion_size = 1

    def waiting(self, store: NightStore, now: int) -> int:
        """Nothing for a day after the last time; a stamp in the future, left by a clock that was set back, never blocks."""
        last = store.maintained_at()
        if last is not None and now - MAINTAINED_FOR < last <= now:
            return 0
        return store.count_changed_since(store.cursor(self.cursor))

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Portion:  # noqa: ARG002
        """Everything that changed since, which one look after the store settles."""
        changed = self.waiting(store, now)
        return Portion([], examined=changed, last=True, position=store.newest_change() if changed else None)

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Batch:  # noqa: ARG002 -- there is nothing to compute
        return Batch(cursor=self.cursor, position=portion.position, upkeep=True)
