"""The pass `summarize`: of records that are about one thing, a gist in their own sentences is added beside them. They stay as they
are; the gist is made anew when they change."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from iai_daemon.config import Command, Settings
from iai_daemon.consolidation.effects import GIST
from iai_daemon.consolidation.likeness.portions import Preparation
from iai_daemon.consolidation.passes.commands import GRACE
from iai_daemon.consolidation.plan import Portion, YieldPoint, change_id
from iai_daemon.memory.nights import Addition, Batch, Change, NightStore, Outside
from iai_daemon.memory.record import Draft, Record
from iai_daemon.paths import Home

if TYPE_CHECKING:
    from iai_daemon.consolidation.likeness.clusters import Web

ENDED = "gist ended"
_LINKS_AT_ONCE = 2000
_DAY = 86_400_000
# Under which name the pass notes on which day it has started the program how often.
_SPENT = "spent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustered(Portion):
    """Clusters to be summed up, each with the gists whose place its own takes; `ended`: gists of what has come apart."""

    clusters: Sequence[tuple[Sequence[Record], Sequence[Record]]] = ()
    ended: Sequence[Record] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved(Portion):
    """Nothing to be planned yet: what the program costs is counted before it is started, whatever becomes of it."""

    spent: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A program of the user's that sums up, and how many times a day it may be started."""

    command: Command
    per_day: int
    home: Home
    grace: float

    @classmethod
    def of(cls, settings: Settings, home: Home) -> Asked | None:
        """None: none is set."""
        night = settings.consolidation
        if not night.summarize_command:
            return None
        command = Command("summarize", night.summarize_command, night.summarize_timeout)
        return cls(command, night.summarize_per_day, home, GRACE * night.yield_within)


@dataclass(slots=True)
class _Work:
    """What there is to do in some scopes, found step by step; `position`: of the sequence of writes when that began."""

    store: NightStore
    since: int
    position: int
    changed: int
    scopes: Sequence[str]
    web: Web
    read_to: tuple[int, int] = (0, 0)
    clusters: list[tuple[int, ...]] | None = None
    left: deque[tuple[tuple[int, ...], tuple[Record, ...]]] | None = None
    ended: list[Record] = field(default_factory=list)
    broken: bool = False
    reserved: bool = False
    troubles: list[str] = field(default_factory=list)
    by_program: int = 0


