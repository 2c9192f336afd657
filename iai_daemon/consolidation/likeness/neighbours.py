"""Who may say what others say: the current records of some scopes, read step by step and compared with one another. Made for one
night, never written anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from iai_daemon.consolidation.likeness.layout import Layout
from iai_daemon.consolidation.likeness.reading import Reach, Step
from iai_daemon.consolidation.plan import YieldPoint
from iai_daemon.memory.nights import NightStore, Said
from iai_daemon.memory.record import Record

_ROWS = 500


class Neighbours:
    """Asked for its next `step` until there is none; then it knows who is `near`.

    `since`: the place in the sequence of writes after which records are new; `again`: records to be compared as if they were.
    Needs memory for the vectors of these scopes once, and some 600 bytes a record beside them.
    """

    def __init__(
        self, store: NightStore, model: str | None, since: int, again: Iterable[Record], reach: Reach
    ) -> None:
        self.store = store
        self.broken = False
        older = [record for record in again if record.change <= since]
        self._again = {record.id for record in older}
        self._scopes = sorted({*store.scopes_changed_since(since), *(record.scope for record in older)})
        self._model, self._since = model, since
        self._left = store.count_said(self._scopes)
        self._layout = Layout(self._left, reach)
        self._read_to = 0
        self._kept_for_last: list[Said] = []
        self._ready = False

    def step(self, wanted: Sequence[Record]) -> Step | None:
        """What is to be done next before it is known who is near these records; None: nothing.

        A step that ends with an exception leaves it `broken`.
        """
        if self._ready:
            tile = self._layout.tile_of(wanted)
            return None if tile is None else self._whole(partial(self._layout.search, tile))
        rows = self.store.said(self._scopes, self._read_to, min(_ROWS, self._left), model=self._model)
        if rows:
            self._read_to = rows[-1].change
            self._left -= len(rows)
            return self._whole(partial(self._take_in, rows))
        return self._whole(self._prepare)

    def knows(self, records: Iterable[Record]) -> bool:
        """Whether these, as far as they are current, are among the new ones that it was made for."""
        return not self._ready or all(self._layout.is_new(record) for record in records if record.current)

    def near(self, records: Iterable[Record]) -> dict[int, list[int]]:
        """For each of these that is current and near to others the ones that may say the same, the likeliest first."""
        found = {record.id: self._layout.near(record.id) for record in records if record.current}
        return {record: others for record, others in found.items() if others}

    def _whole(self, step: Step) -> Step:
        def work(yield_point: YieldPoint) -> None:
            self.broken = True
            step(yield_point)
            self.broken = False

        return work

    def _take_in(self, rows: Sequence[Said], yield_point: YieldPoint) -> None:
        self._kept_for_last += [row for row in rows if row.record in self._again]
        others = [row for row in rows if row.record not in self._again]
        for is_new in (False, True):
            some = [row for row in others if (row.change > self._since) == is_new]
            self._layout.read(some, yield_point, is_new=is_new)

    def _prepare(self, yield_point: YieldPoint) -> None:
        last = sorted(self._kept_for_last, key=lambda row: row.record)
        self._layout.read(last, yield_point, is_new=True)
        self._layout.prepare(yield_point)
        self._ready = True
