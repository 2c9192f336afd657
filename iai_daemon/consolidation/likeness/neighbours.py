"""Who may say what others say: the current records of some scopes, read step by step and compared with one another. Made for one
night, never written anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Generic, Protocol, TypeVar

from iai_daemon.consolidation.likeness.portions import Step
from iai_daemon.consolidation.plan import YieldPoint
from iai_daemon.memory.nights import NightStore, Said
from iai_daemon.memory.record import Record

_ROWS = 500

# How a neighbour is told of: its id, or more.
_T_co = TypeVar("_T_co", covariant=True)


class Room(Protocol[_T_co]):
    """What takes records in, those that are new last, is prepared, and then knows who is near."""

    def read(self, rows: Sequence[Said], yield_point: YieldPoint, *, is_new: bool) -> None: ...

    def prepare(self, yield_point: YieldPoint) -> None: ...

    def is_new(self, record: Record) -> bool:
        """Whether it is one of the new ones, as it was when it was read."""
        ...

    def step_for(self, records: Sequence[Record]) -> Step | None:
        """What has to be searched for before it is known who is near these; None: nothing."""
        ...

    def near(self, record: int) -> Sequence[_T_co]: ...


class Neighbours(Generic[_T_co]):
    """Asked for its next `step` until there is none; then it knows who is `near`.

    `since`: the place in the sequence of writes after which records are new; `again`: records to be compared as if they were.
    `lay_out` makes the room for so many records. With a Layout that takes memory for the vectors of these scopes once, and some
    600 bytes a record beside them.
    """

    def __init__(
        self,
        store: NightStore,
        model: str | None,
        since: int,
        again: Iterable[Record],
        lay_out: Callable[[int], Room[_T_co]],
    ) -> None:
        self.store = store
        self.broken = False
        older = [record for record in again if record.change <= since]
        self._again = {record.id for record in older}
        self._scopes = sorted({*store.scopes_changed_since(since), *(record.scope for record in older)})
        self._model, self._since = model, since
        self._left = store.count_said(self._scopes)
        self._layout = lay_out(self._left)
        self._read_to = 0
        self._kept_for_last: list[Said] = []
        self._ready = False

    def step(self, wanted: Sequence[Record]) -> Step | None:
        """What is to be done next before it is known who is near these records; None: nothing.

        A step that ends with an exception leaves it `broken`.
        """
        if self._ready:
            step = self._layout.step_for(wanted)
            return None if step is None else self._whole(step)
        rows = self.store.said(self._scopes, self._read_to, min(_ROWS, self._left), model=self._model)
        if rows:
            self._read_to = rows[-1].change
            self._left -= len(rows)
            return self._whole(partial(self._take_in, rows))
        return self._whole(self._prepare)

    def fits(self, store: NightStore, records: Iterable[Record]) -> bool:
        """Whether these, as far as they are current and said by users, are among the new ones that it was made for."""
        return (
            not self.broken
            and self.store is store
            and (not self._ready or all(map(self._layout.is_new, filter(_counts, records))))
        )

    def near(self, records: Iterable[Record]) -> dict[int, Sequence[_T_co]]:
        """For each of these that is current and near to others the ones that may say the same, the likeliest first."""
        found = {record.id: self._layout.near(record.id) for record in filter(_counts, records)}
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


def _counts(record: Record) -> bool:
    return record.current and record.made_by is None
