"""The pass `supersede`: of facts with the same subject, attribute and scope the newest holds, the others end where
their successor begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from iai_daemon.consolidation.plan import Portion, YieldPoint, change_id
from iai_daemon.memory.nights import Batch, Change, NightStore
from iai_daemon.memory.record import Record

SUPERSEDED = "superseded"


class Supersede:
    """Facts are compared by their keys alone; what their words say does not matter here."""

    name = "supersede"
    shares = True
    cursor = "supersede"
    portion_size = 100

    def waiting(self, store: NightStore, now: int) -> int:  # noqa: ARG002 -- every pass is asked the same
        return store.count_changed_since(store.cursor(self.cursor))

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Portion:  # noqa: ARG002
        """What users wrote since the cursor, then what they took back; and everything current under the same keys.

        Where one key has more facts than fit, the cursor stays and the next portion goes on: what this one supersedes
        is no longer current then.
        """
        changed = store.changed_since(store.cursor(self.cursor), limit)
        position = changed[-1].change if changed else None
        lifted = [record.id for record in changed] if taken_back else []
        if not changed and taken_back:
            changed = store.taken_back(self.name, limit)
            lifted = [record.id for record in changed]
        keys = dict.fromkeys(record.key for record in changed if record.key is not None)
        most = 2 * limit
        rivals = store.same_key(list(keys), most, pass_name=self.name, taken_back=taken_back)
        if len(rivals) == most:
            return Portion(rivals, examined=0, last=False)
        last = not changed or (len(changed) < limit and not taken_back)
        return Portion(rivals, examined=len(changed), last=last, position=position, lifted=lifted)

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Batch:  # noqa: ARG002 -- keys alone decide
        changes = [
            _change(older, newer)
            for fact in _facts(portion.records)
            for older, newer in pairwise(sorted(fact, key=_age))
        ]
        return Batch(changes, cursor=self.cursor, position=portion.position, lifted=portion.lifted)


def _facts(records: Sequence[Record]) -> Iterator[list[Record]]:
    """The current records of one key at a time."""
    keyed = sorted((record for record in records if record.key is not None and record.current), key=_key)
    for _, group in groupby(keyed, key=_key):
        yield list(group)


def _key(record: Record) -> tuple[str, str, str]:
    return record.key or ("", "", "")


def _age(record: Record) -> tuple[int, int]:
    return record.valid_from, record.id


def _change(older: Record, newer: Record) -> Change:
    return Change(
        change_id("supersede", SUPERSEDED, older.id, newer.id, newer.valid_from),
        SUPERSEDED,
        older.id,
        older.revision,
        f"replaced by {newer.id}, a newer fact about ({newer.subject}, {newer.attribute}) in {newer.scope}",
        {"valid_to": newer.valid_from, "superseded_by": newer.id},
        {newer.id: newer.revision},
    )