class Summarize:
    """Looks at all clusters of each scope in which something has changed, and writes what is new."""

    name = "summarize"
    shares = True
    cursor = "summarize"

    def __init__(self, asked: Asked | None = None) -> None:
        self._work: _Work | None = None
        self._asked = asked
        self.portion_size = 20 if asked is None else 1

    def waiting(self, store: NightStore, now: int) -> int:  # noqa: ARG002 -- every pass is asked the same
        return store.count_changed_since(store.cursor(self.cursor))

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Portion:
        """A step on the way to the clusters, then `limit` of them at a time."""
        work = self._work
        if work is None or work.broken or work.store is not store or work.since != store.cursor(self.cursor):
            work = self._work = self._begin(store, taken_back=taken_back)
        if work is None:
            return Clustered([], examined=0, last=True)
        if work.clusters is None:
            links = store.related_within(work.scopes, work.read_to, _LINKS_AT_ONCE)
            return _Step(work, links).preparation
        if work.left is None:
            self._settle(work, taken_back=taken_back)
        return self._reservation(work, now) or self._portion(work, limit)

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Batch:
        if isinstance(portion, Preparation):
            portion.step(yield_point)
            return Batch()
        if isinstance(portion, Reserved):
            return Batch(notes={_SPENT: portion.spent})
        work = self._work
        if not isinstance(portion, Clustered) or work is None:
            return Batch()
        work.broken = True
        additions = list(self._additions(work, portion, yield_point)) if portion.clusters else []
        changes = [_end(gist, now) for gist in portion.ended]
        work.broken = work.reserved = False
        outside = None
        if portion.last:
            self._work = None
            outside = Outside(said=self._said(work)) if self._said(work) else None
        return Batch(
            changes, additions=additions, cursor=self.cursor, position=portion.position, outside=outside
        )

    def _reservation(self, work: _Work, now: int) -> Reserved | None:
        """One start of the program more, where there is something to sum up and the day allows it."""
        if self._asked is None or work.reserved or not work.left:
            return None
        today = now // _DAY
        day, _, number = work.store.notes(self.name).get(_SPENT, f"{today} 0").partition(" ")
        # A note of a later day was written before the clock was set back: that day is not over.
        spent = int(number) if int(day) >= today else 0
        if spent >= self._asked.per_day:
            work.troubles.append(f"the program has been started {spent} times today")
            return None
        work.reserved = True
        return Reserved([], examined=0, last=False, spent=f"{max(int(day), today)} {spent + 1}")

    def _additions(self, work: _Work, portion: Clustered, yield_point: YieldPoint) -> Iterator[Addition]:
        # What is known of words takes 2 MB, and the daemon imports every pass.
        from iai_daemon.consolidation.likeness.gist import gist  # noqa: PLC0415

        for members, replaced in portion.clusters:
            yield_point()
            content = None
            if self._asked is not None and work.reserved:
                content = self._ask(self._asked, work, members, yield_point)
            content = content or gist(members, yield_point)
            if content is not None:
                yield _addition(members, replaced, content)

    def _ask(
        self, asked: Asked, work: _Work, members: Sequence[Record], yield_point: YieldPoint
    ) -> str | None:
        # What starts processes the daemon need not hold.
        from iai_daemon.consolidation.outside import summed_up  # noqa: PLC0415

        said, trouble = summed_up(asked.command, asked.home, members, yield_point, asked.grace)
        if said is None:
            work.troubles.append(trouble)
        else:
            work.by_program += 1
        return said

    def _said(self, work: _Work) -> str:
        """What the program has done, for the report."""
        told = [f"{work.by_program} summed up by the program"] if work.by_program else []
        troubles = [f"in its own sentences, because {each}" for each in dict.fromkeys(work.troubles)]
        return "; ".join([*told, *troubles])

    def _begin(self, store: NightStore, *, taken_back: bool) -> _Work | None:
        since = store.cursor(self.cursor)
        scopes = set(store.scopes_changed_since(0 if taken_back else since))
        scopes |= {gist.scope for gist in store.outdated(self.name)}
        position = store.newest_change()
        if not scopes and position <= since:
            return None
        # numpy takes 0.15 s and 25 MB to load: only a night that has something to sum up pays for it.
        from iai_daemon.consolidation.likeness.clusters import Web  # noqa: PLC0415

        changed = store.count_changed_since(since)
        return _Work(store, since, position, changed, sorted(scopes), Web())

    def _settle(self, work: _Work, *, taken_back: bool) -> None:
        """Which clusters have no gist of exactly these sources, which gist stands nearest to each, and which are over."""
        gists = {gist.id: gist for gist in work.store.made_by(self.name) if gist.scope in set(work.scopes)}
        sources = work.store.made_from(list(gists))
        known = {frozenset(members): gist for gist, members in sources.items()}
        standing = {known[frozenset(each)] for each in work.clusters or () if frozenset(each) in known}
        of_member: dict[int, list[int]] = {}
        for gist in gists.keys() - standing:
            for member in sources.get(gist, ()):
                of_member.setdefault(member, []).append(gist)
        left: deque[tuple[tuple[int, ...], tuple[Record, ...]]] = deque()
        free = gists.keys() - standing
        for cluster in work.clusters or ():
            if frozenset(cluster) not in known:
                shared = [gist for member in cluster for gist in of_member.get(member, ()) if gist in free]
                nearest = sorted({each for each in shared if 2 * shared.count(each) >= len(cluster)})
                free -= set(nearest)
                left.append((cluster, tuple(gists[each] for each in nearest)))
        kept = set() if taken_back else {record.id for record in work.store.taken_back(self.name, 1 << 31)}
        work.left = left
        work.ended = [gists[each] for each in sorted(free - kept)]

    def _portion(self, work: _Work, limit: int) -> Clustered:
        left = work.left if work.left is not None else deque()
        taken = [left.popleft() for _ in range(min(limit, len(left)))]
        ended, work.ended = work.ended[:limit], work.ended[limit:]
        ids = sorted({member for cluster, _ in taken for member in cluster})
        standing = work.store.standing(ids, pass_name=self.name, taken_back=True) if ids else {}
        clusters = [
            ([standing[each] for each in cluster], replaced)
            for cluster, replaced in taken
            if all(each in standing and standing[each].id == each for each in cluster)
        ]
        last = not left and not work.ended
        return Clustered(
            [record for members, _ in clusters for record in members],
            examined=max(1, work.changed) if last else 0,
            last=last,
            position=work.position if last else None,
            clusters=clusters,
            ended=ended,
        )


class _Step:
    """The next links of a work that is looked for, or the clusters once all have been read."""

    def __init__(self, work: _Work, links: Sequence[tuple[int, int, float]]) -> None:
        self._work = work
        self._links = links
        self.preparation = Preparation((), examined=0, last=False, step=self._take)

    def _take(self, yield_point: YieldPoint) -> None:
        work = self._work
        work.broken = True
        if self._links:
            work.web.read(list(self._links))
            work.read_to = self._links[-1][:2]
        else:
            work.clusters = list(work.web.clusters(yield_point))
        yield_point()
        work.broken = False


def _addition(members: Sequence[Record], replaced: Sequence[Record], content: str) -> Addition:
    """As old as the newest of its sources, so that the same ones always give the same gist."""
    ids = sorted(record.id for record in members)
    newest = max(members, key=lambda each: (each.created_at, each.id))
    return Addition(
        change_id(Summarize.name, GIST, ids[0], *ids[1:]),
        GIST,
        Draft(content, kind=GIST, scope=newest.scope, created_at=newest.created_at / 1000),
        f"sums up {len(ids)} memories that belong together: {', '.join(map(str, ids))}",
        {record.id: record.revision for record in members},
        ids,
        _revisions(replaced),
    )


def _end(gist: Record, now: int) -> Change:
    return Change(
        change_id(Summarize.name, ENDED, gist.id, gist.revision),
        ENDED,
        gist.id,
        gist.revision,
        "what it sums up does not belong together any more, or is not current",
        {"archived_at": now},
        {},
    )


def _revisions(records: Sequence[Record]) -> Mapping[int, int]:
    return {record.id: record.revision for record in records}
