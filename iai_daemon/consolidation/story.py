"""The whole story of one memory: who told it, what nights did to it and why, what it replaced, and what waits for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from iai_daemon.consolidation.journal import content_of, describe_entry, describe_held, first_words, stamp
from iai_daemon.memory.nights import JournalEntry
from iai_daemon.memory.record import Record
from iai_daemon.memory.stores import Stores

# What a chapter is about. `told` and `forgotten` by a user; `changed` and `added` by a night; `replaced_by`: another has
# its place; `replaces`: it has another's place; `waits`: a night has planned it.
TOLD, FORGOTTEN, CHANGED, ADDED, REPLACED_BY, REPLACES, WAITS = (
    "told",
    "forgotten",
    "changed",
    "added",
    "replaced_by",
    "replaces",
    "waits",
)


def tell(stores: Stores, record: Record) -> list[dict[str, Any]]:
    """The chapters as `--json` shows them, in the order of time; what waits comes last.

    Each has `what`, `at`, and `others[]{id, content}`: the memories on the other side, with their first words (without
    content: gone since). Those by a night have the fields of a change as well.
    """
    nights = stores.nights
    entries, successions = nights.journal(record=record.id), nights.successions(record.id)
    chapters: list[dict[str, Any]] = [
        *_told(record, entries),
        *(_of_entry(stores, each) for each in entries),
        *(_of_succession(each) for each in successions),
        *_by_users(stores, record, [*entries, *successions]),
    ]
    if record.forgotten_at is not None:
        chapters.append(_chapter(FORGOTTEN, record.forgotten_at))
    chapters.sort(key=lambda each: str(each["at"]))
    for row in nights.held(record=record.id):
        held = describe_held(row, record)
        chapters.append({**held, "what": WAITS, "others": _others(stores, held["changed"])})
    return chapters


def _told(record: Record, entries: Sequence[JournalEntry]) -> Iterator[dict[str, Any]]:
    if not any(entry.before is None for entry in entries):
        by = {"source": record.source, "session": record.session}
        yield {**_chapter(TOLD, record.created_at), **by}


def _of_entry(stores: Stores, entry: JournalEntry) -> dict[str, Any]:
    told = describe_entry(entry)
    others = _others(stores, told["changed"])
    what = ADDED if entry.before is None else REPLACED_BY if others else CHANGED
    return {**told, "what": what, "others": others}


def _of_succession(entry: JournalEntry) -> dict[str, Any]:
    other = {"id": entry.record, "content": first_words(str(entry.after["content"]))}
    return {**describe_entry(entry), "what": REPLACES, "others": [other]}


def _by_users(stores: Stores, record: Record, known: list[JournalEntry]) -> Iterator[dict[str, Any]]:
    """Who imports a memory anew under its old id replaces it at once; no journal tells of that, the records do."""
    explained = {(entry.record, _successor(entry.after)) for entry in known if entry.undone_at is None}
    successor = record.superseded_by or record.merged_into
    if successor is not None and (record.id, successor) not in explained:
        at = record.valid_to or record.valid_from
        yield {**_chapter(REPLACED_BY, at), "others": [_other(stores, successor)]}
    for other in stores.memory.replaced_by(record.id):
        if (other.id, record.id) not in explained:
            named = {"id": other.id, "content": first_words(other.content)}
            yield {**_chapter(REPLACES, other.valid_to or other.valid_from), "others": [named]}


def _successor(row: Mapping[str, object]) -> object:
    return row.get("superseded_by") or row.get("merged_into")


def _chapter(what: str, at: int) -> dict[str, Any]:
    return {"what": what, "at": stamp(at), "night": None, "others": []}


def _others(stores: Stores, changed: object) -> list[dict[str, Any]]:
    values = changed if isinstance(changed, Mapping) else {}
    ids = (values[name][1] for name in ("superseded_by", "merged_into") if name in values)
    return [_other(stores, number) for number in ids if isinstance(number, int)]


def _other(stores: Stores, number: int) -> dict[str, Any]:
    return {"id": number, "content": content_of(stores.memory, number)}
