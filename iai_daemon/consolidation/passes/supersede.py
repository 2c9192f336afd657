"""The pass `supersede`: of facts with the same subject, attribute and scope the newest holds, unless an older one is trusted
more; the others end where their successor begins, also when they are told late. So does what a newer record ends in words,
with its evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from operator import attrgetter

from iai_daemon.consolidation.effects import SUPERSEDED
from iai_daemon.consolidation.plan import Portion, YieldPoint, change_id
from iai_daemon.memory.nights import Batch, Change, NightStore, Sharing
from iai_daemon.memory.record import Record
from iai_daemon.memory.store import Contradiction
from iai_daemon.memory.trust import may_end

# A record is compared with so many others at most that share rare words with it, or many of them.
_COMPARED, _COMPARED_MUCH = 20, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Told(Portion):
    """Beside the records that share keys (`records`), those that users told since. `near`: for each of them those that share
    rare words with it; `settled`: the ids of those that stay as they are; `known`: what they are known to contradict;
    `followed`: which fact that is over came right after a current one."""

    told: Sequence[Record] = ()
    near: Mapping[int, Sequence[Record]] = field(default_factory=dict)
    settled: frozenset[int] = frozenset()
    known: Sequence[Contradiction] = ()
    followed: Mapping[int, Record] = field(default_factory=dict)


class Supersede:
    """Facts with keys are compared by their keys alone, all others by their words."""

    name = "supersede"
    shares = True
    cursor = "supersede"
    portion_size = 100

    def __init__(self) -> None:
        # How far the records that have been read were written, and the age of the newest that was written until then.
        self._read_to = -1
        self._newest = (0, 0)

    def waiting(self, store: NightStore, now: int) -> int:  # noqa: ARG002 -- every pass is asked the same
        return store.count_changed_since(store.cursor(self.cursor))

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Portion:
        """What users wrote since the cursor, then what they took back; and everything current under the same keys, or that
        shares rare words.

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
        rivals = store.same_key(list(keys), now, most, pass_name=self.name, taken_back=taken_back)
        followed = store.followed([record.id for record in rivals])
        if len(rivals) == most:
            return Told(rivals, examined=0, last=False, followed=followed)
        told = [record for record in changed if _may_end_others(record)]
        near = self._near(store, told)
        ids = sorted({*near, *(other.id for others in near.values() for other in others)})
        return Told(
            rivals,
            examined=len(changed),
            last=not changed or (len(changed) < limit and not taken_back),
            position=position,
            lifted=lifted,
            told=told,
            near=near,
            settled=store.settled(ids, pass_name=self.name, taken_back=taken_back) if ids else frozenset(),
            known=store.contradicted_by(ids) if ids else (),
            followed=followed,
        )

    def _near(self, store: NightStore, told: Sequence[Record]) -> dict[int, Sequence[Record]]:
        """For each record those that share rare words with it. One that tells of no change, and is newer than all that was
        written before it, ends only what shares many."""
        if not told:
            return {}
        # What is known of words takes 2 MB, and the daemon imports every pass.
        from iai_daemon.memory.contradictions import tells_of_change  # noqa: PLC0415

        asked = []
        for record in sorted(told, key=lambda each: each.change):
            self._look_on(store, record.change - 1)
            much = record.age > self._newest and not tells_of_change(record)
            asked.append(Sharing(record, _COMPARED_MUCH if much else _COMPARED, much=much))
            self._read_to, self._newest = record.change, max(self._newest, record.age)
        return dict(store.sharing_each(asked))

    def _look_on(self, store: NightStore, position: int) -> None:
        """What was written from where the last look ended, so that no look walks through all there is."""
        if position < self._read_to:
            self._read_to, self._newest = -1, (0, 0)
        if position > self._read_to:
            self._newest = max(self._newest, store.newest_age(self._read_to, position))
        self._read_to = position

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Batch:
        followed = portion.followed if isinstance(portion, Told) else {}
        changes = [
            _change(older, _earlier(older, newer, followed.get(older.id)))
            for fact in _facts(portion.records)
            for older, newer in _successions(sorted(fact, key=attrgetter("age")))
        ]
        said: list[Contradiction] = [each for fact in _facts(portion.records) for each in _disputes(fact)]
        if isinstance(portion, Told) and portion.told:
            # What is known of words takes 2 MB, and the daemon imports every pass.
            from iai_daemon.memory.contradictions import contradictions  # noqa: PLC0415

            for record in portion.told:
                said += contradictions(record, portion.near[record.id], yield_point)
            changes += _by_words(portion, said, {change.record for change in changes}, now)
        return Batch(
            changes,
            cursor=self.cursor,
            position=portion.position,
            lifted=portion.lifted,
            contradictions=said,
        )


