"""How a pass that compares reads: what changed since its cursor, beside what it may be like. Loads numpy only where there is
something to compare, and what is known of words not at all: the daemon imports this file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from iai_daemon.consolidation.likeness.portions import CROWD, JOINABLE, Compared, Preparation, Reach, Step
from iai_daemon.consolidation.plan import Portion
from iai_daemon.memory.nights import NightStore
from iai_daemon.memory.record import Record

if TYPE_CHECKING:
    from iai_daemon.consolidation.likeness.neighbours import Neighbours

_ALL = 1 << 31


class Comparison:
    """What a pass named `name` has to compare. `model`: whose vectors are looked at; None: none, words alone, as for a record that
    has no vector yet."""

    def __init__(self, name: str, model: str | None, reach: Reach = JOINABLE) -> None:
        self._name, self._model, self._reach = name, model, reach
        self._neighbours: Neighbours[int] | None = None

    def read(self, store: NightStore, limit: int, *, taken_back: bool) -> Portion:
        """The next portion of at most `limit` changed records, or a step on the way to it."""
        since = store.cursor(self._name)
        records = store.changed_since(since, limit)
        position = records[-1].change if records else None
        last = len(records) < limit and not taken_back
        if not records and taken_back:
            records = store.taken_back(self._name, limit)
            last = not records
        step = self._step(store, since, records, taken_back=taken_back)
        if step is not None:
            return Preparation((), examined=0, last=False, step=step)
        near = {} if self._neighbours is None else self._neighbours.near(records)
        if last:
            self._neighbours = None
        ids = sorted(near.keys() | set(chain.from_iterable(near.values())))
        standing = store.standing(ids, pass_name=self._name, taken_back=taken_back) if ids else {}
        return Compared(
            [standing[record] for record in near if record in standing],
            examined=len(records),
            last=last,
            position=position,
            lifted=[record.id for record in records] if taken_back else [],
            near={each: [standing[other] for other in near[each] if other in standing] for each in near},
            joined=store.joined(sorted({each.id for each in standing.values()}), CROWD) if standing else {},
        )

    def _step(
        self, store: NightStore, since: int, records: Sequence[Record], *, taken_back: bool
    ) -> Step | None:
        """What has to be done before these can be compared; None: nothing."""
        if not any(record.current and record.made_by is None for record in records):
            return None
        known = self._neighbours
        if known is None or not known.fits(store, records):
            # numpy takes 0.15 s and 25 MB to load: only a night that has something to compare pays for it.
            from iai_daemon.consolidation.likeness.layout import Layout  # noqa: PLC0415
            from iai_daemon.consolidation.likeness.neighbours import Neighbours  # noqa: PLC0415

            again = store.taken_back(self._name, _ALL) if taken_back else []
            lay_out = partial(Layout, reach=self._reach)
            known = self._neighbours = Neighbours(store, self._model, since, again, lay_out)
        return known.step(records)
