"""Passes that do what real ones may do: join what is alike by inference, add records, break, compute for long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from iai_daemon.consolidation.plan import Portion, YieldPoint, change_id
from iai_daemon.memory.nights import Addition, Batch, Change, NightStore
from iai_daemon.memory.record import Draft, Record


@dataclass
class Scripted:
    """Goes through what users wrote, `portion_size` at a time, and plans what it is told to."""

    name: str = "scripted"
    shares: bool = True
    portion_size: int = 100
    plans: Callable[[Sequence[Record], YieldPoint], Batch] = lambda _records, _yield_point: Batch()
    ran: list[int] = field(default_factory=list)

    @property
    def cursor(self) -> str:
        return self.name

    def waiting(self, store: NightStore, now: int) -> int:  # noqa: ARG002 -- of the protocol
        return store.count_changed_since(store.cursor(self.name))

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Portion:  # noqa: ARG002
        changed = store.changed_since(store.cursor(self.name), limit)
        lifted = [record.id for record in changed] if taken_back else []
        if not changed and taken_back:
            changed = store.taken_back(self.name, limit)
            lifted = [record.id for record in changed]
        position = max((record.change for record in changed), default=None)
        last = len(changed) < limit and not (taken_back and changed)
        return Portion(changed, len(changed), last=last, position=position, lifted=lifted)

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Batch:  # noqa: ARG002 -- of the protocol
        self.ran.append(len(portion.records))
        planned = self.plans([each for each in portion.records if each.current], yield_point)
        return Batch(
            planned.changes,
            planned.vectors,
            planned.additions,
            cursor=self.name,
            position=portion.position,
            lifted=portion.lifted,
        )


def joining(into: int, **fields: object) -> Scripted:
    """Merges every record into this one, by inference."""

    def plan(records: Sequence[Record], _: YieldPoint) -> Batch:
        return Batch([merge(each, into) for each in records if each.id != into])

    return Scripted("join", plans=plan, **fields)  # type: ignore[arg-type]


def merge(record: Record, into: int) -> Change:
    return Change(
        change_id("join", "merged", record.id, into),
        "merged",
        record.id,
        record.revision,
        f"says the same as {into}",
        {"merged_into": into},
        {},
        inferred=True,
    )


def summing_up(scope: str = "global") -> Scripted:
    """Adds one gist for each portion of what users wrote."""

    def plan(records: Sequence[Record], _: YieldPoint) -> Batch:
        sources = [each for each in records if each.kind != "gist"]
        if not sources:
            return Batch()
        gist = Draft(f"a gist of {len(sources)} notes", kind="gist", scope=scope, created_at=0.0)
        ids = [each.id for each in sources]
        return Batch(
            additions=[
                Addition(
                    change_id("sum", "gist", ids[0], *ids),
                    "gist",
                    gist,
                    f"sums up {len(ids)} notes",
                    {each.id: each.revision for each in sources},
                )
            ]
        )

    return Scripted("sum", plans=plan)


def breaking(error: Exception) -> Scripted:
    def plan(_records: Sequence[Record], _: YieldPoint) -> Batch:
        raise error

    return Scripted("break", plans=plan)


def long(tiles: int) -> Scripted:
    """Computes in tiles, with a yield point after each."""

    def plan(_records: Sequence[Record], yield_point: YieldPoint) -> Batch:
        for _ in range(tiles):
            yield_point()
        return Batch()

    return Scripted("long", plans=plan)
