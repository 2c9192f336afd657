"""A pass for iai-daemon: a memory tagged `temporary` is over after 14 days, one tagged `for-3-days` after three."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from iai_daemon.passes import (
    Batch,
    Change,
    Home,
    NightStore,
    Portion,
    Record,
    Settings,
    YieldPoint,
    change_id,
)

DAY = 86_400_000
USUAL_DAYS = 14
_TAG = re.compile(r"for-([1-9][0-9]{0,3})-days?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Looked(Portion):
    """A portion, and when the temporary memories that are known so far are over, by id (milliseconds since the epoch)."""

    over: Mapping[int, int] = field(default_factory=dict)


class TemporaryNotes:
    """It works by the clock, so it has no cursor: it keeps in notes of its own up to where it has read (`position`), when
    which memory is over (`over`), and the state in which there was nothing to do (`input`)."""

    protocol = 1
    name = "temporary-notes"
    shares = True
    cursor = None
    portion_size = 500

    def __init__(self, settings: Settings, home: Home) -> None:
        """Nothing of either is needed here."""

    def input(self, store: NightStore, now: int) -> str:
        """Changes with what users write, and when the next memory is over."""
        notes = store.notes(self.name)
        due = any(at <= now for at in _over(notes).values())
        return "due" if due else str(store.newest_change())

    def waiting(self, store: NightStore, now: int) -> int:
        notes = store.notes(self.name)
        due = sum(at <= now for at in _over(notes).values())
        return due + store.count_changed_since(_position(notes))

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Portion:
        """What users have written since, then what is due; what somebody took back or forgot is not among it."""
        notes = store.notes(self.name)
        over, position = dict(_over(notes)), _position(notes)
        changed = store.changed_since(position, limit)
        if changed:
            over.update({each.id: at for each in changed if (at := is_over_at(each)) is not None})
            position = changed[-1].change
            return Looked((), len(changed), last=False, position=position, over=over)
        due = [number for number, at in sorted(over.items()) if at <= now][:limit]
        standing = store.standing(due, pass_name=self.name, taken_back=taken_back)
        records = [record for number, record in standing.items() if record.id == number]
        later = {number: at for number, at in over.items() if number not in due}
        return Looked(records, len(due), last=len(due) < limit, position=position, over=later)

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Batch:
        """Each memory that is due stops being current; nothing else is done to it."""
        yield_point()
        over = portion.over if isinstance(portion, Looked) else {}
        notes = {"position": str(portion.position), "over": json.dumps(over), "input": str(portion.position)}
        return Batch(changes=[self._end(each, now) for each in portion.records], notes=notes)

    def _end(self, record: Record, now: int) -> Change:
        at = is_over_at(record) or now
        days = (at - record.created_at) // DAY
        return Change(
            change_id(self.name, "expired", record.id, at),
            "expired",
            record.id,
            record.revision,
            f"was tagged to be kept for {days} {'day' if days == 1 else 'days'}",
            {"expired_at": now},
            {},
        )


def is_over_at(record: Record) -> int | None:
    """When its tags say that it is over (milliseconds since the epoch); None: they do not. The shortest time counts."""
    days = [int(found[1]) for tag in record.tags if (found := _TAG.fullmatch(tag))]
    if not days and "temporary" in record.tags:
        days = [USUAL_DAYS]
    # What a pass has made is no user's note, and no pass takes it for one.
    return record.created_at + min(days) * DAY if days and record.made_by is None else None


def _position(notes: Mapping[str, str]) -> int:
    return int(notes.get("position", "0"))


def _over(notes: Mapping[str, str]) -> dict[int, int]:
    return {int(number): at for number, at in json.loads(notes.get("over", "{}")).items()}