def _may_end_others(record: Record) -> bool:
    """Also what has been superseded itself meanwhile: it ended others while it was current."""
    gone = (record.merged_into, record.expired_at, record.archived_at, record.forgotten_at)
    return record.made_by is None and all(each is None for each in gone)


def _by_words(portion: Told, said: Sequence[Contradiction], ended: set[int], now: int) -> Iterator[Change]:
    """The changes that follow from what is certain, the oldest record first; each ends where the first that ends it begins. What
    is not certain ends nothing: search puts the newer one first, and that is all.

    What is in `ended`, or is only kept until now, ends anyway.
    """
    records = {record.id: record for record in portion.told}
    for others in portion.near.values():
        records |= {other.id: other for other in others}
    ends: dict[int, list[Contradiction]] = {}
    for each in (*portion.known, *said):
        if not each.certain or each.outranked or each.older not in records or each.newer not in records:
            continue
        older = records[each.older]
        stays = older.id in portion.settled or older.id in ended
        over = older.expires_at is not None and older.expires_at <= now
        if not stays and not over and _lasts(records[each.newer], older):
            ends.setdefault(each.older, []).append(each)
    for record, by in sorted(ends.items(), key=lambda each: records[each[0]].age):
        first = min(by, key=lambda each: records[each.newer].age)
        yield _change(records[record], records[first.newer], first)


def _lasts(newer: Record, older: Record) -> bool:
    """What holds only for a while does not end what holds longer."""
    if newer.expires_at is None:
        return True
    return older.expires_at is not None and older.expires_at <= newer.expires_at


def _facts(records: Sequence[Record]) -> Iterator[list[Record]]:
    """The current records of one key at a time."""
    facts = (record for record in records if record.key is not None and record.made_by is None)
    keyed = sorted((record for record in facts if record.current), key=_key)
    for _, group in groupby(keyed, key=_key):
        yield list(group)


def _successions(fact: Sequence[Record]) -> list[tuple[Record, Record]]:
    """Of the records of one key, oldest first, each that ends and the one that ends it: the next that is trusted as much. In the
    same order: what rests on another is accepted before that one ends."""
    ends: list[tuple[Record, Record]] = []
    later: list[Record] = []
    for record in reversed(fact):
        while later and not may_end(later[-1], record):
            later.pop()
        if later:
            ends.append((record, later[-1]))
        later.append(record)
    return ends[::-1]


def _earlier(older: Record, newer: Record, between: Record | None) -> Record:
    """Which of the two that came after a record ended it: what is over by now (`between`) did where it began before."""
    return (
        newer
        if between is None or not may_end(between, older)
        else min(newer, between, key=attrgetter("age"))
    )


def _disputes(fact: Sequence[Record]) -> Iterator[Contradiction]:
    """What holds of one key beside something newer that is trusted less, and that."""
    ordered = sorted(fact, key=attrgetter("age"))
    ended = {older.id for older, _ in _successions(ordered)}
    for older, newer in pairwise(each for each in ordered if each.id not in ended):
        said = f"is newer, about the same ({newer.subject}, {newer.attribute})"
        yield Contradiction(older.id, newer.id, "same key", said, certain=False, outranked=True)


def _key(record: Record) -> tuple[str, str, str]:
    return record.key or ("", "", "")


def _change(older: Record, newer: Record, said: Contradiction | None = None) -> Change:
    """By their keys, or by what is `said`."""
    because = (
        f"replaced by {newer.id}, a newer fact about ({newer.subject}, {newer.attribute}) in {newer.scope}"
        if said is None
        else f"corrected by {newer.id} ({said.rule}): it {said.words}"
    )
    return Change(
        change_id("supersede", SUPERSEDED, older.id, newer.id, newer.valid_from),
        SUPERSEDED,
        older.id,
        older.revision,
        because,
        {"valid_to": newer.valid_from, "superseded_by": newer.id},
        {newer.id: newer.revision},
        inferred=said is not None,
    )
