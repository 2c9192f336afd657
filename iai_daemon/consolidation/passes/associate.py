"""The pass `associate`: what belongs together is linked, with a reason. Nothing is lost by it, and nothing rewritten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from iai_daemon.consolidation.likeness.portions import Preparation, Step
from iai_daemon.consolidation.plan import Portion, YieldPoint
from iai_daemon.memory.nights import Batch, Link, NightStore
from iai_daemon.memory.record import Record

if TYPE_CHECKING:
    from iai_daemon.consolidation.likeness.neighbours import Neighbours
    from iai_daemon.consolidation.likeness.topics import Tie


@dataclass(frozen=True, slots=True, kw_only=True)
class Tied(Portion):
    """Of what changed, as `records`, those that have something in common with others. `ties`: for each of them what, the most
    first; `others`: the records on the other side; `again`: links that a user has taken back, because a person asks."""

    ties: Mapping[int, Sequence[Tie]] = field(default_factory=dict)
    others: Mapping[int, Record] = field(default_factory=dict)
    again: Sequence[Link] = ()


class Associate:
    """Every record is linked to those of its scope that it has most in common with, five at most, whatever their kinds."""

    name = "associate"
    shares = True
    cursor = "associate"
    portion_size = 100

    def __init__(self) -> None:
        self._neighbours: Neighbours[Tie] | None = None

    def waiting(self, store: NightStore, now: int) -> int:  # noqa: ARG002 -- every pass is asked the same
        return store.count_changed_since(store.cursor(self.cursor))

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Portion:  # noqa: ARG002
        """The next portion of at most `limit` changed records, or a step on the way to it; then what was taken back."""
        since = store.cursor(self.cursor)
        changed = store.changed_since(since, limit)
        if not changed:
            again = store.undone_links(self.name, limit) if taken_back else []
            return Tied([], examined=len(again), last=not again, again=again)
        step = self._step(store, since, changed)
        if step is not None:
            return Preparation((), examined=0, last=False, step=step)
        ties = {} if self._neighbours is None else self._neighbours.near(changed)
        last = len(changed) < limit and not taken_back
        if last:
            self._neighbours = None
        ids = ties.keys() | {tie.other for tie in chain.from_iterable(ties.values())}
        # Whoever is current stands for itself: what was merged or replaced meanwhile is not linked in its stead.
        standing = store.standing(sorted(ids), pass_name=self.name, taken_back=True) if ids else {}
        current = {record: each for record, each in standing.items() if each.id == record}
        return Tied(
            [current[record] for record in ties if record in current],
            examined=len(changed),
            last=last,
            position=changed[-1].change,
            ties=ties,
            others=current,
        )

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Batch:  # noqa: ARG002 -- words alone decide
        if isinstance(portion, Preparation):
            portion.step(yield_point)
            return Batch()
        links = []
        if isinstance(portion, Tied) and (portion.records or portion.again):
            links = [*_links(portion, yield_point), *portion.again]
        return Batch(links=links, cursor=self.cursor, position=portion.position)

    def _step(self, store: NightStore, since: int, changed: Sequence[Record]) -> Step | None:
        if not any(record.current and record.made_by is None for record in changed):
            return None
        known = self._neighbours
        if known is None or not known.fits(store, changed):
            # numpy takes 0.15 s and 25 MB to load: only a night that has something to compare pays for it.
            from iai_daemon.consolidation.likeness.neighbours import Neighbours  # noqa: PLC0415
            from iai_daemon.consolidation.likeness.topics import Topics  # noqa: PLC0415

            known = self._neighbours = Neighbours(store, None, since, [], Topics)
        return known.step(changed)


def _links(portion: Tied, yield_point: YieldPoint) -> list[Link]:
    # What is known of words takes 2 MB, and the daemon imports every pass.
    from iai_daemon.consolidation.likeness.relating import link  # noqa: PLC0415

    links: dict[str, Link] = {}
    for record in portion.records:
        yield_point()
        for tie in portion.ties[record.id]:
            if tie.other in portion.others:
                made = link(record, portion.others[tie.other], tie)
                links.setdefault(made.change_id, made)
    return list(links.values())
