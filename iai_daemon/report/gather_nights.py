"""The nights, and what each of them changed: all that a page can hold, and how much it leaves out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from iai_daemon.consolidation import diff
from iai_daemon.consolidation.journal import (
    describe_entry,
    describe_held,
    describe_link,
    first_words,
    record_of,
)
from iai_daemon.consolidation.report import of_row
from iai_daemon.memory.nights import NightRow, Why
from iai_daemon.memory.stores import Stores

# So many nights are listed, the newest so many with what they changed: at most so much of each, and of all together.
LISTED, DETAILED = 100, 30
CHANGES, CHANGES_IN_ALL, LINKS = 200, 1500, 50
# Characters of a memory, of a reason, and of the memory that took another's place.
WORDS, REASON, OTHER = 600, 400, 100
NOTHING: dict[str, Any] = {"listed": [], "left_out": 0}


def nights(stores: Stores, rows: Sequence[NightRow]) -> dict[str, Any]:
    """The newest of these nights, newest first. `detail` None: `iai-daemon nights show` tells. `left_out`: at least so many."""
    listed = list(reversed(rows))[:LISTED]
    room = CHANGES_IN_ALL
    told: list[dict[str, Any]] = []
    for place, row in enumerate(listed):
        detail = _detail(stores, row, min(CHANGES, room)) if place < DETAILED and room else None
        room -= len(detail["changes"]) if detail else 0
        told.append(
            {
                # Whatever an older version has left out is there, with nothing in it.
                **of_row(replace(row, report=None)),
                **of_row(row),
                "waiting": _waiting(stores, row),
                "undoable": _is_undoable(stores, row),
                "detail": detail,
            }
        )
    return {"listed": told, "left_out": len(rows) - len(listed)}


def checks(rows: Sequence[NightRow]) -> list[dict[str, Any]]:
    """What the search self-check found in each night that asked for anything, oldest first."""
    found = []
    for row in rows[-LISTED:]:
        checked = (row.report or {}).get("self_check")
        if isinstance(checked, Mapping) and checked.get("asked"):
            report = of_row(row)
            found.append({"night": row.id, "kind": row.kind, "at": report["started_at"], **checked})
    return found


def _waiting(stores: Stores, row: NightRow) -> dict[str, int]:
    if not any((row.report or {}).get(name) for name in ("proposed", "held_back")):
        return {}
    found = dict.fromkeys((why.value for why in Why), 0)
    for (_, why), number in stores.nights.count_held(row.id).items():
        found[why.value] += number
    return found


def _is_undoable(stores: Stores, row: NightRow) -> bool:
    """Whether there is anything that an undo would put back, or let wait no longer."""
    if row.undone_at is not None or row.ended_at is None:
        return False
    nights = stores.nights
    return bool(nights.effects(row.id) or nights.linked(row.id) or nights.count_held(row.id))


def _detail(stores: Stores, row: NightRow, most: int) -> dict[str, Any]:
    """What it changed and what waits, memory by memory, and how much of each is left out."""
    made = sum(stores.nights.effects(row.id).values())
    entries = (
        [describe_entry(each) for each in stores.nights.journal(night=row.id, limit=most)] if made else []
    )
    waiting = sum(stores.nights.count_held(row.id).values())
    room = most - len(entries)
    held = stores.nights.held(night=row.id, limit=room) if waiting and room else []
    planned = [describe_held(each, record_of(stores.memory, each)) for each in held]
    linked = sum(stores.nights.linked(row.id).values())
    links = stores.nights.links_of_night(row.id, LINKS) if linked else []
    return {
        "changes": _memories(stores, entries),
        "changes_left_out": made - len(entries),
        "held": _memories(stores, planned),
        "held_left_out": waiting - len(planned),
        "links": [_link(describe_link(each)) for each in links],
        "links_left_out": linked - len(links),
    }


def _memories(stores: Stores, changes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Memory by memory, in the words of `nights show --diff`, bounded."""
    asked = {record for change in changes for record in diff.others(change["changed"])}
    words = stores.growth.contents(sorted(asked), 4 * OTHER) if asked else {}

    def content_of(record: int) -> str | None:
        return first_words(words[record], OTHER) if record in words else None

    return [_memory(group, content_of) for group in diff.by_memory(changes)]


def _memory(changes: Sequence[Mapping[str, Any]], content_of: diff.ContentOf) -> dict[str, Any]:
    first = changes[0]
    content = str(first["content"] or "")
    return {
        "record": first["record"],
        "added": first["added"],
        "content": bounded(content, WORDS),
        "changes": [_change(each, content_of) for each in changes],
    }


def _change(change: Mapping[str, Any], content_of: diff.ContentOf) -> dict[str, Any]:
    shown = [] if change["added"] else diff.fields(change["changed"], content_of)
    return {
        "said": bounded(diff.say_change(change), REASON),
        "effect": change["effect"],
        "at": change["at"],
        "undone_at": change.get("undone_at"),
        "why": change.get("why"),
        "fields": [
            {
                "name": each.name,
                "before": each.before,
                "after": bounded(each.after, REASON),
                "other": each.other,
            }
            for each in islice(shown, 12)
        ],
    }


def _link(link: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "one": link["one"],
        "other": link["other"],
        "pass": link["pass"],
        "contents": link["contents"],
        "reason": bounded(str(link["reason"]), REASON),
        "undone_at": link["undone_at"],
    }


def bounded(text: str, most: int) -> str:
    """The beginning of what somebody wrote."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
