"""A night afterwards: how it is taken back, how what it proposed is carried out, and each change as `--json` shows it.

Used by `nights` and `memory show`; the worker describes a dry run with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby, islice
from typing import Any

from iai_daemon.consolidation import lock
from iai_daemon.consolidation.notes import renew_note
from iai_daemon.consolidation.plan import planned_again
from iai_daemon.consolidation.report import counters
from iai_daemon.errors import ChangedSince, NightRefused, NoSuchRecord
from iai_daemon.memory.nights import Change, HeldRow, JournalEntry, NightRow, NightStore, Undone, Why
from iai_daemon.memory.record import Record, as_stamp
from iai_daemon.memory.store import MemoryStore
from iai_daemon.paths import Home
from iai_daemon.progress import Tell, unheard

# What tells the store's own bookkeeping about a row, not a person about a memory.
_BOOKKEEPING = frozenset({"revision", "change"})
_STAMPS = frozenset(
    {"created_at", "expires_at", "valid_from", "valid_to", "expired_at", "archived_at", "forgotten_at"}
)
_ACCEPTED_AT_A_TIME = 100


@dataclass(frozen=True, slots=True)
class Accepted:
    """How many proposals were carried out, and which were not, because what they rest on has moved on."""

    applied: int
    left_out: Sequence[HeldRow]


def undo_night(
    store: NightStore, home: Home, night: int, now: int, *, force: bool = False, tell: Tell = unheard
) -> Undone:
    """Put every record back to what it was before this night; `now` in milliseconds since the epoch.

    What it proposed waits no longer, and the morning note in that home says so. The consolidation lock is held meanwhile.
    Raises NoSuchNight, NightBusy while a night runs, NightRefused when it is undone already, and ChangedSince when records
    have changed since and `force` is not given.
    """
    with lock.held_everywhere(home.consolidation_lock, _who("undo", night, now), store):
        undone_at = store.night(night).undone_at
        if undone_at is not None:
            raise NightRefused(problem=f"Night {night} was undone already, at {stamp(undone_at)}.")
        undone = store.undo(night, now, force=force, tell=tell)
    if undone.changed_since and not force:
        raise ChangedSince(
            problem=f"Nothing was put back: {name_records(undone.changed_since)} changed after night {night}. "
            f"`iai-daemon nights undo {night} --force` puts them back all the same.",
            records=undone.changed_since,
        )
    renew_note(home, store)
    return undone


def accept_night(store: NightStore, home: Home, night: int, now: int, tell: Tell = unheard) -> Accepted:
    """Carry out what this night proposed, as its own changes, so that an undo takes them back; `now` in milliseconds.

    The consolidation lock is held meanwhile. `tell` hears of proposals, before each portion of them: what it raises leaves that one
    and the rest waiting, and what was carried out until then stands. Raises NoSuchNight, NightBusy, and NightRefused when nothing waits.
    """
    with lock.held_everywhere(home.consolidation_lock, _who("acceptance", night, now), store):
        row = store.night(night)
        proposed = store.held(night=night, why=Why.REVIEW)
        if not proposed:
            undone = "" if row.undone_at is None else f": it was undone at {stamp(row.undone_at)}"
            raise NightRefused(problem=f"Nothing that night {night} proposed waits{undone}.")
        applied, seen, left_out = 0, 0, list[HeldRow]()
        try:
            for (number, name), rows in _portions(proposed):
                tell("accepting", seen, len(proposed))
                batch = replace(planned_again(rows), insists=True)
                done = store.apply(night, number, name, batch, now)
                seen += len(rows)
                applied += done.changed
                left_out += [each for each in rows if each.planned.change_id in done.left_out]
        finally:
            _count_again(store, row, now)
            renew_note(home, store)
    return Accepted(applied, left_out)


def _who(what: str, night: int, now: int) -> str:
    return f"process {os.getpid()}, {what} of night {night}, since {stamp(now)}"


def _portions(proposed: Sequence[HeldRow]) -> Iterator[tuple[tuple[int, str], list[HeldRow]]]:
    """What goes into one transaction: of one pass in one round, a hundred at most."""
    for place, group in groupby(proposed, key=lambda each: (each.round, each.pass_name)):
        rows = iter(group)
        while portion := list(islice(rows, _ACCEPTED_AT_A_TIME)):
            yield place, portion


def _count_again(store: NightStore, row: NightRow, now: int) -> None:
    """The stored report says what its night has done by now. One without a report is closed by the next night."""
    if row.report is None or row.outcome is None or row.ended_at is None:
        return
    rounds = row.report.get("rounds")
    report = {
        **row.report,
        **asdict(counters(store, row.id)),
        "rounds": [
            {**each, **asdict(counters(store, row.id, each["round"]))}
            for each in (rounds if isinstance(rounds, list) else [])
        ],
        "accepted_at": stamp(now),
    }
    store.end_night(row.id, row.outcome, row.reason, report, row.ended_at)


# Each change as `--json` shows it.


def describe_entry(entry: JournalEntry) -> dict[str, object]:
    """One change that a night made; `added`: it made the record."""
    return {
        "night": entry.night,
        "round": entry.round,
        "pass": entry.pass_name,
        "change_id": entry.change_id,
        "effect": entry.effect,
        "record": entry.record,
        "added": entry.before is None,
        "content": entry.after.get("content"),
        "reason": entry.reason,
        "at": stamp(entry.at),
        "undone_at": None if entry.undone_at is None else stamp(entry.undone_at),
        "changed": {name: list(values) for name, values in changed_fields(entry).items()},
    }


def describe_link(row: Mapping[str, Any]) -> dict[str, object]:
    """One link that a night found between two memories; `row`: of NightStore.links_of_night."""
    names = ("night", "round", "pass", "change_id", "one", "other", "kind", "weight", "reason")
    return {
        **{name: row[name] for name in names},
        "contents": [first_words(row["one_content"]), first_words(row["other_content"])],
        "at": stamp(row["at"]),
        "undone_at": None if row["undone_at"] is None else stamp(row["undone_at"]),
    }


def record_of(memory: MemoryStore, row: HeldRow) -> Record | None:
    """The record that a planned change is about, as it is now; None where it would be added, or has gone."""
    try:
        return memory.get(row.planned.record) if isinstance(row.planned, Change) else None
    except NoSuchRecord:
        return None


def describe_held(row: HeldRow, record: Record | None) -> dict[str, object]:
    """One planned change that waits, and why; `record` is what it would change as that is now, None for one to be added."""
    planned = row.planned
    content = None if record is None else record.content
    changed = {}
    if isinstance(planned, Change):
        before = {} if record is None else {name: getattr(record, name) for name in planned.sets}
        changed = {name: _readable(name, before.get(name), after) for name, after in planned.sets.items()}
    else:
        content = planned.draft.content
    return {
        "night": row.night,
        "round": row.round,
        "pass": row.pass_name,
        "change_id": planned.change_id,
        "effect": planned.effect,
        "record": planned.record if isinstance(planned, Change) else None,
        "added": not isinstance(planned, Change),
        "content": content,
        "reason": planned.reason,
        "why": row.why.value,
        "at": stamp(row.at),
        "changed": {name: list(values) for name, values in changed.items()},
    }


def changed_fields(entry: JournalEntry) -> Mapping[str, tuple[object, object]]:
    """What is different, by name: the value before and after, stamps as text."""
    before = entry.before or {}
    return {
        name: _readable(name, before.get(name), value)
        for name, value in entry.after.items()
        if name not in _BOOKKEEPING and before.get(name) != value
    }


def _readable(name: str, before: object, after: object) -> tuple[object, object]:
    if name not in _STAMPS:
        return before, after
    return (
        stamp(before) if isinstance(before, int) else before,
        stamp(after) if isinstance(after, int) else after,
    )


def stamp(milliseconds: int) -> str:
    return as_stamp(milliseconds)


# In words.


def say_undone(night: int, undone: Undone, refused: int = 0) -> str:
    """`Night 3 is undone: 12 memories are as they were before it.` `refused`: how many proposals went with it."""
    memories = (
        "1 memory is as it was" if undone.restored == 1 else f"{undone.restored} memories are as they were"
    )
    said = f"Night {night} is undone: {memories} before it"
    if undone.changed_since:
        said += f", also {name_records(undone.changed_since)} that changed later"
    if undone.gone:
        said += f"; {name_records(undone.gone)} no longer {'exists' if len(undone.gone) == 1 else 'exist'}"
    if refused:
        said += f"; what it proposed ({refused}) waits no longer"
    return said + ". Nights leave them as they are; `iai-daemon consolidate` does it again."


def say_accepted(night: int, accepted: Accepted) -> str:
    """`Night 3: 12 proposals were carried out; …`"""
    proposals = "1 proposal was" if accepted.applied == 1 else f"{accepted.applied} proposals were"
    said = f"Night {night}: {proposals} carried out"
    records = sorted({row.planned.record for row in accepted.left_out if isinstance(row.planned, Change)})
    additions = len(accepted.left_out) - sum(isinstance(row.planned, Change) for row in accepted.left_out)
    if records:
        said += f"; {name_records(records)} changed meanwhile and {'is' if len(records) == 1 else 'are'} left as now"
    if additions:
        said += f"; {additions} to be added no longer fit what they were made from"
    return said + (f". `iai-daemon nights undo {night}` takes it back." if accepted.applied else ".")


def say_entry(entry: JournalEntry) -> str:
    """`17 superseded: replaced by 20, a newer fact about … [The API listens on port 80.]`"""
    taken_back = " (taken back)" if entry.undone_at is not None else ""
    content = first_words(str(entry.after.get("content", "")))
    return f"{entry.record} {entry.effect}{taken_back}: {entry.reason} [{content}]"


def say_link(link: Mapping[str, Any]) -> str:
    """`  3 and 7 linked (associate): both speak of postgres, backup [The backups … | Postgres …]`"""
    taken_back = f", taken back at {link['undone_at']}" if link["undone_at"] else ""
    contents = " | ".join(link["contents"])
    return f"  {link['one']} and {link['other']} linked ({link['pass']}{taken_back}): {link['reason']} [{contents}]"


def first_words(content: str, most: int = 60) -> str:
    """A memory on one line, at most so many characters of it."""
    line = " ".join(content.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def content_of(memory: MemoryStore, record: int) -> str | None:
    """The first words of a record; None: there is none, any more or yet."""
    try:
        return first_words(memory.get(record).content)
    except NoSuchRecord:
        return None


def name_records(records: Sequence[int]) -> str:
    """The first few, and how many more."""
    few = ", ".join(str(record) for record in records[:10])
    more = f" and {len(records) - 10} more" if len(records) > 10 else ""
    return f"the memories {few}{more}" if len(records) > 1 else f"the memory {few}"
