"""A night afterwards: what it changed, in words, and how it is taken back. Used by `nights show` and `nights undo`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from iai_daemon.consolidation import lock
from iai_daemon.errors import NightRefused
from iai_daemon.memory.nights import JournalEntry, NightStore, Undone
from iai_daemon.units import format_stamp

# What tells the store's own bookkeeping about a row, not a person about a memory.
_BOOKKEEPING = frozenset({"revision", "change"})


def undo_night(store: NightStore, lock_path: Path, night: int, now: int, *, force: bool = False) -> Undone:
    """Put every record back to what it was before this night; `now` in milliseconds since the epoch.

    The consolidation lock is held meanwhile. Raises NoSuchNight, NightBusy while a night runs, and NightRefused when it is
    undone already, or when records have changed since and `force` is not given.
    """
    with lock.held(
        lock_path, f"process {os.getpid()}, undo of night {night}, since {format_stamp(now / 1000)}"
    ):
        undone_at = store.night(night).undone_at
        if undone_at is not None:
            when = format_stamp(undone_at / 1000)
            raise NightRefused(problem=f"Night {night} was undone already, at {when}.")
        undone = store.undo(night, now, force=force)
    if undone.changed_since and not force:
        raise NightRefused(
            problem=f"Nothing was put back: {_names(undone.changed_since)} changed after night {night}. "
            f"`iai-daemon nights undo {night} --force` puts them back all the same."
        )
    return undone


def say_undone(night: int, undone: Undone) -> str:
    """`Night 3 is undone: 12 memories are as they were before it.`"""
    memories = (
        "1 memory is as it was" if undone.restored == 1 else f"{undone.restored} memories are as they were"
    )
    said = f"Night {night} is undone: {memories} before it"
    if undone.changed_since:
        said += f", also {_names(undone.changed_since)} that changed later"
    if undone.gone:
        said += f"; {_names(undone.gone)} no longer exist"
    return said + ". Nights leave them as they are; `iai-daemon consolidate` does it again."


def describe_entry(entry: JournalEntry) -> dict[str, object]:
    """One change as `--json` shows it."""
    return {
        "night": entry.night,
        "round": entry.round,
        "pass": entry.pass_name,
        "change_id": entry.change_id,
        "effect": entry.effect,
        "record": entry.record,
        "reason": entry.reason,
        "at": format_stamp(entry.at / 1000),
        "undone_at": None if entry.undone_at is None else format_stamp(entry.undone_at / 1000),
        "changed": {name: list(values) for name, values in changed_fields(entry).items()},
    }


def changed_fields(entry: JournalEntry) -> Mapping[str, tuple[object, object]]:
    """What is different, by name: the value before and after."""
    before = entry.before or {}
    return {
        name: (before.get(name), value)
        for name, value in entry.after.items()
        if name not in _BOOKKEEPING and before.get(name) != value
    }


def say_entry(entry: JournalEntry) -> str:
    """`17 superseded: replaced by 20, a newer fact about … [The API listens on port 80.]`"""
    content = " ".join(str(entry.after.get("content", "")).split())
    short = content if len(content) <= 60 else content[:59] + "…"
    taken_back = " (taken back)" if entry.undone_at is not None else ""
    return f"{entry.record} {entry.effect}{taken_back}: {entry.reason} [{short}]"


def _names(records: Sequence[int]) -> str:
    """The first few, and how many more."""
    few = ", ".join(str(record) for record in records[:10])
    more = f" and {len(records) - 10} more" if len(records) > 10 else ""
    return f"the memories {few}{more}" if len(records) > 1 else f"the memory {few}"
