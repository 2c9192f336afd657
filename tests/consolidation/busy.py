"""Passes that do to a memory whatever a night may do to it, without sense or measure: they add, join, archive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from iai_daemon.consolidation.plan import Portion, YieldPoint, change_id
from iai_daemon.memory.nights import Addition, Batch, Change, NightStore
from iai_daemon.memory.record import Draft, Record


@dataclass
class Busy:
    """Looks at every record that it `sees`; `seed` decides which of them it takes. Its cursor stays, so it never rests."""

    seed: int = 0
    name: str = ""
    shares: bool = True
    cursor: str = "busy"
    portion_size: int = 1000

    def waiting(self, store: NightStore, now: int) -> int:  # noqa: ARG002 -- of the protocol
        return store.count_changed_since(0)

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Portion:  # noqa: ARG002
        found = [each for each in store.changed_since(0, limit) if self.sees(each)]
        return Portion(sorted(found, key=lambda each: each.id), examined=len(found), last=True)

    def sees(self, record: Record) -> bool:
        return record.current

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Batch:  # noqa: ARG002
        return self.decide(portion.records, now)

    def decide(self, records: Sequence[Record], now: int) -> Batch:
        raise NotImplementedError

    def takes(self, record: Record) -> bool:
        return (record.id + self.seed) % 3 == 0


@dataclass
class Gists(Busy):
    """Adds a gist beside each pair."""

    name: str = "gists"

    def decide(self, records: Sequence[Record], now: int) -> Batch:
        return Batch(additions=[self._gist(*pair, now) for pair in pairwise(records) if self.takes(pair[0])])

    def _gist(self, one: Record, other: Record, now: int) -> Addition:
        draft = Draft(f"Gist of {one.id} and {other.id}", kind="gist", created_at=now / 1000)
        rests_on = {one.id: one.revision, other.id: other.revision}
        name = change_id(self.name, "gist", one.id, other.id)
        return Addition(name, "gist", draft, f"what {one.id} and {other.id} have in common", rests_on)


@dataclass
class Joins(Busy):
    """Joins a record into the one after it."""

    name: str = "joins"

    def decide(self, records: Sequence[Record], now: int) -> Batch:
        return Batch([self._join(*pair, now) for pair in pairwise(records) if self.takes(pair[0])])

    def _join(self, one: Record, other: Record, now: int) -> Change:
        sets = {"merged_into": other.id, "valid_to": max(one.valid_from, now)}
        return Change(
            change_id(self.name, "merged", one.id, other.id),
            "merged",
            one.id,
            one.revision,
            f"says the same as {other.id}",
            sets,
            {other.id: other.revision},
            inferred=True,
        )


@dataclass
class Fades(Busy):
    """Archives a record, also one that is no longer current: so several nights change the same one."""

    name: str = "fades"

    def sees(self, record: Record) -> bool:
        return record.archived_at is None

    def decide(self, records: Sequence[Record], now: int) -> Batch:
        return Batch([self._fade(record, now) for record in records if self.takes(record)])

    def _fade(self, record: Record, now: int) -> Change:
        return Change(
            change_id(self.name, "archived", record.id),
            "archived",
            record.id,
            record.revision,
            "nobody has asked for it",
            {"archived_at": now},
            {},
            inferred=True,
        )
