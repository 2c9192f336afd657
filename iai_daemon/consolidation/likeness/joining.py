"""Which records join which: leader clusters. A record joins only a leader that says the same as it does itself, never one that
says the same as a third. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from iai_daemon.consolidation.effects import MERGED
from iai_daemon.consolidation.likeness.portions import CROWD, Compared
from iai_daemon.consolidation.likeness.verdict import Verdict, judged, plain, verdict
from iai_daemon.consolidation.plan import YieldPoint, change_id
from iai_daemon.memory.nights import Change
from iai_daemon.memory.record import Record
from iai_daemon.memory.trust import may_end, trust
from iai_daemon.wording.features import at_hand

_QUOTED = 80


def joins(portion: Compared, pass_name: str, yield_point: YieldPoint) -> Iterator[Change]:
    """From the record that says most to the one that says least: each joins the first leader that it may join, or leads."""
    beside: dict[int, set[int]] = {}
    records: dict[int, Record] = {}
    for record, other, said in judged(portion, yield_point):
        if said is Verdict.SAME:
            records |= {record.id: record, other.id: other}
            beside.setdefault(record.id, set()).add(other.id)
            beside.setdefault(other.id, set()).add(record.id)
    leaders: list[Record] = []
    for record in sorted(records.values(), key=_rank):
        joined = portion.joined.get(record.id, ())
        same = (leader for leader in leaders if leader.id in beside[record.id] and _may_join(record, leader))
        leader = next((each for each in same if _may_follow(joined, each, yield_point)), None)
        if leader is None:
            leaders.append(record)
        else:
            yield _join(pass_name, record, leader)


def _rank(record: Record) -> tuple[float, ...]:
    """The first is the one that says most; of those the one that is trusted most, that lasts longest, that is the oldest; of
    facts with a key the newest."""
    said = at_hand(record.content)
    heavy, light = len(said.heavy), len(said.light)
    age = (record.created_at, record.id) if record.key is None else (-record.valid_from, -record.id)
    return -heavy, -light, -trust(record), -_end(record), *age


def _may_join(record: Record, leader: Record) -> bool:
    """Only what is about the same, lasts at least as long and is trusted as much leads. Of facts with a key only a newer one:
    there may be another fact between the two, which would be the newest then."""
    in_order = record.key is None or record.age < leader.age
    same = _about(record) == _about(leader) and _end(record) <= _end(leader)
    return same and in_order and may_end(leader, record)


def _may_follow(joined: Sequence[Record], leader: Record, yield_point: YieldPoint) -> bool:
    """What has been joined itself takes the others along only where they say the same as the new leader, too."""
    if len(joined) >= CROWD:
        return False
    for each in joined:
        yield_point()
        if verdict(each.content, leader.content) is not Verdict.SAME:
            return False
    return True


def _about(record: Record) -> tuple[str | None, ...]:
    """What is kept as a fact and what is kept as a preference stay two memories; so do facts about two subjects."""
    return record.scope, record.kind, record.subject, record.attribute


def _end(record: Record) -> float:
    return math.inf if record.expires_at is None else record.expires_at


def _join(pass_name: str, record: Record, leader: Record) -> Change:
    how = "word for word"
    if plain(record.content) != plain(leader.content):
        text = plain(leader.content)
        how = f"in other words: {text if len(text) <= _QUOTED else text[:_QUOTED] + '…'}"
    return Change(
        change_id(pass_name, MERGED, record.id, leader.id),
        MERGED,
        record.id,
        record.revision,
        f"says the same as {leader.id} {how}",
        {"merged_into": leader.id, "valid_to": max(record.valid_from, leader.valid_from)},
        {leader.id: leader.revision},
        inferred=True,
    )
