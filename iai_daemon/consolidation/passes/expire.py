"""The pass `expire`: records past their `expires_at` stop being current. A record may be born expired."""

from __future__ import annotations

from iai_daemon.consolidation.effects import EXPIRED
from iai_daemon.consolidation.plan import Portion, YieldPoint, change_id
from iai_daemon.memory.nights import Batch, Change, NightStore
from iai_daemon.memory.record import Record
from iai_daemon.units import stamp_of


class Expire:
    """It needs no cursor: a record that has been expired is not due again."""

    name = "expire"
    shares = True
    cursor = None
    portion_size = 100

    def waiting(self, store: NightStore, now: int) -> int:
        return store.count_due_to_expire(now)

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Portion:
        due = store.due_to_expire(now, limit, taken_back=taken_back)
        lifted = [record.id for record in due] if taken_back else []
        return Portion(due, examined=len(due), last=len(due) < limit, lifted=lifted)

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Batch:  # noqa: ARG002 -- it is short
        changes = [_change(record) for record in portion.records if _is_due(record, now)]
        return Batch(changes, lifted=portion.lifted)


def _is_due(record: Record, now: int) -> bool:
    return record.current and record.expires_at is not None and record.expires_at <= now


def _change(record: Record) -> Change:
    """It stopped being current when its time was over, whenever the night noticed: a redo then gives the same record."""
    expires_at = record.expires_at or 0
    return Change(
        change_id("expire", EXPIRED, record.id, expires_at),
        EXPIRED,
        record.id,
        record.revision,
        f"was to be kept until {stamp_of(expires_at)}",
        {"expired_at": expires_at},
        {},
    )
