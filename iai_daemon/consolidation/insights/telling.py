"""What becomes of what was found: told for the first time, told anew because it has changed, or taken to its end. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from iai_daemon.consolidation.effects import LEARNT
from iai_daemon.consolidation.insights.findings import KEPT, Tested
from iai_daemon.consolidation.plan import change_id
from iai_daemon.memory.nights import Addition, Change
from iai_daemon.memory.record import Draft, Record

PASS, KIND, ENDED = "trajectories", "insight", "ended"
# So many are told at most, the surest ones.
MOST = 200
# What was told is told anew when a rate has moved by this, or the support has grown to this many times what it was.
MOVED, GROWN = 0.1, 2.0

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """What was said last about one thing, whether or not a user has taken it back since; `over`: that it is so no more."""

    more: bool
    over: bool
    support: int
    rate: float
    other: float | None

    def still_says(self, found: Tested) -> bool:
        """Whether what was said is, within rounding, what would be said now."""
        moved = (
            abs(found.rate - self.rate) >= MOVED or abs((found.other or 0.0) - (self.other or 0.0)) >= MOVED
        )
        grown = not self.support / GROWN < found.support < self.support * GROWN
        return found.more is self.more and not self.over and not moved and not grown


@dataclass(frozen=True, slots=True)
class Telling:
    """What is added and what ends, and what has been told after that."""

    additions: Sequence[Addition]
    changes: Sequence[Change]
    told: Mapping[Key, Told]


def tell(
    found: Iterable[Tested],
    told: Mapping[Key, Told],
    current: Mapping[Key, Record],
    now: int,
) -> Telling:
    """`found`: all that was looked at, the surest first; `told`: what was told before; `current`: the records that say so."""
    looked_at = {each.key: each for each in found}
    worth = dict(list({key: each for key, each in looked_at.items() if each.told}.items())[:MOST])
    additions, changes, now_told = [], [], {}
    for key, each in worth.items():
        before = told.get(key)
        if before is not None and before.still_says(each):
            now_told[key] = before
            continue
        now_told[key] = Told(each.more, over=False, support=each.support, rate=each.rate, other=each.other)
        additions.append(_addition(each, each.sentence, current.get(key), "more than chance"))
    for key, before in told.items():
        if key in worth:
            continue
        each_now, record = looked_at.get(key), current.get(key)
        if each_now is None:
            changes += [_ended(record, now)] if record else []
        elif before.over or (each_now.p <= KEPT and each_now.more is before.more):
            now_told[key] = before
        elif record is not None:
            now_told[key] = Told(
                each_now.more, over=True, support=each_now.support, rate=each_now.rate, other=each_now.other
            )
            additions.append(_addition(each_now, each_now.over, record, "no more than chance any longer"))
    return Telling(additions, changes, now_told)


def _addition(found: Tested, content: str, before: Record | None, why: str) -> Addition:
    draft = Draft(
        content,
        kind=KIND,
        subject=found.subject,
        attribute=found.attribute,
        tags=(KIND, f"support:{found.support}", f"confidence:{_confidence(found)}"),
        source=PASS,
    )
    reason = f"read from {found.support} recorded outcomes: {why}"
    replaces = {} if before is None else {before.id: before.revision}
    return Addition(
        change_id(PASS, LEARNT, 0, found.subject, found.attribute, content),
        LEARNT,
        draft,
        reason,
        replaces,
        (),
        replaces,
    )


def _confidence(found: Tested) -> str:
    """How sure it is after all that was looked at, in steps that do not change with every call."""
    return next((str(1 - step) for step in (0.001, 0.01, 0.05) if found.q <= step), "less than 0.95")


def _ended(record: Record, now: int) -> Change:
    return Change(
        change_id(PASS, ENDED, record.id, record.revision),
        ENDED,
        record.id,
        record.revision,
        "too few recorded outcomes tell of it now",
        {"valid_to": max(now, record.valid_from)},
        {},
    )


def to_note(told: Mapping[Key, Told]) -> str:
    """For the notes of the pass."""
    return json.dumps(
        [
            [*key, each.more, each.over, each.support, each.rate, each.other]
            for key, each in sorted(told.items())
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    )


def from_note(text: str) -> dict[Key, Told]:
    return {
        (subject, attribute): Told(more, over, support, rate, other)
        for subject, attribute, more, over, support, rate, other in json.loads(text)
    }
