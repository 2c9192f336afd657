"""The pass `decay`: what a newer memory speaks against, and nobody has asked for since, is archived. Age alone is no weakness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from iai_daemon.consolidation.effects import ARCHIVED
from iai_daemon.consolidation.plan import Portion, YieldPoint, change_id
from iai_daemon.memory.nights import Batch, Change, NightStore
from iai_daemon.memory.record import Record
from iai_daemon.memory.store import Traces
from iai_daemon.memory.strength import UNUSED_FOR, WEAK, strength
from iai_daemon.units import stamp_of

_DAY = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Weak(Portion):
    """Records that are due, each with its traces and, with its revision, the record that speaks against it."""

    traces: Mapping[int, tuple[Traces, Mapping[int, int]]] = field(default_factory=dict)


class Decay:
    """It needs no cursor: what has been archived is not due again."""

    name = "decay"
    shares = True
    cursor = None
    portion_size = 100

    def waiting(self, store: NightStore, now: int) -> int:
        return len(store.due_to_archive(now, self.portion_size, taken_back=False))

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Portion:
        due = store.due_to_archive(now, limit, taken_back=taken_back)
        return Weak(
            [record for record, _, _ in due],
            examined=len(due),
            last=len(due) < limit,
            lifted=[record.id for record, _, _ in due] if taken_back else [],
            traces={record.id: (traces, newer) for record, traces, newer in due},
        )

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Batch:  # noqa: ARG002 -- it is short
        changes = []
        if isinstance(portion, Weak):
            for record in portion.records:
                traces, newer = portion.traces[record.id]
                if strength(record, traces, now) <= WEAK:
                    changes.append(_change(record, traces, newer))
        return Batch(changes, lifted=portion.lifted)


def _change(record: Record, traces: Traces, newer: Mapping[int, int]) -> Change:
    """It is archived as of the moment when it had become weak, whenever the night noticed: a redo then gives the same record."""
    since = max(record.created_at, traces.last_at or 0, traces.contradicted_at or 0)
    (against,) = newer
    used = "" if traces.last_at is None else f", last on {stamp_of(traces.last_at)[:10]}"
    times = "once" if traces.times == 1 else f"{traces.times} times"
    return Change(
        change_id(Decay.name, ARCHIVED, record.id, against, since),
        ARCHIVED,
        record.id,
        record.revision,
        f"{against} speaks against it, and nobody has asked for it in the {UNUSED_FOR // _DAY} days after "
        f"{stamp_of(since)[:10]} (used {times}{used}; strength {WEAK})",
        {"archived_at": since + UNUSED_FOR},
        newer,
        inferred=True,
    )
